"""The UIDs of a mailbox: all from 1 up to UIDNEXT, without the holes that removed messages have left.

Sequence numbers count the UIDs, so every SELECT needs all of them: read row by row, half a second of a million. So the
holes are kept, a bit for each UID in chunks of `CHUNK`: the UIDs of a million messages are some hundred short rows, and
appending writes none of them. What is made of these, `UidList`, never changes, and takes an eighth of an octet for a
message: a session counts in it, and walks it only where somebody asks for all.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain, compress
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from .database import Connection
    from .engine import Row, Tx

SHIFT = 13
CHUNK = 1 << SHIFT  # UIDs; a removal writes their bits anew, 1 KB
MOST = 1_000  # lists that a process keeps
MOST_REMOVED = 1_000  # removals by which one is brought up to date
# The octets "0" and "1", where "1" stands for a hole, as true and false.
THERE = bytes.maketrans(b"01", b"\1\0")


class UidList(Sequence[int]):
    """UIDs, ascending. A value: what changes it makes a new one."""

    __slots__ = ("_before", "_holes", "_missing", "stop")

    def __init__(
        self, stop: int = 1, holes: Mapping[int, int] | None = None, missing: Mapping[int, int] | None = None
    ) -> None:
        """All from 1 up to `stop`, which isn't among them, but for `holes`: by the number of the chunk a mask.
        `missing`: how many bits some of these have, where that is known already."""
        self.stop = stop
        self._holes = holes or {}
        known = missing or {}
        self._missing = {
            chunk: known[chunk] if chunk in known else mask.bit_count() for chunk, mask in self._holes.items()
        }
        counts = [CHUNK] * (((stop - 1) >> SHIFT) + 1)
        counts[-1] = stop - ((len(counts) - 1) << SHIFT)
        counts[0] -= 1  # 0 is no UID
        for chunk, count in self._missing.items():
            counts[chunk] -= count
        self._before = list(accumulate(counts, initial=0))

    @classmethod
    def of(cls, uids: Iterable[int]) -> UidList:
        """These UIDs, ascending."""
        return uids if isinstance(uids, cls) else cls().extended(list(uids))

    def __len__(self) -> int:
        return self._before[-1]

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[int]: ...
    def __getitem__(self, place: int | slice) -> int | Sequence[int]:
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            return self._part(start, stop) if step == 1 else list(self)[place]
        if place < 0:
            place += len(self)
        if not 0 <= place < len(self):
            raise IndexError(place)
        chunk = bisect_right(self._before, place) - 1
        first = max(chunk << SHIFT, 1)
        left = place - self._before[chunk]
        mask = self._holes.get(chunk)
        if mask is None:
            return first + left
        # The last one with so many present ones before it.
        low, high = first, min((chunk + 1) << SHIFT, self.stop)
        while high - low > 1:
            middle = (low + high) // 2
            if self.place(middle) <= place:
                low = middle
            else:
                high = middle
        return low

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(map(self._chunk, range(len(self._before) - 1)))

    def __contains__(self, uid: object) -> bool:
        if not isinstance(uid, int) or not 0 < uid < self.stop:
            return False
        return not (self._holes.get(uid >> SHIFT, 0) >> (uid & (CHUNK - 1))) & 1

    def __eq__(self, other: object) -> bool:
        if isinstance(other, UidList) and other.stop == self.stop:
            return other is self or other._holes == self._holes
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"UidList.of({list(self)})"

    @property
    def together(self) -> range | None:
        """The same as a range, where there is no hole between them."""
        if not self:
            return range(0)
        first, last = self[0], self[-1]
        return range(first, last + 1) if last - first + 1 == len(self) else None

    def place(self, uid: int) -> int:
        """How many of them are smaller."""
        if uid >= self.stop:
            return len(self)
        if uid <= 1:
            return 0
        chunk = uid >> SHIFT
        first = max(chunk << SHIFT, 1)
        mask = self._holes.get(chunk, 0) & ((1 << (uid & (CHUNK - 1))) - 1)
        return self._before[chunk] + uid - first - mask.bit_count()

    def extended(self, new: Sequence[int]) -> UidList:
        """These, and others behind them, ascending."""
        if not new:
            return self
        stop = new[-1] + 1
        return self._holed(stop, holes_between(new, self.stop, stop))

    def before(self, stop: int) -> UidList:
        """These, and all others up to `stop`, which isn't among them."""
        return self if stop == self.stop else UidList(stop, self._holes, self._missing)

    def without(self, gone: Iterable[int]) -> UidList:
        """Those that aren't among `gone`."""
        return self._holed(self.stop, _masks(uid for uid in gone if uid in self))

    def _holed(self, stop: int, more: Mapping[int, int]) -> UidList:
        """The same up to `stop`, with more holes."""
        missing = {chunk: count for chunk, count in self._missing.items() if chunk not in more}
        return UidList(stop, _joined(self._holes, more), missing)

    def there(self, stop: int) -> bytes:
        """For each number from 1 up to `stop` whether it is one of them: an octet, 1 or 0."""
        whole = bytearray(b"\1") * ((len(self._before) - 1) << SHIFT)
        for chunk, mask in self._holes.items():
            digits = f"{mask:0{CHUNK}b}".encode()[::-1]
            whole[chunk << SHIFT : (chunk + 1) << SHIFT] = digits.translate(THERE)
        whole[self.stop :] = bytes(len(whole) - self.stop)
        return bytes(whole[1:stop].ljust(stop - 1, b"\0"))

    def _part(self, start: int, stop: int) -> Sequence[int]:
        """Those from one place up to another."""
        if start >= stop:
            return ()
        chunk = bisect_right(self._before, start) - 1
        found: Sequence[int] = ()
        while start < stop:
            before = self._before[chunk]
            some = self._chunk(chunk)[start - before : stop - before]
            found = some if not found else array("I", found) + array("I", some)
            start = self._before[chunk + 1]
            chunk += 1
        return found

    def _chunk(self, chunk: int) -> Sequence[int]:
        first = max(chunk << SHIFT, 1)
        uids = range(first, min((chunk + 1) << SHIFT, self.stop))
        mask = self._holes.get(chunk)
        if mask is None:
            return uids
        # "1" for a hole; the last digit is the first UID's.
        digits = f"{mask >> (first & (CHUNK - 1)):0{len(uids)}b}".encode()[::-1]
        return array("I", compress(uids, digits.translate(THERE)))


