"""METADATA (RFC 5464): how it is asked and answered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from . import encode
from .command import GetMetadata, SetMetadata
from .syntax import Cursor, Malformed

# §4.1: slash-separated, beginning with /private or /shared, without "*", "%", controls, "//" and a slash at the end.
ENTRY = re.compile(r"/(?:private|shared)(?:/[^/*%\x00-\x1f\x7f-\x9f]+)+")
# Entries in one command. Mail programs ask for a handful.
MAX_ENTRIES = 100

OPTIONS = re.compile(rb"\([A-Za-z]")

DEPTHS = {"0": 0, "1": 1, "INFINITY": None}


def read_get_metadata(cursor: Cursor) -> GetMetadata:
    """getmetadata = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries"""
    cursor.space()
    max_size: int | None = None
    depth: int | None = 0

    def option() -> None:
        nonlocal max_size, depth
        if cursor.keyword(b"MAXSIZE"):
            cursor.space()
            max_size = cursor.number("a size")
            return
        if not cursor.keyword(b"DEPTH"):
            raise cursor.expected("MAXSIZE or DEPTH")
        cursor.space()
        word = cursor.word("0, 1 or infinity")
        if word not in DEPTHS:
            raise cursor.expected("a depth of 0, 1 or infinity, which ended")
        depth = DEPTHS[word]

    # The grammar has the options before the mailbox, all of the RFC's examples have them behind it (§4.2.1, §4.2.2).
    if cursor.at_any(b"("):
        cursor.list_of(option, "options", least=1)
        cursor.space()
    mailbox = cursor.mailbox()
    cursor.space()
    if OPTIONS.match(cursor.text, cursor.at):
        cursor.list_of(option, "options", least=1)
        cursor.space()
    if cursor.at_any(b"("):
        entries = cursor.list_of(lambda: _entry(cursor), "entries", least=1)
    else:
        entries = [_entry(cursor)]
    _check_count(len(entries))
    return GetMetadata(mailbox, tuple(dict.fromkeys(entries)), max_size, depth)


def read_set_metadata(cursor: Cursor) -> SetMetadata:
    """setmetadata = "SETMETADATA" SP mailbox SP entry-values; entry-value = entry SP (nstring / literal8)"""

    def value() -> tuple[str, bytes | None]:
        entry = _entry(cursor)
        cursor.space()
        return entry, cursor.nstring("a value")

    cursor.space()
    mailbox = cursor.mailbox()
    cursor.space()
    values = cursor.list_of(value, "entries and values", least=1)
    _check_count(len(values))
    return SetMetadata(mailbox, dict(values))


def _entry(cursor: Cursor) -> str:
    """An entry's name; names are compared without case (§4.1)."""
    start = cursor.at
    name = cursor.utf8_astring("an entry").lower()
    if not ENTRY.fullmatch(name):
        cursor.at = start
        raise cursor.expected("an entry such as /private/comment")
    return name


def _check_count(count: int) -> None:
    if count > MAX_ENTRIES:
        raise Malformed(f"at most {MAX_ENTRIES} entries in one command")


def metadata(mailbox: str, values: Mapping[str, bytes | None], *, utf8: bool) -> bytes:
    """metadata-resp with values: the answer to GETMETADATA (§4.4.1)."""
    told = b" ".join(encode.astring(entry.encode("utf-8")) + b" " + _value(value) for entry, value in values.items())
    return b"METADATA %b (%b)" % (_mailbox(mailbox, utf8), told)


def metadata_changed(mailbox: str, entries: Iterable[str], *, utf8: bool) -> bytes:
    """metadata-resp without values: these have changed (§4.4.2)."""
    return b" ".join(
        [b"METADATA", _mailbox(mailbox, utf8), *(encode.astring(entry.encode("utf-8")) for entry in entries)]
    )


def _mailbox(mailbox: str, utf8: bool) -> bytes:
    return encode.mailbox(mailbox, utf8=utf8) if mailbox else b'""'


def _value(value: bytes | None) -> bytes:
    return encode.literal8(value) if value is not None and b"\0" in value else encode.nstring(value)
