"""posthouse.toml: what it says, and the one sentence for each way in which it can be wrong."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

import pytest

from posthouse import config
from posthouse.cli.setup import toml
from posthouse.config import Config, Endpoint
from posthouse.errors import ConfigError

GOOD = """\
hostname = "mail.example.org"
[listen]
smtp = ":25"
imap = ["127.0.0.1:143", "[::1]:143"]
[limits]
recipients = 7
"""


def load(folder: Path, text: str) -> Config:
    path = folder / "posthouse.toml"
    path.write_text(text, "utf-8")
    return config.load(path)


def test_what_is_said_and_what_is_not(tmp_path: Path) -> None:
    settings = load(tmp_path, GOOD)
    assert settings.listen.smtp == (Endpoint("0.0.0.0", 25),)
    assert [str(endpoint) for endpoint in settings.listen.imap] == ["127.0.0.1:143", "[::1]:143"]
    assert settings.listen.submission == ()
    assert settings.limits.recipients == 7
    assert settings.limits.message_size == 75 * 1024 * 1024
    assert settings.data == tmp_path / "data", "relative to the file, wherever the program runs"
    assert not settings.login.clear_text_on_loopback


def test_every_setting_has_a_meaning_and_is_printed_as_toml() -> None:
    lines = []
    for section, key, value, meaning in Config(hostname="mail.example.org").settings():
        assert meaning
        if section and f"[{section}]" not in lines:
            lines.append(f"[{section}]")
        if written := toml(value):
            lines.append(f"{key} = {written}")
    table = tomllib.loads("\n".join(lines))
    assert config.build(table, Path("posthouse.toml")).limits == config.Limits()


@pytest.mark.parametrize(
    ("text", "sentence", "advice"),
    [
        ('hostnam = "x"', "hostnam is no setting", "hostname"),
        ('hostname = "x"\n[listen]\nsmpt = ":25"', "[listen] smpt is no setting", "smtp"),
        ('hostname = "x"\n[zzz]', "zzz is no setting", "Known here: hostname"),
        ('hostname = "x"\nlimits = 3', "limits is a section", ""),
        ('hostname = "x"\n[limits]\nrecipients = "7"', "[limits] recipients wants a whole number", ""),
        ('hostname = "x"\n[limits]\nrecipients = true', "[limits] recipients wants a whole number", ""),
        ('hostname = "x"\n[limits]\nrecipients = 0', "must be at least 1", ""),
        ('hostname = "x"\n[login]\nclear_text_on_loopback = 1', "wants true or false", ""),
        ('hostname = "x"\ndata = 3', "data wants a text in quotes", ""),
        ('hostname = "x"\n[listen]\nsmtp = 25', "[listen] smtp wants a text in quotes", ""),
        ('hostname = "x"\n[listen]\nsmtp = "25"', '[listen] smtp: "25" is no address with a port', "host:port"),
        ('hostname = "x"\n[listen]\nsmtp = "::1:25"', "is no address with a port", "[::1]:25"),
        ('hostname = "x"\n[dns]\nservers = "ns.example.org:53"', "can't be asked", "127.0.0.1:53"),
        ('hostname = "x"\n[dns]\nservers = "127.0.0.1:0"', "can't be asked", "127.0.0.1:53"),
        ('hostname = "x"\n[listen]\nimaps = ":993"', "[tls] names no certificate", "posthouse init"),
        ('hostname = "x"\n[tls]\nclient_ca = "k"', "[tls] client_ca needs certificate and key", ""),
        ('hostname = "x"\n[listen]\nproxies = "10.0.0.0/33"', '"10.0.0.0/33" is no address and no network', "192.0.2"),
        ('hostname = "x"\n[login]\nnever_banned = ["home"]', '"home" is no address and no network', "192.0.2"),
        ('hostname = "x"\n[limits]\nfailed_login_delay = -1', "failed_login_delay must be at least 0", ""),
        ('hostname = "x"\n[oauth]\njwks = "https://x/"', "[oauth] jwks needs issuer and audience", "mailbox"),
        ('hostname = "x"\n[oauth]\nintrospection = "http://id.example/"', "no URL to send secrets to", "https://"),
        (
            'hostname = "x"\n[oauth]\njwks_file = "k"\nintrospection = "https://id.example/"',
            "has both introspection and jwks_file",
            "One of them",
        ),
        ('hostname = "x"\n[tls]\nkey = "k"', "[tls] needs both certificate and key", ""),
        ('[listen]\nsmtp = ":25"', "hostname is missing", "hostname ="),
        ('hostname = "a b"', "is no host name", ""),
        ("hostname = ", "is no valid TOML", ""),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, text: str, sentence: str, advice: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        load(tmp_path, text)
    assert sentence in str(wrong.value)
    assert str(tmp_path / "posthouse.toml") in str(wrong.value), "it says in which file"
    assert "\n" not in str(wrong.value)
    assert advice in wrong.value.advice


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as wrong:
        config.load(tmp_path / "posthouse.toml")
    assert "posthouse init" in wrong.value.advice


def test_an_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "posthouse.toml").mkdir()
    with pytest.raises(ConfigError, match="can't be read: Is a directory"):
        config.load(tmp_path / "posthouse.toml")
    (tmp_path / "latin.toml").write_bytes(b'hostname = "\xe9"')
    with pytest.raises(ConfigError, match="no UTF-8"):
        config.load(tmp_path / "latin.toml")


@pytest.mark.parametrize(
    ("text", "loopback"),
    [("127.0.0.1:1", True), ("[::1]:1", True), ("localhost:1", True), ("0.0.0.0:1", False), ("mail.x:1", False)],
)
def test_loopback(text: str, loopback: bool) -> None:
    assert Endpoint.parse(text).loopback is loopback
    assert Endpoint.parse(str(Endpoint.parse(text))) == Endpoint.parse(text)


def test_settings_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config(hostname="x").hostname = "y"  # type: ignore[misc]
