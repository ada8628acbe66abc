# ruff: noqa: S608  (SQL is put together from constants of this file; values are always parameters)
"""Messages in mailboxes: read, flagged, copied, moved, expunged. Everything takes sets and works set-wise.

`Ranges` are what a UID set comes to: (first, last) pairs, both included, in any order. Each pair costs a statement that
walks just those rows, so a million messages in one range are one statement.

A message belongs to one account and may have several placements; its octets may be shared with other accounts. Where
the last placement goes, the message stays readable for a while (see tidy.py), for those who still see it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from posthouse.errors import NotFound, StoreError

from . import bundle, flag, quota, uid_list
from .change import next_modseq, next_modseq_in
from .coming import Coming, take_uids

if TYPE_CHECKING:
    from .engine import Row, Tx
    from .uid_list import UidList

Ranges = Sequence[tuple[int, int]]
ALL: Ranges = ((1, 2**32 - 1),)  # a UID is an nz-number (RFC 9051 §2.3.1.1)

# What `fetch` can be asked for, and where it is: p placement, f flagset, m message, w wire, l listed.
COLUMNS = {
    "message_id": "p.message_id",
    "flags": "f.line",
    "flagset": "p.flagset_id",
    "modseq": "p.modseq",
    "saved": "p.saved",
    "size": "m.size",
    "header_size": "m.header_size",
    "received": "m.received",
    "sent": "m.sent",
    "attachment": "m.attachment",
    "thread": "m.thread_id",
    "blob": "m.blob_id",
    "prefix": "m.prefix",
    "envelope": "w.envelope",
    "body": "w.body",
    "bodystructure": "w.bodystructure",
    "tree": "w.tree",
    "subject": "w.subject",
    "from": "w.from_",
    "to": "w.to_",
    "cc": "w.cc",
    "bcc": "w.bcc",
    "reply_to": "w.reply_to",
    "message_id_field": "w.message_id_",
    "in_reply_to": "w.in_reply_to",
    "references": "w.reference_ids",
    "base_subject": "w.base_subject",
    "preview": "w.preview",
    "listed": "l.fields",
}
JOINS = {
    "p": "",
    "f": " JOIN flagset f ON f.id = p.flagset_id",
    "m": " JOIN message m ON m.id = p.message_id",
    "w": " JOIN wire w ON w.message_id = p.message_id",
    "l": " LEFT JOIN listed l ON l.message_id = p.message_id",
}
IN_RANGE = "placement.mailbox_id = :mailbox_id AND placement.uid BETWEEN :low AND :high"
DELETED = "placement.flagset_id IN (SELECT id FROM flagset WHERE account_id = :account_id AND deleted = 1)"


class Copied(NamedTuple):
    """Which messages went where: the UIDs of both sides, in step, ascending (RFC 4315 §3)."""

    uidvalidity: int
    source: list[int]
    target: list[int]


# -- reading -------------------------------------------------------------------------------------------------------


def uids(tx: Tx, mailbox_id: int) -> UidList:
    """All UIDs in the mailbox, ascending: what sequence numbers count. No row of a message is read."""
    return uid_list.read(tx, mailbox_id)


def fetch(tx: Tx, mailbox_id: int, ranges: Ranges, columns: Sequence[str], since: int = 0) -> list[Row]:
    """The UID and the named columns (see COLUMNS) of these messages, in the order asked for, UIDs ascending.

    UIDs without a message are passed over, and messages that haven't changed after modseq `since`. Ask for a slice
    of a large set at a time: rows stand in memory.
    """
    sql = _fetch_sql(tuple(columns), since)
    rows: list[Row] = []
    for low, high in ordered(ranges):
        rows += tx.all(sql, mailbox_id=mailbox_id, low=low, high=high, since=since)
    return rows


def fetch_removed(
    tx: Tx, account_id: int, mailbox_id: int, ranges: Ranges, columns: Sequence[str], since: int
) -> list[Row]:
    """The same of messages that were removed after modseq `since`, as they were then: for those who still see them.

    They are there for tidy.GRACE, or longer with `keep_removed`.
    """
    wanted = [COLUMNS[name] for name in columns]
    tables = dict.fromkeys(["p", *(column[0] for column in wanted)])
    sql = (
        f"SELECT {', '.join(['p.uid', *wanted])} FROM tombstone p{''.join(JOINS[table] for table in tables)}"
        " WHERE p.account_id = :account_id AND p.modseq > :since AND p.mailbox_id = :mailbox_id"
        " AND p.uid BETWEEN :low AND :high ORDER BY p.uid"
    )
    rows: list[Row] = []
    for low, high in ordered(ranges):
        rows += tx.all(sql, account_id=account_id, mailbox_id=mailbox_id, low=low, high=high, since=since)
    return rows


def keep_removed(tx: Tx, account_id: int, mailbox_id: int, since: int) -> None:
    """Somebody still sees what was removed from the mailbox after modseq `since`: keep it for tidy.GRACE from now."""
    tx.run(
        "UPDATE message SET removed = :now WHERE removed IS NOT NULL AND id IN (SELECT message_id FROM tombstone"
        " WHERE account_id = :account_id AND modseq > :since AND mailbox_id = :mailbox_id)",
        account_id=account_id,
        mailbox_id=mailbox_id,
        since=since,
        now=tx.now,
    )


def _fetch_sql(columns: tuple[str, ...], since: int) -> str:
    wanted = [COLUMNS[name] for name in columns]
    tables = dict.fromkeys(column[0] for column in wanted)
    return (
        f"SELECT {', '.join(['p.uid', *wanted])} FROM placement p{''.join(JOINS[table] for table in tables)}"
        f" WHERE p.mailbox_id = :mailbox_id AND p.uid BETWEEN :low AND :high"
        f"{' AND p.modseq > :since' if since else ''} ORDER BY p.uid"
    )


def ordered(ranges: Ranges) -> Iterator[tuple[int, int]]:
    """The same set as ascending ranges that don't touch: each message once, and few statements."""
    end = start = -1
    for low, high in sorted(ranges):
        if start >= 0 and low <= end + 1:
            end = max(end, high)
            continue
        if start >= 0:
            yield start, end
        start, end = low, high
    if start >= 0:
        yield start, end


