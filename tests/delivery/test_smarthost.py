"""Letters through a smarthost, by LMTP, and with tokens of OAuth 2: real servers, real TLS."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
import trustme

from live import Live, live
from mailboxes import eventually, store_of
from nameserver import name_server
from posthouse import config
from posthouse.client.url import Protocol, Server
from posthouse.delivery.credentials import ENVIRONMENT, Wallet
from posthouse.errors import ConfigError, LoginRefused
from posthouse.server.relaying import make_relay
from posthouse.store import queue
from posthouse.store.engine import Store
from posthouse.store.queue import Onward, To, Which
from posthouse.wire.oauth import Token
from posthouse.wire.sasl import Credentials
from store_helpers import Clock, keep, letter
from web_server import web_server

GMAIL = Server.parse("submissions://ada@gmail.com@smtp.gmail.com", Protocol.SMTP)


def hand_in(house: Live, sender: str, *addresses: str) -> None:
    store = store_of(house)
    to = [To(one, one.rpartition("@")[2]) for one in addresses]
    store.run(queue.add, keep(store, letter(sender=sender)), 10, Onward(b"", sender, to))


def replies(house: Live) -> list[str]:
    """What was last said of each recipient that waits."""
    return [str(row[-1]) for row in store_of(house).look(queue.list_some, Which())]


def test_everything_goes_to_the_smarthost_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        name_server("far.example SERVFAIL\nfarther.example SERVFAIL") as dns,
        live(tmp_path / "there", f'[dns]\nservers = "127.0.0.1:{dns.port}"', home="example.net") as there,
    ):
        monkeypatch.setenv("SSL_CERT_FILE", str(there.certificate))
        (tmp_path / "here").mkdir()
        credentials = tmp_path / "here" / "credentials.toml"
        credentials.write_text('["127.0.0.1"]\npassword = "wrong"\n')
        credentials.chmod(0o600)
        smarthost = f"submission://ada@example.net@127.0.0.1:{there.port('submission')}"
        more = f'[relay]\nsmarthost = "{smarthost}"\ncredentials = "credentials.toml"'
        with live(tmp_path / "here", more) as here:
            hand_in(here, "ada@example.net", "bob@example.net", "ann@far.example", "ben@farther.example")
            eventually(lambda: all(replies(here)))
            why = "no login at 127.0.0.1: 127.0.0.1 refused the login of ada@example.net: 535"
            assert all(reply.startswith(why) for reply in replies(here))
            credentials.write_text('["ada@example.net@127.0.0.1"]\npassword = "difference engine"\n')
            store_of(here).run(queue.retry, Which())
            eventually(lambda: not replies(here))
        assert len(there.letters()) == 1, "one transaction for all three"
        assert store_of(there).look(lambda tx: tx.value("SELECT count(*) FROM outgoing_recipient")) == 2


def test_a_domain_by_lmtp(tmp_path: Path) -> None:
    """Each recipient has an answer: RFC 2033 §4.2."""
    with live(tmp_path / "there", home="example.net") as there:
        more = f'[relay]\nroutes = "example.net = lmtp://127.0.0.1:{there.port("lmtp")}"'
        with live(tmp_path / "here", more) as here:
            hand_in(here, "ada@example.org", "bob@example.net", "nobody@example.net")
            eventually(lambda: not replies(here))
            assert len(here.letters()) == 2, "a report on the one that nobody has"
        assert len(there.letters()) == 1


def test_where_passwords_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTHOUSE_HOME", str(tmp_path))
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    with pytest.raises(ConfigError, match=r"there is no password for ada@gmail.com"):
        asyncio.run(Wallet().find(GMAIL))
    monkeypatch.setenv(ENVIRONMENT, "from the environment")
    assert asyncio.run(Wallet().find(GMAIL)) == Credentials("ada@gmail.com", "from the environment")
    path = tmp_path / "credentials.toml"
    path.write_text('["smtp.gmail.com"]\npassword = "from the file"\n')
    assert asyncio.run(Wallet(path).find(GMAIL)) == Credentials("ada@gmail.com", "from the file")
    path.write_text('["smtp.gmail.com"]\npasword = "x"\n')
    with pytest.raises(ConfigError, match="pasword is nothing that is known"):
        asyncio.run(Wallet(path).find(GMAIL))


def test_tokens_are_fetched_kept_and_renewed(tmp_path: Path) -> None:
    """RFC 6749 §6."""
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    clock = Clock()
    with web_server(authority, "localhost") as web:
        path = tmp_path / "credentials.toml"
        path.write_text(
            f'["smtp.gmail.com"]\ntoken_url = "https://localhost:{web.port}/token"\nclient_id = "c"\n'
            'client_secret = "s"\nrefresh_token = "r1"\n'
        )
        store = Store.open(tmp_path / "data", readers=1)
        wallet = Wallet(path, clock, context, store)

        def answer(status: int, **told: object) -> None:
            web.answers["POST /token"] = (status, "application/json", json.dumps(told).encode())

        def find() -> str:
            found = asyncio.run(wallet.find(GMAIL))
            assert isinstance(found, Token) and found.user == "ada@gmail.com"
            return found.token

        answer(200, access_token="t1", expires_in=3600, refresh_token="r2")
        assert [find(), find()] == ["t1", "t1"]
        assert [dict(parse_qsl(body)) for _, body in web.asked] == [
            {"grant_type": "refresh_token", "refresh_token": "r1", "client_id": "c", "client_secret": "s"}
        ]
        clock.now += 3600
        answer(200, access_token="t2", expires_in=3600)
        assert find() == "t2"
        assert dict(parse_qsl(web.asked[-1][1]))["refresh_token"] == "r2", "the server gave another one"
        wallet = Wallet(path, clock, context, store)  # after a restart
        assert find() == "t2"
        assert dict(parse_qsl(web.asked[-1][1]))["refresh_token"] == "r2", "which is not forgotten"
        path.write_text(path.read_text().replace('"r1"', '"new"'))
        assert find() == "t2"
        assert dict(parse_qsl(web.asked[-1][1]))["refresh_token"] == "new", "what the operator writes counts"
        wallet.forget(GMAIL)
        answer(400, error="invalid_grant", error_description="Token has been revoked.")
        with pytest.raises(LoginRefused, match="localhost gives no token: Token has been revoked"):
            find()


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ('smarthost = "smtp://192.0.2.1:25?tls=none"\ntls_required = ["bank.example"]', "for bank.example"),
        ('smarthost = "smtp://192.0.2.1:25?tls=none"\ntls_verified = ["*"]', "tls_verified asks"),
        (
            'routes = ["from:*.example.org = smtp://192.0.2.1:25?tls=none"]\ntls_required = ["*.bank.example"]',
            "for *.bank.example",
        ),
        (
            'smarthost = "smtp://192.0.2.1:25?tls=none"\nroutes = ["bank.example = mx"]'
            '\ntls_required = ["bank.example"]',
            "",
        ),
        ('smarthost = "lmtp://127.0.0.1:24?tls=none"\ntls_required = ["*"]', ""),
        ('smarthost = "submissions://192.0.2.1"\ntls_verified = ["*"]', ""),
    ],
)
def test_a_way_in_clear_text_where_more_is_asked_for(tmp_path: Path, more: str, why: str) -> None:
    path = tmp_path / "posthouse.toml"
    path.write_text(f'hostname = "mail.example.org"\n[relay]\n{more}\n')
    settings = config.load(path)
    store = Store.open(settings.data, readers=1)
    if why:
        with pytest.raises(ConfigError, match=re.escape(why)):
            make_relay(store, settings, port=25)
    else:
        make_relay(store, settings, port=25)
    store.close()
