"""Sets of message sequence numbers or unique identifiers: sequence-set of RFC 9051 §9."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .chosen import Chosen
from .syntax import MAX_NUMBER, Cursor, Malformed

# "*", the largest number in use. It is larger than every number, so that a range with it is ordered like any other.
STAR = MAX_NUMBER + 1
# More than a command line has room for, if it isn't "1,3,5,…" for a mailbox of 200,000 messages; and what a session
# has to look through for each message.
MAX_RANGES = 100_000

SET = re.compile(rb"[0-9*:,$]+")

Ranges = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """Ranges of numbers, in the order in which they were written, each as (smaller, larger).

    An end may be `STAR`. ``saved``: the set also holds what the last SEARCH saved, "$" (RFC 5182 §2.1).
    """

    ranges: tuple[tuple[int, int], ...]
    saved: bool = False

    def __post_init__(self) -> None:
        if not self.ranges and not self.saved:
            raise ValueError("a sequence set holds at least one number")
        for first, last in self.ranges:
            if not 1 <= first <= last <= STAR:
                raise ValueError(f"{first}:{last} is no range of message numbers")

    @classmethod
    def parse(cls, text: bytes) -> SequenceSet:
        """The set that ``text`` (``2,4:7,9,12:*``) stands for; `Malformed` when it is none."""
        ranges: Ranges = []
        parts = text.split(b",", MAX_RANGES)
        if len(parts) > MAX_RANGES:
            raise Malformed(f"a sequence set has at most {MAX_RANGES} ranges")
        saved = False
        for part in parts:
            if part == b"$":
                saved = True
                continue
            left, colon, right = part.partition(b":")
            first = _number(left)
            last = _number(right) if colon else first
            ranges.append((first, last) if first <= last else (last, first))
        return cls(tuple(ranges), saved)

    @classmethod
    def of(cls, numbers: Iterable[int]) -> SequenceSet:
        """The shortest set of exactly these numbers; `ValueError` when there are none."""
        return cls(tuple(_merged((number, number) for number in numbers)))

    @classmethod
    def in_order(cls, numbers: Iterable[int]) -> SequenceSet:
        """The shortest set that names these numbers in this order (RFC 5267 §3.2); `ValueError` for none."""
        if isinstance(numbers, Chosen):
            return cls(tuple(numbers.ranges()))
        ranges: Ranges = []
        for number in numbers:
            if ranges and ranges[-1][1] + 1 == number:
                ranges[-1] = (ranges[-1][0], number)
            else:
                ranges.append((number, number))
        return cls(tuple(ranges))

    def __bytes__(self) -> bytes:
        parts = [_written(first) if first == last else _written(first) + b":" + _written(last)
                 for first, last in self.ranges]  # fmt: skip
        if self.saved:
            parts.append(b"$")
        return b",".join(parts)

    def __str__(self) -> str:
        return bytes(self).decode("ascii")

    @property
    def largest(self) -> int:
        """The largest number that is written out, 0 if none is.

        A message sequence number beyond the mailbox's last one makes a command BAD (RFC 9051 §9, seq-number); a
        unique identifier that isn't there is ignored (§6.4.9).
        """
        return max((end for pair in self.ranges for end in pair if end != STAR), default=0)

    @property
    def last(self) -> bool:
        """Whether "*" is in it."""
        return any(last == STAR for _, last in self.ranges)

    def resolve(self, largest: int, saved: Iterable[tuple[int, int]] = ()) -> Ranges:
        """The numbers as ranges, ascending and apart from each other.

        ``largest`` is what "*" stands for: the last message's number, 0 in an empty mailbox, where "*" is nothing.
        ``saved``: the ranges that "$" stands for. ``559:*`` holds the last message even if that is 500.
        """
        ranges = [
            (largest if first == STAR else first, largest if last == STAR else last)
            for first, last in self.ranges
            if largest or last != STAR
        ]
        if self.saved:
            ranges.extend(saved)
        return _merged((first, last) if first <= last else (last, first) for first, last in ranges)

    def numbers(self) -> Iterator[int]:
        """Every number of a set without "*" and "$" (a UIDPLUS uid-set), in the set's order."""
        if self.saved or self.last:
            raise ValueError(f"{self} stands for numbers only together with a mailbox")
        for first, last in self.ranges:
            yield from range(first, last + 1)

    def split(self, octets: int) -> Iterator[SequenceSet]:
        """The same set as several, each written in at most ``octets`` octets: for servers with short lines."""
        ranges: Ranges = []
        line = octets - len(",$") * self.saved
        room = line
        for pair in self.ranges:
            size = sum(len(_written(end)) + 1 for end in dict.fromkeys(pair))
            if ranges and size > room:
                yield SequenceSet(tuple(ranges))
                ranges, room = [], line
            ranges.append(pair)
            room -= size
        if ranges or self.saved:
            yield SequenceSet(tuple(ranges), self.saved)


# What the last SEARCH saved, and nothing else.
SAVED = SequenceSet((), saved=True)
EVERY = SequenceSet(((1, STAR),))


def read_set(cursor: Cursor) -> SequenceSet:
    """sequence-set = (seq-number / seq-range / "$") *("," sequence-set)."""
    start = cursor.at
    text = cursor.match(SET, 'a set of message numbers, such as "1,3:5" or "2:*"')[0]
    try:
        return SequenceSet.parse(text)
    except Malformed:
        cursor.at = start
        raise


def _number(text: bytes) -> int:
    """seq-number = nz-number / "*"."""
    if text == b"*":
        return STAR
    if text.isdigit() and text[0] != 0x30 and len(text) <= 10 and int(text) <= MAX_NUMBER:
        return int(text)
    raise Malformed(f'message numbers are 1 to {MAX_NUMBER} or "*", as in "1,3:5" or "2:*"')


def _written(number: int) -> bytes:
    return b"*" if number == STAR else b"%d" % number


def _merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Ascending, overlaps and neighbours joined."""
    merged: Ranges = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            if last > merged[-1][1]:
                merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    return merged
