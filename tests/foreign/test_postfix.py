"""Postfix on the other side: it generates load, relays to us, is relayed to, and hands over by LMTP."""

from __future__ import annotations

import smtplib
from pathlib import Path

import pytest

from live import PASSWORDS, Live, live
from mailboxes import ADA, BOB, EVE, eventually, inbox, limit
from nameserver import name_server
from postfix import Postfix, free_port, postfix
from programs import run

pytestmark = pytest.mark.foreign

SOURCE = "/usr/sbin/smtp-source"


@pytest.mark.parametrize("options", [[], ["-d"], ["-L"]], ids=["a connection each", "many in one", "LMTP"])
def test_smtp_source(posthouse: Live, options: list[str]) -> None:
    door = "lmtp" if "-L" in options else "smtp"
    address = f"127.0.0.1:{posthouse.port(door)}"
    run(SOURCE, *options, "-s", "5", "-m", "50", "-l", "4096", "-f", EVE, "-t", BOB, address)
    assert len(inbox(posthouse, BOB)) == 50


def submit(
    server: Postfix, letter: str, recipients: list[str], mail: str = "", rcpt: str = "", sender: str = ADA
) -> None:
    """Give Postfix a letter."""
    with smtplib.SMTP("127.0.0.1", server.port) as client:
        client.command_encoding = "utf-8"
        client.ehlo()
        assert client.docmd(f"MAIL FROM:<{sender}>{mail}")[0] == 250
        for one in recipients:
            assert client.docmd(f"RCPT TO:<{one}>{rcpt}")[0] == 250
        client.docmd("DATA")
        client.send(letter.replace("\n", "\r\n").encode() + b".\r\n")
        assert client.getreply()[0] == 250


def test_postfix_relays_to_us(posthouse: Live) -> None:
    """PIPELINING, SIZE, 8BITMIME, STARTTLS, CHUNKING, DSN: what it finds, it uses."""
    relayhost = f"[127.0.0.1]:{posthouse.port('smtp')}"
    with postfix(relayhost=relayhost, smtp_tls_security_level="may") as server:
        letter = f"From: {ADA}\nTo: {BOB}\nSubject: through Postfix\n\n..a dot\nGrüße\n"
        submit(
            server, letter, [BOB, "nobody@example.org"], " RET=HDRS ENVID=id1 BODY=8BITMIME", " NOTIFY=SUCCESS,FAILURE"
        )
        eventually(lambda: server.waiting() == 0 and len(inbox(posthouse, ADA)) == 2)
        assert "status=bounced (host 127.0.0.1[127.0.0.1] said: 550 5.1.1 There is no such mailbox" in server.log
    (received,) = inbox(posthouse, BOB)
    assert b"with ESMTPS id" in received and received.endswith(b"\r\n\r\n.a dot\r\nGr\xc3\xbc\xc3\x9fe\r\n")
    ours = [one for one in inbox(posthouse, ADA) if b"Action: delivered" in one]
    assert len(ours) == 1, "it handed on what was asked about reports, and so the report is ours"
    assert b"Original-Envelope-Id: id1\r\n" in ours[0] and b"Original-Recipient: rfc822;bob@example.org\r\n" in ours[0]
    theirs = [one for one in inbox(posthouse, ADA) if b"Action: failed" in one]
    assert len(theirs) == 1 and b"nobody@example.org" in theirs[0]


def test_postfix_relays_addresses_in_any_script(tmp_path: Path) -> None:
    with live(tmp_path) as house, postfix(relayhost=f"[127.0.0.1]:{house.port('smtp')}") as server:
        submit(
            server,
            "Subject: Grüße\nFrom: Zoë <zoë@elsewhere.example>\n\nx\n",
            [BOB],
            " SMTPUTF8",
            sender="zoë@elsewhere.example",
        )
        eventually(lambda: inbox(house, BOB))
        (received,) = inbox(house, BOB)
    assert received.startswith("Return-Path: <zoë@elsewhere.example>\r\n".encode())
    assert b"with UTF8SMTP id" in received and "Subject: Grüße\r\n".encode() in received


def test_postfix_hands_over_by_lmtp(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    tmp_path.chmod(0o755)
    with live(tmp_path / "house") as house:
        limit(house, ADA, size=100)
        transport = f"lmtp:inet:127.0.0.1:{house.port('lmtp')}"
        with postfix(virtual_mailbox_domains="example.org", virtual_transport=transport) as server:
            submit(server, f"From: {EVE}\nSubject: by LMTP\n\n" + "x" * 100 + "\n", [ADA, BOB], sender=EVE)
            eventually(lambda: inbox(house, BOB))
            eventually(lambda: "552 5.2.2" in server.log)
        assert inbox(house, ADA) == [] and b"with LMTP id" in inbox(house, BOB)[0], "each had an answer"


def test_we_relay_to_postfix(tmp_path: Path) -> None:
    """It reports the success that we let it promise; nobody is there, and that comes back too."""
    port = free_port()
    zone = "example.net MX 10 postfix.example.net.\npostfix.example.net A 127.0.0.1"
    with (
        name_server(zone) as dns,
        live(tmp_path, f'[dns]\nservers = "127.0.0.1:{dns.port}"', relay_port=port) as house,
        postfix(
            port,
            relayhost=f"[127.0.0.1]:{house.port('smtp')}",
            virtual_mailbox_domains="example.net",
            virtual_mailbox_maps="inline:{ann@example.net=ann/}",
            virtual_transport="discard",
        ) as server,
        smtplib.SMTP(house.host, house.port("submission")) as client,
    ):
        client.starttls(context=house.tls)
        client.login(ADA, PASSWORDS[ADA])
        client.docmd(f"MAIL FROM:<{ADA}> RET=HDRS ENVID=id2")
        for one in ("ann@example.net", "nobody@example.net"):
            assert client.docmd(f"RCPT TO:<{one}> NOTIFY=SUCCESS,FAILURE")[0] == 250
        assert client.data(f"From: {ADA}\r\nSubject: to Postfix\r\n\r\n.\r\nGrüße\r\n".encode())[0] == 250
        eventually(lambda: len(inbox(house, ADA)) == 2)
        reports = inbox(house, ADA)
        assert "from=<ada@example.org>" in server.log
    (success,) = [one for one in reports if b"nobody@example.net" not in one]
    (failure,) = [one for one in reports if b"nobody@example.net" in one]
    assert b"Reporting-MTA: dns; postfix.example.net" in success and b"Original-Envelope-Id: id2" in success
    assert b"Reporting-MTA: dns; mail.example.org" in failure and b"Status: 5.1.1" in failure
