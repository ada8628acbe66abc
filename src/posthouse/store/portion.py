"""Many values in one statement: each statement lets go of the interpreter's lock once, and waits for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar

T = TypeVar("T")
Row = tuple[Any, ...]
IN_A_UNION = 64  # SQLite takes 500
IN_A_CHANGE = 16  # each is compared with each
IN_A_STATEMENT = 1_024  # SQLite takes 32,766 parameters, PostgreSQL 65,535


def in_portions(values: Sequence[T]) -> Iterator[tuple[str, dict[str, T]]]:
    """Values for `IN (…)`: names of parameters, and the parameters.

    Their number is a power of two, so that there are few different statements; the last value fills it up.
    """
    for some in _padded(values, IN_A_STATEMENT):
        names, among = _values(len(some))
        yield among, dict(zip(names, some, strict=True))


@lru_cache(maxsize=16)
def _values(count: int) -> tuple[list[str], str]:
    names = [f"in{number}" for number in range(count)]
    return names, ", ".join(f":{name}" for name in names)


def unions(select: str, rows: Sequence[Row]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A query for each of the rows, as one statement; the last row may be asked for several times. `select` has {0},
    {1} for the row's values.

    A join with `VALUES` would say the same, and SQLite would make a table of them first: for one row that takes three
    times as long as the query.
    """
    for some in _padded(rows, IN_A_UNION):
        yield _union(select, len(some), len(some[0])), _params(some)


@lru_cache(maxsize=256)
def _union(select: str, rows: int, columns: int) -> str:
    return " UNION ALL ".join(
        select.format(*(f":in{row}_{column}" for column in range(columns))) for row in range(rows)
    )


def changes(rows: Sequence[Row]) -> Iterator[tuple[str, list[str], dict[str, Any]]]:
    """For an UPDATE of rows by their id, each with values of its own: what stands in `IN (…)`, and for each column but
    the id the expression that has its value."""
    for some in _padded(rows, IN_A_CHANGE):
        yield *_changes(len(some), len(some[0])), _params(some)


@lru_cache(maxsize=256)
def _changes(rows: int, columns: int) -> tuple[str, list[str]]:
    return ", ".join(f":in{row}_0" for row in range(rows)), [
        f"CASE id {' '.join(f'WHEN :in{row}_0 THEN :in{row}_{column}' for row in range(rows))} END"
        for column in range(1, columns)
    ]


def _params(rows: Sequence[Row]) -> dict[str, Any]:
    return dict(zip(_names(len(rows), len(rows[0])), chain.from_iterable(rows), strict=True))


@lru_cache(maxsize=256)
def _names(rows: int, columns: int) -> list[str]:
    return [f"in{row}_{column}" for row in range(rows) for column in range(columns)]


def _padded(values: Sequence[T], most: int) -> list[Sequence[T]]:
    if len(values) == 1:
        return [values]
    portions: list[Sequence[T]] = []
    for start in range(0, len(values), most):
        some = values[start : start + most]
        portions.append([*some, *[some[-1]] * ((1 << (len(some) - 1).bit_length()) - len(some))])
    return portions
