"""Which UIDs the messages of a mailbox have, by their ids: many at once, from masks (posting.py), without a row."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import compress

from . import posting
from .posting import CHUNK, SHIFT, SPARSE, Masks, truth


class UidMap:
    """A value. It takes two octets a message, and little where the messages came one after the other."""

    __slots__ = ("_ascending", "_chunks")

    def __init__(self, message_ids: Sequence[int], uids: Sequence[int]) -> None:
        """Of each message the id and the UID; a message may be there twice."""
        pairs = zip(message_ids, uids, strict=True)
        self._ascending = isinstance(message_ids, range) or all(map(int.__lt__, message_ids, message_ids[1:]))
        if not self._ascending:
            by_id = sorted(pairs)
            message_ids = [message_id for message_id, _ in by_id]
            uids = [uid for _, uid in by_id]
        # By chunks: places of the messages, and their UIDs.
        self._chunks: dict[int, tuple[range | array[int], Sequence[int]]] = {}
        start = 0
        while start < len(message_ids):
            chunk = message_ids[start] >> SHIFT
            end = bisect_left(message_ids, (chunk + 1) << SHIFT, start)
            self._chunks[chunk] = _places(message_ids[start:end]), uids[start:end]
            start = end

    def uids(self, masks: Masks) -> list[int]:
        """The UIDs of those messages that are in the mailbox, ascending."""
        found: list[int] = []
        for chunk in sorted(masks.keys() & self._chunks.keys()):
            found += _chosen(*self._chunks[chunk], masks[chunk])
        return found if self._ascending else sorted(found)


def _chosen(places: range | array[int], uids: Sequence[int], mask: int) -> Iterable[int]:
    """Those of the UIDs, a chunk's, whose places are in the mask."""
    if mask.bit_count() <= SPARSE:
        wanted = posting.places(mask)
        if isinstance(places, range):
            return [uids[place - places.start] for place in wanted if place in places]
        return [uids[at] for place in wanted for at in range(bisect_left(places, place), bisect_right(places, place))]
    chosen = truth(mask)
    if not isinstance(places, range):
        return compress(uids, map(chosen.__getitem__, places))
    chosen = chosen[places.start : places.stop]
    return compress(uids, chosen) if 0 in chosen else uids


def _places(message_ids: Sequence[int]) -> range | array[int]:
    first = message_ids[0] & (CHUNK - 1)
    together = range(first, first + len(message_ids))
    if isinstance(message_ids, range):
        return together
    places = [message_id & (CHUNK - 1) for message_id in message_ids]
    return together if places == list(together) else array("H", places)
