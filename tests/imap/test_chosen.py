"""Numbers by the thousand are written as one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from posthouse.imap import response
from posthouse.imap.chosen import Chosen
from posthouse.imap.sequence import SequenceSet

TRUTHS = st.one_of(
    st.binary(max_size=50),
    st.randoms(use_true_random=False).map(lambda chance: chance.randbytes(3_000)),
    st.tuples(st.binary(max_size=9), st.integers(0, 2_500), st.binary(max_size=9)).map(
        lambda t: t[0] + b"\1" * t[1] + t[2]
    ),
    st.tuples(st.binary(max_size=9), st.integers(0, 2_500), st.binary(max_size=9)).map(
        lambda t: t[0] + b"\0" * t[1] + t[2]
    ),
).map(lambda octets: bytes(octet & 1 for octet in octets))


def test_few_among_many_are_told() -> None:
    bits = sum(1 << place for place in (0, 999, 1_000, 65_432, 69_999))
    assert response.search(Chosen(1, bits)) == b"SEARCH 1 1000 1001 65433 70000"


@given(first=st.one_of(st.integers(1, 2_100), st.integers(8_000, 10_500), st.integers(1, 2**32 - 10_000)), truth=TRUTHS)
def test_they_are_told_like_any_others(first: int, truth: bytes) -> None:
    numbers = [first + place for place, chosen in enumerate(truth) if chosen]
    chosen = Chosen(first, sum(1 << number - first for number in numbers))
    assert list(chosen) == numbers
    assert len(chosen) == len(numbers)
    assert response.search(chosen) == response.search(numbers)
    assert response.search(chosen, modseq=7) == response.search(numbers, modseq=7)
    if numbers:
        assert SequenceSet.in_order(chosen) == SequenceSet.in_order(numbers)
        assert (chosen[0], chosen[-1], chosen[1:3]) == (numbers[0], numbers[-1], numbers[1:3])
