# ruff: noqa: S608  (tables and columns are constants of the store)
"""Many values in one statement: each statement lets go of the interpreter's lock once, and waits for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar

T = TypeVar("T")
IN_A_STATEMENT = 1_024  # SQLite takes 32,766 parameters, PostgreSQL 65,535

ROWS_IN_A_STATEMENT = 64


def in_portions(values: Sequence[T]) -> Iterator[tuple[str, dict[str, T]]]:
    """Values for `IN (…)`: names of parameters, and the parameters.

    Their number is a power of two, so that there are few different statements; the last value fills it up.
    """
    for some in _padded(values):
        params = {f"in{number}": value for number, value in enumerate(some)}
        yield ", ".join(f":{name}" for name in params), params


def pairs_in_portions(pairs: Sequence[tuple[Any, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The same with pairs, for `VALUES …`."""
    for some in _padded(pairs):
        params = {}
        for number, (one, other) in enumerate(some):
            params[f"one{number}"] = one
            params[f"other{number}"] = other
        yield ", ".join(f"(:one{number}, :other{number})" for number in range(len(some))), params


def _padded(values: Sequence[T]) -> Iterator[list[T]]:
    for start in range(0, len(values), IN_A_STATEMENT):
        some = values[start : start + IN_A_STATEMENT]
        yield [*some, *[some[-1]] * ((1 << (len(some) - 1).bit_length()) - len(some))]


def inserts(
    table: str, columns: tuple[str, ...], rows: Iterable[Sequence[Any]], tail: str, mark: str
) -> Iterator[tuple[str, list[Any]]]:
    """Statements that insert the rows, and their parameters, whose places have this mark.

    A statement takes so many rows as a power of two: then there are few different statements, which stay prepared.
    """
    waiting = rows if isinstance(rows, list) else list(rows)
    start, left = 0, len(waiting)
    while left:
        count = min(1 << (left.bit_length() - 1), ROWS_IN_A_STATEMENT)
        some = waiting[start : start + count]
        yield _insert(table, columns, count, tail, mark), list(chain.from_iterable(some))
        start += count
        left -= count


@lru_cache(maxsize=256)
def _insert(table: str, columns: tuple[str, ...], count: int, tail: str, mark: str) -> str:
    row = f"({', '.join([mark] * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * count)} {tail}"
