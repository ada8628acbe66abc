"""`posthouse init`, `account`, `config` and `serve` as a person runs them: processes, signals, exit codes."""

from __future__ import annotations

import contextlib
import imaplib
import json
import os
import re
import shlex
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from posthouse.config import STANDARD_PORTS


def posthouse(*args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    environment = {**os.environ, "PYTHONWARNINGS": "error", "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-m", "posthouse", *args],
        input=stdin, capture_output=True, text=True, timeout=60, env=environment,
    )  # fmt: skip


def free_base() -> int:
    """A base port whose doors are all free at the moment."""
    for base in range(20000 + os.getpid() % 1000 * 30, 64000, 1000):
        try:
            for port in STANDARD_PORTS.values():
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", base + port))
        except OSError:
            continue
        return base
    raise AssertionError("no free ports")


@pytest.fixture
def house(tmp_path: Path) -> tuple[Path, int]:
    """A server's folder, made by `posthouse init`, and its base port."""
    base = free_base()
    made = posthouse("init", str(tmp_path / "mail"), "--domain", "example.org", "--base-port", str(base))
    assert made.returncode == 0, made.stderr
    return tmp_path / "mail", base


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """`posthouse serve`, from "ready" on; killed at the end if it hasn't stopped by then."""
    process = subprocess.Popen(
        [sys.executable, "-m", "posthouse", "serve", "--config", str(folder / "posthouse.toml")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate(timeout=10)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=10)


def test_init_makes_a_server_and_says_what_to_do_next(tmp_path: Path) -> None:
    folder = tmp_path / "Ada's mail"
    made = posthouse("init", str(folder), "--domain", "example.org")
    assert made.returncode == 0, made.stderr
    for record in ("MX    10 mail.example.org.", "v=spf1 mx -all", "_imaps._tcp.example.org."):
        assert record in made.stdout
    next_command = shlex.split(made.stdout.splitlines()[-1])
    assert next_command == ["posthouse", "serve", "--config", str(folder / "posthouse.toml")]
    table = tomllib.loads((folder / "posthouse.toml").read_text("utf-8"))
    assert table["hostname"] == "mail.example.org"
    assert "0.0.0.0:25" in table["listen"]["smtp"]
    assert (folder / "tls" / "key.pem").stat().st_mode & 0o077 == 0, "the key is for its owner"

    again = posthouse("init", str(folder), "--domain", "example.org")
    assert again.returncode == 1
    assert "exists already; nothing was changed" in again.stderr


@pytest.mark.parametrize("domain", ["", "exa mple.org", "-x.org", "a..b", "x" * 64 + ".org"])
def test_init_refuses_what_is_no_domain(tmp_path: Path, domain: str) -> None:
    refused = posthouse("init", str(tmp_path / "mail"), "--domain", domain)
    assert (refused.returncode, "is no domain" in refused.stderr) == (1, True)
    assert not (tmp_path / "mail").exists()


def test_accounts_and_domains(house: tuple[Path, int]) -> None:
    config = ("--config", str(house[0] / "posthouse.toml"))
    added = posthouse("account", "add", "Ada@Example.org", "--password-stdin", *config, stdin="secret\n")
    assert added.returncode == 0, added.stderr
    listed = posthouse("account", "list", "--json", *config)
    assert json.loads(listed.stdout)["address"].lower() == "ada@example.org"

    again = posthouse("account", "add", "ada@example.org", "--password-stdin", *config, stdin="x\n")
    assert (again.returncode, "already" in again.stderr) == (1, True)
    elsewhere = posthouse("account", "add", "ada@example.net", "--password-stdin", *config, stdin="x\n")
    assert (elsewhere.returncode, "posthouse domain add example.net" in elsewhere.stderr) == (1, True)
    assert posthouse("domain", "add", "example.net", *config).returncode == 0
    assert posthouse("domain", "list", *config).stdout.split() == ["example.net", "example.org"]

    silent = posthouse("account", "add", "bob@example.org", *config)
    assert (silent.returncode, "--password-stdin" in silent.stderr) == (1, True), "nothing is asked without a terminal"
    empty = posthouse("account", "add", "bob@example.org", "--password-stdin", *config, stdin="\n")
    assert (empty.returncode, "can't be used" in empty.stderr) == (1, True)

    unsure = posthouse("account", "remove", "ada@example.org", *config)
    assert (unsure.returncode, "--yes" in unsure.stderr) == (1, True)
    assert posthouse("account", "remove", "ada@example.org", "--yes", *config).returncode == 0
    assert posthouse("account", "list", *config).stdout == ""
    unknown = posthouse("account", "password", "ada@example.org", "--password-stdin", *config, stdin="x\n")
    assert (unknown.returncode, "no account" in unknown.stderr) == (1, True)


def test_config_prints_a_file_that_can_be_used(house: tuple[Path, int]) -> None:
    folder, base = house
    printed = posthouse("config", "--config", str(folder / "posthouse.toml"))
    table = tomllib.loads(printed.stdout)
    assert table["listen"]["imap"] == f"127.0.0.1:{base + 143}"
    assert table["limits"]["message_size"] == 75 * 1024 * 1024
    (folder / "posthouse.toml").write_text(printed.stdout, "utf-8")
    assert posthouse("config", "--config", str(folder / "posthouse.toml")).stdout == printed.stdout


def test_serve_until_sigterm(house: tuple[Path, int]) -> None:
    folder, base = house
    config = ("--config", str(folder / "posthouse.toml"))
    with serving(folder) as process:
        # Accounts are added beside the running server.
        assert posthouse("account", "add", "ada@example.org", "--password-stdin", *config, stdin="s\n").returncode == 0
        context = ssl.create_default_context(cafile=str(folder / "tls" / "certificate.pem"))
        with smtplib.SMTP("localhost", base + 587) as client:
            client.starttls(context=context)
            client.login("ada@example.org", "s")
            client.sendmail("ada@example.org", "ada@example.org", "Subject: x\n\nx")
            process.send_signal(signal.SIGTERM)
            code, text = client.getreply()
            assert (code, b"shutting down" in text) == (421, True), "whoever is connected is told why"
            client.close()
            assert process.wait(timeout=10) == 0
    assert len(list((folder / "data" / "messages").rglob("*.eml"))) == 1


def test_the_demo_tells_each_step(tmp_path: Path) -> None:
    done = posthouse("demo", "--once", "--data", str(tmp_path / "demo"), "--base-port", str(free_base()))
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^(\d)\. ", done.stdout, re.MULTILINE) == list("12345")
    (path,) = (tmp_path / "demo" / "data" / "messages").rglob("*.eml")
    assert str(path) in done.stdout
    assert "A picture for you" in done.stdout


def test_what_was_acknowledged_survives_a_kill(house: tuple[Path, int]) -> None:
    """SIGKILL under load, three times: every letter that got its 250 is in the mailbox, once, octet by octet."""
    folder, base = house
    config = ("--config", str(folder / "posthouse.toml"))
    assert posthouse("account", "add", "ada@example.org", "--password-stdin", *config, stdin="s\n").returncode == 0
    acknowledged: dict[bytes, bytes] = {}

    def send(worker: int, round_: int) -> None:
        """Send until the server is gone."""
        with contextlib.suppress(OSError, smtplib.SMTPException), smtplib.SMTP("127.0.0.1", base + 25) as client:
            for number in range(10_000):
                ident = b"<%d.%d.%d@test>" % (round_, worker, number)
                letter = b"Message-ID: %b\r\n\r\n%b\r\n" % (ident, b"x" * (number % 70))
                client.sendmail("eve@elsewhere.example", "ada@example.org", letter)
                acknowledged[ident] = letter

    for round_ in range(3):
        with serving(folder) as process:
            workers = [threading.Thread(target=send, args=(worker, round_)) for worker in range(4)]
            for worker in workers:
                worker.start()
            before = len(acknowledged)
            while len(acknowledged) < before + 40:
                assert process.poll() is None
                workers[0].join(0.01)
            process.kill()
            for worker in workers:
                worker.join()

    context = ssl.create_default_context(cafile=str(folder / "tls" / "certificate.pem"))
    with serving(folder), imaplib.IMAP4_SSL("localhost", base + 993, ssl_context=context) as client:
        client.login("ada@example.org", "s")
        client.select("INBOX")
        _, data = client.fetch("1:*", "(BODY.PEEK[])")
    kept = [part[1] for part in data if isinstance(part, tuple)]
    found = [re.search(rb"Message-ID: (<[^>]*>)", letter)[1] for letter in kept]
    assert len(found) == len(set(found)), "none came twice"
    by_ident = dict(zip(found, kept, strict=True))
    assert len(acknowledged) >= 120
    for ident, letter in acknowledged.items():
        assert by_ident[ident].endswith(letter)


def test_serve_tells_the_service_manager(house: tuple[Path, int], tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        with serving(house[0], NOTIFY_SOCKET=str(tmp_path / "notify")) as process:
            assert manager.recv(100) == b"READY=1"
            process.send_signal(signal.SIGTERM)
            assert manager.recv(100) == b"STOPPING=1"
            assert process.wait(timeout=10) == 0


def test_a_renewed_certificate_is_taken_up_on_sighup(house: tuple[Path, int]) -> None:
    from posthouse.server.tls import make_self_signed

    folder, base = house

    def shown() -> str:
        return ssl.get_server_certificate(("127.0.0.1", base + 993))

    with serving(folder) as process:
        first = shown()
        for name in ("certificate.pem", "key.pem"):
            (folder / "tls" / name).unlink()
        make_self_signed(folder / "tls", "mail.example.org")
        process.send_signal(signal.SIGHUP)
        assert process.stderr is not None
        assert any("took up the certificate" in line for line in process.stderr)
        assert shown() != first


class TestWhatIsInTheWay:
    """One plain sentence and exit code 1, never a traceback."""

    def refused(self, folder: Path) -> str:
        process = posthouse("serve", "--config", str(folder / "posthouse.toml"))
        assert process.returncode == 1
        assert "Traceback" not in process.stderr
        return process.stderr

    def test_a_port_in_use(self, house: tuple[Path, int]) -> None:
        folder, base = house
        with socket.socket() as other:
            other.bind(("127.0.0.1", base + 587))
            other.listen()
            assert f"submission can't listen on 127.0.0.1:{base + 587}: another program does" in self.refused(folder)

    def test_a_certificate_that_is_not_there(self, house: tuple[Path, int]) -> None:
        (house[0] / "tls" / "certificate.pem").unlink()
        assert "certificate.pem can't be read: No such file" in self.refused(house[0])

    def test_a_certificate_that_is_none(self, house: tuple[Path, int]) -> None:
        (house[0] / "tls" / "certificate.pem").write_text("nonsense")
        assert "are no certificate with its key" in self.refused(house[0])

    def test_an_unknown_setting(self, house: tuple[Path, int]) -> None:
        path = house[0] / "posthouse.toml"
        path.write_text(path.read_text("utf-8").replace("submissions =", "submision ="), "utf-8")
        said = self.refused(house[0])
        assert "[listen] submision is no setting" in said and "submission" in said

    def test_no_configuration(self, tmp_path: Path) -> None:
        assert "posthouse init" in self.refused(tmp_path)

    def test_no_listener(self, house: tuple[Path, int]) -> None:
        (house[0] / "posthouse.toml").write_text('hostname = "x"\n', "utf-8")
        assert "[listen] names no door" in self.refused(house[0])


def test_usage_errors_exit_with_2() -> None:
    wrong = posthouse("serve", "--nonsense")
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (2, False)
    assert posthouse("nonsense").returncode == 2


@pytest.mark.parametrize(
    "command", ["init", "serve", "config", "account add", "account list", "domain add", "demo", "send", "list"]
)
def test_every_command_has_help_with_an_example(command: str) -> None:
    shown = posthouse(*command.split(), "--help")
    assert shown.returncode == 0
    assert "Example: " in shown.stdout and f"posthouse {command}" in shown.stdout
