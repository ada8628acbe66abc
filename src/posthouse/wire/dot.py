"""Dot-stuffed text: how SMTP's DATA and POP3's multi-line replies mark their end (RFC 5321 §4.5.2, RFC 1939 §3).

Only ``CR LF . CR LF`` ends a text. A bare LF or CR is a character of the text when reading, and never goes out when
writing: what one program takes for the end of a letter and another for its middle is how letters are smuggled.
"""

from __future__ import annotations

import re

from .line_ends import BARE_CR, LineEnds
from .reader import Parse, Reader

END = b"\r\n.\r\n"
# Found in half of the time that looking for CR LF "." takes.
DOT = re.compile(rb"\n\.")
DOT_OR_BARE_LF = re.compile(rb"\n(?:\.|(?<!\r\n))")


class DotReader:
    """Reads one dot-stuffed text from a `Reader`, chunk by chunk, unstuffed."""

    __slots__ = ("_ended", "_line_start", "_reader")

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._line_start = True
        self._ended = False

    def read(self) -> Parse[bytes]:
        """Return the next octets of the text, its line ends as they came; ``b""`` at its end."""
        if self._ended:
            return b""
        if self._line_start and (yield from self._reader.starts_with(b".")):
            if (yield from self._reader.starts_with(b".\r\n")):
                yield from self._reader.read_exact(3)
                self._ended = True
                return b""
            yield from self._reader.read_exact(1)
            self._line_start = False
        chunk, self._ended = yield from self._reader.read_before(END, b"\r")
        if self._ended:
            chunk = chunk[:-3]
        # The dot after each CR LF goes; no chunk ends in CR, so every CR LF stands whole.
        self._line_start = chunk.endswith(b"\r\n")
        return chunk.replace(b"\r\n.", b"\r\n")


class DotWriter:
    """Stuffs a text for the wire, chunk by chunk; bare CR and bare LF become CR LF."""

    __slots__ = ("_line_ends", "_line_start")

    def __init__(self) -> None:
        self._line_start = True
        self._line_ends = LineEnds()

    def write(self, chunk: bytes) -> bytes:
        """Return the octets that go out for the next octets of the text."""
        chunk = self._line_ends.write(chunk)
        if not chunk:
            return b""
        stuffed = chunk.replace(b"\r\n.", b"\r\n..") if DOT.search(chunk) else chunk
        if self._line_start and stuffed.startswith(b"."):
            stuffed = b"." + stuffed
        self._line_start = stuffed.endswith(b"\r\n")
        return stuffed

    def end(self) -> bytes:
        """Return the octets that end the text: its last line's CR LF where that is missing, and the dot."""
        last = self._line_ends.end() or (b"" if self._line_start else b"\r\n")
        return last + b".\r\n"


def stuffed(text: bytes) -> bytes:
    """A whole text as `DotWriter` writes it, with what ends it."""
    as_it_is = text.endswith(b"\r\n") and not text.startswith(b".")
    if as_it_is and not DOT_OR_BARE_LF.search(text) and not BARE_CR.search(text):  # as most are
        return text + b".\r\n"
    lines = text.splitlines()
    if not lines:
        return b".\r\n"
    body = b"\r\n".join(lines).replace(b"\r\n.", b"\r\n..")
    return b"%b%b\r\n.\r\n" % (b"." if body.startswith(b".") else b"", body)
