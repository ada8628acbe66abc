"""A queued letter's octets: in memory while they are few, else read as they go out, however many do."""

from __future__ import annotations

import asyncio
import logging
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from posthouse.errors import StoreError
from posthouse.message.mime import Buffer
from posthouse.message.seven_bit import seven_bit
from posthouse.store import queue
from posthouse.store.blob import Blobs, explain
from posthouse.store.lease import Due
from posthouse.wire.steps import Source

from .security import waives_tls

log = logging.getLogger("posthouse.relay")

# A letter up to so many octets is read whole. Nine of ten are smaller.
IN_MEMORY = 256 * 1024
# Octets looked through at a time.
PIECE = 1024 * 1024


class Content:
    """Our own lines, then the octets of a letter on disk. Slices block. Errors: StoreError."""

    __slots__ = ("_blob_id", "_blobs", "_prefix", "_size")

    def __init__(self, blobs: Blobs, letter: queue.Letter) -> None:
        self._blobs = blobs
        self._blob_id = letter.blob_id
        self._prefix = letter.prefix
        self._size = len(letter.prefix) + letter.size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, where: slice, /) -> bytes:
        start, end, _ = where.indices(self._size)
        prefix = len(self._prefix)
        head = self._prefix[start:end]
        octets = self._blobs.read(self._blob_id, max(start - prefix, 0), end - prefix) if end > prefix else b""
        if len(head) + len(octets) < end - start:  # half a letter would look like a whole one
            raise StoreError("a letter's file is shorter than its row says")
        return head + octets


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter that is due: its octets with our lines in front, and the header of both. Where they can't be read, our
    own lines alone are there.

    ``ascii``: whether all octets are.
    """

    due: Due
    octets: Source
    header: bytes
    ascii: bool
    readable: bool = True

    @property
    def loose(self) -> bool:
        """Whether it goes also where the line is worse than its domain asks. RFC 8689 §4.1: MAIL's REQUIRETLS has
        precedence."""
        return not self.due.letter.terms.requiretls and waives_tls(self.header)


def open_letter(blobs: Blobs, due: Due) -> Letter:
    """A letter, as far as it is held in memory. Blocks."""
    letter = due.letter
    octets: Source = Content(blobs, letter)
    try:
        if letter.size <= IN_MEMORY:
            octets = octets[:]
        header = octets[: len(letter.prefix) + letter.header_size]
        return Letter(due, octets, header, is_ascii(octets))
    except StoreError as error:
        log.error("letter %d can't be read: %s", letter.id, error)
        return Letter(due, letter.prefix, letter.prefix, ascii=True, readable=False)


def open_at_once(blobs: Blobs, due: Due) -> Letter | None:
    """The same without waiting for the disk; None for what `open_letter` has to read."""
    letter = due.letter
    octets = blobs.read_at_once(letter.blob_id, letter.size) if letter.size <= IN_MEMORY else None
    if octets is None:
        return None
    octets = letter.prefix + octets
    return Letter(due, octets, octets[: len(letter.prefix) + letter.header_size], octets.isascii())


def is_ascii(octets: Source) -> bool:
    """Whether nothing in them needs 8BITMIME. Blocks."""
    return all(octets[start : start + PIECE].isascii() for start in range(0, len(octets), PIECE))


@contextmanager
def mapped(blobs: Blobs, letter: queue.Letter) -> Iterator[Buffer]:
    """The octets of a letter on disk, without our lines, to be searched. Errors: StoreError."""
    if letter.size <= IN_MEMORY:
        yield blobs.read(letter.blob_id, 0, letter.size)
        return
    try:
        with blobs.path(letter.blob_id).open("rb") as file:
            view = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    except OSError as error:
        raise explain(error) from error
    with view:
        yield view


async def converted(blobs: Blobs, letter: Letter, *, bodies: bool) -> Letter:
    """A letter whose header, and with ``bodies`` all of it, is ASCII. Errors: InvalidMessage, StoreError."""
    return await asyncio.to_thread(_converted, blobs, letter, bodies)


def _converted(blobs: Blobs, letter: Letter, bodies: bool) -> Letter:
    due = letter.due
    spool = blobs.spool()
    try:
        with mapped(blobs, due.letter) as raw:
            spool.write(due.letter.prefix.decode("utf-8", "replace").encode("ascii", "replace"))
            for piece in seven_bit(raw, bodies=bodies):
                spool.write(piece)
        octets = spool.octets()  # a map of the file stays good when that has no name any more
    finally:
        spool.discard()
    return Letter(due, octets, b"", bodies or letter.ascii)
