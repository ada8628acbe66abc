"""FETCH responses for which no letter has to be opened, put together column by column, for many messages at a time.

Flags come from the roster, what lists ask from bundles (store/bundle.py); rows are read for the rest, and where there
are no bundles yet. The responses of a portion are one ``%``: for a single message Python does nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from posthouse.imap.fetch import Attribute, BodySection, Item
from posthouse.message import listed
from posthouse.store import bundle, flag, mail
from posthouse.store.engine import Row, Tx
from posthouse.store.roster import Roster

from . import listing
from .columns import FLAGS, column_or_listed
from .letter import COLUMNS as OCTETS
from .letter import Letter

if TYPE_CHECKING:
    from .selected import Ranges, Selected

# Messages whose lines are made in one go: the wire columns take some 600 octets each, the others a few.
MANY = 1_024
NARROW_MANY = 10_000
NARROW = frozenset({"flagset", "modseq", "saved", "message_id", "size", "received", "thread"})
# Messages from which on a range is read from bundles: for fewer, most of what is in one would be read in vain.
FEW = 32

# UIDs, and columns of what is answered for them.
Table = tuple[Sequence[int], Sequence[list[bytes]]]


class Lines:
    """The responses to one command. Its methods are for the threads that read the store, one at a time."""

    def __init__(self, selected: Selected, items: Sequence[Item], wanted: int, *, removed: bool) -> None:
        """``wanted``: how many messages are answered for; ``removed`` as for `rows_of`."""
        self._selected = selected
        self._uid = Attribute.UID in items
        self._wanted = wanted
        self._removed = removed
        ready = [(item, column) for item in items if (column := column_or_listed(item)) is not None]
        self._columns = [column for _, column in ready]
        self._sections = [item if isinstance(item, BodySection) else None for item, _ in ready]
        self._names = tuple(column.name for column in self._columns)
        self._in_bundles = [place for place, column in enumerate(self._columns) if column.bundled]
        self._others = [place for place, column in enumerate(self._columns) if not column.bundled]
        # Of bundles, by name.
        self._bound = tuple(dict.fromkeys(name for place in self._in_bundles for name in self._columns[place].bundled))
        self._by_form = set(items) == listing.ITEMS
        self._roster: Roster | None = None
        self.many = NARROW_MANY if NARROW.issuperset(self._names) else MANY
        self.uid_only = False  # whether the client has no message numbers
        self.missing = 0  # messages that the client knows, and that aren't there any more
        self.unbundled = 0  # the first UID of a range that should have had a bundle; 0: none

    def of(self, tx: Tx, part: Ranges) -> bytes:
        """The responses for some messages."""
        return (self._by_form and self._filled(tx, part)) or self._assembled(tx, part)

    def _assembled(self, tx: Tx, part: Ranges) -> bytes:
        uids, columns = self._ready(tx, part) or self._read(tx, part)
        numbers, missing = numbers_of(self._selected, part, uids)
        self.missing += missing
        if not uids:
            return b""
        arguments: list[Sequence[Any]] = [uids if self.uid_only else numbers]
        forms = [b"UID %d"] * self._uid + [column.form for column in self._columns]
        if self._uid:
            arguments.append(uids)
        for column, entries in zip(self._columns, columns, strict=True):
            if column.name == FLAGS.name:
                self._selected.mark_recent(uids, entries)
            if column.measured:
                arguments.append(list(map(len, entries)))
            arguments.append(entries)
        return each(begin_of(uid_only=self.uid_only) + b" ".join(forms) + b")\r\n", arguments)

    # -- from forms --------------------------------------------------------------------------------------------------

    def _filled(self, tx: Tx, part: Ranges) -> bytes:
        """Nothing where this isn't the way."""
        if self.uid_only or self._selected.count(part) < FEW * len(part):
            return b""
        roster = self._roster_for(tx)
        if roster is None:
            return b""
        responses = []
        flags = [FLAGS.entry(line) for line in roster.lines]
        for low, high in part:
            uids, indexes = roster.part(low, high)
            number = self._selected.place(low) + 1
            if self._selected.place(high + 1) + 1 - number != len(uids):
                return b""  # the client knows messages that are removed
            at = 0  # how many of the messages are done
            for first, count, form in bundle.read(tx, self._selected.mailbox.id, low, high, ("messages", "lines")):
                start = bisect_left(uids, first, at)
                end = bisect_left(uids, first + bundle.SIZE, start)
                if end - start == count:  # else the range begins or ends within the bundle
                    if at < start:
                        responses.append(self._assembled(tx, [(uids[at], uids[start - 1])]))
                    numbers = range(number + start, number + end)
                    here = list(map(flags.__getitem__, indexes[start:end]))
                    self._selected.mark_recent(uids[start:end], here)
                    responses.append(listing.fill(form, numbers, here))
                    at = end
            if at < len(uids):
                responses.append(self._assembled(tx, [(uids[at], uids[-1])]))
        return b"".join(responses)

    def _roster_for(self, tx: Tx) -> Roster | None:
        assert tx.rosters is not None
        self._roster = tx.rosters.of(tx, self._selected.mailbox.id, self._wanted, self._roster)
        return self._roster

    # -- from the roster and from bundles ----------------------------------------------------------------------------

    def _ready(self, tx: Tx, part: Ranges) -> Table | None:
        """None where rows are as good, and where the client knows messages that are removed."""
        count = self._selected.count(part)
        if count < FEW * len(part):
            return None
        only_flags = all(self._names[place] == FLAGS.name for place in self._others)
        if only_flags:
            self._roster_for(tx)
        if not self._in_bundles and not (only_flags and self._roster):
            return None
        uids: list[int] = []
        columns: list[list[bytes]] = [[] for _ in self._columns]
        for first, last in part:
            if only_flags and self._roster is not None:
                some, indexes = self._roster.part(first, last)
                entries = [FLAGS.entry(line) for line in self._roster.lines]
                for place in self._others:
                    columns[place] += map(entries.__getitem__, indexes)
            else:
                rows = mail.fetch(tx, self._selected.mailbox.id, [(first, last)], self._names_at(self._others))
                some = [row[0] for row in rows]
                self._write(tx, rows, self._others, columns)
            if some and self._in_bundles:
                self._bundled(tx, some, columns)
            uids += some
        return (uids, columns) if len(uids) == count else None

    def _bundled(self, tx: Tx, uids: Sequence[int], columns: list[list[bytes]]) -> None:
        """Put what is in bundles of these messages to the columns, and read row by row what is in none."""
        at = 0  # how many of the messages are done
        for first, *octets in bundle.read(tx, self._selected.mailbox.id, uids[0], uids[-1], self._bound):
            bound = dict(zip(self._bound, octets, strict=True))
            start = bisect_left(uids, first, at)
            end = bisect_left(uids, first + bundle.SIZE, start)
            self._unbundled(tx, uids[at:start], columns)
            here = uids[start:end]
            pick = _picker(here, first)
            for place in self._in_bundles:
                column, section = self._columns[place], self._sections[place]
                entries = pick(column.entries(*[bound[name] for name in column.bundled]))
                if section is not None and listed.UNKNOWN in entries:
                    entries = [
                        self._ask(tx, uid, section) if entry == listed.UNKNOWN else entry
                        for uid, entry in zip(here, entries, strict=True)
                    ]
                columns[place] += entries
            at = end
        self._unbundled(tx, uids[at:], columns)

    def _unbundled(self, tx: Tx, uids: Sequence[int], columns: list[list[bytes]]) -> None:
        if not uids:
            return
        rows = mail.fetch(tx, self._selected.mailbox.id, [(uids[0], uids[-1])], self._names_at(self._in_bundles))
        self._write(tx, rows, self._in_bundles, columns)
        if not self.unbundled and bundle.first_of(uids[0]) + bundle.SIZE <= self._selected.last_uid:
            self.unbundled = uids[0]

    # -- from rows ---------------------------------------------------------------------------------------------------

    def _read(self, tx: Tx, part: Ranges) -> Table:
        rows = rows_of(tx, self._selected, part, self._names, removed=self._removed)
        columns: list[list[bytes]] = [[] for _ in self._columns]
        self._write(tx, rows, range(len(self._columns)), columns)
        return [row[0] for row in rows], columns

    def _names_at(self, places: Sequence[int]) -> list[str]:
        return [self._names[place] for place in places]

    def _write(self, tx: Tx, rows: list[Row], places: Sequence[int], columns: list[list[bytes]]) -> None:
        """Put the values of rows, which have the UID and then the columns at these places, to the columns."""
        if not rows:
            return
        flags = flag_entries(tx, self._names_at(places), rows)
        uids, *read = zip(*rows, strict=True)
        for place, values in zip(places, read, strict=True):
            column, section = self._columns[place], self._sections[place]
            if column.name == FLAGS.name:
                columns[place] += map(flags.__getitem__, values)
            elif section is not None and None in values:  # letters older than the listed fields, or with too many
                columns[place] += [
                    self._ask(tx, uid, section) if one is None else column.entry(one)
                    for uid, one in zip(uids, values, strict=True)
                ]
            else:
                columns[place] += map(column.entry, values)

    def _ask(self, tx: Tx, uid: int, item: BodySection) -> bytes:
        """Fields that stand in no column, from the letter itself."""
        rows = rows_of(tx, self._selected, [(uid, uid)], OCTETS, removed=True)
        literal = b"".join(Letter(rows[0][1:], tx.blobs).value(item))
        return literal.partition(b"\n")[2]


