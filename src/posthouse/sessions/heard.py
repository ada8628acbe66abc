"""What many sessions of one mailbox are told at the same moment is read once for all of them.

When a letter comes for a mailbox that 5,000 connections wait for, each of them asks what changed since the same modseq.
A trip to a thread for each would take seconds. So the hint is passed on when the answer is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from posthouse.store import change
from posthouse.store.change import Changes
from posthouse.store.engine import Store
from posthouse.store.mailbox import Mailbox

# Seconds for which an answer is kept. Sessions are woken at once; a hint that came in their quiet time comes later.
KEPT = 5.0


@dataclass(slots=True)
class Heard:
    """Of the mailboxes that sessions of this process wait for. For the event loop."""

    _kept: dict[tuple[int, int], Changes] = field(default_factory=dict)  # by mailbox, and the modseq before
    _waiting: dict[tuple[int, int], list[Callable[[], None]]] = field(default_factory=dict)

    def read(self, store: Store, box: Mailbox, since: int, hinted: int, then: Callable[[], None]) -> None:
        """Call ``then``, soon or now, when `found` knows; or when it can't be read: then who asks the store is told."""
        asked = box.id, since
        if self.found(box, since, hinted) is not None:
            then()
        elif asked in self._waiting:
            self._waiting[asked].append(then)
        else:
            self._waiting[asked] = [then]
            reading = asyncio.ensure_future(store.read(change.changes, box.account_id, since, box.id))
            reading.add_done_callback(lambda done: self._came(asked, done))

    def found(self, box: Mailbox, since: int, hinted: int) -> Changes | None:
        """What changed after ``since``, all of it up to the modseq that a hint spoke of; None: that isn't known."""
        found = self._kept.get((box.id, since))
        return None if found is None or found.modseq < hinted else found

    def _came(self, asked: tuple[int, int], reading: asyncio.Future[Changes]) -> None:
        if not reading.cancelled() and reading.exception() is None:
            found = self._kept[asked] = reading.result()
            reading.get_loop().call_later(KEPT, self._forget, asked, found)
        for then in self._waiting.pop(asked):
            then()

    def _forget(self, asked: tuple[int, int], found: Changes) -> None:
        if self._kept.get(asked) is found:
            del self._kept[asked]
