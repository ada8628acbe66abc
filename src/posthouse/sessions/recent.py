r"""``\Recent``: which session is the first to be told of a message. RFC 3501 §2.3.2; 4rev2 has no such thing.

The store hands each message to one session (`store/recent`). That is a write, and when a letter comes for a mailbox
that 5,000 connections wait for, all of them would ask. So the first one of a process asks, and the others know it by
then.
"""

from __future__ import annotations

import asyncio
import contextlib

from posthouse.errors import StoreError
from posthouse.store import recent
from posthouse.store.engine import Store

# Seconds that reading may be held up by those who write: as long as a large transaction takes.
PATIENCE = 1.0
# Mailboxes of which a process remembers it. What is forgotten costs a write more, and nothing else.
MOST = 10_000

Ranges = list[tuple[int, int]]


class Recents:
    """Of the mailboxes that sessions of this process were told about. For the event loop."""

    def __init__(self) -> None:
        self._stops: dict[int, int] = {}  # by mailbox: all messages below this UID are some session's

    async def take(self, store: Store, mailbox_id: int, start: int, stop: int) -> Ranges:
        """The messages below UID ``stop`` that no session was told of: they are the caller's now.

        ``start``: the first one that can be among them, as the caller knows it.
        """
        before = self._stops.get(mailbox_id, 0)
        if before >= stop:
            return []
        self.taken(mailbox_id, stop)
        asking = asyncio.ensure_future(store.write(recent.take, mailbox_id, stop))
        asking.add_done_callback(lambda asked: self._answered(mailbox_id, asked))
        await asyncio.wait({asking}, timeout=PATIENCE)
        with contextlib.suppress(StoreError):
            if asking.done():
                return asking.result()
        # The disk is full, or others hold up who wants to write: what can't be found out "SHOULD be considered recent".
        return [(max(start, before), stop - 1)]

    def _answered(self, mailbox_id: int, asked: asyncio.Future[Ranges]) -> None:
        """What couldn't be written, the next session tries again."""
        if asked.cancelled() or asked.exception() is not None:
            self._stops.pop(mailbox_id, None)

    def taken(self, mailbox_id: int, stop: int) -> None:
        """All messages below this UID are some session's."""
        self._stops[mailbox_id] = max(stop, self._stops.get(mailbox_id, 0))
        if len(self._stops) > MOST:
            del self._stops[next(iter(self._stops))]
