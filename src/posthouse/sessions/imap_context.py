"""Searches whose results are kept up to date: CONTEXT=SEARCH and CONTEXT=SORT, RFC 5267 §4."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from posthouse.errors import NotFound
from posthouse.imap import command, response
from posthouse.imap.fetch import Item
from posthouse.imap.sequence import SAVED, SequenceSet
from posthouse.imap.syntax import MAX_NUMBER
from posthouse.store import search
from posthouse.store import sort as ordered
from posthouse.store.change import Changes
from posthouse.store.sort import Criterion

from .imap_answer import Done, Handler

if TYPE_CHECKING:
    from posthouse.store.engine import Tx

    from .imap import ImapSession

# Searches that are kept up to date for one client: each costs a query where something has changed.
MAX_CONTEXTS = 16

# Stands in a key that lasts for the messages that are \Recent, of which more will come; no message has the UID 0.
RECENT = search.Uids(((0, 0),))

Ranges = list[tuple[int, int]]
Updates = list[tuple[int, SequenceSet]]


class Context:
    """One search, and its results as the client knows them."""

    def __init__(
        self,
        tag: str,
        key: search.Key,
        criteria: Sequence[Criterion],
        uids: Iterable[int],
        *,
        by_uid: bool,
        items: Sequence[Item] = (),
        mailbox: tuple[bytes, int] | None = None,
    ) -> None:
        """Without ``criteria`` the results are in the order of the mailbox. ``by_uid``: they are told as UIDs.

        ``items``: what the client is told of new messages among them. ``mailbox``: as `response.esearch` takes it.
        """
        self.tag = tag
        self.by_uid = by_uid
        self.items = items
        self._mailbox = mailbox
        self._key = key
        self.about_recent = with_recent(key, []) != key
        self._criteria = criteria
        self._uids = array("L", uids)
        self._touched: set[int] = set()  # what has changed, and wasn't looked at yet
        self._fresh: list[int] | None = None  # the results as they are now, where they aren't told

    def note(self, changes: Changes) -> None:
        """Something happened to messages."""
        for placed in (changes.new, changes.changed, changes.vanished):
            self._touched.update(one.uid for one in placed)

    def look(self, tx: Tx, mailbox_id: int, recent: Ranges | None = None, last: int = MAX_NUMBER) -> None:
        r"""Find out what the results are now, of the UIDs up to one. ``recent``: those that are ``\Recent``, where it
        is about them."""
        if not self._touched:
            return
        key = self._key if recent is None else search.And((search.Uids(((1, last),)), with_recent(self._key, recent)))
        try:
            if self._criteria:
                self._fresh = ordered.sort(tx, mailbox_id, key, self._criteria)
            else:
                touched = tuple(SAVED.resolve(0, ((uid, uid) for uid in self._touched)))
                found = search.search(tx, mailbox_id, search.And((search.Uids(touched), key)))
                self._fresh = sorted({*self._uids}.difference(self._touched).union(found))
        except NotFound:  # the mailbox was deleted
            self._fresh = []
        self._touched.clear()

    def removed(self, shown: Callable[[Sequence[int]], Sequence[int]]) -> bytes | None:
        """REMOVEFROM (§4.3.4), if anything is to be taken out. ``shown``: how UIDs are told."""
        if self._fresh is None:
            return None
        there = set(self._fresh)
        gone = [place for place, uid in enumerate(self._uids) if uid not in there]
        if not gone:
            return None
        updates = self._updates(gone, self._uids, shown)
        self._uids = array("L", (uid for uid in self._uids if uid in there))
        # The last first: no position shifts.
        return response.esearch(self.tag, uid=self.by_uid, removed=updates[::-1], mailbox=self._mailbox)

    def among(self, new: Iterable[int]) -> list[int]:
        """Which of the new messages are among the results."""
        there = set(self._uids if self._fresh is None else self._fresh)
        return [uid for uid in new if uid in there]

    def added(self, shown: Callable[[Sequence[int]], Sequence[int]]) -> bytes | None:
        """ADDTO (§4.3.3), if anything is to be put in; call `removed` before."""
        if self._fresh is None:
            return None
        fresh, self._fresh = self._fresh, None
        known = set(self._uids)
        new = [place for place, uid in enumerate(fresh) if uid not in known]
        if not new:
            return None
        updates = self._updates(new, fresh, shown)
        self._uids = array("L", fresh)
        return response.esearch(self.tag, uid=self.by_uid, added=updates, mailbox=self._mailbox)

    def _updates(
        self, places: Sequence[int], uids: Sequence[int], shown: Callable[[Sequence[int]], Sequence[int]]
    ) -> Updates:
        """The messages at these places, in runs with the position of each; all with 0 in the mailbox's order."""
        if not self._criteria:
            return [(0, SequenceSet.of(shown([uids[place] for place in places])))]
        runs: list[list[int]] = []
        for place in places:
            if runs and runs[-1][-1] + 1 == place:
                runs[-1].append(place)
            else:
                runs.append([place])
        return [(run[0] + 1, SequenceSet.in_order(shown([uids[place] for place in run]))) for run in runs]


def with_recent(key: search.Key, recent: Ranges) -> search.Key:
    """The key with these messages in the place of RECENT."""
    match key:
        case search.And(keys):
            return search.And(tuple([with_recent(one, recent) for one in keys]))
        case search.Or(keys):
            return search.Or(tuple([with_recent(one, recent) for one in keys]))
        case search.Not(inner):
            return search.Not(with_recent(inner, recent))
    return search.Uids(tuple(recent)) if key == RECENT else key


async def cancel(session: ImapSession, wish: command.CancelUpdate) -> Done:
    """CANCELUPDATE (§4.3.5)."""
    for tag in wish.tags:
        session.selected_mailbox.contexts.pop(tag, None)
    return Done("CANCELUPDATE completed")


COMMANDS: dict[type, Handler] = {command.CancelUpdate: cancel}
