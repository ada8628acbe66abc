"""A real server behind a proxy: clients with any address, over real sockets."""

from __future__ import annotations

import imaplib
import smtplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from live import TOML, Live, live

PROXIES = 'proxies = ["127.0.0.1", "192.0.2.0/24"]'
FROM = "PROXY TCP4 {} 198.51.100.1 40000 25\r\n"


@contextmanager
def behind(folder: Path, more: str = "") -> Iterator[Live]:
    """A server that is reached by way of a proxy at 127.0.0.1, and directly from 127.0.0.2."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("live.TOML", TOML.replace("[listen]\n", f"[listen]\n{PROXIES}\n"))
        with live(folder, more) as house:
            yield house


def connect(house: Live, door: str, header: bytes | str = "", source: str = "127.0.0.1") -> socket.socket:
    peer = socket.create_connection((house.host, house.port(door)), timeout=20, source_address=(source, 0))
    peer.sendall(header.encode() if isinstance(header, str) else header)
    return peer


def everything(peer: socket.socket) -> bytes:
    octets = b""
    try:
        while piece := peer.recv(65536):
            octets += piece
    except ConnectionResetError:
        pass
    return octets


class Imap(imaplib.IMAP4):
    """A client of `imap`, at an address of its own, behind the proxy."""

    def __init__(self, house: Live, address: str) -> None:
        self._house, self._address = house, address
        super().__init__(house.host, house.port("imap"), timeout=20)
        self.starttls(house.tls)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return connect(self._house, "imap", header(self._address))


class Smtp(smtplib.SMTP):
    """A client of `submission`, or of `smtp`, at an address of its own, behind the proxy."""

    def __init__(self, house: Live, address: str, door: str = "submission") -> None:
        self._house, self._address, self._door = house, address, door
        super().__init__(house.host, house.port(door), timeout=20)
        self.starttls(context=house.tls)
        self.ehlo()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return connect(self._house, self._door, header(self._address))


def header(address: str) -> str:
    """What the proxy sends for a client at this address."""
    return FROM.format(address) if ":" not in address else f"PROXY TCP6 {address} 2001:db8::1 40000 25\r\n"
