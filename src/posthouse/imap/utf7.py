"""Modified UTF-7, in which IMAP4rev1 writes mailbox names: RFC 3501 §5.1.3."""

from __future__ import annotations

import binascii
import re

# What may not stand for itself: everything but printable US-ASCII, and "&".
SHIFTED = re.compile(r"&|[^\x20-\x7e]+")
# A shift to modified BASE64 and back: "&" *base64-char "-"
SHIFT = re.compile(rb"&([A-Za-z0-9+,]*)-")
PRINTABLE = re.compile(r"[\x20-\x7e]")


def encode(name: str) -> bytes:
    """A mailbox name in modified UTF-7. `ValueError` for a name with half a surrogate pair."""
    return SHIFTED.sub(_encode_run, name).encode("ascii")


def _encode_run(match: re.Match[str]) -> str:
    run = match[0]
    if run == "&":
        return "&-"
    base64 = binascii.b2a_base64(run.encode("utf-16-be"), newline=False)
    return "&" + base64.rstrip(b"=").replace(b"/", b",").decode("ascii") + "-"


def decode(octets: bytes) -> str:
    """The name that ``octets`` stand for.

    `ValueError`, with the reason as its text, for everything that `encode` would not write: there is one form for each
    name, so that two names on the wire are never one mailbox.
    """
    pieces: list[str] = []
    at = 0
    shifted_to = -1  # where the last shift ended
    for match in SHIFT.finditer(octets):
        pieces.append(_plain(octets[at : match.start()]))
        at = match.end()
        if not match[1]:  # "&-" while in US-ASCII is the character "&", not a shift
            pieces.append("&")
            continue
        if match.start() == shifted_to:  # "&U,BTFw-&ZeVnLIqe-"
            raise ValueError("a superfluous shift in its modified UTF-7")
        pieces.append(_shifted(match[1]))
        shifted_to = at
    pieces.append(_plain(octets[at:]))
    return "".join(pieces)


def _plain(octets: bytes) -> str:
    if b"&" in octets:
        raise ValueError('an "&" that begins no modified UTF-7 (an "&" itself is written "&-")')
    text = octets.decode("latin-1")
    if SHIFTED.search(text):
        raise ValueError("characters that modified UTF-7 has to encode")
    return text


def _shifted(base64: bytes) -> str:
    # Six bits a character, sixteen a code unit: the rest is fewer than six bits, all zero.
    units, rest = divmod(len(base64) * 6, 16)
    if units == 0 or rest >= 6:
        raise ValueError("modified UTF-7 of an impossible length")
    padded = base64.replace(b",", b"/") + b"=" * (-len(base64) % 4)
    octets = binascii.a2b_base64(padded)
    if binascii.b2a_base64(octets, newline=False) != padded:
        raise ValueError("modified UTF-7 with bits left over")
    try:
        text = octets.decode("utf-16-be")
    except UnicodeDecodeError as error:
        raise ValueError("modified UTF-7 with half a surrogate pair") from error
    if PRINTABLE.search(text):
        raise ValueError("modified UTF-7 of a character that stands for itself")
    return text
