"""Messages in an order: by date, subject, writer and so on; and what threads are made of. RFC 5256.

What is compared stands ready (ordering.py), so that putting a whole mailbox in order is one query; and that is kept as
long as the messages are the same (roster.py).
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from . import search

if TYPE_CHECKING:
    from .engine import Row, Tx

Name = Literal["arrival", "cc", "date", "from", "size", "subject", "to", "display from", "display to"]
COLUMNS: dict[Name, str] = {
    "arrival": "m.received",
    "cc": "o.cc",
    "date": "o.date",
    "from": "o.from_",
    "size": "m.size",
    "subject": "o.subject",
    "to": "o.to_",
    "display from": "o.display_from",
    "display to": "o.display_to",
}
JOINS = {
    "m": " JOIN message m ON m.id = p.message_id",
    "o": " JOIN ordering o ON o.message_id = p.message_id",
}


class Criterion(NamedTuple):
    """What is compared, and whether the order is turned round."""

    name: Name
    reverse: bool = False


def sort(tx: Tx, mailbox_id: int, key: search.Key, criteria: Sequence[Criterion]) -> list[int]:
    """The UIDs of the messages for which `key` is true, in the order of the criteria, the first one first.

    Those that are equal are in the order of the mailbox. Errors: NotFound for no such mailbox.
    """
    if key == search.All() and tx.rosters is not None:
        count = tx.value("SELECT messages FROM mailbox WHERE id = :id", id=mailbox_id) or 0
        roster = tx.rosters.of(tx, mailbox_id, count)
        if roster is not None:
            ordered = roster.derive(tuple(criteria), lambda: array("I", _sorted(tx, mailbox_id, key, criteria)))
            return ordered.tolist()
    return _sorted(tx, mailbox_id, key, criteria)


def _sorted(tx: Tx, mailbox_id: int, key: search.Key, criteria: Sequence[Criterion]) -> list[int]:
    columns = [COLUMNS[one.name] + (" DESC" if one.reverse else "") for one in criteria]
    joins = [JOINS[table] for table in dict.fromkeys(column[0] for column in columns)]
    rows = search.select(tx, mailbox_id, key, ["p.uid"], joins, [*columns, "p.uid"])
    return [uid for (uid,) in rows]


def relations(tx: Tx, mailbox_id: int, key: search.Key) -> list[Row]:
    """What the messages for which `key` is true are to others, by UID: for THREAD. Errors: NotFound: no such mailbox.

    Each row: UID; date; the base subject as `Order` has it; whether it is an answer by that; the message's own id; the
    ids of what it answers, the oldest first, joined by spaces.
    """
    columns = ["p.uid", "o.date", "o.subject", "o.is_reply", "o.own", "o.ancestors"]
    return search.select(tx, mailbox_id, key, columns, [JOINS["o"]], ["p.uid"])
