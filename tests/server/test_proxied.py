"""Behind a proxy: the PROXY protocol on real sockets, with TLS behind it."""

from __future__ import annotations

import asyncio
import logging
import select
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from behind import FROM, behind, connect, everything
from live import PASSWORDS, Live
from posthouse.config import Limits
from posthouse.server.accepting import Listener
from posthouse.server.limits import Doorkeeper
from posthouse.wire.proxy import SIGNATURE

ADA = "ada@example.org"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Live]:
    with behind(tmp_path) as running:
        yield running


@pytest.mark.parametrize(
    ("header", "source"),
    [
        (FROM.format("203.0.113.7").encode(), "203.0.113.7:40000"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n", "[2001:db8::7]:40000"),
        (
            SIGNATURE + b"\x21\x11\x00\x0c" + bytes([203, 0, 113, 7, 198, 51, 100, 1]) + b"\x9c\x40\x00\x19",
            "203.0.113.7:40000",
        ),
        (SIGNATURE + b"\x20\x00\x00\x00", "127.0.0.1:"),  # LOCAL: the proxy looks whether we are well
        (b"PROXY UNKNOWN\r\n", "127.0.0.1:"),
    ],
)
def test_the_client_is_who_the_proxy_says(
    house: Live, caplog: pytest.LogCaptureFixture, header: bytes, source: str
) -> None:
    caplog.set_level(logging.INFO, "posthouse.smtp")
    with connect(house, "smtp", header) as peer:
        assert peer.recv(1000).startswith(b"220 ")
        peer.sendall(
            b"EHLO x\r\nMAIL FROM:<e@x.example>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nSubject: p\r\n\r\n.\r\nQUIT\r\n"
        )
        assert b"250 2.0.0 Delivered" in everything(peer)
    assert f"letter from <e@x.example> ({source}" in caplog.text


def test_octet_by_octet_and_together_with_what_follows(house: Live) -> None:
    header = FROM.format("203.0.113.7").encode()
    with connect(house, "smtp") as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in header:
            peer.sendall(bytes([octet]))
        assert peer.recv(1000).startswith(b"220 ")
    with connect(house, "imap", header + b"a NOOP\r\nb LOGOUT\r\n") as peer:
        assert b"a OK" in everything(peer)


def test_tls_from_the_first_octet_begins_behind_the_header(house: Live) -> None:
    with connect(house, "imaps") as peer:
        # The header and the handshake's first octets in one write, as proxies do it.
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = house.tls.wrap_bio(incoming, outgoing, server_hostname="localhost")
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        peer.sendall(FROM.format("203.0.113.7").encode() + outgoing.read())
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                if data := outgoing.read():
                    peer.sendall(data)
                incoming.write(peer.recv(65536))
        peer.sendall(outgoing.read())
        while True:
            try:
                assert tls.read().startswith(b"* OK")
                break
            except ssl.SSLWantReadError:
                incoming.write(peer.recv(65536))


def test_others_speak_for_themselves(house: Live) -> None:
    """From whom [listen] proxies doesn't name, a header is what it looks like: a command that doesn't exist."""
    with connect(house, "imap", FROM.format("203.0.113.7") + "a LOGOUT\r\n", source="127.0.0.2") as peer:
        said = everything(peer)
    assert said.startswith(b"* OK ") and b"PROXY BAD there is no command TCP4" in said, said
    with smtplib.SMTP(house.host, house.port("submission"), source_address=("127.0.0.2", 0)) as direct:
        direct.starttls(context=house.tls)
        direct.login(ADA, PASSWORDS[ADA])


@pytest.mark.parametrize(
    "octets", [b"EHLO client.example\r\n", b"\x16\x03\x01" + bytes(20), b"PROXY TCP4 x y 1 2\r\n", b""]
)
def test_a_proxy_without_a_header_gets_nothing(tmp_path: Path, octets: bytes) -> None:
    with behind(tmp_path, "[limits]\nproxy_header_seconds = 1") as house:
        with connect(house, "smtp", octets) as peer:
            begin = time.monotonic()
            assert everything(peer) == b""
            assert time.monotonic() - begin < 10
        assert house.server.statistics()["connections"] == 0
        with connect(house, "smtp", FROM.format("203.0.113.7")) as peer:
            assert peer.recv(1000).startswith(b"220 ")


def test_a_stop_waits_for_no_header(tmp_path: Path) -> None:
    with behind(tmp_path) as house:
        waiting = connect(house, "smtp")
        begin = time.monotonic()
    with waiting:
        assert everything(waiting) == b""
    assert time.monotonic() - begin < house.config.limits.stop_seconds


def test_a_connection_that_a_stop_meets_at_once_is_closed() -> None:
    """Accepted in the turn of the event loop in which the server stops."""

    async def stop_at_once(listening: socket.socket, client: socket.socket) -> None:
        listener = Listener([listening], lambda _: asyncio.Protocol(), None, (), 1.0, Doorkeeper(Limits()))
        select.select([listening], [], [], 10)
        listener._accept(listening)
        assert len(listener._beginning) == 1
        listener.close()
        await listener.wait_closed()
        assert client.recv(1) == b""

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        with socket.create_connection(listening.getsockname(), timeout=10) as client:
            asyncio.run(stop_at_once(listening, client))
