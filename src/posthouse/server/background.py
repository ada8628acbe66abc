"""What the server does beside the conversations: files of new letters, housekeeping, the search index, bundles of what
lists ask.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from posthouse.sessions.bundling import keep_bundled
from posthouse.store.engine import Store
from posthouse.store.fresh import keep_settled
from posthouse.store.index import keep_indexed
from posthouse.store.tidy import keep_tidy

log = logging.getLogger("posthouse.server")

# Seconds after which a duty that failed is taken up again: long enough for a full disk to be noticed, and cleared.
AGAIN = 60.0
Duty = Callable[[Store], Awaitable[None]]
DUTIES: tuple[Duty, ...] = (keep_settled, keep_tidy, keep_indexed, keep_bundled)


class Background:
    """The duties, each a task of its own, from `start` to `stop`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin all duties."""
        self._tasks = [asyncio.create_task(self._keep(duty)) for duty in DUTIES]

    async def stop(self) -> None:
        """End all duties; what one is in the middle of is finished by the store's threads."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep(self, duty: Duty) -> None:
        """A duty for as long as the server runs: nothing that fails in one is worth the others, or the doors."""
        while True:
            try:
                await duty(self._store)
            except Exception:
                log.exception("%s failed; it is tried again in %d s", duty.__name__, AGAIN)
                await asyncio.sleep(AGAIN)
            else:
                return
