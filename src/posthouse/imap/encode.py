"""Strings as IMAP writes them: atoms, quoted strings, literals, NIL, mailbox names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from . import utf7
from .syntax import ATOM

NIL = b"NIL"
# Above this a quoted string becomes a literal: some clients read quoted strings into small buffers (RFC 2683 §3.4.2
# keeps whole lines below 1,000 octets for their sake).
MAX_QUOTED = 1024

# What a quoted string can't hold: NUL, CR and LF; and before UTF-8 was agreed on, octets above 127.
UNQUOTABLE = re.compile(rb"[\x00\r\n\x80-\xff]")
UNQUOTABLE_UTF8 = re.compile(rb"[\x00\r\n]")
SPECIAL = re.compile(rb'(["\\])')


@dataclass(frozen=True, slots=True)
class Literal:
    """A string that a client sends as a literal: it may have to wait before the octets.

    ``binary``: as literal8, which may hold NUL (RFC 3516 §4.1).
    """

    octets: bytes
    binary: bool = False


# A piece of a command that a client sends: text as it stands, or a literal.
Piece = bytes | Literal


def quoted(octets: bytes) -> bytes:
    """A quoted string; `ValueError` for octets that none can hold."""
    if UNQUOTABLE_UTF8.search(octets):
        raise ValueError("a quoted string can't hold NUL, CR or LF")
    return b'"' + SPECIAL.sub(rb"\\\1", octets) + b'"'


def without_nul(octets: bytes) -> bytes:
    """Octets as a literal may have them: no NUL (RFC 9051 §9, CHAR8). In its place stands 0x80, as Dovecot has it, so
    that they are as many."""
    return octets.replace(b"\0", b"\x80")


def literal(octets: bytes) -> bytes:
    """A literal, as a server sends it."""
    return literal_of(len(octets)) + octets


def literal_of(size: int) -> bytes:
    """How a literal of so many octets begins."""
    return b"{%d}\r\n" % size


def literal8(octets: bytes) -> bytes:
    """A literal that may hold NUL (RFC 3516 §4.2: BINARY)."""
    return b"~{%d}\r\n%b" % (len(octets), octets)


def string(octets: bytes, *, utf8: bool = False) -> bytes:
    """A string as a server sends it: quoted where that is possible, else a literal."""
    unquotable = UNQUOTABLE_UTF8 if utf8 else UNQUOTABLE
    if len(octets) > MAX_QUOTED or unquotable.search(octets):
        return literal(octets)
    return b'"' + SPECIAL.sub(rb"\\\1", octets) + b'"'


def nstring(octets: bytes | None, *, utf8: bool = False) -> bytes:
    """A string or NIL."""
    return NIL if octets is None else string(octets, utf8=utf8)


def client_string(octets: bytes) -> Piece:
    """A string as a client sends it."""
    if len(octets) > MAX_QUOTED or UNQUOTABLE.search(octets):
        return Literal(octets)
    return b'"' + SPECIAL.sub(rb"\\\1", octets) + b'"'


def astring(octets: bytes) -> bytes:
    """An astring as a server sends it: an atom where one will do."""
    return octets if ATOM.fullmatch(octets) and octets.upper() != NIL else string(octets)


def client_astring(octets: bytes) -> Piece:
    """An astring as a client sends it."""
    return octets if ATOM.fullmatch(octets) and octets.upper() != NIL else client_string(octets)


def mailbox(name: str, *, utf8: bool = False) -> bytes:
    """A mailbox name: modified UTF-7, or UTF-8 for a client that enabled it (RFC 9051 §5.1, RFC 6855 §3).

    Quoted unless it is a plain atom. `ValueError` for half a surrogate pair and for CR, LF and NUL.
    """
    octets = name.encode("utf-8") if utf8 else utf7.encode(name)
    if ATOM.fullmatch(octets) and octets.upper() != NIL:
        return octets
    return quoted(octets)
