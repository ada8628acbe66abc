"""Messages on their way into mailboxes: the mailboxes' counters, and the UIDs that the messages get."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from posthouse.errors import NotFound

from .portion import changes

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
    """Make room in each mailbox, which is named once: its UIDVALIDITY, and the first of as many new UIDs.

    Errors: NotFound for a mailbox that is gone.
    """
    counts = {one.mailbox_id: one.messages for one in coming}
    taken = {}
    for among, (modseq, messages, unseen, deleted, size), params in changes(coming):
        for mailbox_id, uidvalidity, uidnext in tx.all(
            f"UPDATE mailbox SET highestmodseq = {modseq}, uidnext = uidnext + {messages},"  # noqa: S608
            f" messages = messages + {messages}, unseen = unseen + {unseen}, deleted = deleted + {deleted},"
            f" size = size + {size} WHERE id IN ({among}) RETURNING id, uidvalidity, uidnext",
            **params,
        ):
            taken[mailbox_id] = uidvalidity, uidnext - counts[mailbox_id]
    if len(taken) < len(counts):
        raise NotFound("there is no such mailbox")
    return taken
