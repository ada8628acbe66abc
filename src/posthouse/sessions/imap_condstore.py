"""Mod-sequences: which commands ask for them, and what happened since one. RFC 7162."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from posthouse.imap import command
from posthouse.imap.command import StatusItem
from posthouse.imap.fetch import Attribute
from posthouse.imap.search import ModSeq, walk
from posthouse.store import change, mail, mailbox
from posthouse.store.change import Placed
from posthouse.store.engine import Tx

from .selected import Ranges

CAPABILITIES = frozenset({"CONDSTORE", "QRESYNC"})


def enables(wish: command.Command) -> bool:
    """Whether this is a "CONDSTORE enabling command" (§3.1)."""
    match wish:
        case command.Select():
            return wish.condstore
        case command.Status():
            return StatusItem.HIGHESTMODSEQ in wish.items
        case command.Fetch():
            return wish.changed_since is not None or Attribute.MODSEQ in wish.items
        case command.Store():
            return wish.unchanged_since is not None
        case command.Search():
            return any(isinstance(key, ModSeq) for key in walk(wish.key))
        case command.Enable():
            return not CAPABILITIES.isdisjoint(wish.capabilities)
    return False


def since(
    tx: Tx, account_id: int, mailbox_id: int, modseq: int, wanted: Ranges | None
) -> tuple[list[int], list[Placed]]:
    """What a client that knows the mailbox as it was at ``modseq`` has missed, of all UIDs or of some.

    First the UIDs that are gone, ascending; then the messages that came or changed, by UID. What came later than
    ``modseq`` and is gone counts, too (§3.2.6): a client may have seen it before it was told of a later modseq. Where
    removals so long ago are forgotten, every UID that isn't there counts as gone: §3.2.6 lets a server name more than
    the client knew.
    """
    changes = change.changes(tx, account_id, modseq, mailbox_id, passed=True)
    if changes.complete:
        gone = {one.uid for one in changes.vanished}
        missing = sorted(gone if wanted is None else among(gone, wanted))
    else:
        uidnext = mailbox.get(tx, mailbox_id).uidnext
        missing = _gaps(mail.uids(tx, mailbox_id), uidnext, [(1, uidnext)] if wanted is None else wanted)
    return missing, sorted((*changes.new, *changes.changed), key=lambda placed: placed.uid)


def _gaps(uids: Sequence[int], uidnext: int, wanted: Ranges) -> list[int]:
    """The UIDs of ``wanted``, ascending ranges, below ``uidnext`` and without those that are there."""
    there = set(uids)
    return [uid for low, high in wanted for uid in range(low, min(high, uidnext - 1) + 1) if uid not in there]


def among(uids: Iterable[int], ranges: Ranges) -> set[int]:
    """Those of the UIDs that are in the ranges, which ascend and are apart."""
    starts = [low for low, _ in ranges]
    return {uid for uid in uids if (place := bisect_right(starts, uid)) and uid <= ranges[place - 1][1]}
