"""Bundles: what lists ask of the messages with SIZE neighbouring UIDs of a mailbox, in one row, ready for the wire.

A whole mailbox is listed in a fiftieth of the rows, which lie side by side wherever their letters came in. A range of
UIDs below UIDNEXT gets no new message, and what is in a bundle doesn't change: so a bundle holds until a message of it
is removed, with which it goes. It is made behind the deliveries, when its range is full, or because somebody has listed
the mailbox; what has none is read row by row. Bundles can be deleted at any time.

What stands in a column, and how, whoever makes the bundles decides: here it is octets, and the number of `messages`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .engine import Row, Tx

SIZE = 64
# The columns of a bundle, by the tables that they stand in.
TABLES = {
    "bundle": ("received", "size", "listed"),
    "bundled_list": ("messages", "envelopes", "structures", "lines"),
}
# Ranges that are looked at in one transaction, for one that lacks its bundle.
LOOKED = 500


def first_of(uid: int) -> int:
    """The first UID of the range that a UID is in."""
    return (uid - 1) // SIZE * SIZE + 1


def read(tx: Tx, mailbox_id: int, low: int, high: int, columns: Sequence[str]) -> list[Row]:
    """The bundles that have UIDs from `low` up to `high`: the first UID of each, and the columns."""
    table, *others = [name for name, there in TABLES.items() if not set(columns).isdisjoint(there)]
    joins = "".join(
        [f" JOIN {other} ON {other}.mailbox_id = a.mailbox_id AND {other}.first = a.first" for other in others]
    )
    return tx.all(
        f"SELECT a.first, {', '.join(columns)} FROM {table} a{joins} WHERE a.mailbox_id = :mailbox_id"  # noqa: S608
        " AND a.first BETWEEN :low AND :high ORDER BY a.first",
        mailbox_id=mailbox_id,
        low=first_of(low),
        high=high,
    )


def keep(tx: Tx, mailbox_id: int, first: int, columns: Mapping[str, int | bytes]) -> None:
    """Keep a bundle, with all columns of TABLES."""
    for table, names in TABLES.items():
        row = (mailbox_id, first, *[columns[name] for name in names])
        tx.insert(table, ("mailbox_id", "first", *names), [row])


def drop(tx: Tx, mailbox_id: int, uids: Iterable[int]) -> None:
    """These messages are removed: nothing of them stays in a bundle."""
    gone = [{"mailbox_id": mailbox_id, "first": first} for first in sorted(set(map(first_of, uids)))]
    for table in (*TABLES, "bundled_order"):
        tx.many(f"DELETE FROM {table} WHERE mailbox_id = :mailbox_id AND first = :first", gone)  # noqa: S608


def want(tx: Tx, mailbox_id: int, uid: int) -> None:
    """Bundles may be missing from the range of this UID on: have them made."""
    tx.run(
        "INSERT INTO unbundled (mailbox_id, since) VALUES (:mailbox_id, :since) ON CONFLICT (mailbox_id) DO UPDATE"
        " SET since = excluded.since WHERE excluded.since < unbundled.since",
        mailbox_id=mailbox_id,
        since=first_of(uid),
    )


def came(tx: Tx, mailbox_id: int, first: int, last: int) -> None:
    """Messages with these UIDs have come: a range that they fill wants its bundle."""
    if last // SIZE > (first - 1) // SIZE:
        want(tx, mailbox_id, first)


def are_wanted(tx: Tx) -> bool:
    """Whether there are mailboxes that bundles may be missing in."""
    return tx.one("SELECT 1 FROM unbundled LIMIT 1") is not None


def missing(tx: Tx, most: int) -> tuple[int, list[int]]:
    """A mailbox, and ranges in it that lack their bundle, each by its first UID: for a transaction that makes these.

    Where it finds none, there may still be some elsewhere: `are_wanted` tells.
    """
    row = tx.one(
        "SELECT b.id, b.account_id, b.uidnext, u.since FROM unbundled u JOIN mailbox b ON b.id = u.mailbox_id"
        " ORDER BY u.mailbox_id LIMIT 1"
    )
    if row is None:
        return 0, []
    mailbox_id, account_id, uidnext, since = row
    tx.run("UPDATE account SET modseq = modseq WHERE id = :id", id=account_id)  # the lock: nothing is removed now
    found: list[int] = []
    for _ in range(LOOKED):
        uid = tx.value(
            "SELECT min(uid) FROM placement WHERE mailbox_id = :mailbox_id AND uid >= :since",
            mailbox_id=mailbox_id,
            since=since,
        )
        if uid is None or first_of(uid) + SIZE > uidnext:  # more messages may come into the last range
            tx.run("DELETE FROM unbundled WHERE mailbox_id = :mailbox_id", mailbox_id=mailbox_id)
            break
        first = first_of(uid)
        since = first + SIZE
        there = tx.one(
            "SELECT 1 FROM bundle WHERE mailbox_id = :mailbox_id AND first = :first", mailbox_id=mailbox_id, first=first
        )
        if there is None:
            found.append(first)
        if len(found) == most:
            break
    tx.run("UPDATE unbundled SET since = :since WHERE mailbox_id = :mailbox_id", mailbox_id=mailbox_id, since=since)
    return mailbox_id, found
