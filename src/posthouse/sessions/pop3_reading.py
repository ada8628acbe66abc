"""Messages on their way out of the store, for a client that reads one after the other.

Most clients retrieve all messages in order. So when two have been asked for in order, the next few are read together
with the present one, twice as many each time: a trip to a thread costs more than reading a letter of 4 KB does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter

from posthouse.errors import NotFound, StoreError
from posthouse.imap.fetch import BodySection, Section, Text
from posthouse.pop3.maildrop import Maildrop
from posthouse.store import mail
from posthouse.store.engine import Row, Store, Tx
from posthouse.store.mailbox import Mailbox

from .letter import Letter

COLUMNS = ("blob", "prefix", "header_size", "size")
WHOLE = BodySection()
HEADER = BodySection(Section(text=Text.HEADER))

# Octets that may be read ahead of the client, and with them the size up to which a message is read in one go. With
# 64 KB, 10,000 connections that stop in the middle hold 640 MB at the worst.
AHEAD = 64 * 1024
# Messages that may be read ahead.
MOST_AHEAD = 32


@dataclass(frozen=True, slots=True)
class Message:
    """A message, to be sent. ``header_size``: octets of its header with the empty line, ours in front included."""

    size: int
    header_size: int
    octets: bytes | None  # where it is small
    _letter: Letter

    def pieces(self, *, header_only: bool) -> Iterator[bytes]:
        """Its octets, read piece by piece. Blocks; errors: StoreError, and EOFError for a file that is too short."""
        found = self._letter.octets(HEADER if header_only else WHOLE)
        assert found is not None
        return found[1]


class Reading:
    """What one client reads of its maildrop."""

    def __init__(self, store: Store, mailbox: Mailbox, maildrop: Maildrop) -> None:
        """``mailbox`` as it was when the maildrop was made of it."""
        self._store = store
        self._mailbox = mailbox
        self._maildrop = maildrop
        self._next = -1  # the place behind the last message that was asked for
        self._window = 1  # messages that are read at a time
        self._ahead: dict[int, Message] = {}  # by place

    async def message(self, place: int) -> Message:
        """The message at this place. Errors: NotFound: it was removed meanwhile, and long ago; StoreError."""
        found = self._ahead.pop(place, None)
        if found is None:
            self._window = min(self._window * 2, MOST_AHEAD) if place == self._next else 1
            await self._read(place)
            found = self._ahead.pop(place, None)
        self._next = place + 1
        if found is None:
            raise NotFound("the message was removed")
        return found

    async def _read(self, first: int) -> None:
        uids = self._maildrop.uids
        last = min(first + self._window, len(uids)) - 1
        read = await self._store.read(_read_some, self._mailbox, uids[first], uids[last], last - first + 1)
        self._ahead = {bisect_left(uids, uid): message for uid, message in read}


def _read_some(tx: Tx, mailbox: Mailbox, first: int, last: int, count: int) -> list[tuple[int, Message]]:
    """The ``count`` messages with these UIDs, as far as their octets have room; the first in any case."""
    room = AHEAD
    read: list[tuple[int, Message]] = []
    for uid, blob, prefix, header_size, size in _rows(tx, mailbox, first, last, count):
        if read and size > room:
            break
        octets = None
        if size <= room:
            room -= size
            try:
                octets = _whole(tx, blob, prefix, size)
            except StoreError:
                if uid == first:
                    raise
                break  # told when it is asked for
        letter = Letter((blob, prefix, header_size, size, b""), tx.blobs)
        read.append((uid, Message(size, len(prefix) + header_size, octets, letter)))
    return read


def _rows(tx: Tx, mailbox: Mailbox, first: int, last: int, count: int) -> list[Row]:
    """Their rows. What others removed since the login stays readable, as long as the store keeps it."""
    ranges = ((first, last),)
    rows = mail.fetch(tx, mailbox.id, ranges, COLUMNS)
    if len(rows) < count:
        since = mailbox.highestmodseq
        rows += mail.fetch_removed(tx, mailbox.account_id, mailbox.id, ranges, COLUMNS, since)
        rows.sort(key=itemgetter(0))
    return rows


def _whole(tx: Tx, blob: str, prefix: bytes, size: int) -> bytes:
    octets = prefix + tx.blobs.read(blob, 0, size - len(prefix))
    if len(octets) != size:
        raise StoreError("a message file is shorter than its row says")
    return octets
