"""The reader: octets come in as the network gives them, and go out as lines, literals and chunks."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import TypeVar

from posthouse.errors import LimitError, RemoteProtocolError

T = TypeVar("T")
# A parser that may have to wait: it yields None for "more octets, please" and returns a T.
Parse = Generator[None, None, T]


class EndOfInput(RemoteProtocolError):
    """The peer closed the connection in the middle of something."""


class BareLineFeed(RemoteProtocolError):
    """A line ended with LF alone. The line is consumed, so that a caller may answer and go on."""


class Reader:
    """A buffer with two ends: `feed` on the network's side, ``yield from reader.read_…`` on the parser's."""

    __slots__ = ("_buffer", "_ended", "_scanned")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0  # no LF before this offset: a line that comes octet by octet is searched once
        self._ended = False

    def __len__(self) -> int:
        """The number of octets that wait to be read."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take octets from the network."""
        self._buffer += data

    def feed_eof(self) -> None:
        """The peer will send nothing more."""
        self._ended = True

    def clear(self) -> None:
        """Throw away what waits: used when TLS begins."""
        self._buffer.clear()
        self._scanned = 0

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        self._scanned = 0
        return taken

    def _more(self) -> Parse[None]:
        if self._ended:
            raise EndOfInput("the connection was closed in the middle of a command")
        yield None

    def at_eof(self) -> Parse[bool]:
        """True when the peer closed the connection and nothing is left to read."""
        while not self._buffer and not self._ended:
            yield None
        return not self._buffer

    def match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """What ``pattern`` matches at the beginning of what waits; its groups hold until something is read."""
        return pattern.match(self._buffer)

    def peek(self, start: int, end: int) -> bytes:
        """The octets from ``start`` to ``end`` of what waits, as far as they are there; they stay unread."""
        return bytes(self._buffer[start:end])

    def take_line(self, limit: int) -> bytes | None:
        """What `read_line` would read without waiting or an error; None where it couldn't, and nothing is read.

        A shorter way for who gets many lines at a time.
        """
        end = self._buffer.find(b"\n", self._scanned, limit)
        if end < 1 or self._buffer[end - 1] != 0x0D:
            return None
        return self._take(end + 1)[:-2]

    def skip(self, count: int) -> None:
        """Pass over octets that wait."""
        del self._buffer[:count]
        self._scanned = 0

    def read_line(self, limit: int) -> Parse[bytes]:
        """Read one line and return it without its CR LF.

        ``limit``: the most octets the line may have, CR LF included; beyond that `LimitError`, and the start of the
        line is still unread (`skip_line` passes over it). A line that ends with LF alone is consumed and raises
        `BareLineFeed`.
        """
        while True:
            end = self._buffer.find(b"\n", self._scanned)
            if end >= limit or (end < 0 and len(self._buffer) >= limit):
                raise LimitError(f"a line of more than {limit} octets")
            if end >= 0:
                break
            self._scanned = len(self._buffer)
            yield from self._more()
        line = self._take(end + 1)
        if not line.endswith(b"\r\n"):
            raise BareLineFeed("a line ended with LF alone; lines end with CR LF")
        return line[:-2]

    def skip_line(self, limit: int) -> Parse[None]:
        """Pass over the rest of a line, through its LF; `LimitError` after ``limit`` octets without one."""
        skipped = 0
        while True:
            end = self._buffer.find(b"\n")
            skipped += end + 1 if end >= 0 else len(self._buffer)
            if skipped > limit:
                raise LimitError(f"a line of more than {limit} octets")
            if end >= 0:
                self._take(end + 1)
                return
            self.clear()
            yield from self._more()

    def read_exact(self, count: int) -> Parse[bytes]:
        """Read exactly ``count`` octets. The caller has checked ``count`` against its limit."""
        while len(self._buffer) < count:
            yield from self._more()
        return self._take(count)

    def read_some(self, limit: int) -> Parse[bytes]:
        """Read what is there, at least one octet and at most ``limit``."""
        while not self._buffer:
            yield from self._more()
        return self._take(min(limit, len(self._buffer)))

    def read_before(self, mark: bytes, ending: bytes = b"") -> Parse[tuple[bytes, bool]]:
        """Read what is there, up to and with ``mark``; say whether the mark came.

        Without a mark in sight, at least one octet is returned, and neither a beginning of the mark nor of ``ending``
        (one octet) is torn off: what is held back comes with the next call.
        """
        while True:
            end = self._buffer.find(mark)
            if end >= 0:
                return self._take(end + len(mark)), True
            safe = len(self._buffer) - (len(mark) - 1)
            while safe > 0 and ending and self._buffer[safe - 1] == ending[0]:
                safe -= 1
            if safe > 0:
                return self._take(safe), False
            yield from self._more()

    def starts_with(self, mark: bytes) -> Parse[bool]:
        """Whether the next octets are ``mark``; they stay unread."""
        while len(self._buffer) < len(mark) and mark.startswith(self._buffer):
            yield from self._more()
        return self._buffer.startswith(mark)
