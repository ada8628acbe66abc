"""Exim on the other side: it hands letters over in chunks (BDAT), and takes them."""

from __future__ import annotations

import smtplib
from pathlib import Path

import pytest

from exim import exim
from live import PASSWORDS, Live, live
from mailboxes import ADA, BOB, eventually, inbox
from nameserver import name_server
from postfix import free_port

pytestmark = pytest.mark.foreign


def test_exim_relays_to_us(posthouse: Live) -> None:
    with exim(free_port(), onward=posthouse.port("smtp")) as server:
        with smtplib.SMTP("127.0.0.1", server.port) as client:
            client.ehlo()
            client.docmd(f"MAIL FROM:<{ADA}> RET=HDRS ENVID=e1")
            client.docmd(f"RCPT TO:<{BOB}> NOTIFY=SUCCESS,FAILURE")
            body = "".join(f".{number}\r\n" for number in range(20_000))
            assert client.data(f"From: {ADA}\r\nSubject: in chunks\r\n\r\n{body}")[0] == 250
        eventually(lambda: inbox(posthouse, ADA))
        assert " K C=" in server.log, "K: it used CHUNKING"
    assert b"Action: delivered" in inbox(posthouse, ADA)[0]
    (received,) = inbox(posthouse, BOB)
    assert received.endswith(b"\r\n\r\n" + body.encode())


def test_we_relay_to_exim(tmp_path: Path) -> None:
    port = free_port()
    zone = "example.net MX 10 exim.example.net.\nexim.example.net A 127.0.0.1"
    with (
        name_server(zone) as dns,
        live(tmp_path, f'[dns]\nservers = "127.0.0.1:{dns.port}"', relay_port=port) as house,
        exim(port, onward=house.port("smtp")) as server,
    ):
        with smtplib.SMTP(house.host, house.port("submission")) as client:
            client.starttls(context=house.tls)
            client.login(ADA, PASSWORDS[ADA])
            client.docmd(f"MAIL FROM:<{ADA}> ENVID=e2")
            client.docmd("RCPT TO:<ann@example.net> NOTIFY=SUCCESS")
            assert client.data(f"From: {ADA}\r\nSubject: to Exim\r\n\r\n.\r\n..\r\nGrüße\r\n".encode())[0] == 250
        eventually(lambda: inbox(house, ADA))
        assert b"\n.\n..\nGr\xc3\xbc\xc3\x9fe\n" in server.kept
        (report,) = inbox(house, ADA)
        assert b"Action: delivered" in report and b"exim.example.net" in report, "it reports on what we let it promise"
