"""Messages in an order: by date, subject, writer and so on; and what threads are made of. RFC 5256.

What is compared stands ready (ordering.py), and for whole mailboxes together (bundled_order.py). Their order is kept as
long as the messages are the same (roster.py).
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from . import bundled_order, search

if TYPE_CHECKING:
    from .engine import Tx
    from .roster import Roster

Name = Literal["arrival", "cc", "date", "from", "size", "subject", "to", "display from", "display to"]
COLUMNS: dict[Name, bundled_order.Name] = {
    "arrival": "received",
    "cc": "cc",
    "date": "date",
    "from": "from_",
    "size": "size",
    "subject": "subject",
    "to": "to_",
    "display from": "display_from",
    "display to": "display_to",
}


class Criterion(NamedTuple):
    """What is compared, and whether the order is turned round."""

    name: Name
    reverse: bool = False


class Relations(NamedTuple):
    """What messages are to others, by UID. `subjects` are base subjects as `Order` has them; `are_replies`: whether
    more than these stood there; `ids` are the messages' own, and `ancestors` those of what they answer, the oldest
    first, joined by spaces.
    """

    uids: Sequence[int]
    dates: Sequence[int]
    subjects: Sequence[bytes]
    are_replies: Sequence[int]
    ids: Sequence[str]
    ancestors: Sequence[str]
    received: Sequence[int]


RELATIONS: tuple[bundled_order.Name, ...] = ("date", "subject", "is_reply", "own", "ancestors", "received")


def sort(tx: Tx, mailbox_id: int, key: search.Key, criteria: Sequence[Criterion]) -> list[int]:
    """The UIDs of the messages for which `key` is true, in the order of the criteria, the first one first.

    Those that are equal are in the order of the mailbox. Errors: NotFound for no such mailbox.
    """
    roster = _roster(tx, mailbox_id, key)
    if roster is not None:
        return roster.derive(tuple(criteria), lambda: _in_order(tx, mailbox_id, roster.uids, criteria)).tolist()
    columns = [_source(COLUMNS[one.name]) + (" DESC" if one.reverse else "") for one in criteria]
    rows = search.select(tx, mailbox_id, key, ["p.uid"], _joins(columns), [*columns, "p.uid"])
    return [uid for (uid,) in rows]


def relations(tx: Tx, mailbox_id: int, key: search.Key) -> Relations:
    """What the messages for which `key` is true are to others: for THREAD. Errors: NotFound: no such mailbox."""
    roster = _roster(tx, mailbox_id, key)
    if roster is not None:
        return Relations(roster.uids, *bundled_order.read(tx, mailbox_id, roster.uids, RELATIONS))
    columns = [_source(name) for name in RELATIONS]
    rows = search.select(tx, mailbox_id, key, ["p.uid", *columns], _joins(columns), ["p.uid"])
    return Relations(*zip(*rows, strict=True)) if rows else Relations(*[()] * (1 + len(RELATIONS)))


def _roster(tx: Tx, mailbox_id: int, key: search.Key) -> Roster | None:
    """The mailbox's, where all of it is asked for."""
    if key != search.All() or tx.rosters is None:
        return None
    return tx.rosters.of(tx, mailbox_id, tx.value("SELECT messages FROM mailbox WHERE id = :id", id=mailbox_id) or 0)


def _in_order(tx: Tx, mailbox_id: int, uids: Sequence[int], criteria: Sequence[Criterion]) -> array[int]:
    columns = bundled_order.read(tx, mailbox_id, uids, [COLUMNS[one.name] for one in criteria])
    places = list(range(len(uids)))
    for one, column in zip(reversed(criteria), reversed(columns), strict=True):  # what is equal stays as it is
        places.sort(key=column.__getitem__, reverse=one.reverse)
    return array("I", [uids[place] for place in places])


def _source(name: bundled_order.Name) -> str:
    return bundled_order.COLUMNS[name].source


def _joins(columns: Sequence[str]) -> list[str]:
    return [bundled_order.JOINS[table] for table in dict.fromkeys(column[0] for column in columns)]
