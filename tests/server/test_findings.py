"""What a review by hand found: each was reproduced before it was mended."""

from __future__ import annotations

import gc
import imaplib
import smtplib
import socket
import time
from pathlib import Path

import pytest

from live import PASSWORDS, Live, prepare
from posthouse.config import Tls
from posthouse.errors import ConfigError
from posthouse.server.notify import notify
from posthouse.server.tls import make_self_signed, server_context
from posthouse.sessions.imap import ImapSession

ADA, BOB = "ada@example.org", "bob@example.org"


def test_a_wrong_password_is_kept_by_nobody(posthouse: Live) -> None:
    for _ in range(3):
        client = imaplib.IMAP4_SSL(posthouse.host, posthouse.port("imaps"), ssl_context=posthouse.tls)
        for _ in range(3):
            with pytest.raises(imaplib.IMAP4.error):
                client.login(ADA, "wrong")
        client.logout()
    deadline = time.monotonic() + 10
    while posthouse.server.statistics()["connections"] and time.monotonic() < deadline:
        time.sleep(0.01)
    gc.collect()
    assert not [one for one in gc.get_objects() if isinstance(one, ImapSession)]


def test_a_flood_of_commands_leaves_the_others_their_turn(posthouse: Live) -> None:
    with socket.create_connection((posthouse.host, posthouse.port("imap")), timeout=60) as flood:
        flood.recv(1000)
        flood.sendall(b"a NOOP\r\n" * 10_000)
        with smtplib.SMTP(posthouse.host, posthouse.port("smtp"), timeout=20) as other:
            assert other.noop()[0] == 250
        answered = 0
        while answered < 10_000:
            answered += flood.recv(1 << 16).count(b"\n")
    assert answered == 10_000


def test_a_report_about_a_loop_is_no_loop(posthouse: Live) -> None:
    hops = "Received: from a by b; Mon, 23 Nov 2026 00:00:00 +0000\r\n" * 60
    with smtplib.SMTP(posthouse.host, posthouse.port("smtp")) as client:
        client.sendmail("", BOB, f"Subject: report\r\n\r\n{hops}")
        with pytest.raises(smtplib.SMTPDataError, match="loop"):
            client.sendmail("eve@elsewhere.example", BOB, f"{hops}Subject: round and round\r\n\r\nx")


@pytest.mark.parametrize("address", ['"ada"@example.org', '"\\ada+shop"@example.org', '"ADA"@EXAMPLE.ORG'])
def test_an_address_with_quotes_is_the_same_without(posthouse: Live, address: str) -> None:
    """RFC 5321 §4.1.2: all quoted forms of a local part are equivalent."""
    assert_comes_to_ada(posthouse, address)


@pytest.mark.parametrize("address", ["postmaster", "Postmaster@example.org", "postmaster@mail.example.org"])
def test_postmaster_is_somebody(posthouse: Live, address: str) -> None:
    assert_comes_to_ada(posthouse, address)


def assert_comes_to_ada(posthouse: Live, address: str) -> None:
    """The first letter, for this address, lies in her inbox."""
    with smtplib.SMTP(posthouse.host, posthouse.port("smtp")) as client:
        client.ehlo()
        client.mail("eve@elsewhere.example")
        assert client.docmd(f"RCPT TO:<{address}>")[0] == 250
        assert client.data(b"Subject: x\r\n\r\nx\r\n")[0] == 250
    with imaplib.IMAP4_SSL(posthouse.host, posthouse.port("imaps"), ssl_context=posthouse.tls) as client:
        client.login(ADA, PASSWORDS[ADA])
        assert client.select("INBOX") == ("OK", [b"1"])


def test_a_service_manager_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    notify("READY=1")


def test_a_key_with_a_pass_phrase_asks_nobody(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    certificate, key = make_self_signed(tmp_path, "mail.example.org")
    secret = serialization.load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(
        secret.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(ConfigError, match="pass phrase"):
        server_context(Tls(certificate=certificate, key=key))


def test_a_key_that_is_there_is_kept(tmp_path: Path) -> None:
    prepare(tmp_path)
    with pytest.raises(FileExistsError):
        make_self_signed(tmp_path / "tls", "mail.example.org")


def test_a_letter_whose_file_is_gone_never_confuses_the_client(posthouse: Live) -> None:
    with imaplib.IMAP4_SSL(posthouse.host, posthouse.port("imaps"), ssl_context=posthouse.tls) as client:
        client.login(BOB, PASSWORDS[BOB])
        for _ in range(4):
            client.append("INBOX", "", "", b"Subject: large\r\n\r\n" + b"x" * 700_000)
        client.select("INBOX")
        posthouse.letters()[3].unlink()
        assert client.fetch("4", "(BODY.PEEK[])")[0] == "NO", "nothing of the answer was sent yet: it can be refused"
        assert client.fetch("1:3", "(BODY.PEEK[])")[0] == "OK"
    reader = imaplib.IMAP4_SSL(posthouse.host, posthouse.port("imaps"), ssl_context=posthouse.tls)
    reader.login(BOB, PASSWORDS[BOB])
    reader.select("INBOX")
    with pytest.raises(imaplib.IMAP4.abort):
        reader.fetch("1:4", "(BODY.PEEK[])")  # part of it was sent: the connection ends, at once
    reader.shutdown()


def test_an_account_that_is_removed_while_it_reads(posthouse: Live) -> None:
    from posthouse.store import account
    from posthouse.store.engine import Store

    client = imaplib.IMAP4_SSL(posthouse.host, posthouse.port("imaps"), ssl_context=posthouse.tls)
    client.login(BOB, PASSWORDS[BOB])
    client.select("INBOX")
    store = Store.open(posthouse.config.data)
    store.run(account.remove, BOB)
    store.close()
    client.send(b"x NOOP\r\n")
    assert client.readline().startswith(b"* BYE The mailbox can't be shown")
    client.shutdown()
