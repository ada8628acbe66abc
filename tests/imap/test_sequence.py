"""Sequence sets: RFC 9051 §9, sequence-set."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.imap.sequence import EVERY, MAX_RANGES, SAVED, STAR, SequenceSet
from posthouse.imap.syntax import Malformed

NUMBERS = st.integers(1, 30) | st.integers(1, STAR)
SETS = st.builds(
    lambda pairs, saved: SequenceSet(tuple((min(pair), max(pair)) for pair in pairs), saved or not pairs),
    st.lists(st.tuples(NUMBERS, NUMBERS), max_size=8),
    st.booleans(),
)


def expand(ranges: list[tuple[int, int]]) -> list[int]:
    return [number for first, last in ranges for number in range(first, last + 1)]


def test_the_examples_of_the_grammar() -> None:
    assert expand(SequenceSet.parse(b"2,4:7,9,12:*").resolve(15)) == [2, 4, 5, 6, 7, 9, 12, 13, 14, 15]
    assert SequenceSet.parse(b"*:4,5:7").resolve(10) == [(4, 10)]
    assert SequenceSet.parse(b"2:4").resolve(9) == SequenceSet.parse(b"4:2").resolve(9)
    # "3291:* includes the UID of the last message in the mailbox, even if that value is less than 3291"
    assert SequenceSet.parse(b"3291:*").resolve(500) == [(500, 3291)]


def test_resolving_joins_overlaps_and_neighbours() -> None:
    assert SequenceSet.parse(b"9,1:3,2:5,6,20:21").resolve(30) == [(1, 6), (9, 9), (20, 21)]


def test_star_in_an_empty_mailbox_is_nothing() -> None:
    assert EVERY.resolve(0) == []
    assert SequenceSet.parse(b"*").resolve(0) == []
    assert SequenceSet.parse(b"4,*").resolve(0) == [(4, 4)]


def test_what_a_search_saved() -> None:
    assert SequenceSet.parse(b"$") == SAVED
    assert SAVED.resolve(10, [(2, 3), (7, 7)]) == [(2, 3), (7, 7)]
    assert SequenceSet.parse(b"4,$").resolve(10, [(2, 3)]) == [(2, 4)]
    assert SAVED.resolve(10) == []


def test_the_largest_number_written() -> None:
    assert SequenceSet.parse(b"3,17:5,*").largest == 17
    assert SequenceSet.parse(b"8:*").largest == 8
    assert EVERY.largest == 1
    assert SAVED.largest == 0


def test_numbers_in_the_order_written() -> None:
    assert list(SequenceSet.parse(b"7:9,3").numbers()) == [7, 8, 9, 3]
    with pytest.raises(ValueError, match="together with a mailbox"):
        list(EVERY.numbers())


def test_of_is_short() -> None:
    assert str(SequenceSet.of([5, 1, 2, 3, 3, 9])) == "1:3,5,9"
    assert len(bytes(SequenceSet.of(range(1, 20_001)))) == len("1:20000")


@pytest.mark.parametrize(
    "text",
    [b"", b"0", b"1,", b",1", b"1:", b":1", b"1:2:3", b"-1", b"01", b"1:0", b"4294967296", b"1 2", b"a", b"**",
     b"$$", b"$:3", b"\xb2", b"9" * 5000],
)  # fmt: skip
def test_what_is_no_set(text: bytes) -> None:
    with pytest.raises(Malformed):
        SequenceSet.parse(text)


def test_a_set_is_limited() -> None:
    assert len(SequenceSet.parse(b",".join([b"1"] * MAX_RANGES)).ranges) == MAX_RANGES
    with pytest.raises(Malformed, match="at most"):
        SequenceSet.parse(b",".join([b"1"] * (MAX_RANGES + 1)))


def test_an_answer_may_be_longer() -> None:
    assert len(SequenceSet.of(range(1, 3 * MAX_RANGES, 2)).ranges) > MAX_RANGES


@pytest.mark.parametrize(
    ("numbers", "written"), [([3, 2, 1], b"3,2,1"), ([5, 6, 7, 2, 3, 9, 8], b"5:7,2:3,9,8"), ([1], b"1")]
)
def test_an_order_is_kept(numbers: list[int], written: bytes) -> None:
    """RFC 5267 §3.2: ranges ascend."""
    assert bytes(SequenceSet.in_order(numbers)) == written


@pytest.mark.parametrize("ranges", [(), ((0, 1),), ((2, 1),), ((1, STAR + 1),)])
def test_no_wrong_set_can_be_made(ranges: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ValueError, match=r"range|at least"):
        SequenceSet(ranges)


@settings(max_examples=150)
@given(SETS)
def test_round_trip(numbers: SequenceSet) -> None:
    assert SequenceSet.parse(bytes(numbers)) == numbers


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=8))
def test_resolving_changes_no_member(pairs: list[tuple[int, int]]) -> None:
    numbers = SequenceSet(tuple((min(pair), max(pair)) for pair in pairs))
    resolved = numbers.resolve(40)
    assert set(expand(resolved)) == set(numbers.numbers())
    assert all(left[1] + 1 < right[0] for left, right in pairwise(resolved))


@settings(max_examples=100)
@given(SETS, st.integers(30, 80))
def test_splitting_keeps_everything_and_the_length(numbers: SequenceSet, octets: int) -> None:
    parts = list(numbers.split(octets))
    assert sum((part.ranges for part in parts), ()) == numbers.ranges
    assert [part.saved for part in parts] == [False] * (len(parts) - 1) + [numbers.saved]
    assert all(len(bytes(part)) <= octets for part in parts)
