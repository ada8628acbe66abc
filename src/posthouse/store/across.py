"""Messages from one account's mailbox into another account's: copies that share the octets, each with its own flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from posthouse.errors import StoreError

from . import flag, mail, ordering, quota, thread
from .change import next_modseq_in
from .mail import Copied, Ranges

if TYPE_CHECKING:
    from .engine import Tx

# One transaction carries so many: each is some rows of its own, and other writers wait.
MAX_MESSAGES = 10_000


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
    account_id, modseq = next_modseq_in(tx, target_id)
    rows = mail.fetch(tx, mailbox_id, ranges, ("message_id", "flags", "size", "received"))
    if len(rows) > MAX_MESSAGES:
        raise StoreError(
            f"at most {MAX_MESSAGES} messages go to somebody else at a time", advice="Take some at a time."
        )
    uidvalidity: int = tx.value("SELECT uidvalidity FROM mailbox WHERE id = :id", id=target_id)
    source, target = [], []
    for uid, message_id, line, size, received in rows:
        new_id = _duplicate(tx, message_id, account_id, size, received)
        _, new_uid = mail.place(tx, account_id, target_id, new_id, flag.parse(line), size, modseq)
        source.append(uid)
        target.append(new_uid)
    return Copied(uidvalidity, source, target)


def move(tx: Tx, mailbox_id: int, ranges: Ranges, target_id: int) -> Copied:
    """The same, and they are gone here. Errors: as for `copy`."""
    copied = copy(tx, mailbox_id, ranges, target_id)
    mail.remove(tx, mailbox_id, [(uid, uid) for uid in copied.source])
    return copied


def _duplicate(tx: Tx, message_id: int, account_id: int, size: int, received: int) -> int:
    """The same message as another account's, in no mailbox yet; its id."""
    quota.take(tx, account_id, size)
    tx.run(
        "UPDATE blob SET uses = uses + 1, released = NULL WHERE id = (SELECT blob_id FROM message WHERE id = :id)",
        id=message_id,
    )
    row = tx.one(
        "SELECT subject, base_subject, message_id_, in_reply_to, reference_ids FROM wire WHERE message_id = :id",
        id=message_id,
    )
    assert row is not None  # every message has one
    names = Names(row[0], row[1], row[2], tuple(row[3].split()), tuple(row[4].split()))
    new_id: int = tx.value(
        "INSERT INTO message (account_id, thread_id, blob_id, prefix, size, header_size, received, sent, attachment)"
        " SELECT :account_id, :thread_id, blob_id, prefix, size, header_size, received, sent, attachment"
        " FROM message WHERE id = :id RETURNING id",
        account_id=account_id,
        thread_id=thread.find_or_make(tx, account_id, names, received),
        id=message_id,
    )
    tx.run(
        "INSERT INTO wire (message_id, envelope, body, bodystructure, tree, subject, from_, to_, cc, bcc, reply_to,"
        " message_id_, in_reply_to, reference_ids, base_subject, preview)"
        " SELECT :new_id, envelope, body, bodystructure, tree, subject, from_, to_, cc, bcc, reply_to,"
        " message_id_, in_reply_to, reference_ids, base_subject, preview FROM wire WHERE message_id = :id",
        new_id=new_id,
        id=message_id,
    )
    tx.run(
        "INSERT INTO folded (message_id, subject, from_, to_, cc, bcc)"
        " SELECT :new_id, subject, from_, to_, cc, bcc FROM folded WHERE message_id = :id",
        new_id=new_id,
        id=message_id,
    )
    tx.run(
        "INSERT INTO listed (message_id, fields) SELECT :new_id, fields FROM listed WHERE message_id = :id",
        new_id=new_id,
        id=message_id,
    )
    ordering.duplicate(tx, message_id, new_id)
    return new_id
