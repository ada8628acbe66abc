# ruff: noqa: S608  (SQL is put together from constants of this file; values are always parameters)
"""Verify: rows agree with rows, counters with what they count, files and index with rows; what can be set right, is.

Each check is one query that finds nothing in a sound store. All of them look at one snapshot; so verify may run beside
a server at work. Files are compared afterwards, with those of the snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from posthouse.errors import StoreError
from posthouse.files import Item

from . import tidy, transfer, uid_list

if TYPE_CHECKING:
    from .engine import Store, Tx

PORTION = 1_000  # files compared for each query


@dataclass(frozen=True, slots=True)
class Problem:
    """Something doesn't agree. `repairable`: `repair` sets it right without losing anything."""

    text: str
    repairable: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """A query whose rows are problems; its columns fill the sentence. `repair`: statements that set it right."""

    sentence: str
    query: str
    repair: tuple[str, ...] = ()


# What a mailbox's counters should be, for those where they aren't.
COUNTED = """
    SELECT b.id, a.address, b.name, b.messages AS messages_kept, b.unseen AS unseen_kept, b.deleted AS deleted_kept,
        b.size AS size_kept, count(p.uid) AS messages, coalesce(sum(1 - f.seen), 0) AS unseen,
        coalesce(sum(f.deleted), 0) AS deleted, coalesce(sum(m.size), 0) AS size
    FROM mailbox b JOIN account a ON a.id = b.account_id LEFT JOIN placement p ON p.mailbox_id = b.id
        LEFT JOIN flagset f ON f.id = p.flagset_id LEFT JOIN message m ON m.id = p.message_id
    GROUP BY b.id, a.address, b.name, b.messages, b.unseen, b.deleted, b.size
"""
ACCOUNT_USES = """
    SELECT a.id, a.address, a.messages AS messages_kept, a.size AS size_kept, count(m.id) AS messages,
        coalesce(sum(m.size), 0) AS size
    FROM account a LEFT JOIN message m ON m.account_id = a.id AND m.removed IS NULL
    GROUP BY a.id, a.address, a.messages, a.size
"""
BLOB_USES = (
    "SELECT (SELECT count(*) FROM message m WHERE m.blob_id = blob.id)"
    " + (SELECT count(*) FROM outgoing q WHERE q.blob_id = blob.id)"
)

# Repairs run in this order: what is counted is set right before its count.
CHECKS = (
    Check(
        "{0}, mailbox {1}: the counters say {2} messages, {3} unseen, {4} deleted, {5} octets;"
        " it has {6}, {7}, {8}, {9}",
        "SELECT address, name, messages_kept, unseen_kept, deleted_kept, size_kept, messages, unseen, deleted, size"
        f" FROM ({COUNTED}) AS c WHERE messages_kept <> messages OR unseen_kept <> unseen OR deleted_kept <> deleted"
        " OR size_kept <> size",
        (
            "UPDATE mailbox SET (messages, unseen, deleted, size) ="
            f" (SELECT messages, unseen, deleted, size FROM ({COUNTED}) AS c WHERE c.id = mailbox.id)",
        ),
    ),
    Check(
        "{0}, mailbox {1}: UIDNEXT is {2}, but UID {3} was given",
        "SELECT a.address, b.name, b.uidnext, u.uid FROM mailbox b JOIN account a ON a.id = b.account_id JOIN"
        " (SELECT mailbox_id, max(uid) AS uid FROM (SELECT mailbox_id, uid FROM placement UNION ALL"
        " SELECT mailbox_id, uid FROM tombstone) AS every GROUP BY mailbox_id) AS u ON u.mailbox_id = b.id"
        " WHERE u.uid >= b.uidnext",
    ),
    Check(
        "{0}, mailbox {1}: a message has modseq {2}, later than the mailbox's, {3}",
        "SELECT a.address, b.name, max(p.modseq), b.highestmodseq FROM mailbox b JOIN account a ON a.id = b.account_id"
        " JOIN placement p ON p.mailbox_id = b.id GROUP BY b.id, a.address, b.name, b.highestmodseq"
        " HAVING max(p.modseq) > b.highestmodseq",
    ),
    Check(
        "{0}: something has modseq {2}, later than the account's, {1}",
        "SELECT a.address, a.modseq, max(s.modseq) FROM account a JOIN (SELECT account_id, highestmodseq AS modseq"
        " FROM mailbox UNION ALL SELECT account_id, modseq FROM mailbox UNION ALL SELECT account_id, modseq FROM"
        " tombstone) AS s ON s.account_id = a.id GROUP BY a.id, a.address, a.modseq HAVING max(s.modseq) > a.modseq",
    ),
    Check(
        "{0}, mailbox {1}: UID {2} is there and counts as removed",
        "SELECT a.address, b.name, p.uid FROM placement p JOIN mailbox b ON b.id = p.mailbox_id"
        " JOIN account a ON a.id = b.account_id JOIN tombstone t ON t.account_id = a.id AND t.mailbox_id = b.id"
        " AND t.uid = p.uid",
    ),
    Check(
        "{0}, mailbox {1}: UID {2} is a message, or has flags, of another account",
        "SELECT a.address, b.name, p.uid FROM placement p JOIN mailbox b ON b.id = p.mailbox_id"
        " JOIN account a ON a.id = b.account_id LEFT JOIN message m ON m.id = p.message_id"
        " LEFT JOIN flagset f ON f.id = p.flagset_id WHERE coalesce(m.account_id, -1) <> a.id"
        " OR coalesce(f.account_id, -1) <> a.id",
    ),
    Check(
        "message {0} is in no mailbox, and isn't going to be removed",
        "SELECT m.id FROM message m WHERE m.removed IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.message_id = m.id)",
    ),
    Check(
        "message {0} is in a mailbox, and is going to be removed",
        "SELECT m.id FROM message m WHERE m.removed IS NOT NULL"
        " AND EXISTS (SELECT 1 FROM placement p WHERE p.message_id = m.id)",
        (
            "UPDATE message SET removed = NULL WHERE removed IS NOT NULL"
            " AND EXISTS (SELECT 1 FROM placement p WHERE p.message_id = message.id)",
        ),
    ),
    Check(
        "{0}: {1} messages and {2} octets are counted; there are {3} and {4}",
        "SELECT address, messages_kept, size_kept, messages, size"
        f" FROM ({ACCOUNT_USES}) AS u WHERE messages_kept <> messages OR size_kept <> size",
        (
            "UPDATE account SET (messages, size) ="
            f" (SELECT messages, size FROM ({ACCOUNT_USES}) AS u WHERE u.id = account.id)",
        ),
    ),
    Check(
        "message {0} lacks what readers ask for",
        "SELECT m.id FROM message m LEFT JOIN wire w ON w.message_id = m.id LEFT JOIN folded t ON t.message_id = m.id"
        " LEFT JOIN ordering o ON o.message_id = m.id"
        " WHERE w.message_id IS NULL OR t.message_id IS NULL OR o.message_id IS NULL",
    ),
    Check(
        "octets {0} count {1} uses; there are {2}",
        f"SELECT id, uses, ({BLOB_USES}) FROM blob WHERE uses <> ({BLOB_USES})",
        (
            f"UPDATE blob SET uses = ({BLOB_USES}), released = NULL WHERE uses <> ({BLOB_USES})",
            "UPDATE blob SET released = :now WHERE uses = 0 AND released IS NULL",
        ),
    ),
    Check("octets {0} have no use and no end", "SELECT id FROM blob WHERE (uses = 0) <> (released IS NOT NULL)"),
    Check(
        "octets {0} have {1} octets; the message {2} says {3}",
        "SELECT o.id, o.size, m.id, m.size - length(m.prefix) FROM blob o JOIN message m ON m.blob_id = o.id"
        " WHERE o.size <> m.size - length(m.prefix)",
    ),
)