# -- flags ---------------------------------------------------------------------------------------------------------

Operation = Literal["add", "remove", "replace"]


def store_flags(tx: Tx, mailbox_id: int, ranges: Ranges, op: Operation, flags: Iterable[str]) -> int:
    """Add, remove or replace flags; the modseq that the changed messages have now. Which these are, `fetch` tells
    with ``since=modseq - 1``.

    Errors: NotFound for no such mailbox; StoreError for what is no flag.
    """
    wanted = flag.canonical(flags)
    account_id, modseq = next_modseq_in(tx, mailbox_id)
    seen = deleted = 0
    changed = 0
    become: dict[int, tuple[int, int, int]] = {}
    for low, high in ordered(ranges):
        for (flagset_id,) in tx.all(
            f"SELECT DISTINCT flagset_id FROM placement WHERE {IN_RANGE}",
            mailbox_id=mailbox_id,
            low=low,
            high=high,
        ):
            if flagset_id not in become:
                become[flagset_id] = _altered(tx, account_id, flagset_id, op, wanted)
            new_id, seen_change, deleted_change = become[flagset_id]
            if new_id == flagset_id:
                continue
            count = tx.run(
                f"UPDATE placement SET flagset_id = :new_id, modseq = :modseq WHERE {IN_RANGE}"
                " AND flagset_id = :flagset_id",
                mailbox_id=mailbox_id,
                low=low,
                high=high,
                modseq=modseq,
                new_id=new_id,
                flagset_id=flagset_id,
            )
            changed += count
            seen += count * seen_change
            deleted += count * deleted_change
    if changed:
        tx.run(
            "UPDATE mailbox SET unseen = unseen - :seen, deleted = deleted + :deleted, highestmodseq = :modseq"
            " WHERE id = :mailbox_id",
            mailbox_id=mailbox_id,
            seen=seen,
            deleted=deleted,
            modseq=modseq,
        )
    return modseq


