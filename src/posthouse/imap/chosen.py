"""Numbers that are told in SEARCH, many at a time: an octet for each that there could be, 1 for those that are meant.

Written one by one, a hundred thousand numbers take longer than finding them. So the numbers of each thousand are joined
in one step: what they begin with is what stands between their last three digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import compress
from typing import overload

THOUSAND = 1000
SMALL = [b" %d" % number for number in range(THOUSAND)]
LAST_DIGITS = [b"%03d" % number for number in range(THOUSAND)]
KEPT = 1_024  # thousands that are kept written, 7 KB each: most answers are about the same first million
ONE = re.compile(rb"\x01")
RUN = re.compile(rb"\x01+")
SPARSE = 32  # looking at each octet takes a thirtieth of the time that writing one number alone does


class Chosen(Sequence[int]):
    """Numbers, ascending. A value."""

    __slots__ = ("_first", "_truth")

    def __init__(self, first: int, truth: bytes) -> None:
        """Of the numbers from `first` on those for which there is a 1."""
        self._first = first
        self._truth = truth

    def __len__(self) -> int:
        return self._truth.count(1)

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[int]: ...
    def __getitem__(self, place: int | slice) -> int | Sequence[int]:
        return list(self)[place]

    def __iter__(self) -> Iterator[int]:
        return compress(range(self._first, self._first + len(self._truth)), self._truth)

    def written(self) -> bytes:
        """Each with a space before it."""
        if len(self) * SPARSE < len(self._truth):
            few = tuple([self._first + one.start() for one in ONE.finditer(self._truth)])
            return b" %d" * len(few) % few
        pieces = []
        truth = bytes(self._first % THOUSAND) + self._truth
        thousand = self._first // THOUSAND
        for start in range(0, len(truth), THOUSAND):
            some = truth[start : start + THOUSAND]
            if 0 not in some and len(some) == THOUSAND:
                pieces.append(_whole(thousand))
            elif 1 in some:
                pieces.append(_part(thousand, some))
            thousand += 1
        return b"".join(pieces)

    def ranges(self) -> Iterator[tuple[int, int]]:
        """The same as ranges, with the last number of each."""
        return ((self._first + run.start(), self._first + run.end() - 1) for run in RUN.finditer(self._truth))


@lru_cache(maxsize=KEPT)
def _whole(thousand: int) -> bytes:
    """All numbers of a thousand, written."""
    return _part(thousand, b"\1" * THOUSAND)


def _part(thousand: int, truth: bytes) -> bytes:
    if not thousand:
        return b"".join(compress(SMALL, truth))
    beginning = b" %d" % thousand
    return beginning + beginning.join(compress(LAST_DIGITS, truth))
