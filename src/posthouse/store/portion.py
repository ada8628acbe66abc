"""Many values in one statement: each statement lets go of the interpreter's lock once, and waits for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar

T = TypeVar("T")
Row = tuple[Any, ...]
IN_A_STATEMENT = 1_024  # SQLite takes 32,766 parameters, PostgreSQL 65,535


def in_portions(values: Sequence[T]) -> Iterator[tuple[str, dict[str, T]]]:
    """Values for `IN (…)`: names of parameters, and the parameters.

    Their number is a power of two, so that there are few different statements; the last value fills it up.
    """
    for some in _padded(values):
        params = {f"in{number}": value for number, value in enumerate(some)}
        yield ", ".join(f":{name}" for name in params), params


def rows_in_portions(rows: Sequence[Row]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The same with rows, for `VALUES …`: the last one may be there several times."""
    for some in _padded(rows):
        names = _names(len(some), len(some[0]))
        yield (
            ", ".join(f"(:{', :'.join(row)})" for row in names),
            dict(zip(chain.from_iterable(names), chain.from_iterable(some), strict=True)),
        )


@lru_cache(maxsize=256)
def _names(rows: int, columns: int) -> list[list[str]]:
    return [[f"in{row}_{column}" for column in range(columns)] for row in range(rows)]


def _padded(values: Sequence[T]) -> Iterator[list[T]]:
    for start in range(0, len(values), IN_A_STATEMENT):
        some = values[start : start + IN_A_STATEMENT]
        yield [*some, *[some[-1]] * ((1 << (len(some) - 1).bit_length()) - len(some))]
