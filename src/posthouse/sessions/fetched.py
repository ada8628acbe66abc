"""What FETCH answers: responses from columns that stand ready for the wire, and from slices of letters.

An answer streams. The rows of some hundred messages are read in one query and become lines on the same thread; where
octets are wanted, a thread reads some of them, ahead of the client by a little. So fetching a whole mailbox costs no
memory, and a client that reads slowly holds neither a transaction nor a thread.

What others remove stays readable until the client is told (RFC 2180 §4.1.1): the store keeps it for a while, and
longer where a session that shows it says so from time to time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from posthouse.errors import StoreError
from posthouse.imap.fetch import Attribute, BinarySection, BinarySize, BodySection, Item
from posthouse.store import flag, mail
from posthouse.store.engine import Row, Tx
from posthouse.store.roster import Roster

from .columns import FLAGS, Column, column_for, listed_column
from .letter import COLUMNS as OCTETS
from .letter import Letter
from .selected import Ranges, Selected

if TYPE_CHECKING:
    from posthouse.store.blob import Blobs

    from .imap import ImapSession

# Messages whose rows are read in one go: their wire columns take some 2 KB each, the others a few octets.
ROWS = 2_000
NARROW_ROWS = 10_000
# Octets of letters that are read in one go; while the client takes them, the next are read.
AHEAD = 512 * 1024

# UIDs, and columns of what is answered for them.
Table = tuple[Sequence[int], Sequence[Iterable[bytes]]]
NARROW = frozenset({"flagset", "modseq", "saved", "message_id", "size", "received", "thread"})


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
        self._removed = removed
        sections = [item for item in items if isinstance(item, BodySection | BinarySection | BinarySize)]
        # With `implied` a letter is opened anyway; or it is only once, as it is seen now.
        opens = bool(implied) or any(listed_column(item) is None for item in sections)
        self._sections = [(item.label + b" ", item) for item in sections] if opens else []
        self._uid = Attribute.UID in items
        self._head: list[Column] = []
        self._listed: dict[int, BodySection] = {}  # which of them are header fields
        for item in items:
            column = column_for(item) or (None if opens else listed_column(item))
            if column is not None:
                if isinstance(item, BodySection):
                    self._listed[len(self._head)] = item
                self._head.append(column)
        self._tail_uid = Attribute.UID in implied
        self._tail = [column for item in implied if (column := column_for(item)) is not None]
        columns = [column.name for column in (*self._head, *self._tail)]
        self._columns = (*columns, *(OCTETS if opens else ()))
        self._missing = 0
        self._wanted = 0  # messages that are answered for
        self._roster: Roster | None = None

    async def send(self, ranges: Ranges) -> int:
        """Answer for every message in ``ranges``; how many of those that the client knows aren't there any more."""
        self._wanted = self._selected.count(ranges)
        if self._sections:
            for part in self._portions(ranges):
                await self._send_letters(part)
        else:
            await self._send_lines(ranges)
        return self._missing

    async def _send_lines(self, ranges: Ranges) -> None:
        """The responses where no letter has to be opened; while the client takes some, the next are made."""
        store = self._session.house.store
        ahead: asyncio.Future[bytes] | None = None
        try:
            for part in self._portions(ranges):
                made = b"" if ahead is None else await ahead
                ahead = asyncio.ensure_future(store.read(self._lines, part))
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

    def _portions(self, ranges: Ranges) -> Iterator[Ranges]:
        """The ranges in portions of at most so many messages that the client knows."""
        uids = self._selected.uids
        size = NARROW_ROWS if NARROW.issuperset(self._columns) else ROWS
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

    # -- on the threads that read the store --------------------------------------------------------------------------

    def _rows(self, tx: Tx, part: Ranges) -> list[Row]:
        """The rows of a portion: UID and columns."""
        mailbox = self._selected.mailbox
        rows = mail.fetch(tx, mailbox.id, part, self._columns)
        if self._removed and len(rows) < self._selected.count(part):
            rows += mail.fetch_removed(tx, mailbox.account_id, mailbox.id, part, self._columns, self._selected.told)
            rows.sort(key=itemgetter(0))
        return rows

    def _numbers(self, part: Ranges, uids: Sequence[int]) -> Sequence[int]:
        """The sequence numbers of messages of a portion, of which there are these."""
        selected = self._selected
        known = selected.count(part)
        if len(uids) == known:  # nearly always: between two messages that the client knows lies none that it doesn't
            places = [(selected.place(first) + 1, selected.place(last + 1) + 1) for first, last in part]
            if len(places) == 1:
                return range(*places[0])
            return [number for place in places for number in range(*place)]
        self._missing += known - len(uids)
        return [selected.number(uid) for uid in uids]

    def _flag_entries(self, tx: Tx, rows: list[Row]) -> dict[int, bytes]:
        """How the combinations of flags that there are are written."""
        if FLAGS.name not in self._columns:
            return {}
        at = 1 + self._columns.index(FLAGS.name)
        return {one: FLAGS.entry(line) for one, line in flag.lines(tx, {row[at] for row in rows}).items()}

    def _lines(self, tx: Tx, part: Ranges) -> bytes:
        """The responses where no letter has to be opened. Column by column: for each message it is a join."""
        uids, columns = self._ready(tx, part) or self._read(tx, part)
        return assembled(self._numbers(part, uids), uids if self._uid else None, columns)

    def _ready(self, tx: Tx, part: Ranges) -> Table | None:
        """UIDs and entries without reading a row; None where that can't be."""
        if self._columns != (FLAGS.name,):
            return None
        mailbox = self._selected.mailbox
        assert tx.rosters is not None
        self._roster = roster = tx.rosters.of(tx, mailbox.id, self._wanted, self._roster)
        if roster is None:
            return None
        entries = [FLAGS.entry(line) for line in roster.lines]
        uids: Sequence[int] = []
        flags: list[bytes] = []
        for first, last in part:
            some, indexes = roster.part(first, last)
            uids = some if len(part) == 1 else [*uids, *some]
            flags += map(entries.__getitem__, indexes)
        return (uids, [flags]) if len(uids) == self._selected.count(part) else None

    def _read(self, tx: Tx, part: Ranges) -> Table:
        """The same from rows."""
        rows = self._rows(tx, part)
        if not rows:
            return [], []
        flags = self._flag_entries(tx, rows)
        uids, *values = zip(*rows, strict=True)
        columns: list[Iterable[bytes]] = []
        for place, (column, some) in enumerate(zip(self._head, values, strict=True)):
            if column.name == FLAGS.name:
                columns.append(map(flags.__getitem__, some))
            elif place in self._listed and None in some:  # letters older than the listed fields, or with too many
                item = self._listed[place]
                columns.append(
                    [
                        self._ask(tx, uid, item) if one is None else column.entry(one)
                        for uid, one in zip(uids, some, strict=True)
                    ]
                )
            else:
                columns.append(map(column.entry, some))
        return uids, columns

    def _ask(self, tx: Tx, uid: int, item: BodySection) -> bytes:
        """An item that stands in no column, from the letter itself."""
        mailbox = self._selected.mailbox
        found = mail.fetch(tx, mailbox.id, [(uid, uid)], OCTETS) or mail.fetch_removed(
            tx, mailbox.account_id, mailbox.id, [(uid, uid)], OCTETS, self._selected.told
        )
        return item.label + b" " + b"".join(Letter(found[0][1:], tx.blobs).value(item))

    # -- letters -----------------------------------------------------------------------------------------------------

    async def _send_letters(self, part: Ranges) -> None:
        """The responses for a portion, with octets of letters; while the client takes some, the next are read."""
        store = self._session.house.store
        pieces, ready, more = await store.read(self._letters, part)
        taking: asyncio.Future[tuple[bytes, bool]] | None = None
        try:
            while more:
                taking = asyncio.ensure_future(asyncio.to_thread(take, pieces))
                await self._hand_over(ready)
                try:
                    ready, more = await taking
                except StoreError as error:
                    # The client counts the octets of a literal: anything said now would be taken for some of them.
                    raise EOFError(f"a letter can't be read to its end: {error}") from error
            await self._hand_over(ready)
        finally:
            if taking is not None:
                taking.cancel()

    def _letters(self, tx: Tx, part: Ranges) -> tuple[Iterator[bytes], bytes, bool]:
        """The pieces of a portion, of which the first were taken already."""
        rows = self._rows(tx, part)
        numbers = self._numbers(part, [row[0] for row in rows])
        pieces = self._pieces(numbers, rows, self._flag_entries(tx, rows), tx.blobs)
        return pieces, *take(pieces)

    def _pieces(
        self, numbers: Sequence[int], rows: list[Row], flags: dict[int, bytes], blobs: Blobs
    ) -> Iterator[bytes]:
        """The responses, in pieces; reads octets as it goes."""
        for number, row in zip(numbers, rows, strict=True):
            letter = Letter(row[-len(OCTETS) :], blobs)
            # What can't be decoded is found out before the response has begun.
            values = [(label, letter.value(item)) for label, item in self._sections]
            columns = zip((*self._head, *self._tail), row[1:], strict=False)
            entries = [flags[one] if column.name == FLAGS.name else column.entry(one) for column, one in columns]
            head, tail = entries[: len(self._head)], entries[len(self._head) :]
            if self._uid:
                head.insert(0, b"UID %d" % row[0])
            if self._tail_uid:
                tail.insert(0, b"UID %d" % row[0])
            pieces = [b"* %d FETCH (" % number, *[entry + b" " for entry in head]]
            for place, (label, value) in enumerate(values):
                pieces.append(b" " + label if place else label)
                if isinstance(value, tuple):
                    pieces += value
                else:  # a large one
                    yield b"".join(pieces)
                    pieces = []
                    yield from value
            pieces.append(b"".join([b" " + entry for entry in tail]) + b")\r\n")
            yield b"".join(pieces)


def assembled(numbers: Sequence[int], uids: Sequence[int] | None, columns: Sequence[Iterable[bytes]]) -> bytes:
    """The responses of messages, of which each column has an entry."""
    if not numbers:
        return b""
    form = [b"UID %d"] * (uids is not None) + [b"%b"] * bool(columns)
    template = b"* %d FETCH (" + b" ".join(form)
    begin: list[Iterable[Any]] = [numbers]
    if uids is not None:
        begin.append(uids)
    lines: Iterable[bytes] = [template % values for values in zip(*begin, *columns[:1], strict=True)]
    if len(columns) > 1:
        lines = map(b" ".join, zip(lines, *columns[1:], strict=True))
    return b")\r\n".join([*lines, b""])


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
