"""SORT and THREAD: RFC 5256, RFC 5957, RFC 5267."""

from __future__ import annotations

from datetime import date

import pytest

from imap_session import refused, said
from posthouse.imap.capability import CAPABILITIES
from posthouse.imap.command import SearchOptions, Sort, SortCriterion, SortKey, Thread, ThreadAlgorithm
from posthouse.imap.search import Dated, Every, InText, When, Which, all_of
from posthouse.imap.sort import Threaded, sorted_response, thread_response

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


def tree(*threads: object) -> list[Threaded]:
    """``3, (6, 4)`` is 3 with the answers 6 and 4."""
    found: list[Threaded] = []
    for thread in threads:
        if isinstance(thread, tuple):
            number, *answers = thread
            found.append(Threaded(number, tuple(tree(*answers))))
        else:
            assert isinstance(thread, int)
            found.append(Threaded(thread))
    return found


@pytest.mark.parametrize(
    ("threads", "written"),
    [
        ([], b"THREAD"),
        (tree(166, 167), b"THREAD (166)(167)"),
        # RFC 5256 §4: "the first thread consists of message 2; the second of 3, 6, then 4 and 44, 7 and 96"
        (tree(2, (3, (6, (4, 23), (44, (7, 96))))), b"THREAD (2)(3 6 (4 23)(44 7 96))"),
        (tree((None, 3, 5)), b"THREAD ((3)(5))"),
        (tree((1, (None, 3, 5))), b"THREAD (1 (3)(5))"),
        (tree((None, (3, 5))), b"THREAD (3 5)"),
    ],
)
def test_threads(threads: list[Threaded], written: bytes) -> None:
    assert thread_response(threads) == written


def test_a_long_chain_of_answers() -> None:
    thread = Threaded(50_000)
    for number in range(49_999, 0, -1):
        thread = Threaded(number, (thread,))
    assert thread_response([thread]) == b"THREAD (" + b" ".join(b"%d" % n for n in range(1, 50_001)) + b")"
    while thread.answers:  # taken apart here: what frees it would recurse
        (thread,) = thread.answers