def _altered(tx: Tx, account_id: int, flagset_id: int, op: Operation, wanted: frozenset[str]) -> tuple[int, int, int]:
    r"""What the combination becomes: its id, and by how much ``\Seen`` and ``\Deleted`` rise for each message."""
    row = tx.one("SELECT line, seen, deleted FROM flagset WHERE id = :id", id=flagset_id)
    assert row is not None
    line, seen, deleted = row
    old = flag.parse(line)
    if op == "add":
        new = flag.canonical(flag.add(old, wanted))
    elif op == "remove":
        new = flag.remove(old, wanted)
    else:
        new = wanted
    if new == old:
        return flagset_id, 0, 0
    return flag.intern(tx, account_id, new), int("\\Seen" in new) - seen, int("\\Deleted" in new) - deleted


# -- leaving, copying, moving --------------------------------------------------------------------------------------


def expunge(tx: Tx, mailbox_id: int, ranges: Ranges | None = None) -> list[int]:
    r"""Remove the messages that are flagged ``\Deleted``, all or of a set; their UIDs, ascending. Errors: NotFound."""
    account_id, modseq = next_modseq_in(tx, mailbox_id)
    gone: list[int] = []
    for low, high in ordered(ALL if ranges is None else ranges):
        gone += _remove(tx, account_id, mailbox_id, modseq, f"{IN_RANGE} AND {DELETED}", low, high)
    if gone:
        _forget_unplaced(tx, account_id, modseq)
    return gone


def _remove(tx: Tx, account_id: int, mailbox_id: int, modseq: int, which: str, low: int, high: int) -> list[int]:
    """Take placements away, with a tombstone for each, and keep the counters; the UIDs, ascending."""
    place = {"account_id": account_id, "mailbox_id": mailbox_id, "low": low, "high": high}
    row = tx.one(
        "SELECT count(*), coalesce(sum(1 - f.seen), 0), coalesce(sum(f.deleted), 0), coalesce(sum(m.size), 0)"
        " FROM placement JOIN message m ON m.id = placement.message_id JOIN flagset f ON f.id = placement.flagset_id"
        f" WHERE {which}",
        **place,
    )
    assert row is not None
    messages, unseen, deleted, size = row
    if not messages:
        return []
    tx.run(
        "INSERT INTO tombstone (account_id, mailbox_id, modseq, uid, message_id, created, removed, flagset_id, saved)"
        " SELECT :account_id, mailbox_id, :modseq, uid, message_id, created, :now, flagset_id, saved FROM placement"
        f" WHERE {which}",
        modseq=modseq,
        now=tx.now,
        **place,
    )
    rows = tx.all(f"DELETE FROM placement WHERE {which} RETURNING uid", **place)
    tx.run(
        "UPDATE mailbox SET messages = messages - :messages, unseen = unseen - :unseen, deleted = deleted - :deleted,"
        " size = size - :size, highestmodseq = :modseq WHERE id = :mailbox_id",
        mailbox_id=mailbox_id,
        modseq=modseq,
        messages=messages,
        unseen=unseen,
        deleted=deleted,
        size=size,
    )
    uids = sorted(uid for (uid,) in rows)
    bundle.drop(tx, mailbox_id, uids)
    uid_list.remove(tx, mailbox_id, uids)
    return uids


def remove(tx: Tx, mailbox_id: int, ranges: Ranges) -> list[int]:
    r"""Remove messages, whether they are flagged ``\Deleted`` or not; the UIDs of those that were there, ascending.

    Errors: NotFound for no such mailbox.
    """
    account_id, modseq = next_modseq_in(tx, mailbox_id)
    gone: list[int] = []
    for low, high in ordered(ranges):
        gone += _remove(tx, account_id, mailbox_id, modseq, IN_RANGE, low, high)
    if gone:
        _forget_unplaced(tx, account_id, modseq)
    return gone


def remove_all(tx: Tx, mailbox_id: int, modseq: int) -> None:
    """Every message out of the mailbox: it is going to be deleted."""
    account_id = account_of(tx, mailbox_id)
    for low, high in ALL:
        _remove(tx, account_id, mailbox_id, modseq, IN_RANGE, low, high)
    _forget_unplaced(tx, account_id, modseq)


