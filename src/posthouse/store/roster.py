"""Rosters: which messages a mailbox has, with which flags, column by column in memory. Telling them reads no row.

A roster is what one transaction sees, and never changes. `Rosters` keeps those that were asked for last, for all
threads of a process. The mailbox's `highestmodseq` tells whether one still holds; what changed since is read by it.

Messages don't change: what depends on which of them there are alone (their order by subject) is kept with the roster.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from . import flag
from .members import Kept, Members
from .uid_list import UidLists

if TYPE_CHECKING:
    from .engine import Tx

T = TypeVar("T")
# Messages that all rosters of a process have together, at two to six octets each; and things that are derived from the
# messages of one, at some four octets for each.
MOST = 2_000_000
DERIVED = 6
MOST_ROSTERS = 1_000  # one of an empty mailbox takes a kilobyte, too
# A roster is made where a reader wants this part of the mailbox or more: one over it.
PART = 4


@dataclass(frozen=True, slots=True)
class Roster:
    """The messages of a mailbox: their UIDs, ascending; for each its flags, as an index of `lines` (flag.py)."""

    modseq: int
    uids: range | array[int]
    flags: array[int]
    lines: tuple[bytes, ...]
    ids: tuple[int, ...]  # of the combinations, as the lines are
    derived: OrderedDict[Hashable, Any]  # shared with other rosters of the same messages

    def part(self, low: int, high: int) -> tuple[Sequence[int], array[int]]:
        """UIDs and flags of the messages from one UID up to another, which is included."""
        start, end = bisect_left(self.uids, low), bisect_right(self.uids, high)
        return self.uids[start:end], self.flags[start:end]

    def derive(self, what: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, which depends on the messages alone, flags aside: made once for the same messages."""
        with _deriving:
            found: T | None = self.derived.get(what)
            if found is not None:
                self.derived.move_to_end(what)
        if found is None:
            found = make()
            with _deriving:
                self.derived[what] = found
                if len(self.derived) > DERIVED:
                    self.derived.popitem(last=False)
        return found


_deriving = threading.Lock()


class Rosters:
    """The rosters of a process. From any thread."""

    def __init__(self, most: int = MOST) -> None:
        self.uid_lists = UidLists()  # which a mailbox has that nobody wants the flags of
        self._members = Kept()
        self._most = most
        self._kept: OrderedDict[int, Roster] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, tx: Tx, mailbox_id: int, wanted: int, last: Roster | None = None) -> Roster | None:
        """The mailbox as `tx`, which must not write, sees it; None where that isn't worth it for `wanted` messages.

        `last`: what the caller was given before, should others have pushed it out.
        """
        row = tx.one("SELECT messages, highestmodseq FROM mailbox WHERE id = :id", id=mailbox_id)
        if row is None:
            return None
        messages, modseq = row
        with self._lock:
            kept = self._kept.get(mailbox_id, last)
            if kept is not None and kept.modseq == modseq and mailbox_id in self._kept:
                self._kept.move_to_end(mailbox_id)
        if kept is not None and kept.modseq == modseq:
            return kept
        roster = None
        if kept is not None and kept.modseq < modseq:
            roster = _changed(tx, mailbox_id, kept, messages, modseq)
        if roster is None:
            if messages > self._most or wanted * PART < messages:
                return None
            roster = _read(tx, mailbox_id, kept, modseq)
        self._keep(mailbox_id, roster)
        return roster

    def members_of(self, tx: Tx, mailbox_id: int) -> Members:
        """The messages of a mailbox without their flags, to search in them."""
        return self._members.of(tx, mailbox_id, self.uid_lists.of(tx, mailbox_id))

    def _keep(self, mailbox_id: int, roster: Roster) -> None:
        with self._lock:
            kept = self._kept.get(mailbox_id)
            if kept is not None and kept.modseq > roster.modseq:
                return  # this transaction began before the one that made it
            self._kept[mailbox_id] = roster
            self._kept.move_to_end(mailbox_id)
            count = sum(len(one.uids) for one in self._kept.values())
            while count > self._most or len(self._kept) > MOST_ROSTERS:
                _, gone = self._kept.popitem(last=False)
                count -= len(gone.uids)


def _read(tx: Tx, mailbox_id: int, old: Roster | None, modseq: int) -> Roster:
    rows = tx.all(
        "SELECT uid, flagset_id FROM placement WHERE mailbox_id = :mailbox_id ORDER BY uid",
        mailbox_id=mailbox_id,
    )
    uids = compact([row[0] for row in rows])
    places: dict[int, int] = {}
    flags = array("H", [places.setdefault(row[1], len(places)) for row in rows])
    derived = old.derived if old is not None and old.uids == uids else OrderedDict()  # no UID is given twice
    return _made(tx, modseq, _Columns(uids, flags), tuple(places), (), derived)


def _changed(tx: Tx, mailbox_id: int, old: Roster, messages: int, modseq: int) -> Roster | None:
    """The roster with what changed since; None where reading it anew is simpler: much did, or some went."""
    since = {"mailbox_id": mailbox_id, "since": old.modseq}
    changes = "FROM placement WHERE mailbox_id = :mailbox_id AND modseq > :since"
    if tx.value(f"SELECT count(*) {changes}", **since) * PART > messages:
        return None
    last = old.uids[-1] if old.uids else 0
    flags = old.flags[:]
    places = {flagset_id: place for place, flagset_id in enumerate(old.ids)}
    new: list[int] = []
    for uid, flagset_id in sorted(tx.all(f"SELECT uid, flagset_id {changes}", **since)):
        place = places.setdefault(flagset_id, len(places))
        if uid > last:
            new.append(uid)
            flags.append(place)
        else:
            flags[bisect_left(old.uids, uid)] = place
    # UIDs only grow: unless some were removed, these are all.
    if len(flags) != messages or len(places) > flag.MAX_COMBINATIONS:
        return None
    if not new:
        columns = _Columns(old.uids, flags)
        return _made(tx, modseq, columns, tuple(places), old.lines, old.derived)
    uids = _extended(old.uids, new)
    return _made(tx, modseq, _Columns(uids, flags), tuple(places), old.lines, OrderedDict())


class _Columns(NamedTuple):
    """What a roster has of each message: see there."""

    uids: range | array[int]
    flags: array[int]


def _made(
    tx: Tx,
    modseq: int,
    columns: _Columns,
    ids: tuple[int, ...],
    lines: tuple[bytes, ...],
    derived: OrderedDict[Hashable, Any],
) -> Roster:
    """A roster, with the lines that aren't known yet."""
    more = ids[len(lines) :]
    found = flag.lines(tx, more)
    lines += tuple([found[flagset_id] for flagset_id in more])
    return Roster(modseq, columns.uids, columns.flags, lines, ids, derived)


def compact(uids: Sequence[int]) -> range | array[int]:
    """UIDs, which ascend, in little room: where nothing was removed from the middle they are a range."""
    if isinstance(uids, range):
        return uids
    if uids and uids[-1] - uids[0] + 1 == len(uids):
        return range(uids[0], uids[-1] + 1)
    return uids if isinstance(uids, array) else array("I", uids)


def _extended(numbers: range | array[int], more: list[int]) -> range | array[int]:
    """The numbers with more behind them: a range where they still follow one upon the other."""
    if isinstance(numbers, range) and more:
        start = numbers.start if numbers else more[0]
        together = range(start, start + len(numbers) + len(more))
        if more == list(together[len(numbers) :]):
            return together
    return array("I", numbers) + array("I", more)
