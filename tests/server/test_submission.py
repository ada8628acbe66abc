"""What a submission server does for its people, and what it doesn't let them do (RFC 6409), over real sockets."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from live import PASSWORDS, Live, live
from mailboxes import ADA, BOB, add_alias, eventually, inbox, store_of
from nameserver import name_server
from posthouse.message import body, mime
from posthouse.store import queue
from posthouse.store.engine import Store, Tx
from posthouse.store.queue import Which

ELSEWHERE = "cat@elsewhere.example"


@contextmanager
def submission(house: Live, who: str = ADA) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP(house.host, house.port("submission"), local_hostname="desk.example.org") as client:
        client.starttls(context=house.tls)
        client.login(who, PASSWORDS[who])
        client.ehlo()
        yield client


def waiting(house: Live) -> list[queue.Entry]:
    return [queue.Entry._make(row[1:]) for row in store_of(house).look(queue.list_some, Which())]


# -- in whose name ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        (f"From: {ADA}", "250"),
        ("From: Ada <ADA@Example.org>", "250"),
        ("From: Ada <ada+list@example.org>", "250"),
        ("From: Countess <countess@example.org>", "250"),  # an alias of hers
        ("Subject: no author at all", "250"),
        (f"From: {BOB}", f"550 5.7.1 {BOB} is not an address of yours; send as one that is"),
        (f'From: "{ADA}" <{BOB}>', f"550 5.7.1 {BOB} is not"),
        (f"From: {ADA}, {BOB}", f"550 5.7.1 {BOB} is not"),
        (f"From: {ADA}\r\nFrom: {BOB}", f"550 5.7.1 {BOB} is not"),
        (f"From:\r\n {BOB}", f"550 5.7.1 {BOB} is not"),
        ("From: boss@bank.example", "550 5.7.1 boss@bank.example is not"),
        ("From: The Boss", "550 5.7.1 The From field names somebody without a mail address"),
        (f"From: <{ADA}>\r\nSender: {BOB}", "250"),  # who it is from, is what people are shown
    ],
)
def test_from(posthouse: Live, fields: str, answer: str) -> None:
    add_alias(posthouse, "countess@example.org", ADA)
    with submission(posthouse) as client:
        client.mail(ADA)
        client.rcpt(BOB)
        code, text = client.data(f"{fields}\r\n\r\nHello\r\n")
    said = f"{code} {text.decode()}"
    assert said.startswith(answer)
    letters = inbox(posthouse, BOB)
    assert len(letters) == (code == 250)
    if letters:
        assert f"{fields}\r\n".encode() in letters[0], "nothing is rewritten"


def test_an_alias_may_be_the_envelopes_sender(posthouse: Live) -> None:
    add_alias(posthouse, "countess@example.org", ADA)
    with submission(posthouse) as client:
        assert client.mail("countess@example.org")[0] == 250
        client.rset()
        assert client.mail(BOB) == (553, b"5.7.1 bob@example.org is not an address of yours; send as one that is")


# -- VRFY and EXPN ---------------------------------------------------------------------------------------------------


def test_nobody_is_told_who_is_here(posthouse: Live) -> None:
    with submission(posthouse) as client:
        assert client.verify(ADA)[0] == 252 and client.expn("staff")[0] == 502
        assert not client.has_extn("expn")


def test_who_has_logged_in_may_be_told(tmp_path: Path) -> None:
    with live(tmp_path, "[smtp]\nverify_after_login = true") as house:
        add_alias(house, "staff@example.org", ADA)
        add_alias(house, "staff@example.org", BOB)
        with smtplib.SMTP(house.host, house.port("smtp")) as stranger:
            assert stranger.verify(ADA)[0] == 252 and stranger.expn("staff")[0] == 502
        with submission(house) as client:
            assert client.has_extn("expn")
            assert client.verify("bob") == (250, b"2.1.5 <bob@example.org>")
            assert client.verify("<Bob@example.org>") == (250, b"2.1.5 <Bob@example.org>")
            assert client.verify("nobody")[0] == 550 and client.verify("cat@elsewhere.example")[0] == 252
            assert client.docmd("VRFY Ada Lovelace")[0] == 550
            assert client.expn("staff") == (250, b"2.1.5 <ada@example.org>\n2.1.5 <bob@example.org>")
            assert client.expn("nobody")[0] == 550


# -- promises --------------------------------------------------------------------------------------------------------


def test_what_is_asked_for_is_in_the_queue(posthouse: Live) -> None:
    with submission(posthouse) as client:
        assert client.esmtp_features["futurerelease"].startswith("31536000 20")
        words = "HOLDFOR=3600 BY=7200;RT MT-PRIORITY=4 REQUIRETLS RET=HDRS ENVID=e1"
        assert client.docmd(f"MAIL FROM:<{ADA}> {words}")[0] == 250
        assert client.docmd(f"RCPT TO:<{ELSEWHERE}> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x@y.example")[0] == 250
        assert client.rcpt(BOB)[0] == 250
        now = int(time.time())
        assert client.data("Subject: x\r\n\r\nx")[0] == 250
    assert inbox(posthouse, BOB) == [], "he has to wait too"
    there, here = sorted(waiting(posthouse), key=lambda one: one.domain, reverse=True)[::-1]
    assert {there.recipient, here.recipient} == {ELSEWHERE, BOB}
    assert abs(here.due - now - 3600) < 60 and here.due == there.due

    def terms(tx: Tx) -> tuple[object, ...]:
        row = tx.one("SELECT requiretls, priority, by_mode, hold, ret, envid, deliver_by - release FROM outgoing")
        assert row is not None
        return row

    assert store_of(posthouse).look(terms) == (1, 4, "RT", "for;3600", "HDRS", "e1", 3600)


def test_how_long_a_letter_may_be_held(tmp_path: Path) -> None:
    soon = datetime.now(UTC)
    with live(tmp_path, "[limits]\nhold_days = 2\nheld_letters = 1") as house, submission(house) as client:
        for words, answer in (
            (f"HOLDFOR={2 * 86_400 + 60}", "501 5.5.4 Letters are held for at most 2 days here"),
            (f"HOLDUNTIL={soon + timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}", "501 5.5.4 Letters are held for at most 2"),
            ("HOLDFOR=3600 BY=60;N", "501 5.5.4 The letter is to leave after the time"),  # RFC 4865 §5.2.2
            (f"HOLDUNTIL={soon + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}", "250"),
        ):
            code, text = client.docmd(f"MAIL FROM:<{ADA}> {words}")
            assert f"{code} {text.decode()}".startswith(answer)
        client.rcpt(BOB)
        assert client.data("Subject: x\r\n\r\nx")[0] == 250
        for mine in (ADA, ADA.upper(), ADA.replace("@", "+1@"), ""):  # §6: a limit for a user, however they are called
            assert client.docmd(f"MAIL FROM:<{mine}> HOLDFOR=60") == (
                552,
                b"5.7.16 Too many of your letters wait for a later time; send this one then",
            )
        with submission(house, BOB) as another:
            assert another.docmd("MAIL FROM:<> HOLDFOR=60")[0] == 250


def test_a_letter_that_waited_is_delivered(tmp_path: Path) -> None:
    hour = 3600
    passed = [0]  # by the store's clock: on a busy machine, a second may have gone by before anybody has looked

    def open_store(data: Path) -> Store:
        return Store.open(data, clock=lambda: time.time() + passed[0])

    with live(tmp_path, open_store=open_store) as house:
        with submission(house) as client:
            client.docmd(f"MAIL FROM:<{ADA}> HOLDFOR={hour}")
            client.docmd(f"RCPT TO:<{BOB}> NOTIFY=SUCCESS")
            assert client.data("Subject: later\r\n\r\nx")[0] == 250
        store_of(house).run(queue.retry, Which())
        assert inbox(house, BOB) == []
        passed[0] = hour
        store_of(house).run(queue.retry, Which())
        eventually(lambda: inbox(house, ADA))
        found = inbox(house, ADA)
        assert b"Future-Release-Request: for;3600\r\n" in found[0] and b"Action: delivered" in found[0]
        assert b"Subject: later" in inbox(house, BOB)[0]


def test_success_is_reported(posthouse: Live) -> None:
    with submission(posthouse) as client:
        client.docmd(f"MAIL FROM:<{ADA}> ENVID=e+2B1")
        client.docmd(f"RCPT TO:<{BOB}> NOTIFY=SUCCESS ORCPT=rfc822;Bob+2Bx@example.org")
        assert client.data("Subject: x\r\n\r\nx")[0] == 250
    (report,) = inbox(posthouse, ADA)
    assert b"Original-Envelope-Id: e+1\r\n" in report
    assert b"Original-Recipient: rfc822;Bob+x@example.org\r\nFinal-Recipient: rfc822; bob@example.org\r\n" in report
    assert b"Action: delivered\r\n" in report and b"multipart/report" in report


# -- octets ----------------------------------------------------------------------------------------------------------

BINARY = (
    f"From: {ADA}\r\nBcc: {BOB}\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n".encode()
    + bytes(range(256)) * 2000
)


@pytest.mark.parametrize("door", ["smtp", "submission", "lmtp"])
def test_a_binary_letter_arrives_as_text(posthouse: Live, door: str) -> None:
    """RFC 3030: every octet survives, and IMAP, which knows no NUL, shows base64."""
    kind = smtplib.LMTP if door == "lmtp" else smtplib.SMTP
    with kind(posthouse.host, posthouse.port(door), local_hostname="desk.example.org") as client:
        if door == "submission":
            client.starttls(context=posthouse.tls)
            client.login(ADA, PASSWORDS[ADA])
        client.ehlo()
        assert client.has_extn("binarymime") and client.has_extn("chunking")
        client.mail(ADA, ["BODY=BINARYMIME"])
        client.rcpt(BOB)
        assert client.docmd("DATA")[0] == 503, "it has no lines to count"
        half = len(BINARY) // 2
        client.send(b"BDAT %d\r\n" % half + BINARY[:half])
        assert client.getreply()[0] == 250
        client.send(b"BDAT %d LAST\r\n" % (len(BINARY) - half) + BINARY[half:])
        assert client.getreply()[0] == 250
    (letter,) = inbox(posthouse, BOB)
    root = mime.scan(letter)
    assert root.encoding == "base64" and body.content(root, letter) == bytes(range(256)) * 2000
    assert (b"\r\nBcc:" in letter) == (door != "submission")


@pytest.mark.parametrize("octets", [b"a\0b", b"a\0b" + b"x" * 70 + b"\r\n" * 100_000], ids=["small", "large"])
def test_a_nul_makes_a_letter_a_binary_one(posthouse: Live, octets: bytes) -> None:
    """What few servers carry survives as base64. In a header it can only be meant to mislead."""
    with submission(posthouse) as client:
        client.sendmail(ADA, BOB, f"From: {ADA}\r\n\r\n".encode() + octets + b"\r\n")
        client.mail(ADA)
        client.rcpt(BOB)
        code, text = client.data(f"From: {ADA}\r\nFrom\0: {BOB}\r\n\r\nx\r\n".encode())
    assert (code, text) == (554, b"5.6.0 The header has a NUL octet in it")
    (letter,) = inbox(posthouse, BOB)
    root = mime.scan(letter)
    assert root.encoding == "base64" and body.content(root, letter) == octets + b"\r\n"


def test_a_bare_line_feed_in_a_chunk_is_a_line_end_and_its_dot_stays(posthouse: Live) -> None:
    """Chunks are not dot-stuffed, so nothing is taken away behind a bare line feed."""
    with submission(posthouse) as client:
        client.mail(ADA)
        client.rcpt(BOB)
        octets = f"From: {ADA}\n\n.one\n..two\r\n.three\n".encode()
        client.send(b"BDAT %d LAST\r\n" % len(octets) + octets)
        assert client.getreply()[0] == 250
    assert inbox(posthouse, BOB)[0].endswith(b"\r\n\r\n.one\r\n..two\r\n.three\r\n")


# -- REQUIRETLS: RFC 8689 --------------------------------------------------------------------------------------------

ZONE = "example.net MX 10 mail.example.net.\nmail.example.net A 127.0.0.1\nexample.org MX 10 mail.example.org."


@pytest.mark.parametrize(
    ("signed", "trusted", "status"), [(True, True, ""), (False, True, "5.7.10"), (True, False, "5.7.10")]
)
def test_requiretls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signed: bool, trusted: bool, status: str) -> None:
    """§4.2.1: DNSSEC vouches for the host's name, a certificate proves it, and the host promises the same."""
    with (
        name_server(ZONE, signed=signed) as dns,
        live(tmp_path / "there", home="example.net") as there,
        live(tmp_path / "here", f'[dns]\nservers = "127.0.0.1:{dns.port}"', relay_port=there.port("smtp")) as here,
    ):
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(there.certificate))
        with submission(here) as client:
            assert client.has_extn("requiretls")
            assert client.docmd(f"MAIL FROM:<{ADA}> REQUIRETLS")[0] == 250
            assert client.rcpt("bob@example.net")[0] == 250
            assert client.data("Subject: secret\r\n\r\nx")[0] == 250
        until = time.monotonic() + 20
        while waiting(here):
            assert time.monotonic() < until
            time.sleep(0.02)
        assert len(there.letters()) == (not status)
        reports = inbox(here, ADA)
        assert [f"Status: {status}\r\n".encode() in report for report in reports] == [True] * bool(status)


def test_requiretls_needs_tls(posthouse: Live) -> None:
    with smtplib.SMTP(posthouse.host, posthouse.port("smtp")) as client:
        client.ehlo()
        assert not client.has_extn("requiretls")
        assert client.docmd("MAIL FROM:<> REQUIRETLS")[0] == 530
