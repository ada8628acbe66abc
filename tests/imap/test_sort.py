"""SORT and THREAD: RFC 5256, RFC 5957, RFC 5267."""

from __future__ import annotations

import itertools
from datetime import date

import pytest

from imap_session import refused, said
from posthouse.imap.capability import CAPABILITIES
from posthouse.imap.command import SearchOptions, Sort, SortCriterion, SortKey, Thread, ThreadAlgorithm
from posthouse.imap.search import Dated, Every, InText, When, Which, all_of
from posthouse.imap.sort import sorted_response, thread_response
from posthouse.imap.thread import Forest

FEB = date(1994, 2, 1)


def sorting(line: str) -> object:
    return said(line)


def test_the_examples() -> None:
    assert sorting("SORT (SUBJECT) UTF-8 SINCE 1-Feb-1994") == Sort(
        False, (SortCriterion(SortKey.SUBJECT),), Dated(Which.INTERNAL, When.SINCE, FEB)
    )
    assert sorting("SORT (SUBJECT REVERSE DATE) UTF-8 ALL") == Sort(
        False, (SortCriterion(SortKey.SUBJECT), SortCriterion(SortKey.DATE, reverse=True)), Every()
    )
    assert sorting('UID SORT (subject) US-ASCII TEXT "not in mailbox"') == Sort(
        True, (SortCriterion(SortKey.SUBJECT),), InText("not in mailbox")
    )
    assert sorting('THREAD REFERENCES UTF-8 SINCE 1-Feb-1994 TEXT "gewp"') == Thread(
        False, ThreadAlgorithm.REFERENCES, all_of([Dated(Which.INTERNAL, When.SINCE, FEB), InText("gewp")])
    )
    assert sorting("UID THREAD refs utf-8 ALL") == Thread(True, ThreadAlgorithm.REFS, Every())


def test_esort() -> None:
    assert sorting("UID SORT RETURN (COUNT PARTIAL 1:50) (REVERSE DISPLAYFROM) UTF-8 ALL") == Sort(
        True, (SortCriterion(SortKey.DISPLAYFROM, reverse=True),), Every(), SearchOptions(count=True, partial=(1, 50))
    )


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("SORT () UTF-8 ALL", "BAD SORT: expected a sort key..."),
        ("SORT (FOO) UTF-8 ALL", "BAD SORT: expected a sort key (ARRIVAL..."),
        ("SORT (REVERSE) UTF-8 ALL", "BAD SORT: expected one space..."),
        ("SORT (DATE)", "BAD SORT:..."),
        ("SORT (DATE) UTF-8", "BAD SORT:..."),
        ("SORT DATE UTF-8 ALL", "BAD SORT:..."),
        ("SORT (DATE) KOI8-R ALL", "NO [BADCHARSET (US-ASCII UTF-8)] SORT:..."),
        ("THREAD FOO UTF-8 ALL", "BAD THREAD: expected a threading algorithm (ORDEREDSUBJECT..."),
        ("THREAD REFERENCES ALL", "NO [BADCHARSET..."),
    ],
)
def test_malformed(line: str, answer: str) -> None:
    refused(line, answer)


def test_not_offered() -> None:
    offers = tuple(offer for offer in CAPABILITIES if offer.name != "SORT")
    refused("SORT (DATE) UTF-8 ALL", "BAD there is no command SORT", offers=offers)


def test_answers() -> None:
    assert sorted_response([5, 3, 4]) == b"SORT 5 3 4"
    assert sorted_response([]) == b"SORT"


def tree(*threads: object) -> Forest:
    """``3, (6, 4)`` is 3 with the answers 6 and 4; None is a message that isn't there."""
    numbers: list[int] = []
    answers: dict[int, list[int]] = {}
    dummies = itertools.count(MANY)

    def place(thread: object) -> int:
        number, *below = thread if isinstance(thread, tuple) else (thread,)
        if number is None:
            one = next(dummies)
        else:
            numbers.append(number)
            one = len(numbers) - 1
        if below:
            answers[one] = [place(answer) for answer in below]
        return one

    top = [place(thread) for thread in threads]
    count = len(numbers)
    at = {one: one if one < count else count + one - MANY for one in (*answers, *top)}
    return Forest(numbers, [at[one] for one in top], {at[one]: [at.get(b, b) for b in answers[one]] for one in answers})


MANY = 1_000


@pytest.mark.parametrize(
    ("threads", "written"),
    [
        (tree(), b"THREAD"),
        (tree(166, 167), b"THREAD (166)(167)"),
        # RFC 5256 §4: "the first thread consists of message 2; the second of 3, 6, then 4 and 44, 7 and 96"
        (tree(2, (3, (6, (4, 23), (44, (7, 96))))), b"THREAD (2)(3 6 (4 23)(44 7 96))"),
        (tree((None, 3, 5)), b"THREAD ((3)(5))"),
        (tree((1, 3, 5)), b"THREAD (1 (3)(5))"),
        (tree((None, (3, 5), 4)), b"THREAD ((3 5)(4))"),
    ],
)
def test_threads(threads: Forest, written: bytes) -> None:
    assert thread_response(threads) == written


def test_a_long_chain_of_answers() -> None:
    chain = Forest(range(1, 50_001), [0], {one: [one + 1] for one in range(49_999)})
    assert thread_response(chain) == b"THREAD (" + b" ".join(b"%d" % n for n in range(1, 50_001)) + b")"
