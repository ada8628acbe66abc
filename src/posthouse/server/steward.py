"""The steward: a process beside the server's, for what belongs to no conversation (`background.py`).

To make files and to index letters takes about as long as to deliver them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path
from typing import ClassVar

from posthouse.store.engine import Store

from . import large_pages
from .background import Background
from .companion import Companion
from .turn import Turn

# Seconds that a server leaves the duties to its steward, which begins when all doors are open.
PATIENCE = 3.0
# Conversations come first where processors are short (nice(2)).
MODESTY = 5


def duties(store: Store) -> Turn:
    """What one process does beside the conversations of all."""
    background = Background(store)
    return Turn(store.data / "run" / "chores.lock", background.start, background.stop)


class Steward(Companion):
    """The process."""

    name: ClassVar[str] = "steward"

    def begin(self) -> None:
        """The store is up to date, and all doors are open."""
        assert self._line is not None
        with contextlib.suppress(OSError):  # it has ended: a server does it
            self._line.send(b"+")

    def work(self, line: socket.socket) -> None:
        os.nice(MODESTY)
        if line.recv(1):
            asyncio.run(_keep(self._data, line))


async def _keep(data: Path, line: socket.socket) -> None:
    """The duties, until the server has gone."""
    gone = asyncio.Event()
    asyncio.get_running_loop().add_reader(line, gone.set)
    store = await asyncio.to_thread(Store.open, data)
    turn = duties(store)
    await turn.start()
    asking = asyncio.create_task(large_pages.keep_asking())
    await gone.wait()
    asking.cancel()
    asyncio.get_running_loop().remove_reader(line)
    await turn.stop()
    await asyncio.to_thread(store.close)
