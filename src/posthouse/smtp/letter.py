"""The letter while it comes: counted, handed over piece by piece, and thrown away when it is too big."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

from posthouse.wire.dot import DotReader
from posthouse.wire.reader import EndOfInput, Reader

from .event import Aborted, Chunk, Event
from .limits import Limits
from .reply import TOO_BIG, Refusal

T = TypeVar("T")
# A part of the conversation: yields events, or None for more octets, and returns a T.
Part: TypeAlias = Generator[Event | None, None, T]

# The most octets of a BDAT chunk that are handed over at once.
PIECE = 64 * 1024


class Letter:
    """One letter, from DATA or the first BDAT on. ``size``: the octets that have come."""

    __slots__ = ("_limits", "_reader", "size")

    def __init__(self, reader: Reader, limits: Limits) -> None:
        self._reader = reader
        self._limits = limits
        self.size = 0

    @property
    def too_big(self) -> bool:
        """The session has been told to throw away what it got."""
        return self.size > self._limits.size

    def receive_stuffed(self) -> Part[None]:
        """The text after DATA, to its end."""
        dots = DotReader(self._reader)
        try:
            while piece := (yield from dots.read()):
                yield from self._hand_over(piece)
        except EndOfInput:
            yield from self._cut_off()
            raise

    def receive_counted(self, size: int) -> Part[None]:
        """The chunk after BDAT: ``size`` octets."""
        try:
            while size:
                piece = yield from self._reader.read_some(min(size, PIECE))
                size -= len(piece)
                yield from self._hand_over(piece)
        except EndOfInput:
            yield from self._cut_off()
            raise

    def _hand_over(self, piece: bytes) -> Part[None]:
        was_too_big = self.too_big
        self.size += len(piece)
        if not self.too_big:
            yield Chunk(piece)
            return
        if not was_too_big:
            yield Aborted()
        if self.size > self._limits.size + self._limits.excess:
            raise Refusal(TOO_BIG, closes=True)

    def _cut_off(self) -> Part[None]:
        """The connection was lost inside the letter."""
        if not self.too_big:
            yield Aborted()


def skip_chunk(reader: Reader, size: int, limits: Limits) -> Part[None]:
    """Read the octets of a chunk that nobody wants: they come without being asked for (RFC 3030 §2)."""
    if size > limits.size + limits.excess:
        raise Refusal(TOO_BIG, closes=True)
    while size:
        size -= len((yield from reader.read_some(min(size, PIECE))))
