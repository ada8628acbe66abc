r"""Letters that were written here and wait for the time at which they leave: until then they can be taken back.

What JMAP calls an EmailSubmission (RFC 8621 §7): a letter in the queue, and its copy in the sender's mailbox. "Pending"
is one whose time hasn't come; afterwards the queue's letter goes on alone, and the row with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from posthouse.errors import NotFound, StoreError
from posthouse.message.thread import base_subject

from . import queue, thread
from .fold import clean, fold

if TYPE_CHECKING:
    from .engine import Tx

TOO_LATE = "the letter has left already"
# Letters of one account that a list of what waits shows.
LISTED = 500


class Pending(NamedTuple):
    """A letter that waits. `release`: when it leaves, seconds since 1970."""

    outgoing_id: int
    message_id: int
    thread_id: int
    release: int
    to: str
    subject: str


def add(tx: Tx, account_id: int, outgoing_id: int, message_id: int) -> None:
    """Remember which message is the copy of a queued letter."""
    tx.run(
        "INSERT INTO submission (outgoing_id, account_id, message_id) VALUES (:outgoing_id, :account_id, :message_id)",
        outgoing_id=outgoing_id,
        account_id=account_id,
        message_id=message_id,
    )


def pending(tx: Tx, account_id: int) -> list[Pending]:
    """What waits for its time, the next one to leave first."""
    rows = tx.all(
        "SELECT s.outgoing_id, s.message_id, m.thread_id, o.release, w.to_, w.subject FROM submission s"
        " JOIN outgoing o ON o.id = s.outgoing_id JOIN message m ON m.id = s.message_id"
        " JOIN wire w ON w.message_id = m.id"
        " WHERE s.account_id = :account_id AND o.release > :now ORDER BY o.release, o.id LIMIT :limit",
        account_id=account_id,
        now=tx.now,
        limit=LISTED,
    )
    return [Pending(*row) for row in rows]


def outgoing_of(tx: Tx, message_id: int) -> int | None:
    """The queued letter that a message is the copy of; None: there is none any more."""
    found: int | None = tx.value(
        "SELECT outgoing_id FROM submission WHERE message_id = :message_id", message_id=message_id
    )
    return found


def take_back(tx: Tx, account_id: int, outgoing_id: int) -> int:
    """Take a letter out of the queue before it leaves; the id of the message that is its copy.

    Errors: NotFound: there is none of this account, or it is long gone; StoreError: it is leaving.
    """
    message_id: int | None = tx.value(
        "SELECT message_id FROM submission WHERE outgoing_id = :outgoing_id AND account_id = :account_id",
        outgoing_id=outgoing_id,
        account_id=account_id,
    )
    if message_id is None:
        raise NotFound(TOO_LATE, advice="Write to its recipients again, if something in it was wrong.")
    begun = tx.value(
        "SELECT 1 FROM outgoing_recipient WHERE letter_id = :id AND (leased = 1 OR attempts > 0) LIMIT 1",
        id=outgoing_id,
    )
    release: int = tx.value("SELECT coalesce(release, 0) FROM outgoing WHERE id = :id", id=outgoing_id)
    if begun or release <= tx.now:
        raise StoreError(TOO_LATE, advice="Write to its recipients again, if something in it was wrong.")
    queue.drop(tx, queue.Which(letters=[outgoing_id]))
    return message_id


def find_message(tx: Tx, account_id: int, ident: str, subject: str) -> int | None:
    """The account's message with this Message-ID (angle brackets and all), in the thread of a subject; None: there is
    none, or it was deleted."""
    found: int | None = tx.value(
        "SELECT m.id FROM thread_key k JOIN message m ON m.thread_id = k.thread_id JOIN wire w ON w.message_id = m.id"
        " WHERE k.account_id = :account_id AND k.key = :key AND w.message_id_ = :ident AND m.removed IS NULL"
        " ORDER BY m.id LIMIT 1",
        account_id=account_id,
        key=thread.key(ident, fold(clean(base_subject(subject)[0]))),
        ident=ident,
    )
    return found
