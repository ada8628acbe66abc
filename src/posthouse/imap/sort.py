"""SORT and THREAD (RFC 5256), with SORT=DISPLAY (RFC 5957) and ESORT (RFC 5267): how they are asked and answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from . import command
from .command import Sort, SortCriterion, SortKey, ThreadAlgorithm
from .grammar import read_search_options, saving
from .search import Key, read_charset, read_keys
from .syntax import Cursor

if TYPE_CHECKING:
    from .thread import Forest

KEYS = {key.value: key for key in SortKey}
ALGORITHMS = {algorithm.value: algorithm for algorithm in ThreadAlgorithm}


def sort_reader(uid: bool) -> Callable[[Cursor], Sort]:
    """sort = ["UID" SP] "SORT" [search-return-opts] SP sort-criteria SP search-criteria"""

    def read(cursor: Cursor) -> Sort:
        cursor.space()
        options = read_search_options(cursor)
        # Each key once: a second time it decides nothing.
        criteria = tuple(dict.fromkeys(cursor.list_of(lambda: _criterion(cursor), "sort keys", least=1)))
        cursor.space()
        with saving(options):
            return Sort(uid, criteria, _search_criteria(cursor), options)

    return read


def _criterion(cursor: Cursor) -> SortCriterion:
    """sort-criterion = ["REVERSE" SP] sort-key"""
    reverse = cursor.keyword(b"REVERSE")
    if reverse:
        cursor.space()
    start = cursor.at
    key = KEYS.get(cursor.word("a sort key"))
    if key is None:
        cursor.at = start
        raise cursor.expected(f"a sort key ({', '.join(KEYS)})")
    return SortCriterion(key, reverse)


def thread_reader(uid: bool) -> Callable[[Cursor], command.Thread]:
    """thread = ["UID" SP] "THREAD" SP thread-alg SP search-criteria"""

    def read(cursor: Cursor) -> command.Thread:
        cursor.space()
        start = cursor.at
        algorithm = ALGORITHMS.get(cursor.word("a threading algorithm"))
        if algorithm is None:
            cursor.at = start
            raise cursor.expected(f"a threading algorithm ({', '.join(ALGORITHMS)})")
        cursor.space()
        return command.Thread(uid, algorithm, _search_criteria(cursor))

    return read


def _search_criteria(cursor: Cursor) -> Key:
    """search-criteria = charset 1*(SP search-key); the charset isn't optional here"""
    read_charset(cursor)
    cursor.space()
    return read_keys(cursor)


# -- answers ---------------------------------------------------------------------------------------------------------


def sorted_response(numbers: Iterable[int], *, modseq: int | None = None) -> bytes:
    """sort-data = "SORT" [1*(SP nz-number) [SP search-sort-mod-seq]] (RFC 7162 §3.1.9)"""
    line = " ".join(["SORT", *map(str, numbers)]).encode("ascii")
    return line if modseq is None else b"%b (MODSEQ %d)" % (line, modseq)


def thread_response(forest: Forest) -> bytes:
    """thread-data = "THREAD" [SP 1*thread-list]

    thread-list    = "(" (thread-members / thread-nested) ")"
    thread-members = nz-number *(SP nz-number) [SP thread-nested]
    thread-nested  = 2*thread-list
    """
    numbers, top, answers = forest
    count = len(numbers)
    written: list[bytes] = []
    # Without recursion: a chain of answers may be as long as the mailbox. -1 stands for a parenthesis that closes.
    waiting = list(reversed(top))
    while waiting:
        one = waiting.pop()
        if one < 0:
            written.append(b")")
            continue
        below = answers.get(one)
        if below is None:  # most are alone, or the last of theirs
            written.append(b"(%d)" % numbers[one])
            continue
        members = [b"%d" % numbers[one]] if one < count else []
        while below is not None and len(below) == 1:
            (one,) = below
            members.append(b"%d" % numbers[one])
            below = answers.get(one)
        written.append(b"(" + b" ".join(members))
        if below is None:
            written.append(b")")
            continue
        if members:
            written.append(b" ")
        waiting.append(-1)
        waiting.extend(below[::-1])
    return b"THREAD " + b"".join(written) if written else b"THREAD"
