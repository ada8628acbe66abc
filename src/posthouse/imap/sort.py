"""SORT and THREAD (RFC 5256), with SORT=DISPLAY (RFC 5957) and ESORT (RFC 5267): how they are asked and answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from . import command
from .command import Sort, SortCriterion, SortKey, ThreadAlgorithm
from .grammar import read_search_options
from .search import Key, read_charset, read_keys
from .syntax import Cursor

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


class Thread(Protocol):
    """A message and the answers to it; ``number`` is None where the message itself isn't there (RFC 5256 §4)."""

    @property
    def number(self) -> int | None: ...

    @property
    def answers(self) -> Sequence[Thread]: ...


@dataclass(frozen=True, slots=True)
class Threaded:
    """A `Thread` as a value."""

    number: int | None
    answers: tuple[Threaded, ...] = ()


def thread_response(threads: Iterable[Thread]) -> bytes:
    """thread-data = "THREAD" [SP 1*thread-list]

    thread-list    = "(" (thread-members / thread-nested) ")"
    thread-members = nz-number *(SP nz-number) [SP thread-nested]
    thread-nested  = 2*thread-list
    """
    written: list[bytes] = []
    # Without recursion: a chain of answers may be as long as the mailbox.
    waiting: list[Thread | bytes] = list(reversed(list(threads)))
    while waiting:
        thread = waiting.pop()
        if isinstance(thread, bytes):
            written.append(thread)
            continue
        if not thread.answers and thread.number is not None:  # most are alone, or the last of theirs
            written.append(b"(%d)" % thread.number)
            continue
        written.append(b"(")
        numbers: list[bytes] = []
        while True:
            if thread.number is not None:
                numbers.append(b"%d" % thread.number)
            if len(thread.answers) != 1:
                break
            (thread,) = thread.answers
        written.append(b" ".join(numbers))
        if thread.answers and numbers:
            written.append(b" ")
        waiting.append(b")")
        waiting.extend(thread.answers[::-1])
    return b"THREAD " + b"".join(written) if written else b"THREAD"
