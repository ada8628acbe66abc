# ruff: noqa: S608  (SQL is put together from constants of this file; values are always parameters)
"""What SORT and THREAD compare, of all messages of a mailbox, column by column: a fiftieth of the rows (bundle.py).

A row has what `ordering` and `message` say of the messages with neighbouring UIDs. It is made together with the bundle
that lists read, and goes with it. Where there is none yet, rows are read one by one.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .bundle import SIZE

if TYPE_CHECKING:
    from .engine import Row, Tx

Name = Literal[
    "date", "subject", "is_reply", "own", "ancestors", "received", "size", "from_", "to_", "cc", "display_from",
    "display_to",
]  # fmt: skip
NUMBERS = struct.Struct(f"<{SIZE}q")
# Between two texts: UTF-8 has it nowhere else, and a message that has it is in no bundle.
BETWEEN = b"\0"


def _numbers(values: Sequence[int]) -> bytes:
    return NUMBERS.pack(*values)


def _octets(values: Sequence[bytes]) -> bytes:
    return BETWEEN.join(values)


def _split(bound: bytes) -> list[bytes]:
    return bound.split(BETWEEN)


def _texts(values: Sequence[str]) -> bytes:
    return _octets([value.encode("utf-8") for value in values])


def _split_texts(bound: bytes) -> list[str]:
    return bound.decode("utf-8").split("\0")


class Column(NamedTuple):
    """``source``: where a message's value stands; ``nothing``: what stands in the place of a message that isn't there.

    ``bind`` makes one run of octets of the values of SIZE messages; ``split`` takes it apart.
    """

    source: str
    nothing: int | bytes | str
    bind: Callable[[Any], bytes]
    split: Callable[[bytes], Sequence[Any]]


def _number(source: str) -> Column:
    return Column(source, 0, _numbers, NUMBERS.unpack)


def _words(source: str) -> Column:
    return Column(source, b"", _octets, _split)


def _text(source: str) -> Column:
    return Column(source, "", _texts, _split_texts)


COLUMNS: Mapping[Name, Column] = {
    "date": _number("o.date"),
    "subject": _words("o.subject"),
    "is_reply": _number("o.is_reply"),
    "own": _text("o.own"),
    "ancestors": _text("o.ancestors"),
    "received": _number("m.received"),
    "size": _number("m.size"),
    "from_": _words("o.from_"),
    "to_": _words("o.to_"),
    "cc": _words("o.cc"),
    "display_from": _words("o.display_from"),
    "display_to": _words("o.display_to"),
}

JOINS = {
    "m": " JOIN message m ON m.id = p.message_id",
    "o": " JOIN ordering o ON o.message_id = p.message_id",
}


def read(tx: Tx, mailbox_id: int, uids: Sequence[int], names: Sequence[Name]) -> list[list[Any]]:
    """The columns of these messages, which are all that the mailbox has, by ascending UID."""
    columns: list[list[Any]] = [[] for _ in names]
    at = 0  # how many of the messages are done
    for first, *bound in tx.all(
        f"SELECT first, {', '.join(names)} FROM bundled_order WHERE mailbox_id = :mailbox_id ORDER BY first",
        mailbox_id=mailbox_id,
    ):
        start = bisect_left(uids, first, at)
        end = bisect_left(uids, first + SIZE, start)
        _add_rows(tx, mailbox_id, uids[at:start], names, columns)
        # Of one message after the other, where some of them were never in this range.
        places = None if end - start == SIZE else [uid - first for uid in uids[start:end]]
        for name, column, octets in zip(names, columns, bound, strict=True):
            values = COLUMNS[name].split(octets)
            column += values if places is None else [values[place] for place in places]
        at = end
    _add_rows(tx, mailbox_id, uids[at:], names, columns)
    return columns


def make(tx: Tx, mailbox_id: int, first: int) -> Row | None:
    """What there is to compare of the messages from this UID on, for `keep`. None where that couldn't be taken apart
    again."""
    by_uid = {uid: values for uid, *values in _rows(tx, mailbox_id, first, first + SIZE - 1, tuple(COLUMNS))}
    nothing = [column.nothing for column in COLUMNS.values()]
    spread = [by_uid.get(uid, nothing) for uid in range(first, first + SIZE)]
    columns = list(zip(COLUMNS.values(), zip(*spread, strict=True), strict=True))
    bound = [column.bind(values) for column, values in columns]
    whole = all(len(column.split(octets)) == SIZE for (column, _), octets in zip(columns, bound, strict=True))
    return tuple(bound) if whole else None


def keep(tx: Tx, mailbox_id: int, first: int, row: Row) -> None:
    """Keep what `make` gave."""
    tx.insert("bundled_order", ("mailbox_id", "first", *COLUMNS), [(mailbox_id, first, *row)])


def _add_rows(
    tx: Tx, mailbox_id: int, uids: Sequence[int], names: Sequence[Name], columns: Sequence[list[Any]]
) -> None:
    """The same of messages that are in no bundle."""
    if not uids:
        return
    rows = _rows(tx, mailbox_id, uids[0], uids[-1], names)
    if len(rows) != len(uids):  # what `posthouse verify` finds: placements without their messages
        by_uid = {row[0]: row for row in rows}
        nothing = tuple(COLUMNS[name].nothing for name in names)
        rows = [by_uid.get(uid, (uid, *nothing)) for uid in uids]
    for column, values in zip(columns, list(zip(*rows, strict=True))[1:], strict=True):
        column += values


def _rows(tx: Tx, mailbox_id: int, low: int, high: int, names: Sequence[Name]) -> list[Row]:
    """The UID and the columns of the messages from one UID up to another."""
    sources = [COLUMNS[name].source for name in names]
    joins = "".join([JOINS[table] for table in dict.fromkeys(source[0] for source in sources)])
    return tx.all(
        f"SELECT p.uid, {', '.join(sources)} FROM placement p{joins} WHERE p.mailbox_id = :mailbox_id"
        " AND p.uid BETWEEN :low AND :high ORDER BY p.uid",
        mailbox_id=mailbox_id,
        low=low,
        high=high,
    )
