"""COMPRESS=DEFLATE over a real connection with TLS, under load: RFC 4978."""

from __future__ import annotations

import socket
import ssl
import threading
import zlib

import pytest

from live import PASSWORDS, Live
from posthouse.server import connection

ADA = "ada@example.org"


class Packed:
    """A client that has logged in and asked for compression."""

    def __init__(self, house: Live) -> None:
        plain = socket.create_connection((house.host, house.port("imaps")), timeout=20)
        self.socket: ssl.SSLSocket = house.tls.wrap_socket(plain, server_hostname="localhost")
        self.packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.unpacker = zlib.decompressobj(-15)
        self.packed = 0
        self.unread = b""
        self.until(b"* OK")
        self.socket.sendall(f'a LOGIN {ADA} "{PASSWORDS[ADA]}"\r\nb COMPRESS DEFLATE\r\n'.encode())
        self.until(b"b OK")

    def until(self, tag: bytes) -> bytes:
        """Everything up to and with the line that begins so."""
        heard = bytearray(b"\r\n" + self.unread)
        searched = 0
        while True:
            at = heard.find(b"\r\n" + tag, searched)
            end = heard.find(b"\r\n", at + 2) if at >= 0 else -1
            if end >= 0:
                self.unread = bytes(heard[end + 2 :])
                return bytes(heard[2 : end + 2])
            searched = max(0, len(heard) - 100) if at < 0 else at
            data = self.socket.recv(65_536)
            assert data, heard[-200:]
            self.packed += len(data)
            heard += data if tag in (b"* OK", b"b OK") else self.unpacker.decompress(data)

    def __enter__(self) -> Packed:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, octets: bytes) -> None:
        self.socket.sendall(self.packer.compress(octets) + self.packer.flush(zlib.Z_SYNC_FLUSH))


def test_letters_go_both_ways(posthouse: Live) -> None:
    """Twenty megabytes in, in pipelined commands, and out again, to a client that lets them wait."""
    letter = b"Subject: large\r\n\r\n" + b"The same line, again and again.\r\n" * 30_000
    with Packed(posthouse) as client:
        for number in range(20):
            client.say(b"c%d APPEND INBOX {%d+}\r\n%b\r\n" % (number, len(letter), letter))
        client.until(b"c19 OK")
        client.say(b"d SELECT INBOX\r\ne FETCH 1:* BODY.PEEK[]\r\nf NOOP\r\n")
        client.until(b"d OK")
        client.packed = 0
        heard = client.until(b"f OK")
        assert heard.count(letter) == 20
        assert client.packed < len(heard) / 20
        client.say(b"g LOGOUT\r\n")
        client.until(b"g OK")


def test_a_long_line_is_read_to_its_end(posthouse: Live) -> None:
    """More than is unpacked ahead of the parser."""
    with Packed(posthouse) as client:
        client.say(b"c SELECT INBOX\r\nd FETCH " + b",".join(b"%d" % n for n in range(1, 50_000)) + b" UID\r\n")
        client.until(b"c OK")
        client.until(b"d BAD")


def test_news_are_flushed(posthouse: Live) -> None:
    """What is told without being asked for can be read at once."""
    with Packed(posthouse) as client, Packed(posthouse) as other:
        client.say(b"c SELECT INBOX\r\nd IDLE\r\n")
        client.until(b"+ idling")
        other.say(b"c APPEND INBOX {8+}\r\nSubject:\r\n")
        other.until(b"c OK")
        client.until(b"* 1 EXISTS")


def test_a_bomb(posthouse: Live) -> None:
    """A hundred megabytes of a command in a hundred kilobytes: refused, and the server goes on."""
    with Packed(posthouse) as client:
        client.say(b"c NOOP " + bytes(100_000_000) + b"\r\n")
        assert b"BYE" in client.until(b"* BYE")
    with Packed(posthouse):
        pass


def test_flushes_of_nothing_fill_no_memory(posthouse: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a step of its own for the server: it reads no more of them than it can take."""
    most = 0
    receive = connection.Connection.data_received

    def watched(self: connection.Connection, data: bytes) -> None:
        nonlocal most
        receive(self, data)
        if self._session is not None:
            most = max(most, self._session.machine.unread)

    monkeypatch.setattr(connection.Connection, "data_received", watched)
    with Packed(posthouse) as client, Packed(posthouse) as other:
        flood = threading.Thread(target=lambda: client.socket.sendall(b"\0\0\0\xff\xff" * 400_000))
        flood.start()
        other.say(b"c NOOP\r\n")
        other.until(b"c OK")
        flood.join()
        client.say(b"c NOOP\r\n")
        client.until(b"c OK")
    assert most < 1_000_000