def holes_between(uids: Sequence[int], start: int, stop: int) -> dict[int, int]:
    """The holes from `start` up to `stop` where these UIDs are there, and no others."""
    if stop - start == len(uids):
        return {}
    there = _masks(uids)
    holes = {}
    for chunk in range(start >> SHIFT, ((stop - 1) >> SHIFT) + 1):
        first, end = max(start, chunk << SHIFT), min(stop, (chunk + 1) << SHIFT)
        every = ((1 << (end - first)) - 1) << (first & (CHUNK - 1))
        if mask := every & ~there.get(chunk, 0):
            holes[chunk] = mask
    return holes


def _joined(holes: Mapping[int, int], more: Mapping[int, int]) -> dict[int, int]:
    """The holes of both."""
    return {**holes, **{chunk: holes.get(chunk, 0) | mask for chunk, mask in more.items()}}


def _masks(uids: Iterable[int]) -> dict[int, int]:
    """UIDs as bits, by their chunks."""
    bits: dict[int, bytearray] = {}
    for uid in uids:
        chunk = bits.get(uid >> SHIFT)
        if chunk is None:
            chunk = bits[uid >> SHIFT] = bytearray(CHUNK // 8)
        place = uid & (CHUNK - 1)
        chunk[place >> 3] |= 1 << (place & 7)
    return {chunk: int.from_bytes(octets, "little") for chunk, octets in bits.items()}


# -- kept --------------------------------------------------------------------------------------------------------------


class UidLists:
    """The lists that were asked for last, for all threads of a process: a mailbox of a million is selected as quickly
    as one of a thousand, when it has been before."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[int, UidList]] = OrderedDict()  # by mailboxes; with the modseq
        self._lock = threading.Lock()

    def of(self, tx: Tx, mailbox_id: int) -> UidList:
        """The UIDs in the mailbox as `tx`, which must not write, sees it; none where there is no such mailbox."""
        row = tx.one("SELECT account_id, uidnext, messages, highestmodseq FROM mailbox WHERE id = :id", id=mailbox_id)
        if row is None:
            return UidList()
        account_id, uidnext, messages, modseq = row
        with self._lock:
            since, last = self._kept.get(mailbox_id, (modseq + 1, UidList()))
        uids = _changed(tx, account_id, mailbox_id, since, last, uidnext, messages) if since <= modseq else None
        if uids is None:
            uids = _read(tx, mailbox_id, uidnext, messages)
        with self._lock:
            if self._kept.get(mailbox_id, (0, uids))[0] <= modseq:  # else this transaction began before another
                self._kept[mailbox_id] = modseq, uids
                self._kept.move_to_end(mailbox_id)
                if len(self._kept) > MOST:
                    self._kept.popitem(last=False)
        return uids


def _changed(
    tx: Tx, account_id: int, mailbox_id: int, since: int, last: UidList, uidnext: int, messages: int
) -> UidList | None:
    """What became of the list since a modseq; None where reading it anew is simpler."""
    if uidnext < last.stop:  # damaged
        return None
    uids = last.before(uidnext)
    if len(uids) == messages:  # no UID is given twice: if none is missing, these are all
        return uids
    if len(uids) - messages > MOST_REMOVED:
        return None
    rows = tx.all(
        "SELECT mailbox_id, uid FROM tombstone WHERE account_id = :account_id AND modseq > :since LIMIT :most",
        account_id=account_id,
        since=since,
        most=MOST_REMOVED,
    )
    uids = uids.without(uid for where, uid in rows if where == mailbox_id)
    return uids if len(uids) == messages else None


def read(tx: Tx, mailbox_id: int) -> UidList:
    """The UIDs in the mailbox; none where there is no such mailbox."""
    if tx.rosters is not None:
        return tx.rosters.uid_lists.of(tx, mailbox_id)
    row = tx.one("SELECT uidnext, messages FROM mailbox WHERE id = :id", id=mailbox_id)
    return UidList() if row is None else _read(tx, mailbox_id, *row)


def _read(tx: Tx, mailbox_id: int, uidnext: int, messages: int) -> UidList:
    kept = _kept(tx, mailbox_id, uidnext)
    # A hole that isn't kept, as an older program leaves it, makes a difference here; and `verify` finds it.
    return kept if len(kept) == messages else UidList.of(_by_row(tx, mailbox_id))


def _kept(tx: Tx, mailbox_id: int, uidnext: int) -> UidList:
    """What the holes that are kept say."""
    rows = tx.all("SELECT chunk, bits FROM hole WHERE mailbox_id = :mailbox_id", mailbox_id=mailbox_id)
    holes = {chunk: int.from_bytes(bits, "little") for chunk, bits in rows}
    for chunk in [chunk for chunk in holes if (chunk + 1) << SHIFT > uidnext]:  # a damaged UIDNEXT may be too low
        holes[chunk] &= (1 << max(uidnext - (chunk << SHIFT), 0)) - 1
        if not holes[chunk]:
            del holes[chunk]
    return UidList(uidnext, holes)


def remove(tx: Tx, mailbox_id: int, uids: Iterable[int]) -> None:
    """These messages go: keep the holes that they leave."""
    masks = _masks(uids)
    for chunk, bits in tx.all(
        "SELECT chunk, bits FROM hole WHERE mailbox_id = :mailbox_id AND chunk BETWEEN :first AND :last",
        mailbox_id=mailbox_id,
        first=min(masks, default=0),
        last=max(masks, default=-1),
    ):
        if chunk in masks:
            masks[chunk] |= int.from_bytes(bits, "little")
    tx.many(
        f"{INSERT} ON CONFLICT (mailbox_id, chunk) DO UPDATE SET bits = excluded.bits",
        [_row(mailbox_id, chunk, mask) for chunk, mask in masks.items()],
    )


def wrong(tx: Tx) -> list[Row]:
    """Mailboxes whose holes aren't what the rows say: address, name, id."""
    return [
        (address, name, mailbox_id)
        for address, name, mailbox_id, uidnext in tx.all(
            "SELECT a.address, b.name, b.id, b.uidnext FROM mailbox b JOIN account a ON a.id = b.account_id"
        )
        if _kept(tx, mailbox_id, uidnext) != _by_row(tx, mailbox_id)
    ]


def repair(tx: Tx) -> None:
    """Keep what the rows say."""
    for _, _, mailbox_id in wrong(tx):
        uidnext = tx.value("SELECT uidnext FROM mailbox WHERE id = :id", id=mailbox_id)
        tx.run("DELETE FROM hole WHERE mailbox_id = :mailbox_id", mailbox_id=mailbox_id)
        holes = holes_between(_by_row(tx, mailbox_id), 1, uidnext)
        tx.many(INSERT, [_row(mailbox_id, chunk, mask) for chunk, mask in holes.items()])


def fill(connection: Connection) -> None:
    """Keep the holes of an older store's mailboxes."""
    for mailbox_id, uidnext in connection.execute("SELECT id, uidnext FROM mailbox", {}).fetchall():
        rows = connection.execute(BY_ROW, {"mailbox_id": mailbox_id}).fetchall()
        holes = holes_between([uid for (uid,) in rows], 1, uidnext)
        connection.executemany(INSERT, [_row(mailbox_id, chunk, mask) for chunk, mask in holes.items()])


def _row(mailbox_id: int, chunk: int, mask: int) -> Mapping[str, int | bytes]:
    bits = mask.to_bytes((mask.bit_length() + 7) // 8, "little")
    return {"mailbox_id": mailbox_id, "chunk": chunk, "bits": bits}


def _by_row(tx: Tx, mailbox_id: int) -> list[int]:
    return [uid for (uid,) in tx.all(BY_ROW, mailbox_id=mailbox_id)]


BY_ROW = "SELECT uid FROM placement WHERE mailbox_id = :mailbox_id ORDER BY uid"
INSERT = "INSERT INTO hole (mailbox_id, chunk, bits) VALUES (:mailbox_id, :chunk, :bits)"
