"""The PROXY protocol: haproxy.org's proxy-protocol.txt, §2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.errors import LimitError, RemoteProtocolError
from posthouse.wire.proxy import MAX_LENGTH, SIGNATURE, Source, read_header

BEHIND = b"220 this belongs to somebody else"


def read(octets: bytes) -> tuple[Source | None, bytes]:
    """The source, and what was left alone. It runs out of octets with EOFError."""
    parser = read_header()
    wanted = next(parser)
    while True:
        if len(octets) < wanted:
            raise EOFError
        piece, octets = octets[:wanted], octets[wanted:]
        try:
            wanted = parser.send(piece)
        except StopIteration as stop:
            return stop.value, octets


def binary(command: int, family: int, rest: bytes, length: int | None = None) -> bytes:
    return SIGNATURE + bytes([command, family]) + (len(rest) if length is None else length).to_bytes(2) + rest


V4 = bytes([192, 0, 2, 1, 198, 51, 100, 1]) + (56324).to_bytes(2) + (25).to_bytes(2)
V6 = bytes.fromhex("20010db8" + "0" * 23 + "1" + "20010db8" + "0" * 23 + "2") + (56324).to_bytes(2) + (25).to_bytes(2)
MAPPED = bytes(10) + b"\xff\xff" + V4[:4] + bytes(16) + V4[8:]


@pytest.mark.parametrize(
    ("header", "source"),
    [
        (b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\n", Source("192.0.2.1", 56324)),
        (b"PROXY TCP6 2001:db8::1 2001:db8::2 56324 25\r\n", Source("2001:db8::1", 56324)),
        (b"PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.1 1 25\r\n", Source("192.0.2.1", 1)),
        (b"PROXY UNKNOWN\r\n", None),
        (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", None),
        (binary(0x21, 0x11, V4), Source("192.0.2.1", 56324)),
        (binary(0x21, 0x11, V4 + b"\x01\x00\x02h2"), Source("192.0.2.1", 56324)),
        (binary(0x21, 0x21, V6), Source("2001:db8::1", 56324)),
        (binary(0x21, 0x21, MAPPED), Source("192.0.2.1", 56324)),
        (binary(0x20, 0x00, b""), None),
        (binary(0x20, 0x11, V4), None),
        (binary(0x21, 0x31, b"/path" + bytes(211)), None),
        (binary(0x21, 0x00, b""), None),
    ],
)
def test_headers(header: bytes, source: Source | None) -> None:
    assert read(header + BEHIND) == (source, BEHIND), "not an octet more than the header is read"
    for cut in range(len(header)):
        with pytest.raises(EOFError):
            read(header[:cut])


@pytest.mark.parametrize(
    "octets",
    [
        b"EHLO client.example\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03abcdef",
        b"proxy TCP4 192.0.2.1 198.51.100.1 56324 25\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 25 \r\n",
        b"PROXY TCP4 2001:db8::1 2001:db8::2 56324 25\r\n",
        b"PROXY TCP6 192.0.2.1 198.51.100.1 56324 25\r\n",
        b"PROXY TCP4 192.0.2.256 198.51.100.1 56324 25\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.1 65536 25\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 65536\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.256 56324 25\r\n",
        b"PROXY TCP4 192.0.2.1 2001:db8::2 56324 25\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.1 056324 25\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 025\r\n",
        b"PROXY UDP4 192.0.2.1 198.51.100.1 56324 25\r\n",
        b"PROXY UNKNOWNX\r\n",
        binary(0x11, 0x11, V4),
        binary(0x22, 0x11, V4),
        binary(0x21, 0x11, V4[:-1]),
        binary(0x21, 0x21, V4),
    ],
)
def test_what_is_no_header(octets: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        read(octets + BEHIND)


def test_headers_have_limits() -> None:
    with pytest.raises(LimitError):
        read(b"PROXY UNKNOWN " + b"x" * 200)
    with pytest.raises(LimitError):
        read(binary(0x21, 0x11, b"", MAX_LENGTH + 1))


@given(st.binary(max_size=64), st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21\x11"]))
def test_anything_is_a_header_or_an_error_of_the_protocol(octets: bytes, begin: bytes) -> None:
    try:
        read(begin + octets)
    except (EOFError, RemoteProtocolError):
        return
