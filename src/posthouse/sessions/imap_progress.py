"""INPROGRESS: who waits for a command that takes long is told that it goes on (RFC 9585)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar

from posthouse.imap import command, response

if TYPE_CHECKING:
    from .imap import ImapSession

T = TypeVar("T")
INTERVAL = 10.0  # seconds; §4: every 10 to 15
# Commands that may take long before they say anything. Not FETCH: its answer streams, and nothing can be said inside of
# a literal.
LONG = (
    command.Search,
    command.Sort,
    command.Thread,
    command.MultiSearch,
    command.Store,
    command.Copy,
    command.Move,
    command.Expunge,
    command.Close,
    command.Delete,
    command.Rename,
)


async def keep_told(session: ImapSession, doing: Awaitable[T]) -> T:
    """What `doing` gives; as long as it goes on the client is told from time to time.

    A timer does that, and not a task that waits for another: most commands have ended long before.
    """
    telling = _Telling(session)
    try:
        return await doing
    finally:
        telling.end()


class _Telling:
    """Says every INTERVAL seconds that a command goes on, until its end."""

    def __init__(self, session: ImapSession) -> None:
        self._session = session
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(INTERVAL, self._again)

    def end(self) -> None:
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _again(self) -> None:
        if self._task is None or self._task.done():  # who doesn't read is told nothing more
            self._task = self._loop.create_task(_tell(self._session))
        self._timer = self._loop.call_later(INTERVAL, self._again)


async def _tell(session: ImapSession) -> None:
    session.server.untagged(response.in_progress(session.tag))
    with contextlib.suppress(ConnectionError):  # who has left asked for it nevertheless
        await session.line.flush()
