"""Messages in an order: by date, subject, writer and so on; and what threads are made of. RFC 5256.

What is compared stands ready (ordering.py), so that putting a whole mailbox in order is one query.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from . import search

if TYPE_CHECKING:
    from .engine import Tx

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


class Relation(NamedTuple):
    """What a message is to others: the ids of what it answers, the oldest first; a base subject as `Order` has it."""

    uid: int
    date: int
    subject: bytes
    is_reply: bool
    id: str
    ancestors: str


def sort(tx: Tx, mailbox_id: int, key: search.Key, criteria: Sequence[Criterion]) -> list[int]:
    """The UIDs of the messages for which `key` is true, in the order of the criteria, the first one first.

    Those that are equal are in the order of the mailbox. Errors: NotFound for no such mailbox.
    """
    columns = [COLUMNS[one.name] + (" DESC" if one.reverse else "") for one in criteria]
    joins = [JOINS[table] for table in dict.fromkeys(column[0] for column in columns)]
    rows = search.select(tx, mailbox_id, key, ["p.uid"], joins, [*columns, "p.uid"])
    return [uid for (uid,) in rows]


def relations(tx: Tx, mailbox_id: int, key: search.Key) -> Iterator[Relation]:
    """Of the messages for which `key` is true, what THREAD needs, by UID. Errors: NotFound for no such mailbox."""
    columns = ["p.uid", "o.date", "o.subject", "o.is_reply", "o.own", "o.ancestors"]
    return map(Relation._make, search.select(tx, mailbox_id, key, columns, [JOINS["o"]], ["p.uid"]))
