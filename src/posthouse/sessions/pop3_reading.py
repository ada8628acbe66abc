"""Messages on their way out of the store, for a client that reads one after the other.

Most clients retrieve all messages in order. A message that the system has in memory is read on the event loop, when it
is asked for; only the rows are read ahead. Where the disk is in it, and for TOP n 0, which needs the headers alone, the
next few are read together on a thread, twice as many each time, and while the client takes those, the ones behind them.
"""

from __future__ import annotations

import asyncio
import contextlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple

from posthouse.errors import NotFound, StoreError
from posthouse.imap.fetch import BodySection, Section, Text
from posthouse.pop3.maildrop import Maildrop
from posthouse.store import mail
from posthouse.store.engine import Row, Store, Tx
from posthouse.store.mailbox import Mailbox

from .beginning import COLUMNS, read_all
from .letter import Letter

WHOLE = BodySection()
HEADER = BodySection(Section(text=Text.HEADER))

# Octets that are read in one go, and the size up to which a message is. With 128 KB, and as much that is coming, 10,000
# connections that stop in the middle hold 2.6 GB at the worst.
AHEAD = 128 * 1024
# Messages that are read in one go, at most; from so many on, the next are read while the client takes these.
MOST_AHEAD = 64
STEADY = 8
# When so many messages, one after the other, took longer than SLOW seconds to be read on the event loop, the disk is in
# it, and the next MOST_AHEAD are read on a thread. A single one means nothing: another program had the processor.
SLOW_ONES = 3
SLOW = 0.001


class Message(NamedTuple):
    """A message, to be sent. ``header_size``: octets of its header with the empty line, ours in front included."""

    size: int
    header_size: int
    octets: bytes | Letter  # octets where they are few; only those of the header, where no more was asked for


def pieces(letter: Letter, *, header_only: bool) -> Iterator[bytes]:
    """Its octets, read piece by piece. Blocks; errors: StoreError."""
    found = letter.octets(HEADER if header_only else WHOLE)
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
        self._headers = False  # whether only headers are read
        self._rows: dict[int, Row] = {}  # by place, of messages that come next
        self._slow = 0  # messages that took long, one after the other
        self._on_disk = 0  # messages to go for which the system's memory isn't tried
        self._ahead: dict[int, Message] = {}  # by place
        self._coming: asyncio.Future[dict[int, Message]] | None = None  # what is behind them

    async def message(self, place: int, *, header_only: bool) -> Message:
        """The message at this place. Errors: NotFound: it was removed meanwhile, and long ago; StoreError."""
        if header_only is not self._headers:
            self.forget()
            self._headers = header_only
        if self._on_disk:
            self._on_disk -= 1
        elif not header_only and (found := await self._at_once(place)) is not None:
            self._next = place + 1
            return found
        if place not in self._ahead:
            in_order = place == self._next
            self._window = min(self._window * 2, MOST_AHEAD) if in_order else 1
            await self._read(place, in_order=in_order)
        found = self._ahead.pop(place, None)
        self._next = place + 1
        if found is None:
            raise NotFound("the message was removed")
        return found

    async def _at_once(self, place: int) -> Message | None:
        """The message, if the system has it in memory: then it is read here, because the calls of a thread that reads
        stand in line for the interpreter's lock with the event loop, which took as long as all the rest. None: `_read`
        it."""
        if place not in self._rows:
            some = self._maildrop.uids[place : place + (MOST_AHEAD if place == self._next else 1)]
            rows = await self._store.read(_rows, self._mailbox, some[0], some[-1], len(some))
            places = dict(zip(some, range(place, place + len(some)), strict=True))
            self._rows = {places[row[0]]: row[1:] for row in rows}
        row = self._rows.pop(place, None)
        if row is None:
            return None
        blob, prefix, header_size, size = row
        if size > AHEAD:
            return Message(size, len(prefix) + header_size, Letter((*row, b""), self._store.blobs))
        loop = asyncio.get_running_loop()
        began = loop.time()
        octets = self._store.blobs.read_at_once(blob, size - len(prefix))
        self._slow = self._slow + 1 if loop.time() - began > SLOW else 0
        if octets is None or self._slow == SLOW_ONES:
            self._on_disk, self._slow = MOST_AHEAD, 0
        return None if octets is None else Message(size, len(prefix) + header_size, prefix + octets)

    def forget(self) -> None:
        """What was read ahead isn't wanted."""
        self._ahead = {}
        self._rows = {}
        if self._coming is not None:
            self._coming.cancel()
            self._coming = None

    async def _read(self, place: int, *, in_order: bool) -> None:
        coming, self._coming = self._coming, None
        self._ahead = {}
        if coming is not None:
            if in_order:
                with contextlib.suppress(StoreError):  # told, if it lasts, when it is read again
                    self._ahead = await coming
            else:
                coming.cancel()
        if place not in self._ahead:  # also where what came was empty, because the first one couldn't be read
            self._ahead = await self._read_from(place, self._window, first=place)
        if self._window >= STEADY and (following := max(self._ahead, default=place) + 1) < len(self._maildrop.uids):
            self._coming = asyncio.ensure_future(self._read_from(following, self._window, first=-1))
            self._coming.add_done_callback(_looked_at)

    async def _read_from(self, place: int, count: int, first: int) -> dict[int, Message]:
        """Messages by their places, from one on; ``first``: the one that is wanted now."""
        uids = self._maildrop.uids
        some = uids[place : place + count]
        read = await self._store.read(
            _read_some, self._mailbox, some[0], some[-1], len(some), uids[first] if first >= 0 else 0, self._headers
        )
        places = dict(zip(some, range(place, place + count), strict=False))
        return {places[uid]: message for uid, message in read}


