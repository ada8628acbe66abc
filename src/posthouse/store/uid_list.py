"""The UIDs of mailboxes with holes, kept from one selection to the next.

Where messages were removed from the middle, a mailbox's UIDs are read row by row: half a second of a million. So the
last ones are kept, with the modseq up to which they hold, and only what changed since is asked for. Sessions share
them: they are never changed, only replaced.
"""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import mail

if TYPE_CHECKING:
    from .engine import Tx
    from .mailbox import Mailbox

# UIDs that are kept in all, 4 octets each; of mailboxes that weren't selected for the longest time they go first.
MOST = 4_000_000
# So many are worth keeping: fewer are read in a few milliseconds.
FEW = 5_000


@dataclass(frozen=True, slots=True)
class _Kept:
    uidvalidity: int
    modseq: int
    uids: array[int]


class UidLists:
    """The lists of one process. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._lists: OrderedDict[int, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many UIDs are kept."""
        return sum(len(kept.uids) for kept in self._lists.values())

    def uids(self, tx: Tx, box: Mailbox) -> Sequence[int]:
        """All UIDs in the mailbox, ascending, as `mail.uids`; `box` is what the same transaction says of it."""
        together = mail.uids_together(tx, box.id)
        if together is not None:
            return together
        with self._lock:
            kept = self._lists.get(box.id)
        found = None if kept is None else self._brought_up_to_date(tx, box, kept)
        if found is None:
            found = array("I", mail.uids(tx, box.id))
        if len(found) > FEW:
            self._keep(box, found)
        return found

    def _brought_up_to_date(self, tx: Tx, box: Mailbox, kept: _Kept) -> array[int] | None:
        """The list as it is now; None where that can't be told, as in a snapshot older than it."""
        if kept.uidvalidity != box.uidvalidity or kept.modseq > box.highestmodseq:
            return None
        if kept.modseq == box.highestmodseq:
            return kept.uids
        changed = mail.uids_changed(tx, box.account_id, box.id, kept.modseq)
        if changed is None:
            return None
        new, gone = changed
        if gone:
            absent = set(gone)
            found = array("I", (uid for uid in kept.uids if uid not in absent))
        else:
            found = kept.uids[:]
        found.extend(new)
        return found if len(found) == box.exists else None

    def _keep(self, box: Mailbox, uids: array[int]) -> None:
        with self._lock:
            self._lists[box.id] = _Kept(box.uidvalidity, box.highestmodseq, uids)
            self._lists.move_to_end(box.id)
            while len(self) > MOST:
                self._lists.popitem(last=False)
