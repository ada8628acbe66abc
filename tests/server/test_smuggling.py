"""SMTP smuggling and STARTTLS injection, over real sockets, in all directions: in, through, and out."""

from __future__ import annotations

import asyncio
import smtplib
import socket
from pathlib import Path

import pytest

from live import PASSWORDS, Live
from mail_hosts import Host, world
from mailboxes import ADA, BOB, EVE, inbox
from posthouse.message import body, mime
from smuggling import SMUGGLED, TRICKS

BEGIN = f"EHLO x\r\nMAIL FROM:<{EVE}>\r\nRCPT TO:<{BOB}>\r\nDATA\r\n".encode()
TO_BOB = SMUGGLED.replace(b"bob@example.net", BOB.encode())
INSIDE = b"MAIL FROM:<boss@example.org>"


def say(peer: socket.socket, octets: bytes) -> list[bytes]:
    """Say all of it, hang up, and hear the answers."""
    peer.sendall(octets)
    peer.shutdown(socket.SHUT_WR)
    said = b""
    while piece := peer.recv(4096):
        said += piece
    return said.splitlines()


def test_smuggling_into_a_mailbox(posthouse: Live) -> None:
    """Every trick, in one conversation each: one letter comes of it."""
    for trick in TRICKS:
        with socket.create_connection((posthouse.host, posthouse.port("smtp")), timeout=20) as peer:
            answers = say(peer, BEGIN + b"Subject: a\r\n\r\nHello" + trick + TO_BOB + b"QUIT\r\n")
        assert [line[:3] for line in answers].count(b"354") == 1, trick
        assert [line for line in answers if line.startswith(b"250 2.0.0 Delivered")][1:] == [], trick
    letters = inbox(posthouse, BOB)
    assert len(letters) == len(TRICKS)
    assert all(INSIDE in letter for letter in letters), "it is text"


def test_smuggling_by_our_own_people(posthouse: Live) -> None:
    """A submission is normalized: the tricks with bare line feeds are gone from what is kept and sent on."""
    with smtplib.SMTP(posthouse.host, posthouse.port("submission")) as client:
        client.starttls(context=posthouse.tls)
        client.login(ADA, PASSWORDS[ADA])
        for trick in TRICKS:
            client.mail(ADA)
            client.rcpt(BOB)
            client.docmd("DATA")
            client.send(f"From: {ADA}\r\n\r\nHello".encode() + trick + TO_BOB)
            assert client.getreply()[0] == 250, trick
            assert client.noop()[0] == 250, "no command came of it"
    letters = inbox(posthouse, BOB)
    assert len(letters) == len(TRICKS)
    for letter in letters:
        text = body.content(mime.scan(letter), letter)  # with a NUL in it, it is base64
        assert INSIDE in text
        octets = text.replace(b"\r\n", b"")
        assert b"\r" not in octets and b"\n" not in octets


def test_smuggling_through_the_relay(tmp_path: Path) -> None:
    """The next server sees a letter's end where we saw it, even one that takes bare line feeds for line ends."""

    async def run() -> None:
        host = Host()
        async with world(tmp_path, host) as here:
            for trick in TRICKS:
                await here.add(
                    "ann@x.example", raw=b"Subject: a\r\n\r\nHello" + trick + SMUGGLED.removesuffix(b".\r\n")
                )
            await here.empty()
        assert len(host.letters) == len(TRICKS)
        assert not any("boss" in line for line in host.said)
        for letter in host.letters:
            lenient = letter.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            assert b"\n.\n" not in lenient and INSIDE in letter

    asyncio.run(run())


def test_smuggling_behind_a_chunk(posthouse: Live) -> None:
    """What follows the octets that BDAT counts is a command, and a letter's end inside them is none."""
    chunk = b"Subject: a\r\n\r\nHello\r\n.\r\n" + TO_BOB
    with socket.create_connection((posthouse.host, posthouse.port("smtp")), timeout=20) as peer:
        begin = BEGIN.removesuffix(b"DATA\r\n")
        answers = say(peer, begin + b"BDAT %d LAST\r\n" % len(chunk) + chunk + b"NOOP\r\n")
    assert answers[-2].startswith(b"250 2.0.0 Delivered") and answers[-1] == b"250 2.0.0 OK"
    (letter,) = inbox(posthouse, BOB)
    assert letter.endswith(chunk)


@pytest.mark.parametrize("behind", [b"NOOP\r\n", BEGIN, b"AUTH PLAIN AGFkYQBzZWNyZXQ=\r\n", b"NOOP"])
def test_starttls_injection(posthouse: Live, behind: bytes) -> None:
    """CVE-2011-0411: what somebody put in before the line was private is not heard behind the handshake."""
    with socket.create_connection((posthouse.host, posthouse.port("smtp")), timeout=20) as peer:
        peer.recv(1000)
        peer.sendall(f"EHLO x\r\nMAIL FROM:<{EVE}>\r\nRSET\r\nSTARTTLS\r\n".encode() + behind)
        said = b""
        while b"220 2.0.0" not in said:
            said += peer.recv(4096)
        assert said.endswith(b"220 2.0.0 Ready to start TLS\r\n")
        with posthouse.tls.wrap_socket(peer, server_hostname="localhost") as private:
            private.sendall(b"QUIT\r\n")
            assert private.recv(1000) == b"221 2.0.0 Goodbye\r\n", "nothing was answered that came before"


def test_starttls_forgets_who_was_there(posthouse: Live) -> None:
    """RFC 3207 §4.2: no greeting and no transaction from before is believed."""
    with socket.create_connection((posthouse.host, posthouse.port("smtp")), timeout=20) as peer:
        peer.recv(1000)
        peer.sendall(f"EHLO x\r\nMAIL FROM:<{EVE}>\r\nRCPT TO:<{BOB}>\r\nRSET\r\nSTARTTLS\r\n".encode())
        said = b""
        while b"220 2.0.0" not in said:
            said += peer.recv(4096)
        with posthouse.tls.wrap_socket(peer, server_hostname="localhost") as private:
            private.sendall(b"DATA\r\n")
            assert private.recv(1000) == b"503 5.5.1 DATA can't come here. Send EHLO first\r\n"


def test_a_stripped_starttls_gives_no_password(posthouse: Live) -> None:
    with smtplib.SMTP(posthouse.host, posthouse.port("submission")) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        assert client.docmd("AUTH PLAIN AGFkYQBzZWNyZXQ=")[0] == 538