def _looked_at(coming: asyncio.Future[dict[int, Message]]) -> None:
    """An error of what nobody may wait for any more is no news."""
    if not coming.cancelled():
        coming.exception()


def _read_some(
    tx: Tx, mailbox: Mailbox, low: int, high: int, count: int, wanted: int, headers: bool
) -> list[tuple[int, Message]]:
    """The ``count`` messages with these UIDs, as far as their octets, or their headers, have room; one in any
    case. Errors: StoreError, where ``wanted``, the first of them, can't be read."""
    rows = _rows(tx, mailbox, low, high, count)
    sizes = [len(prefix) + header_size if headers else size for _, _, prefix, header_size, size in rows]
    fit = bisect_right(list(accumulate(sizes)), AHEAD)
    try:
        octets = _octets(tx, rows[:fit], sizes)
    except StoreError:
        if rows[0][0] == wanted:
            octets = _octets(tx, rows[:1], sizes)
        else:
            return []  # told when it is asked for
    if rows and not fit:
        uid, _, prefix, header_size, size = rows[0]
        return [(uid, Message(size, len(prefix) + header_size, Letter((*rows[0][1:], b""), tx.blobs)))]
    return [
        (uid, Message(size, len(prefix) + header_size, one))
        for (uid, _, prefix, header_size, size), one in zip(rows, octets, strict=False)
    ]


def _rows(tx: Tx, mailbox: Mailbox, first: int, last: int, count: int) -> list[Row]:
    """Their rows. What others removed since the login stays readable, as long as the store keeps it."""
    ranges = ((first, last),)
    rows = mail.fetch(tx, mailbox.id, ranges, COLUMNS)
    if len(rows) < count:
        since = mailbox.highestmodseq
        rows += mail.fetch_removed(tx, mailbox.account_id, mailbox.id, ranges, COLUMNS, since)
        rows.sort(key=itemgetter(0))
    return rows


def _octets(tx: Tx, rows: Sequence[Row], sizes: Sequence[int]) -> list[bytes]:
    """The first octets of each. Errors: StoreError."""
    letters = [(row[1], size - len(row[2])) for row, size in zip(rows, sizes, strict=False)]
    return [row[2] + octets for row, octets in zip(rows, read_all(tx.blobs, letters), strict=True)]