def verify(store: Store) -> list[Problem]:
    """Everything that doesn't agree. Blocks; reads every row and looks at every file."""
    problems = [Problem(f"The database says: {line}") for line in store.check_database()]
    problems += store.look(_check_rows)
    problems += _missing_files(store)
    problems += (
        Problem(f"{store.blobs.path(blob_id)} belongs to no message", repairable=True) for blob_id in strays(store)
    )
    if store.index is not None:
        problems += (Problem(f"{store.index.path}: {line}", repairable=True) for line in store.index.check(store))
    return problems


def repair(store: Store) -> None:
    """Set right what can be: counters, marks that follow from other rows, the index. Strays are `adopt`ed or swept."""
    store.run(_repair_rows)
    if store.index is not None and store.index.check(store):
        store.index.rebuild(store)


def _check_rows(tx: Tx) -> list[Problem]:
    problems = [
        Problem(check.sentence.format(*row), repairable=bool(check.repair))
        for check in CHECKS
        for row in tx.all(check.query)
    ]
    holes = "{0}, mailbox {1}: which UIDs are free isn't kept as the messages say"
    return problems + [Problem(holes.format(*row), repairable=True) for row in uid_list.wrong(tx)]


def _repair_rows(tx: Tx) -> None:
    for check in CHECKS:
        if tx.all(check.query):
            for statement in check.repair:
                tx.run(statement, now=tx.now)
    uid_list.repair(tx)


def _missing_files(store: Store) -> Iterator[Problem]:
    """Rows without their file, or with a file of another size."""
    last = ""
    while rows := store.look(_blobs_after, last):
        for blob_id, size in rows:
            path = store.blobs.path(blob_id)
            try:
                found = store.blobs.size(blob_id)
            except StoreError as error:
                yield Problem(f"{path} can't be read: {error}")
                continue
            if found != size:
                yield Problem(f"{path} has {found} octets; it should have {size}")
        last = rows[-1][0]


def _blobs_after(tx: Tx, last: str) -> list[tuple[str, int]]:
    # An unused one may go at any time: rows first, then the file.
    rows = tx.all(
        "SELECT id, size FROM blob WHERE id > :last AND uses > 0 ORDER BY id LIMIT :portion",
        last=last,
        portion=PORTION,
    )
    return [(blob_id, size) for blob_id, size in rows]


def strays(store: Store) -> list[str]:
    """The ids of files that no row knows, and that are too old to belong to a delivery on its way."""
    now = store.look(lambda tx: tx.now)
    candidates = store.blobs.changed_since(0, now - tidy.GRACE)
    found: list[str] = []
    while some := list(islice(candidates, PORTION)):
        found += store.look(tidy.unknown, some)
    return found


def adopt(store: Store, account_id: int, *, into: str = "Recovered") -> int:
    """Put the letters that no row knows into a mailbox of an account, instead of sweeping them; their number. Blocks.

    Whose they were isn't known any more: a stray is a letter whose delivery was cut off before anybody was told that
    it was accepted, or whose row was lost. Errors: as for `transfer.import_mail`; then those that are left stay strays.
    """
    found = strays(store)
    items = (Item(transfer.octets_of(store.blobs, one, b"", store.blobs.size(one))) for one in found)
    for _ in transfer.import_mail(store, account_id, items, into=into):
        pass
    store.blobs.remove(found)
    return len(found)
