"""Which messages a mailbox has, UID by UID: from masks of messages (posting.py) to UIDs, many at once, without a row.

The UIDs are those of uid_list.py; beside them stand the messages' ids. Which message has a UID never changes, and a
range of UIDs below UIDNEXT gets no new one: so the ids of such a range are kept with the search index (index.py), and
what the first search in a mailbox reads of it is some rows, where the messages' own would be a hundred thousand.
"""

from __future__ import annotations

import json
import sys
import threading
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from itertools import compress, pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from . import posting
from .hits import Hits
from .posting import CHUNK, SHIFT, SPARSE, Masks, truth
from .uid_list import CHUNK as UIDS
from .uid_list import SHIFT as UID_SHIFT
from .uid_list import UidList

if TYPE_CHECKING:
    from .engine import Tx

T = TypeVar("T")
# Messages that all of these in a process have together, at 1 to 14 octets each; and how many mailboxes.
MOST = 2_000_000
MOST_MAILBOXES = 1_000
# Things that are kept with the messages of one mailbox, at a bit for each message.
DERIVED = 16

SCHEMA = """
CREATE TABLE IF NOT EXISTS member (
    mailbox_id INTEGER NOT NULL, chunk INTEGER NOT NULL, ids BLOB NOT NULL, PRIMARY KEY (mailbox_id, chunk)
) STRICT, WITHOUT ROWID;
"""


