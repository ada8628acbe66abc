"""What one process does for all: the relay, housekeeping, the index. Whose turn it is, a lock on a file tells.

The lock goes with its process, however that ends: the next one that asks has it, and takes up what was left.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from posthouse.errors import StoreError

log = logging.getLogger("posthouse.server")

# Seconds until it is asked again whether the one whose turn it was has gone.
ASK_SECONDS = 1.0


class Turn:
    """Runs `begin` once it is this process's turn, and `end` when it is over."""

    def __init__(self, path: Path, begin: Callable[[], Awaitable[None]], end: Callable[[], Awaitable[None]]) -> None:
        """``path``: the file whose lock tells."""
        self._path = path
        self._begin = begin
        self._end = end
        self._lock = -1
        self._waiting: asyncio.Task[None] | None = None

    async def start(self, patience: float = 0.0) -> None:
        """Take the turn, or wait for it beside everything else. Raises what `begin` does when it is free at once.

        ``patience``: so many seconds it is left to another that is about to begin.
        """
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not patience and self._take():
            await self._begin()
        else:
            self._waiting = asyncio.create_task(self._wait(patience or ASK_SECONDS))

    async def stop(self) -> None:
        """End what was begun, then let another have the turn."""
        if self._waiting is not None:
            self._waiting.cancel()
            await asyncio.gather(self._waiting, return_exceptions=True)
        if self._lock >= 0:
            await self._end()
            self._release()

    def _take(self) -> bool:
        lock = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._lock = lock
        return True

    def _release(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._lock)
        self._lock = -1

    async def _wait(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            seconds = ASK_SECONDS
            if self._lock < 0 and not self._take():
                continue
            try:
                await self._begin()
                log.info("the turn for %s is this process's now", self._path.stem)
                return
            except StoreError as error:  # the turn is kept: nobody else would fare better with this store
                log.error("%s: it can't be taken up, trying again: %s", self._path.stem, error)