def _forget_unplaced(tx: Tx, account_id: int, modseq: int) -> None:
    """Mark the messages whose last placement went with this modseq; tidy.py deletes them later."""
    rows = tx.all(
        "UPDATE message SET removed = :now WHERE id IN"
        " (SELECT message_id FROM tombstone WHERE account_id = :account_id AND modseq = :modseq)"
        " AND NOT EXISTS (SELECT 1 FROM placement WHERE placement.message_id = message.id) RETURNING size",
        account_id=account_id,
        modseq=modseq,
        now=tx.now,
    )
    quota.give_back(tx, account_id, len(rows), sum(size for (size,) in rows))


def copy(tx: Tx, mailbox_id: int, ranges: Ranges, target_id: int) -> Copied:
    """Place these messages in another mailbox of the account too, with their flags, in their order.

    Errors: NotFound for a mailbox that is gone; StoreError for a mailbox of another account.
    """
    account_id = account_of(tx, mailbox_id)
    _same_account(tx, account_id, target_id)
    return _copy(tx, mailbox_id, ranges, target_id, next_modseq(tx, account_id))


def move(tx: Tx, mailbox_id: int, ranges: Ranges, target_id: int) -> Copied:
    """Place these messages in another mailbox of the account instead. Errors: as for `copy`."""
    account_id = account_of(tx, mailbox_id)
    _same_account(tx, account_id, target_id)
    modseq = next_modseq(tx, account_id)
    copied = _copy(tx, mailbox_id, ranges, target_id, modseq)
    if copied.source:
        last = copied.source[-1]
        for low, high in ordered(ranges):
            _remove(tx, account_id, mailbox_id, modseq, IN_RANGE, low, min(high, last))
    return copied


def account_of(tx: Tx, mailbox_id: int) -> int:
    """Whose mailbox it is. Errors: NotFound."""
    account_id: int | None = tx.value("SELECT account_id FROM mailbox WHERE id = :id", id=mailbox_id)
    if account_id is None:
        raise NotFound("there is no such mailbox")
    return account_id


def _same_account(tx: Tx, account_id: int, target_id: int) -> None:
    if account_of(tx, target_id) != account_id:
        raise StoreError("the mailbox belongs to another account")


def _copy(tx: Tx, mailbox_id: int, ranges: Ranges, target_id: int, modseq: int) -> Copied:
    counts: list[tuple[int, int, int]] = []
    source: list[int] = []
    unseen = deleted = size = 0
    for low, high in ordered(ranges):
        rows = tx.all(
            "SELECT p.uid, 1 - f.seen, f.deleted, m.size FROM placement p JOIN message m ON m.id = p.message_id"
            " JOIN flagset f ON f.id = p.flagset_id"
            " WHERE p.mailbox_id = :mailbox_id AND p.uid BETWEEN :low AND :high ORDER BY p.uid",
            mailbox_id=mailbox_id,
            low=low,
            high=high,
        )
        if rows:
            source += [row[0] for row in rows]
            unseen += sum(row[1] for row in rows)
            deleted += sum(row[2] for row in rows)
            size += sum(row[3] for row in rows)
            counts.append((low, rows[-1][0], len(rows)))
    if not source:
        uidvalidity = tx.value("SELECT uidvalidity FROM mailbox WHERE id = :id", id=target_id)
        return Copied(uidvalidity, [], [])
    coming = Coming(target_id, modseq, len(source), unseen, deleted, size)
    uidvalidity, first = take_uids(tx, [coming])[target_id]
    start = first
    for low, high, count in counts:
        tx.run(
            "INSERT INTO placement (mailbox_id, uid, message_id, flagset_id, modseq, created, saved, received)"
            " SELECT :target_id, :start + row_number() OVER (ORDER BY uid) - 1, message_id, flagset_id, :modseq,"
            f" :modseq, :now, received FROM placement WHERE {IN_RANGE}",
            target_id=target_id,
            start=start,
            modseq=modseq,
            now=tx.now,
            mailbox_id=mailbox_id,
            low=low,
            high=high,
        )
        start += count
    return Copied(uidvalidity, source, list(range(first, first + len(source))))
