"""Numbers that are told in SEARCH, many at a time: a bit for each that there could be, set for those that are meant.

Written one by one, a hundred thousand numbers take longer than finding them. So eight of them are written at a time:
which of eight neighbours are meant is an octet, and for each octet the text stands ready, the last two digits of each
with marks before them. The marks become the digits by one step of C for two hundred numbers. (With texts for a whole
thousand there are fewer steps; but 2.4 MB of them have no room in a processor's cache, and take 11 ms to make.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, compress
from operator import getitem
from typing import overload

THOUSAND = 1000
EIGHTS = THOUSAND // 8
WHOLE, NONE = b"\xff" * EIGHTS, bytes(EIGHTS)
# In two hundred numbers there are 25 whole octets. By where in a thousand's octets they begin: the digits of their
# hundreds, which the first two marks stand for.
HUNDREDS = [(25 * number, b"%d%d" % (2 * number, 2 * number + 1)) for number in range(5)]
SMALL = [b" %d" % number for number in range(THOUSAND)]
LAST_DIGITS = [b"%03d" % number for number in range(THOUSAND)]
KEPT = 1_024  # thousands that are kept written, 7 KB each: most answers are about the same first million
# Of a thousand with fewer than these, each number is looked at; and of the first ones, which are a small mailbox's.
FEW = 100
FIRST = 5
OCTETS = bytes(range(256))
TRUTH = bytes.maketrans(b"01", b"\0\1")
ONE = re.compile(b"1")
RUN = re.compile(b"11*")  # what begins with one certain digit is found in a third of the time
SPARSE = 30  # where fewer than one of so many are meant, writing these alone takes less time


class Chosen(Sequence[int]):
    """Numbers, ascending. A value."""

    __slots__ = ("_bits", "_first")

    def __init__(self, first: int, bits: int) -> None:
        """Of the numbers from `first` on, which the lowest bit stands for, those whose bits are set."""
        self._first = first
        self._bits = bits

    def __len__(self) -> int:
        return self._bits.bit_count()

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[int]: ...
    def __getitem__(self, place: int | slice) -> int | Sequence[int]:
        return list(self)[place]

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(range(first, last + 1) for first, last in self.ranges())

    def written(self) -> bytes:
        """Each with a space before it."""
        if len(self) * SPARSE < self._bits.bit_length():
            few = tuple([self._first + one.start() for one in ONE.finditer(self._digits)])
            return b" %d" * len(few) % few
        thousand, first = divmod(self._first, THOUSAND)
        bits = self._bits << first
        octets = bits.to_bytes(-(-bits.bit_length() // THOUSAND) * EIGHTS, "little")
        pieces = []
        for start in range(0, len(octets), EIGHTS):
            some = octets[start : start + EIGHTS]
            if some == WHOLE:
                pieces.append(_whole(thousand))
            elif some != NONE:
                pieces.append(_part(thousand, some))
            thousand += 1
        return b"".join(pieces)

    def ranges(self) -> Iterator[tuple[int, int]]:
        """The same as ranges, with the last number of each."""
        return ((self._first + run.start(), self._first + run.end() - 1) for run in RUN.finditer(self._digits))

    @property
    def _digits(self) -> bytes:
        """For each number, ascending, 1 or 0."""
        return f"{self._bits:b}"[::-1].encode("ascii")


@lru_cache(maxsize=KEPT)
def _whole(thousand: int) -> bytes:
    """All numbers of a thousand, written."""
    if not thousand:
        return b"".join(SMALL)
    digits = b"%d" % thousand
    return _every(len(digits)).translate(b"\0" + digits + OCTETS[1 + len(digits) :])


@lru_cache
def _every(digits: int) -> bytes:
    """All numbers of a thousand that has so many digits, for which 1, 2, … stand."""
    begin = b" " + OCTETS[1 : 1 + digits]
    return begin + begin.join(LAST_DIGITS)


def _part(thousand: int, octets: bytes) -> bytes:
    """Those numbers of a thousand whose bits are set, written."""
    bits = int.from_bytes(octets, "little")
    if thousand < FIRST or bits.bit_count() < FEW:
        truth = f"{bits:b}"[::-1].encode("ascii").translate(TRUTH)
        if not thousand:
            return b"".join(compress(SMALL, truth))
        beginning = b" %d" % thousand
        return beginning + beginning.join(compress(LAST_DIGITS, truth))
    digits = b"%d" % thousand
    texts = _texts(len(digits))
    others = digits + OCTETS[3 + len(digits) :]  # behind the marks each octet stands for itself
    # Of strings, because these are joined more quickly than octets.
    return b"".join(
        [
            "".join(map(getitem, texts, octets[start : start + 25]))
            .encode("ascii")
            .translate(b"\0" + hundreds + others)
            for start, hundreds in HUNDREDS
        ]
    )


def prepare() -> None:
    """Have the texts for most mailboxes' numbers ready before somebody waits for them: a millisecond or two."""
    _texts(2)


@lru_cache
def _texts(digits: int) -> list[list[str]]:
    """For each eight of two hundred numbers, by which of them are meant, how these are written, where a thousand has so
    many digits; half a megabyte. 1 and 2 stand for the digit of a number's hundreds, the marks behind them for those of
    its thousands."""
    begin = " " + "".join(map(chr, range(3, 3 + digits)))
    texts = [f"{begin}{hundred}{number:02}" for hundred in "\1\2" for number in range(100)]
    return [_eight(texts[first : first + 8]) for first in range(0, 200, 8)]


def _eight(texts: list[str]) -> list[str]:
    """By the octet that has their bits, some of eight texts one behind the other."""
    low, high = [""], [""]
    for one, other in zip(texts[:4], texts[4:], strict=True):
        low += [before + one for before in low]
        high += [before + other for before in high]
    return [some + others for others in high for some in low]
