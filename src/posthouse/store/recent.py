r"""Which messages no session was told of: ``\Recent`` of IMAP4rev1 (RFC 3501 §2.3.2).

A session is told of all messages that a mailbox has, and UIDs only grow. So the messages that nobody was told of are
those from one UID on, `mailbox.recent_from`. To hand them to a session is to move it, which one session can do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import mail

if TYPE_CHECKING:
    from .engine import Tx
    from .mail import Ranges
    from .mailbox import Mailbox


def take(tx: Tx, mailbox_id: int, stop: int) -> list[tuple[int, int]]:
    """Hand the messages below UID `stop` that no session was told of to one that is told now: a range of UIDs, or none.

    None also where there is no such mailbox any more.
    """
    # First the lock, then what is there: on PostgreSQL somebody else may be about to take the same.
    row = tx.one(
        "UPDATE mailbox SET recent_from = recent_from WHERE id = :id AND recent_from < :stop RETURNING recent_from",
        id=mailbox_id,
        stop=stop,
    )
    if row is None:
        return []
    tx.run("UPDATE mailbox SET recent_from = :stop WHERE id = :id", id=mailbox_id, stop=stop)
    return [(row[0], stop - 1)]


def count(tx: Tx, box: Mailbox, told: Ranges = ()) -> int:
    """How many messages of the mailbox no session was told of, or are among those of one session (`told`)."""
    uids = mail.uids(tx, box.id)
    first = uids.place(box.recent_from)
    return len(uids) - first + sum(min(uids.place(high + 1), first) - min(uids.place(low), first) for low, high in told)
