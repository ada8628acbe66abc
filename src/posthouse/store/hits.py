"""Some of the messages of a mailbox: what a search found, a bit for each message of the mailbox.

An answer may be all of a hundred thousand messages. It is made, joined with others and told by steps of C for many at a
time; a list of numbers, which is what it is to everybody who asks for one, would take longer than all of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from typing import overload

from .posting import truth
from .uid_list import UidList


class Hits(Sequence[int]):
    """UIDs, ascending. A value."""

    __slots__ = ("_count", "_list", "among", "bits")

    def __init__(self, among: UidList, bits: int) -> None:
        """Those of `among` whose bits are set; the lowest one is the first's."""
        self.among = among
        self.bits = bits
        self._count = bits.bit_count()
        self._list: list[int] | None = None

    @classmethod
    def of(cls, among: UidList, uids: Iterable[int]) -> Hits:
        """These UIDs, which are all in `among`."""
        bits = bytearray(len(among) // 8 + 1)
        together = among.together
        places = map(among.place, uids) if together is None else (uid - together.start for uid in uids)
        for place in places:
            bits[place >> 3] |= 1 << (place & 7)
        return cls(among, int.from_bytes(bits, "little"))

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[int]: ...
    def __getitem__(self, place: int | slice) -> int | Sequence[int]:
        if self._list is None and self._count:  # the ends, which MIN and MAX ask for
            if place in (0, slice(None, 1)):
                one = self.among[(self.bits & -self.bits).bit_length() - 1]
                return one if place == 0 else [one]
            if place in (-1, slice(-1, None)):
                one = self.among[self.bits.bit_length() - 1]
                return one if place == -1 else [one]
        return self._uids[place]

    def __iter__(self) -> Iterator[int]:
        return iter(self._uids)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Hits) and other.among == self.among:
            return other.bits == self.bits
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and self._uids == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Hits {self._uids}>"

    def __or__(self, other: Hits) -> Hits:
        """What is in one of both, which are of the same mailbox at the same time."""
        if not other._count:
            return self
        if not self._count:
            return other
        return Hits(self.among, self.bits | other.bits)

    @property
    def _uids(self) -> list[int]:
        if self._list is None:
            self._list = list(compress(self.among, truth(self.bits, len(self.among))))
        return self._list
