"""What FETCH answers: responses from columns that stand ready for the wire, and from slices of letters.

An answer streams. The rows of some hundred messages are read in one query and become lines on the same thread; where
octets are wanted, a thread reads some of them, ahead of the client by a little. So fetching a whole mailbox costs no
memory, and a client that reads slowly holds neither a transaction nor a thread.

What others remove stays readable until the client is told (RFC 2180 §4.1.1): the store keeps it for a while, and
longer where a session that shows it says so from time to time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from posthouse.errors import StoreError
from posthouse.imap.fetch import Attribute, BinarySection, BinarySize, BodySection, Item
from posthouse.store import bundle
from posthouse.store.engine import Row, Tx

from .beginning import COLUMNS as FROM_THE_BEGINNING
from .beginning import Beginnings, begins
from .columns import FLAGS, column_for, column_or_listed, recent
from .letter import COLUMNS as OCTETS
from .letter import Letter
from .lines import Lines, begin_of, flag_entries, numbers_of, rows_of
from .selected import Ranges, Selected
from .session import BrokenOff

if TYPE_CHECKING:
    from posthouse.store.blob import Blobs

    from .imap import ImapSession

# Messages whose rows are read in one go, where letters are opened.
ROWS = 2_000
# Octets of letters that are read in one go; while the client takes them, the next are read.
AHEAD = 512 * 1024


class Answer:
    """The untagged FETCH responses to one command."""

    def __init__(
        self,
        session: ImapSession,
        selected: Selected,
        items: Sequence[Item],
        implied: Sequence[Item] = (),
        *,
        removed: bool = False,
    ) -> None:
        """``implied`` comes last: what the client didn't ask for, but is told because it changed.

        ``removed``: also answer for messages that others have removed, as long as the client isn't told (RFC 2180
        §4.1.1).
        """
        self._session = session
        self._selected = selected
        self._items = items
        self._removed = removed
        sections = [item for item in items if isinstance(item, BodySection | BinarySection | BinarySize)]
        # With `implied` a letter is opened anyway; or it is only once, as it is seen now.
        self._opens = bool(implied) or any(column_or_listed(item) is None for item in sections)
        self._sections = [(item.label + b" ", item) for item in sections]
        self._uid = Attribute.UID in items
        self._head = [column for item in items if (column := column_for(item)) is not None]
        self._tail_uid = Attribute.UID in implied
        self._tail = [column for item in implied if (column := column_for(item)) is not None]
        self._columns = [column.name for column in (*self._head, *self._tail)]
        self._begin = begin_of(uid_only=session.server.uid_only)
        self._beginnings: Beginnings | None = None  # where that is all that is asked of letters
        if len(sections) == 1 and isinstance(section := sections[0], BodySection) and begins(section):
            self._beginnings = Beginnings(
                section,
                self._begin,
                self._head,
                self._tail,
                selected.mark_recent,
                uid=self._uid,
                tail_uid=self._tail_uid,
            )
        self._missing = 0
        self._inside = False

    async def send(self, ranges: Ranges) -> int:
        """Answer for every message in ``ranges``; how many of those that the client knows aren't there any more."""
        if self._opens:
            for part in self._portions(ranges, ROWS):
                await self._send_letters(part)
            return self._missing
        lines = Lines(self._selected, self._items, self._selected.count(ranges), removed=self._removed)
        lines.uid_only = self._session.server.uid_only
        await self._send_lines(lines, ranges)
        if lines.unbundled:
            with contextlib.suppress(StoreError):  # the answer is complete, and the next one may be as slow
                await self._session.house.store.write(bundle.want, self._selected.mailbox.id, lines.unbundled)
        return lines.missing

    async def _send_lines(self, lines: Lines, ranges: Ranges) -> None:
        """The responses where no letter has to be opened; while the client takes some, the next are made."""
        store = self._session.house.store
        ahead: asyncio.Future[bytes] | None = None
        try:
            for part in self._portions(ranges, lines.many):
                made = b"" if ahead is None else await ahead
                ahead = asyncio.ensure_future(store.read(lines.of, part))
                if made:
                    await self._hand_over(made)
            if ahead is not None:
                self._session.server.send(await ahead)
        finally:
            if ahead is not None:
                ahead.cancel()

    async def _hand_over(self, octets: bytes) -> None:
        """Let the client take some of the answer."""
        self._session.server.send(octets)
        await self._session.line.flush()
        await self._selected.hold(self._session.house.store)

    def _portions(self, ranges: Ranges, size: int) -> Iterator[Ranges]:
        """The ranges in portions of at most so many messages that the client knows."""
        uids = self._selected.uids
        portion: Ranges = []
        room = size
        for first, last in ranges:
            start, end = self._selected.place(first), self._selected.place(last + 1)
            while start < end:
                stop = min(end, start + room)
                portion.append((uids[start], uids[stop - 1]))
                room -= stop - start
                start = stop
                if room == 0:
                    yield portion
                    portion, room = [], size
        if portion:
            yield portion

    # -- letters -----------------------------------------------------------------------------------------------------

    async def _send_letters(self, part: Ranges) -> None:
        """The responses for a portion, with octets of letters; while the client takes some, the next are read."""
        store = self._session.house.store
        pieces, ready, more = await store.read(self._letters, part)
        taking: asyncio.Future[tuple[bytes, bool]] | None = None
        try:
            while more:
                inside = self._is_inside
                taking = asyncio.ensure_future(asyncio.to_thread(take, pieces))
                await self._hand_over(ready)
                try:
                    ready, more = await taking
                except StoreError as error:
                    if inside:  # a literal, of which the client counts the octets
                        raise BrokenOff(f"a letter can't be read to its end: {error}") from error
                    raise
            await self._hand_over(ready)
        finally:
            if taking is not None:
                taking.cancel()

    @property
    def _is_inside(self) -> bool:
        """Whether what was taken last ends within a response."""
        return self._inside if self._beginnings is None else self._beginnings.is_inside

    def _letters(self, tx: Tx, part: Ranges) -> tuple[Iterator[bytes], bytes, bool]:
        """The pieces of a portion, of which the first were taken already."""
        octets = OCTETS if self._beginnings is None else FROM_THE_BEGINNING
        rows = rows_of(tx, self._selected, part, (*self._columns, *octets), removed=self._removed)
        uids = [row[0] for row in rows]
        numbers, missing = numbers_of(self._selected, part, uids)
        if self._session.server.uid_only:
            numbers = uids
        self._missing += missing
        respond = self._pieces if self._beginnings is None else self._beginnings.pieces
        pieces = respond(numbers, rows, flag_entries(tx, self._columns, rows), tx.blobs)
        return pieces, *take(pieces)

    def _pieces(
        self, numbers: Sequence[int], rows: list[Row], flags: dict[int, bytes], blobs: Blobs
    ) -> Iterator[bytes]:
        """The responses, in pieces; reads octets as it goes."""
        as_recent = {flagset_id: recent(entry) for flagset_id, entry in flags.items()}
        for number, row in zip(numbers, rows, strict=True):
            letter = Letter(row[-len(OCTETS) :], blobs)
            # What can't be decoded is found out before the response has begun.
            values = [(label, letter.value(item)) for label, item in self._sections]
            columns = zip((*self._head, *self._tail), row[1:], strict=False)
            lines = as_recent if self._selected.is_recent(row[0]) else flags
            entries = [lines[one] if column.name == FLAGS.name else column.entry(one) for column, one in columns]
            head, tail = entries[: len(self._head)], entries[len(self._head) :]
            if self._uid:
                head.insert(0, b"UID %d" % row[0])
            if self._tail_uid:
                tail.insert(0, b"UID %d" % row[0])
            pieces = [self._begin % number, *[entry + b" " for entry in head]]
            for place, (label, value) in enumerate(values):
                pieces.append(b" " + label if place else label)
                if isinstance(value, tuple):
                    pieces += value
                else:  # a large one
                    self._inside = True
                    yield b"".join(pieces)
                    pieces = []
                    yield from value
            pieces.append(b"".join([b" " + entry for entry in tail]) + b")\r\n")
            self._inside = False
            yield b"".join(pieces)


def take(pieces: Iterator[bytes]) -> tuple[bytes, bool]:
    """The next pieces, some AHEAD octets of them; and whether there may be more."""
    taken: list[bytes] = []
    size = 0
    for piece in pieces:
        taken.append(piece)
        size += len(piece)
        if size >= AHEAD:
            return b"".join(taken), True
    return b"".join(taken), False
