"""Messages on their way into mailboxes: the mailboxes' counters, and the UIDs that the messages get."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from .portion import rows_in_portions

if TYPE_CHECKING:
    from .engine import Tx


class Coming(NamedTuple):
    r"""What comes into a mailbox: how many messages, how many of them not ``\Seen``, how many ``\Deleted``, their
    octets together. `modseq`: of the last one."""

    mailbox_id: int
    modseq: int
    messages: int
    unseen: int
    deleted: int
    size: int


def take_uids(tx: Tx, coming: Sequence[Coming]) -> dict[int, tuple[int, int]]:
    """Make room in each mailbox, which is named once: its UIDVALIDITY, and the first of as many new UIDs. A mailbox
    that is gone isn't among them."""
    counts = {one.mailbox_id: one.messages for one in coming}
    taken = {}
    for some, params in rows_in_portions(coming):
        for mailbox_id, uidvalidity, uidnext in tx.all(
            f"WITH new (id, modseq, messages, unseen, deleted, size) AS (VALUES {some})"  # noqa: S608
            " UPDATE mailbox SET uidnext = mailbox.uidnext + new.messages, highestmodseq = new.modseq,"
            " messages = mailbox.messages + new.messages, unseen = mailbox.unseen + new.unseen,"
            " deleted = mailbox.deleted + new.deleted, size = mailbox.size + new.size FROM new"
            " WHERE mailbox.id = new.id RETURNING mailbox.id, uidvalidity, uidnext",
            **params,
        ):
            taken[mailbox_id] = uidvalidity, uidnext - counts[mailbox_id]
    return taken
