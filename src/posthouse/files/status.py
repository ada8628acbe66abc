"""Flags as mbox files keep them: in header fields that belong to the mailbox, not to the letter.

``Status`` and ``X-Status`` are from Berkeley Mail and c-client, ``X-Keywords`` from c-client and Dovecot,
``X-Mozilla-Status`` from Thunderbird.

What we write is a block of fixed shape in front of the letter's own header. Reading takes exactly such a block away
again; fields of other programs, which stand among the letter's own, are read and stay where they are.
"""

from __future__ import annotations

import re

SEEN, ANSWERED, FLAGGED, DELETED, DRAFT = "\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"

_STATUS = {"R": SEEN}  # "O" (old: a client has seen that it is there) is no flag of ours
_X_STATUS = {"A": ANSWERED, "F": FLAGGED, "D": DELETED, "T": DRAFT}
_MOZILLA = {0x0001: SEEN, 0x0002: ANSWERED, 0x0004: FLAGGED, 0x0008: DELETED, 0x1000: "$Forwarded"}

_BLOCK = re.compile(
    rb"(?:Content-Length: [0-9]+\r?\n)?Status: ([RO]*)\r?\nX-Status: ([AFDT]*)\r?\nX-Keywords: ([!-~ ]*)\r?\n"
)
_FIELD = re.compile(rb"(?mi)^(status|x-status|x-keywords|x-mozilla-status):[ \t]*([^\r\n]*)")


def block(flags: frozenset[str], length: int | None) -> bytes:
    """The fields to write in front of a letter's header; ``length`` for the dialects with Content-Length."""
    status = "RO" if SEEN in flags else "O"
    x_status = "".join([letter for letter, flag in _X_STATUS.items() if flag in flags])
    keywords = " ".join(sorted(flag for flag in flags if not flag.startswith("\\")))
    first = "" if length is None else f"Content-Length: {length}\n"
    return f"{first}Status: {status}\nX-Status: {x_status}\nX-Keywords: {keywords}\n".encode("ascii")


def read(header: bytes) -> tuple[frozenset[str], int]:
    """The flags that a header tells, and how many octets of it are the block that we wrote in front."""
    if found := _BLOCK.match(header):
        return _flags(*found.groups()), found.end()
    values: dict[bytes, bytes] = {}
    for name, value in _FIELD.findall(header):
        values.setdefault(name.lower(), value)
    flags = _flags(values.get(b"status", b""), values.get(b"x-status", b""), values.get(b"x-keywords", b""))
    return flags | _mozilla_flags(values.get(b"x-mozilla-status", b"")), 0


def _flags(status: bytes, x_status: bytes, keywords: bytes) -> frozenset[str]:
    letters = [_STATUS.get(letter) for letter in status.decode("latin-1")]
    letters += [_X_STATUS.get(letter) for letter in x_status.decode("latin-1")]
    words = [word.decode("ascii") for word in keywords.split() if word.isascii() and word.decode("ascii").isprintable()]
    return frozenset(flag for flag in [*letters, *words] if flag and flag != "\\")


def _mozilla_flags(value: bytes) -> frozenset[str]:
    if not re.fullmatch(rb"[0-9A-Fa-f]{4}", value.strip()):
        return frozenset()
    bits = int(value, 16)
    return frozenset(flag for bit, flag in _MOZILLA.items() if bits & bit)
