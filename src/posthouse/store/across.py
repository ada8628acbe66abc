# ruff: noqa: S608  (SQL is put together from constants of this file; values are always parameters)
"""Messages from one account's mailbox into another account's: copies that share the octets, each with its own flags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from posthouse.errors import StoreError

from . import bundle, flag, intake, mail, ordering, quota, thread
from .coming import Coming, take_uids
from .mail import Copied, Ranges

if TYPE_CHECKING:
    from .engine import Row, Tx

# One transaction carries so many: each is some rows of its own, and other writers wait.
MAX_MESSAGES = 10_000
# Of each message, behind its UID.
COLUMNS = (
    "message_id", "flags", "size", "received", "subject", "base_subject", "message_id_field", "in_reply_to",
    "references",
)  # fmt: skip
# What is known of a message by its id, and its copy has the same.
DERIVED = {
    "wire": ", ".join(intake.WIRE[1:]),
    "folded": ", ".join(intake.FOLDED[1:]),
    "listed": "fields",
    "ordering": ", ".join(ordering.COLUMNS[1:]),
}


class Names(NamedTuple):
    """What decides to which thread a message belongs."""

    subject: str
    base_subject: str
    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]


def copy(tx: Tx, mailbox_id: int, ranges: Ranges, target_id: int) -> Copied:
    """Copy these messages into a mailbox of another account, with their flags, in their order.

    They count against that account's quota. Errors: NotFound for a mailbox that is gone; OverQuota; StoreError for
    more than MAX_MESSAGES.
    """
    account_id = mail.account_of(tx, target_id)
    rows = mail.fetch(tx, mailbox_id, ranges, COLUMNS)
    if len(rows) > MAX_MESSAGES:
        raise StoreError(
            f"at most {MAX_MESSAGES} messages go to somebody else at a time", advice="Take some at a time."
        )
    sizes = [row[3] for row in rows]
    modseq, room = quota.take(tx, [quota.Demand(account_id, 1, len(rows), sum(sizes))])[account_id]
    if rows and room.is_exceeded:
        raise room.refusal(max(sizes))
    tx.changed(account_id, modseq)
    new_ids = _duplicate(tx, account_id, rows)
    flags = [flag.parse(row[2]) for row in rows]
    unseen, deleted = sum("\\Seen" not in one for one in flags), sum("\\Deleted" in one for one in flags)
    coming = Coming(target_id, modseq, len(rows), unseen, deleted, sum(sizes))
    uidvalidity, first = take_uids(tx, [coming])[target_id]
    flagsets = {one: flag.intern(tx, account_id, one) for one in set(flags)}
    target = list(range(first, first + len(rows)))
    tx.insert(
        "placement",
        intake.PLACEMENT,
        [
            (target_id, uid, new_id, flagsets[theirs], modseq, modseq, tx.now, row[4])
            for uid, new_id, theirs, row in zip(target, new_ids, flags, rows, strict=True)
        ],
    )
    bundle.came(tx, target_id, first, first + len(rows) - 1)
    return Copied(uidvalidity, [row[0] for row in rows], target)


def move(tx: Tx, mailbox_id: int, ranges: Ranges, target_id: int) -> Copied:
    """The same, and they are gone here. Errors: as for `copy`."""
    copied = copy(tx, mailbox_id, ranges, target_id)
    mail.remove(tx, mailbox_id, [(uid, uid) for uid in copied.source])
    return copied


def _duplicate(tx: Tx, account_id: int, rows: Sequence[Row]) -> list[int]:
    """The same messages as another account's, in no mailbox yet; their ids."""
    new_ids = tx.take_ids("message", len(rows))
    arrivals = [
        thread.Arrival(account_id, Names(subject, base, own, tuple(answered.split()), tuple(named.split())), came)
        for _, _, _, _, came, subject, base, own, answered, named in rows
    ]
    thread_ids = thread.assign(tx, arrivals, new_ids)
    each = [
        {"id": row[1], "new_id": new_id, "account_id": account_id, "thread_id": thread_id}
        for row, new_id, thread_id in zip(rows, new_ids, thread_ids, strict=True)
    ]
    tx.many(
        "UPDATE blob SET uses = uses + 1, released = NULL WHERE id = (SELECT blob_id FROM message WHERE id = :id)", each
    )
    tx.many(
        "INSERT INTO message (id, account_id, thread_id, blob_id, prefix, size, header_size, received, sent,"
        " zone, attachment) SELECT :new_id, :account_id, :thread_id, blob_id, prefix, size, header_size, received,"
        " sent, zone, attachment FROM message WHERE id = :id",
        each,
    )
    for table, columns in DERIVED.items():
        tx.many(
            f"INSERT INTO {table} (message_id, {columns}) SELECT :new_id, {columns} FROM {table}"
            " WHERE message_id = :id",
            each,
        )
    return new_ids
