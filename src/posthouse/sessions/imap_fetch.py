"""FETCH: RFC 9051 §6.4.5. Most items are columns, ready for the wire; sections are slices of the letter's octets.

An answer streams. The rows of a few hundred messages are read in one query; where octets are wanted, a thread reads
some of them, the client takes them, and only then the next are read. So fetching a whole mailbox costs no memory, and
a client that reads slowly holds neither a transaction nor a thread.

What others remove stays readable until the client is told (RFC 2180 §4.1.1): the store keeps it for a while, and
longer where a session that shows it says so from time to time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from posthouse.errors import StoreError
from posthouse.imap import command, response
from posthouse.imap.date import internal_date
from posthouse.imap.encode import string
from posthouse.imap.fetch import Attribute, BinarySection, BinarySize, BodySection, Item, Preview
from posthouse.store import mail, search
from posthouse.store.blob import Blobs
from posthouse.store.engine import Row, Tx

from .imap_answer import Done, Handler, No
from .imap_condstore import among, since
from .letter import COLUMNS as OCTETS
from .letter import Letter
from .selected import Ranges, Selected

if TYPE_CHECKING:
    from .imap import ImapSession

# Messages whose rows are read in one go. Their wire columns take some 2 KB each.
ROWS = 500
# Octets that are read ahead of the client.
AHEAD = 1024 * 1024


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
    Attribute.FLAGS: Column("flags", b"(%b)"),
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

SEEN = frozenset({"\\Seen"})


async def fetch(session: ImapSession, wish: command.Fetch) -> Done:
    """FETCH and UID FETCH."""
    selected = session.selected_mailbox
    if wish.vanished and not session.qresync:
        raise No("VANISHED needs ENABLE QRESYNC", bad=True)  # RFC 7162 §3.2.6
    ranges = session.ranges(wish.messages, by_uid=wish.uid)
    if wish.changed_since is not None:
        ranges = await changed_since(session, ranges, wish.changed_since, vanished=wish.vanished)
    may_see = not selected.read_only and "s" in selected.rights  # RFC 4314 §4
    seen = await see(session, ranges) if may_see and any(map(sees, wish.items)) else 0
    implied: list[Item] = []
    if seen:
        implied = [Attribute.UID, Attribute.FLAGS, Attribute.MODSEQ] if session.condstore else [Attribute.FLAGS]
    implied = [item for item in implied if item not in wish.items]
    missing = await Answer(session, selected, wish.items, implied, removed=not wish.uid).send(ranges)
    session.echoed = seen  # an answer that failed has told nothing
    if missing and not wish.uid:
        # RFC 2180 §4.1.2: other sessions removed them so long ago that their octets are gone, too.
        raise No("Some of the messages no longer exist", "EXPUNGEISSUED")
    return Done("FETCH completed")


def sees(item: Item) -> bool:
    r"""Whether fetching the item sets \Seen."""
    return isinstance(item, BodySection | BinarySection) and not item.peek


async def see(session: ImapSession, ranges: Ranges) -> int:
    r"""Set \Seen, as fetching a body implies (RFC 9051 §6.4.5). The modseq of that; 0 where it was set already."""
    store, mailbox_id = session.house.store, session.selected_mailbox.mailbox.id
    key = search.And((search.Uids(tuple(ranges)), search.Not(search.HasFlag("\\Seen"))))
    if not await store.read(search.search, mailbox_id, key):
        return 0
    return await store.write(mail.store_flags, mailbox_id, ranges, "add", SEEN)


async def changed_since(session: ImapSession, ranges: Ranges, modseq: int, *, vanished: bool) -> Ranges:
    """The messages among these that changed after ``modseq``; tells those that vanished (RFC 7162 §3.1.4, §3.2.6)."""
    selected = session.selected_mailbox
    missing, changed = await session.house.store.read(
        since, selected.mailbox.account_id, selected.mailbox.id, modseq, ranges if vanished else []
    )
    if vanished and missing is not None:
        session.server.untagged(response.vanished(missing, earlier=True))
    return [(uid, uid) for uid in sorted(among((placed.uid for placed in changed), ranges))]


@dataclass(frozen=True, slots=True)
class Form:
    """Items that stand in columns: a template for ``%``, and which columns have to be written out for it."""

    columns: tuple[str, ...]
    template: bytes
    uid: bool
    values: tuple[tuple[int, Callable[[Any], bytes]], ...]

    @classmethod
    def of(cls, items: Iterable[Item]) -> Form:
        """The form for those of the items that are columns; the UID, which every row has, comes first."""
        wanted = [(item, PREVIEW if isinstance(item, Preview) else SIMPLE.get(item)) for item in items]
        columns = [(item.label, column) for item, column in wanted if column is not None]
        uid = any(item is Attribute.UID for item, _ in wanted)
        forms = [b"UID %d"] * uid + [label + b" " + column.form for label, column in columns]
        values = ((place, column.value) for place, (_, column) in enumerate(columns, uid) if column.value is not None)
        return cls(tuple(column.name for _, column in columns), b" ".join(forms), uid, tuple(values))

    def fill(self, uid: int, row: Row) -> bytes:
        """The items of one message."""
        if self.uid:
            row = (uid, *row)
        if self.values:
            written = list(row)
            for place, value in self.values:
                written[place] = value(written[place])
            row = tuple(written)
        return self.template % row


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
        self._head = Form.of(items)
        self._tail = Form.of(implied)
        self._sections = [
            (item.label + b" ", item) for item in items if isinstance(item, BodySection | BinarySection | BinarySize)
        ]
        self._columns = (*self._head.columns, *self._tail.columns, *(OCTETS if self._sections else ()))

    async def send(self, ranges: Ranges) -> int:
        """Answer for every message in ``ranges``; how many of those that the client knows aren't there any more."""
        store = self._session.house.store
        missing = 0
        for part in self._portions(ranges):
            known = self._selected.count(part)
            rows = await store.read(self._rows, part, known)
            missing += known - len(rows)
            await self._selected.hold(store)
            if not self._sections:
                self._session.server.send(b"".join(self._lines(rows)))
                await self._session.line.flush()
                continue
            pieces = self._pieces(rows, store.blobs)
            begun, more = False, True
            while more:
                try:
                    ready, more = await asyncio.to_thread(take, pieces)
                except StoreError as error:
                    if not begun:
                        raise
                    # The client counts the octets of a literal: anything said now would be taken for some of them.
                    raise EOFError(f"a letter can't be read to its end: {error}") from error
                self._session.server.send(ready)
                begun = True
                await self._session.line.flush()
                await self._selected.hold(store)
        return missing

    def _rows(self, tx: Tx, part: Ranges, known: int) -> list[Row]:
        """The rows of a portion, in which the client knows so many messages."""
        mailbox = self._selected.mailbox
        rows = mail.fetch(tx, mailbox.id, part, self._columns)
        if self._removed and len(rows) < known:
            since = self._selected.told
            rows += mail.fetch_removed(tx, mailbox.account_id, mailbox.id, part, self._columns, since)
            rows.sort(key=itemgetter(0))
        return rows

    def _portions(self, ranges: Ranges) -> Iterator[Ranges]:
        """The ranges in portions of at most ROWS messages that the client knows."""
        uids = self._selected.uids
        portion: Ranges = []
        room = ROWS
        for first, last in ranges:
            start, end = self._selected.place(first), self._selected.place(last + 1)
            while start < end:
                stop = min(end, start + room)
                portion.append((uids[start], uids[stop - 1]))
                room -= stop - start
                start = stop
                if room == 0:
                    yield portion
                    portion, room = [], ROWS
        if portion:
            yield portion

    def _lines(self, rows: Sequence[Row]) -> Iterator[bytes]:
        """The responses where no octets are wanted."""
        number, fill = self._selected.number, self._head.fill
        for row in rows:
            place = number(row[0])
            if place:
                yield b"* %d FETCH (%b)\r\n" % (place, fill(row[0], row[1:]))

    def _pieces(self, rows: Sequence[Row], blobs: Blobs) -> Iterator[bytes]:
        """The responses, in pieces; reads octets as it goes."""
        head, tail = self._head, self._tail
        first = 1 + len(head.columns)
        separator = b" " if head.template else b""
        for row in rows:
            number = self._selected.number(row[0])
            if not number:
                continue
            letter = Letter(row[-len(OCTETS) :], blobs)
            # What can't be decoded is found out before the response has begun.
            values = [(label, letter.value(item)) for label, item in self._sections]
            yield b"* %d FETCH (%b%b" % (number, head.fill(row[0], row[1:first]), separator)
            for place, (label, value) in enumerate(values):
                yield b" " + label if place else label
                yield from value
            if tail.template:
                yield b" " + tail.fill(row[0], row[first : -len(OCTETS)])
            yield b")\r\n"


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


COMMANDS: dict[type, Handler] = {command.Fetch: fetch}
