"""The header with which a proxy says whom it speaks for: the PROXY protocol of HAProxy, versions 1 and 2.

The parser never asks for an octet beyond the header's end: what follows may be a TLS handshake, which is for others.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias

from posthouse.errors import LimitError, RemoteProtocolError

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"  # §2.2
# §2.1: "a 107-byte buffer is always enough", CR LF included.
MAX_LINE = 107
# Octets behind the first 16 of version 2: addresses take 36 at most, the rest is for what proxies know of TLS.
MAX_LENGTH = 4096
# PROXY TCP4 192.0.2.1 198.51.100.1 56324 443
# §2.1: ports have no leading zeroes.
LINE = re.compile(
    rb"PROXY TCP([46]) ([0-9A-Fa-f.:]{2,45}) ([0-9A-Fa-f.:]{2,45}) (0|[1-9][0-9]{0,4}) (0|[1-9][0-9]{0,4})\r\n"
)
UNKNOWN = b"PROXY UNKNOWN"
LOCAL, PROXY = 0x20, 0x21
# Family and protocol, the source address and where its port begins: TCP over IPv4 and over IPv6. Others: §2.2, they
# carry addresses that a mail server has no use for.
FAMILIES = {0x11: (4, 8), 0x21: (16, 32)}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a proxied connection comes from."""

    address: str
    port: int


# It yields how many octets it wants, is sent exactly these, and returns the source; None: the proxy speaks for itself.
Header: TypeAlias = Generator[int, bytes, Source | None]


def read_header() -> Header:
    """Read one header. `RemoteProtocolError` for what is none, `LimitError` for one that is too long."""
    begin = yield len(SIGNATURE)
    if begin == SIGNATURE:
        return (yield from _read_binary())
    if begin.startswith(b"PROXY "):
        return (yield from _read_line(begin))
    raise RemoteProtocolError("the connection doesn't begin with a PROXY header")


def _read_line(line: bytes) -> Header:
    while not line.endswith(b"\n"):
        if len(line) == MAX_LINE:
            raise LimitError(f"a PROXY header of more than {MAX_LINE} octets")
        line += yield 1
    # §2.1: UNKNOWN may be followed by anything, which is ignored.
    if line.endswith(b"\r\n") and (line[:-2] == UNKNOWN or line.startswith(UNKNOWN + b" ")):
        return None
    match = LINE.fullmatch(line)
    if match is None:
        raise RemoteProtocolError("the connection begins with what is no PROXY header")
    sides = [(match[2].decode("ascii"), int(match[4])), (match[3].decode("ascii"), int(match[5]))]
    if any((":" in address) != (match[1] == b"6") for address, _ in sides):
        raise RemoteProtocolError("the PROXY header has an address of the other family")
    source, _ = [_source(address, port) for address, port in sides]
    return source


def _read_binary() -> Header:
    command, family, high, low = yield 4
    length = high << 8 | low
    if command not in (LOCAL, PROXY):
        raise RemoteProtocolError("the PROXY header has a version or a command that doesn't exist")
    if length > MAX_LENGTH:
        raise LimitError(f"a PROXY header of more than {MAX_LENGTH} octets")
    rest = (yield length) if length else b""
    if command == LOCAL:
        return None  # §2.2: the proxy itself connects, to see whether we are well
    if family not in FAMILIES:
        return None
    size, port = FAMILIES[family]
    if length < port + 4:
        raise RemoteProtocolError("the PROXY header is too short for its addresses")
    return _source(str(ipaddress.ip_address(rest[:size])), int.from_bytes(rest[port : port + 2]))


def _source(address: str, port: int) -> Source:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError as error:
        raise RemoteProtocolError("the PROXY header has no address in it") from error
    if port > 65535:
        raise RemoteProtocolError("the PROXY header has no port in it")
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return Source(str(mapped or parsed), port)
