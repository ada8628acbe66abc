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
    """What `doing` gives; as long as it goes on the client is told from time to time."""
    task = asyncio.ensure_future(doing)
    try:
        while not (await asyncio.wait((task,), timeout=INTERVAL))[0]:
            session.server.untagged(response.in_progress(session.tag))
            with contextlib.suppress(ConnectionError):  # who has left asked for it nevertheless
                await session.line.flush()
        return task.result()
    finally:
        task.cancel()
