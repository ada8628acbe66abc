"""What servers answer, read leniently into nested values: so that one illegal item is skipped, not the message.

Servers are known to leave out spaces, to write NIL where a string belongs, and strings where a list does.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from .syntax import Cursor

# Lists in lists: a BODYSTRUCTURE nests twice a level of parts.
MAX_DEPTH = 250

# An atom is str, a string (quoted or literal) bytes, NIL None.
Value: TypeAlias = "str | bytes | list[Value] | None"

TOKEN = re.compile(
    rb' *(?:(?P<open>\()|(?P<close>\))|"(?P<quoted>[^"\\]*(?:\\.[^"\\]*)*)"|(?P<literal>~?\{[0-9]+\+?\}\r\n)'
    rb'|(?P<atom>[^ ()"\r\n]+))',
    re.DOTALL,
)
BACKSLASH = re.compile(rb"\\(.)", re.DOTALL)


def read_value(cursor: Cursor) -> Value:
    """The value that is next; `Malformed` when there is none, or its parentheses don't match."""
    open_lists: list[list[Value]] = []
    value: Value
    while True:
        match = cursor.match(TOKEN, "a value")
        kind = match.lastgroup
        if kind == "open":
            if len(open_lists) == MAX_DEPTH:
                raise cursor.expected(f"at most {MAX_DEPTH} lists in lists, which ended")
            open_lists.append([])
            continue
        if kind == "close":
            if not open_lists:
                raise cursor.expected("a value before the closing parenthesis")
            value = open_lists.pop()
        elif kind == "quoted":
            value = match["quoted"]
            if b"\\" in value:
                value = BACKSLASH.sub(rb"\1", value)
        elif kind == "literal":
            value = cursor.literals[match.end()]
        else:
            atom = match["atom"].decode("utf-8", "replace")
            value = None if atom.upper() == "NIL" else atom
        if not open_lists:
            return value
        open_lists[-1].append(value)


def as_bytes(value: Value) -> bytes | None:
    """An nstring, also where a server wrote an atom; None for anything else."""
    if isinstance(value, str):
        return value.encode("utf-8")
    return value if isinstance(value, bytes) else None


def as_text(value: Value) -> str:
    """The same as characters; empty for anything else. 8-bit octets that aren't UTF-8 are taken for Latin-1."""
    octets = as_bytes(value) or b""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def as_number(value: Value) -> int | None:
    """A number, also where a server wrote a string; None for anything else."""
    text = as_text(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else None


def as_list(value: Value) -> list[Value]:
    """A list; empty for anything else."""
    return value if isinstance(value, list) else []