class Members:
    """The messages of a mailbox. A value, but for what is kept with it."""

    __slots__ = ("_chunks", "_derived", "_lock", "_masks", "_order", "ids", "uids")

    def __init__(self, uids: UidList, ids: Sequence[int]) -> None:
        """Of each message the UID and the id; a message may be there twice."""
        self.uids = uids
        self.ids = ids
        self._derived: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()
        self._masks: Masks | None = None
        # Where they don't come in the order of their ids: the places in that order.
        self._order: Sequence[int] | None = None
        if not isinstance(ids, range) and not all(map(int.__lt__, ids, ids[1:])):
            self._order = array("I", sorted(range(len(ids)), key=ids.__getitem__))
            ids = array("Q", map(ids.__getitem__, self._order))
        # By chunks of ids, ascending: the places within the chunk.
        self._chunks: dict[int, range | array[int]] = {}
        start = 0
        while start < len(ids):
            chunk = ids[start] >> SHIFT
            end = bisect_left(ids, (chunk + 1) << SHIFT, start)
            self._chunks[chunk] = _places(ids[start:end])
            start = end

    @property
    def chunks(self) -> list[int]:
        """The chunks of ids in which there are messages."""
        return list(self._chunks)

    @property
    def masks(self) -> Masks:
        """All of them."""
        if self._masks is None:
            self._masks = {
                chunk: (1 << len(places)) - 1 << places.start if isinstance(places, range) else posting.mask_of(places)
                for chunk, places in self._chunks.items()
            }
        return self._masks

    def behind(self, message_id: int) -> Sequence[int]:
        """The ids of the messages with larger ones."""
        if self._order is None:
            return self.ids[bisect_right(self.ids, message_id) :]
        return [one for one in self.ids if one > message_id]

    def hits(self, masks: Masks) -> Hits:
        """Those messages that are in the mailbox."""
        parts = [
            (len(places), _in_order(places, masks[chunk]) if chunk in masks else 0)
            for chunk, places in self._chunks.items()
        ]
        bits = _joined_bits(parts)
        if self._order is not None:
            ordered = bytearray(len(self._order))
            for place in compress(self._order, truth(bits, len(self._order))):
                ordered[place] = 1
            bits = posting.bits(ordered)
        return Hits(self.uids, bits)

    def derive(self, what: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, which depends on the messages alone: made once, and kept for a while."""
        with self._lock:
            found: T | None = self._derived.get(what)
            if found is not None:
                self._derived.move_to_end(what)
        if found is None:
            found = make()
            with self._lock:
                self._derived[what] = found
                if len(self._derived) > DERIVED:
                    self._derived.popitem(last=False)
        return found


def _in_order(places: range | array[int], mask: int) -> int:
    """Of the messages of a chunk, which are at these places, those that are in the mask: a bit for each."""
    if isinstance(places, range):
        return mask >> places.start & (1 << len(places)) - 1
    if mask.bit_count() > SPARSE:
        return posting.bits(bytes(map(truth(mask).__getitem__, places)))
    found = 0
    for place in posting.places(mask):
        start, end = bisect_left(places, place), bisect_right(places, place)
        found |= (1 << end) - (1 << start)
    return found


def _joined_bits(parts: Sequence[tuple[int, int]]) -> int:
    """Bits behind each other: of each part how many they are, and which of them are set. By halves, because each step
    moves all that was joined before."""
    if len(parts) <= 1:
        return parts[0][1] if parts else 0
    middle = len(parts) // 2
    return _joined_bits(parts[:middle]) | _joined_bits(parts[middle:]) << sum(size for size, _ in parts[:middle])


def _places(ids: Sequence[int]) -> range | array[int]:
    first = ids[0] & (CHUNK - 1)
    together = range(first, first + len(ids))
    if isinstance(ids, range):
        return together
    places = array("H", [message_id & (CHUNK - 1) for message_id in ids])
    # A chunk may have more messages than ids: one that is there twice.
    return together if together.stop <= CHUNK and places == array("H", together) else places


# -- kept in memory ----------------------------------------------------------------------------------------------------


class Kept:
    """The members that were asked for last, for all threads of a process."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[int, Members] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, tx: Tx, mailbox_id: int, uids: UidList) -> Members:
        """The mailbox as `tx`, which must not write, sees it; `uids`: those of its messages."""
        with self._lock:
            last = self._kept.get(mailbox_id)
            if last is not None:
                self._kept.move_to_end(mailbox_id)
        # No UID is given twice: up to the same one, as many are the same.
        if last is not None and last.uids.stop == uids.stop and len(last.uids) == len(uids):
            return last
        members = Members(uids, _read(tx, mailbox_id, uids, last))
        with self._lock:
            kept = self._kept.get(mailbox_id)
            if kept is not None and (kept.uids.stop, -len(kept.uids)) > (uids.stop, -len(uids)):
                return members  # this transaction began before another's, which has kept what is newer
            self._kept[mailbox_id] = members
            self._kept.move_to_end(mailbox_id)
            messages = sum(len(one.uids) for one in self._kept.values())
            while (messages > self._most or len(self._kept) > MOST_MAILBOXES) and len(self._kept) > 1:
                _, gone = self._kept.popitem(last=False)
                messages -= len(gone.uids)
        return members


def _read(tx: Tx, mailbox_id: int, uids: UidList, last: Members | None) -> Sequence[int]:
    """The ids of the messages that have these UIDs: from what was there before, from what is kept, and row by row."""
    if last is not None and last.uids.stop <= uids.stop:
        there: Sequence[int] = last.ids
        if uids.place(last.uids.stop) != len(last.uids):  # some went
            stop = last.uids.stop
            there = array("Q", compress(last.ids, compress(uids.there(stop), last.uids.there(stop))))
        return _joined([there, _by_row(tx, mailbox_id, last.uids.stop, uids.stop, len(uids) - len(there))])
    parts: list[Sequence[int]] = []
    start = 1  # the first UID whose message isn't known yet
    for chunk, kept in tx.all(
        "SELECT chunk, ids FROM search.member WHERE mailbox_id = :mailbox_id ORDER BY chunk", mailbox_id=mailbox_id
    ):
        first, end = max(chunk << UID_SHIFT, 1), (chunk + 1) << UID_SHIFT
        if end > uids.stop:
            break
        if first > start:
            parts.append(_by_row(tx, mailbox_id, start, first, uids.place(first) - uids.place(start)))
        some = uids[uids.place(first) : uids.place(end)]
        parts.append(_of_kept(kept, some, chunk << UID_SHIFT))
        start = end
    parts.append(_by_row(tx, mailbox_id, start, uids.stop, len(uids) - uids.place(start)))
    return _joined(parts)


def _by_row(tx: Tx, mailbox_id: int, start: int, stop: int, number: int) -> Sequence[int]:
    """The ids of the messages from one UID up to another, a `number` of them. As one value: a hundred thousand rows
    would take twice as long."""
    if not number:
        return range(0)
    ids: list[int] = json.loads(
        tx.value(
            "SELECT json_group_array(message_id) FROM (SELECT message_id FROM placement WHERE mailbox_id = :mailbox_id"
            " AND uid >= :start AND uid < :stop ORDER BY uid)",
            mailbox_id=mailbox_id,
            start=start,
            stop=stop,
        )
    )
    assert len(ids) == number  # UidList looks at the rows where the holes that are kept don't fit the number
    return _compact(ids)


def _compact(ids: Sequence[int]) -> Sequence[int]:
    together = range(ids[0], ids[0] + len(ids))
    if ids[-1] == together[-1] and all(map(int.__eq__, ids, together)):
        return together
    return array("Q", ids)


def _joined(parts: Sequence[Sequence[int]]) -> Sequence[int]:
    """The parts one behind the other: a range where they follow one upon the other."""
    parts = [part for part in parts if part]
    if not parts:
        return range(0)
    if all(isinstance(part, range) for part in parts) and all(
        part[-1] + 1 == after[0] for part, after in pairwise(parts)
    ):
        return range(parts[0][0], parts[-1][-1] + 1)
    joined = array("Q")
    for part in parts:
        joined += part if isinstance(part, array) else array("Q", part)
    return joined


# -- kept on disk ------------------------------------------------------------------------------------------------------


def full_chunks(tx: Tx) -> list[tuple[int, int]]:
    """Mailboxes, and how many of the first chunks of UIDs get no new message any more."""
    return tx.all(
        "SELECT id, uidnext / :size FROM mailbox WHERE uidnext >= :size ORDER BY id",
        size=UIDS,
    )


def to_keep(tx: Tx, mailbox_id: int, chunk: int) -> bytes:
    """What is kept of a chunk: for each of its UIDs the id of the message, 0 for a hole; or, where these ascend with
    the UIDs, how much larger they are."""
    start = chunk << UID_SHIFT
    rows = tx.all(
        "SELECT uid, message_id FROM placement WHERE mailbox_id = :mailbox_id AND uid >= :start AND uid < :stop",
        mailbox_id=mailbox_id,
        start=start,
        stop=start + UIDS,
    )
    larger = {message_id - uid for uid, message_id in rows}
    if len(larger) <= 1:
        return _octets(array("q", larger or {0}))
    ids = array("q", bytes(8 * UIDS))
    for uid, message_id in rows:
        ids[uid - start] = message_id
    return _octets(ids)


def _of_kept(kept: bytes, uids: Sequence[int], start: int) -> Sequence[int]:
    """The ids of the messages of a chunk that have these UIDs."""
    ids = array("q", kept)
    if sys.byteorder == "big":
        ids.byteswap()
    if len(ids) == 1:
        if isinstance(uids, range):
            return range(uids.start + ids[0], uids.stop + ids[0])
        return array("Q", [uid + ids[0] for uid in uids])
    if isinstance(uids, range):
        return array("Q", ids[uids.start - start : uids.stop - start])
    return array("Q", [ids[uid - start] for uid in uids])


def _octets(numbers: array[int]) -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()
