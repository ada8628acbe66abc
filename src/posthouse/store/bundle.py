"""Bundles: what lists ask of the messages with SIZE neighbouring UIDs of a mailbox, in one row, ready for the wire.

A whole mailbox is listed in a fiftieth of the rows, which lie side by side wherever their letters came in. A range of
UIDs below UIDNEXT gets no new message, and what is in a bundle doesn't change: so a bundle holds until a message of it
is removed, with which it goes. It is made behind the deliveries, when its range is full, or because somebody has listed
the mailbox; what has none is read row by row. Bundles can be deleted at any time.

They are made by readers, of what a snapshot has, so that no delivery waits for that; to keep them is a short
transaction, which takes those of which no message has been removed since.

What stands in a column, and how, whoever makes the bundles decides: here it is octets, and the number of `messages`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

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


class Missing(NamedTuple):
    """Ranges of a mailbox, by their first UIDs, that lack their bundle: all there are from the UID `since` on up to the
    UID `beyond`, which isn't looked at any more."""

    mailbox_id: int
    firsts: list[int]
    since: int
    beyond: int


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


class Made(NamedTuple):
    """A bundle that isn't kept yet: the first UID of its range, and the columns of TABLES."""

    first: int
    columns: Mapping[str, int | bytes]


def keep(tx: Tx, missing: Missing, bundles: Sequence[Made]) -> list[int]:
    """Keep the bundles that were made of the ranges that are missing theirs, and go on behind these; the first UIDs of
    those that were kept."""
    row = tx.one("SELECT account_id FROM mailbox WHERE id = :mailbox_id", mailbox_id=missing.mailbox_id)
    if row is None:
        return []  # the mailbox is gone
    tx.run("UPDATE account SET modseq = modseq WHERE id = :id", id=row[0])  # the lock: nothing is removed now
    holding = [one for one in bundles if _holds(tx, missing.mailbox_id, one)]
    for one in holding:
        for table, names in TABLES.items():
            values = (missing.mailbox_id, one.first, *[one.columns[name] for name in names])
            tx.insert(table, ("mailbox_id", "first", *names), [values])
    # Full ranges that came in the meantime lie behind what was looked at; for others `since` has been set back.
    tx.run(
        "DELETE FROM unbundled WHERE mailbox_id = :mailbox_id AND since = :since"
        " AND :beyond + :size > (SELECT uidnext FROM mailbox WHERE id = :mailbox_id)",
        mailbox_id=missing.mailbox_id,
        since=missing.since,
        beyond=missing.beyond,
        size=SIZE,
    )
    tx.run(
        "UPDATE unbundled SET since = :beyond WHERE mailbox_id = :mailbox_id AND since = :since",
        mailbox_id=missing.mailbox_id,
        since=missing.since,
        beyond=missing.beyond,
    )
    return [one.first for one in holding]


def _holds(tx: Tx, mailbox_id: int, made: Made) -> bool:
    """Whether the bundle has all that there is of its range, and there is none yet."""
    messages, is_there = tx.all(
        "SELECT (SELECT count(*) FROM placement WHERE mailbox_id = :mailbox_id AND uid BETWEEN :first AND :last),"
        " EXISTS (SELECT 1 FROM bundle WHERE mailbox_id = :mailbox_id AND first = :first)",
        mailbox_id=mailbox_id,
        first=made.first,
        last=made.first + SIZE - 1,
    )[0]
    return messages == made.columns["messages"] and not is_there


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


def missing(tx: Tx, most: int) -> Missing | None:
    """Ranges of a mailbox that lack their bundle. None when nobody wants any more; where `firsts` is empty, there may
    still be some elsewhere: `keep` takes note of how far that was, also where it is given nothing to keep."""
    row = tx.one(
        "SELECT b.id, b.uidnext, u.since FROM unbundled u JOIN mailbox b ON b.id = u.mailbox_id"
        " ORDER BY u.mailbox_id LIMIT 1"
    )
    if row is None:
        return None
    mailbox_id, uidnext, since = row
    at = since
    found: list[int] = []
    for _ in range(LOOKED):
        uid = tx.value(
            "SELECT min(uid) FROM placement WHERE mailbox_id = :mailbox_id AND uid >= :at", mailbox_id=mailbox_id, at=at
        )
        at = first_of(uidnext if uid is None else uid)
        if at + SIZE > uidnext:  # more messages may come into the last range
            break
        there = tx.one(
            "SELECT 1 FROM bundle WHERE mailbox_id = :mailbox_id AND first = :first", mailbox_id=mailbox_id, first=at
        )
        if there is None:
            found.append(at)
        at += SIZE
        if len(found) == most:
            break
    return Missing(mailbox_id, found, since, at)
