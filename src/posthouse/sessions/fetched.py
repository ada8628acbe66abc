"""What FETCH answers: responses from columns that stand ready for the wire, and from slices of letters.

An answer streams. The rows of some hundred messages are read in one query and become lines on the same thread; where
octets are wanted, a thread reads some of them, ahead of the client by a little. So fetching a whole mailbox costs no
memory, and a client that reads slowly holds neither a transaction nor a thread.

What others remove stays readable until the client is told (RFC 2180 §4.1.1): the store keeps it for a while, and
longer where a session that shows it says so from time to time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from posthouse.errors import StoreError
from posthouse.imap.date import internal_date
from posthouse.imap.encode import string
from posthouse.imap.fetch import Attribute, BinarySection, BinarySize, BodySection, Item, Preview, Text
from posthouse.message import listed
from posthouse.store import flag, mail
from posthouse.store.engine import Row, Tx

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


class Column(NamedTuple):
    """How an item is answered from a column of the store: ``form`` for ``%``, of what ``value`` makes of it."""

    name: str
    form: bytes = b"%b"
    value: Callable[[Any], bytes] | None = None


def _date(moment: int) -> bytes:
    return internal_date(moment, 0)


def _text(text: str) -> bytes:
    return string(text.encode("utf-8"))


SIMPLE: dict[Item, Column] = {
    Attribute.FLAGS: Column("flagset", b"(%b)"),
    Attribute.INTERNALDATE: Column("received", value=_date),
    Attribute.SIZE: Column("size", b"%d"),
    Attribute.ENVELOPE: Column("envelope"),
    Attribute.BODY: Column("body"),
    Attribute.BODYSTRUCTURE: Column("bodystructure"),
    Attribute.MODSEQ: Column("modseq", b"(%d)"),
    Attribute.SAVEDATE: Column("saved", value=_date),
    Attribute.EMAILID: Column("message_id", b"(M%d)"),  # as `object_id` has it
    Attribute.THREADID: Column("thread", b"(T%d)"),
}
PREVIEW = Column("preview", value=_text)  # made at delivery, so always at hand (RFC 8970 §3.1, LAZY)
NARROW = frozenset({"flagset", "modseq", "saved", "message_id", "size", "received", "thread"})


def column_for(item: Item) -> Column | None:
    """The column that an item is answered from, if it is."""
    return PREVIEW if isinstance(item, Preview) else SIMPLE.get(item)


def listed_column(item: Item) -> Column | None:
    """HEADER.FIELDS with names that mail programs list stands in a column, too; mostly: see `Answer._lines`."""
    if not isinstance(item, BodySection) or item.partial is not None:
        return None
    section = item.section
    if section.part or section.text is not Text.FIELDS:
        return None
    pick = listed.picker(section.fields)
    if pick is None:
        return None

    def value(packed: bytes) -> bytes:
        fields = pick(packed)
        return b"{%d}\r\n%b" % (len(fields), fields)

    return Column("listed", value=value)


def column_or_listed(item: Item) -> Column | None:
    """Either."""
    return column_for(item) or listed_column(item)


@dataclass(frozen=True, slots=True)
class Form:
    """Items that stand in columns: a template for ``%``, and which columns have to be written out for it.

    ``listed``: the items among them that stand in a column of listed header fields, with their places.
    """

    columns: tuple[str, ...]
    template: bytes
    uid: bool
    values: tuple[tuple[int, Callable[[Any], bytes]], ...]
    listed: tuple[tuple[int, BodySection], ...]

    @classmethod
    def of(cls, items: Iterable[Item], columns: Callable[[Item], Column | None] = column_for) -> Form:
        """The form for those of the items that are columns; the UID, which every row has, comes first."""
        wanted = [(item, column) for item in items if (column := columns(item)) is not None]
        uid = any(item is Attribute.UID for item in items)
        forms = [b"UID %d"] * uid + [item.label + b" " + column.form for item, column in wanted]
        values = [(place, column.value) for place, (_, column) in enumerate(wanted, uid) if column.value is not None]
        in_list = [(place, item) for place, (item, _) in enumerate(wanted, uid) if isinstance(item, BodySection)]
        return cls(tuple(column.name for _, column in wanted), b" ".join(forms), uid, tuple(values), tuple(in_list))

    def with_flags(self, lines: dict[int, bytes]) -> Form:
        """The same, with these lines for combinations of flags."""
        flags = [(place, lines.__getitem__) for place, name in enumerate(self.columns, self.uid) if name == "flagset"]
        return replace(self, values=(*self.values, *flags))

    def written(self, uid: int, row: Row) -> Row:
        """What the template takes for one message."""
        if self.uid:
            row = (uid, *row)
        if self.values:
            values = list(row)
            for place, value in self.values:
                values[place] = value(values[place])
            row = tuple(values)
        return row


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
        self._sections = [
            (item.label + b" ", item)
            for item in items
            if isinstance(item, BodySection | BinarySection | BinarySize) and listed_column(item) is None
        ]
        if self._sections or implied:  # the letters are opened anyway; or it is only once, as they are seen now
            self._sections = [
                (item.label + b" ", item)
                for item in items
                if isinstance(item, BodySection | BinarySection | BinarySize)
            ]
        self._head = Form.of(items, column_for if self._sections else column_or_listed)
        self._tail = Form.of(implied)
        self._columns = (*self._head.columns, *self._tail.columns, *(OCTETS if self._sections else ()))
        self._missing = 0

    async def send(self, ranges: Ranges) -> int:
        """Answer for every message in ``ranges``; how many of those that the client knows aren't there any more."""
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

    def _rows(self, tx: Tx, part: Ranges) -> tuple[Sequence[int], list[Row]]:
        """The rows of a portion, and their sequence numbers."""
        selected = self._selected
        mailbox = selected.mailbox
        rows = mail.fetch(tx, mailbox.id, part, self._columns)
        known = selected.count(part)
        if self._removed and len(rows) < known:
            rows += mail.fetch_removed(tx, mailbox.account_id, mailbox.id, part, self._columns, selected.told)
            rows.sort(key=itemgetter(0))
        if len(rows) == known:  # nearly always: between two messages that the client knows lies none that it doesn't
            numbers: list[int] = []
            for first, last in part:
                numbers.extend(range(selected.place(first) + 1, selected.place(last + 1) + 1))
            return numbers, rows
        self._missing += known - len(rows)
        return [selected.number(row[0]) for row in rows], rows

    def _forms(self, tx: Tx, rows: list[Row]) -> tuple[Form, Form]:
        """How columns are written, with the flags that there are."""
        if "flagset" not in self._columns:
            return self._head, self._tail
        at = 1 + self._columns.index("flagset")
        lines = flag.lines(tx, {row[at] for row in rows})
        return self._head.with_flags(lines), self._tail.with_flags(lines)

    def _lines(self, tx: Tx, part: Ranges) -> bytes:
        """The responses where no letter has to be opened. Column by column: nothing is done for each row in Python."""
        numbers, rows = self._rows(tx, part)
        head, _ = self._forms(tx, rows)
        if not rows:
            return b""
        uids, *columns = zip(*rows, strict=True)
        written: list[Iterable[Any]] = [uids, *columns] if head.uid else [*columns]
        for place, value in head.values:
            written[place] = map(value, written[place])
        for place, item in head.listed:
            packed = columns[place - head.uid]
            if None in packed:  # letters older than the listed fields, or with too many: they are asked
                value = dict(head.values)[place]
                written[place] = [
                    self._ask(tx, uid, item) if one is None else value(one)
                    for uid, one in zip(uids, packed, strict=True)
                ]
        template = b"* %d FETCH (" + head.template + b")\r\n"
        return b"".join(map(template.__mod__, zip(numbers, *written, strict=True)))

    def _ask(self, tx: Tx, uid: int, item: BodySection) -> bytes:
        """An item that stands in no column, from the letter itself."""
        mailbox = self._selected.mailbox
        found = mail.fetch(tx, mailbox.id, [(uid, uid)], OCTETS) or mail.fetch_removed(
            tx, mailbox.account_id, mailbox.id, [(uid, uid)], OCTETS, self._selected.told
        )
        return b"".join(Letter(found[0][1:], tx.blobs).value(item))

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
        numbers, rows = self._rows(tx, part)
        pieces = self._pieces(numbers, rows, *self._forms(tx, rows), tx.blobs)
        return pieces, *take(pieces)

    def _pieces(self, numbers: Sequence[int], rows: list[Row], head: Form, tail: Form, blobs: Blobs) -> Iterator[bytes]:
        """The responses, in pieces; reads octets as it goes."""
        first = 1 + len(head.columns)
        separator = b" " if head.template else b""
        for number, row in zip(numbers, rows, strict=True):
            letter = Letter(row[-len(OCTETS) :], blobs)
            # What can't be decoded is found out before the response has begun.
            values = [(label, letter.value(item)) for label, item in self._sections]
            columns = head.template % head.written(row[0], row[1:first])
            pieces = [b"* %d FETCH (%b%b" % (number, columns, separator)]
            for place, (label, value) in enumerate(values):
                pieces.append(b" " + label if place else label)
                if isinstance(value, tuple):
                    pieces += value
                else:  # a large one
                    yield b"".join(pieces)
                    pieces = []
                    yield from value
            if tail.template:
                pieces.append(b" " + tail.template % tail.written(row[0], row[first : -len(OCTETS)]))
            pieces.append(b")\r\n")
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