def rows_of(tx: Tx, selected: Selected, part: Ranges, columns: Sequence[str], *, removed: bool) -> list[Row]:
    """The UID and the columns of some messages.

    ``removed``: also those that others have removed, as long as the client isn't told (RFC 2180 §4.1.1).
    """
    mailbox = selected.mailbox
    rows = mail.fetch(tx, mailbox.id, part, columns)
    if removed and len(rows) < selected.count(part):
        rows += mail.fetch_removed(tx, mailbox.account_id, mailbox.id, part, columns, selected.told)
        rows.sort(key=itemgetter(0))
    return rows


def numbers_of(selected: Selected, part: Ranges, uids: Sequence[int]) -> tuple[Sequence[int], int]:
    """The sequence numbers of those messages of a part that there are; and how many there aren't any more."""
    missing = selected.count(part) - len(uids)
    if missing:
        return [selected.number(uid) for uid in uids], missing
    # Nearly always: between two messages that the client knows lies none that it doesn't.
    places = [(selected.place(first) + 1, selected.place(last + 1) + 1) for first, last in part]
    if len(places) == 1:
        return range(*places[0]), 0
    return [number for place in places for number in range(*place)], 0


def flag_entries(tx: Tx, columns: Sequence[str], rows: list[Row]) -> dict[int, bytes]:
    """How the combinations of flags in the rows are written."""
    if FLAGS.name not in columns:
        return {}
    at = 1 + columns.index(FLAGS.name)
    return {one: FLAGS.entry(line) for one, line in flag.lines(tx, {row[at] for row in rows}).items()}


def _picker(uids: Sequence[int], first: int) -> Callable[[Sequence[bytes]], Sequence[bytes]]:
    """What takes the entries of these messages from a column of the bundle that begins with a UID."""
    if len(uids) < 2 or uids[-1] - uids[0] + 1 == len(uids):
        there = slice(uids[0] - first, uids[-1] - first + 1) if uids else slice(0)
        return itemgetter(there)
    return itemgetter(*[uid - first for uid in uids])


def begin_of(*, uid_only: bool) -> bytes:
    """How a response begins, for its number: UIDFETCH where that is the UID (RFC 9586 §3.3)."""
    return b"* %d UIDFETCH (" if uid_only else b"* %d FETCH ("


def each(form: bytes, arguments: Sequence[Sequence[Any]]) -> bytes:
    """The form, filled in for each message: with what stands at its place in each of the arguments."""
    count, width = len(arguments[0]), len(arguments)
    values: list[Any] = [None] * (count * width)
    for place, column in enumerate(arguments):
        values[place::width] = column
    return form * count % tuple(values)
