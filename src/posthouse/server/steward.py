"""The steward: a process beside the server's, for what belongs to no conversation (`background.py`).

To make files and to index letters takes about as long as to deliver them. In the server's process the threads that do
it would stand in line with the event loop for the interpreter's lock, each time that one of them comes back from the
disk; beside it they have a processor of their own, where there is another. When the steward ends, whatever ends it, a
server takes up its duties (`turn.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from pathlib import Path
from types import TracebackType

from posthouse.errors import StoreError
from posthouse.store.engine import Store

from . import large_pages
from .background import Background
from .turn import Turn

log = logging.getLogger("posthouse.server")

# Seconds that a server leaves the duties to its steward, which begins when all doors are open.
PATIENCE = 3.0
# Conversations come first where processors are short (nice(2)).
MODESTY = 5
IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)  # the server is told, and tells


def duties(store: Store) -> Turn:
    """What one process does beside the conversations of all."""
    background = Background(store)
    return Turn(store.data / "run" / "chores.lock", background.start, background.stop)


class Steward:
    """The process, from `with` to its end. To be begun before there is a thread or a socket, which it would inherit."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._process = 0
        self._say = -1

    def __enter__(self) -> Steward:
        hear, self._say = os.pipe()
        self._process = os.fork()
        if self._process == 0:
            os.close(self._say)
            self._work(hear)
        os.close(hear)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        os.close(self._say)
        os.waitpid(self._process, 0)

    def begin(self) -> None:
        """The store is up to date, and all doors are open."""
        with contextlib.suppress(BrokenPipeError):  # it has ended: a server does it
            os.write(self._say, b"\n")

    def _work(self, hear: int) -> None:
        """What the process does; it never returns."""
        status = 1
        try:
            for number in IGNORED:
                signal.signal(number, signal.SIG_IGN)
            os.nice(MODESTY)
            if os.read(hear, 1):
                asyncio.run(_keep(self._data, hear))
            status = 0
        except StoreError as error:
            log.error("the steward can't begin, the server does its work: %s", error)
        except BaseException:
            log.exception("the steward has failed, the server does its work")
        finally:
            os._exit(status)


async def _keep(data: Path, lifeline: int) -> None:
    """The duties, until the server has gone."""
    gone = asyncio.Event()
    asyncio.get_running_loop().add_reader(lifeline, gone.set)
    store = await asyncio.to_thread(Store.open, data)
    turn = duties(store)
    await turn.start()
    asking = asyncio.create_task(large_pages.keep_asking())
    await gone.wait()
    asking.cancel()
    asyncio.get_running_loop().remove_reader(lifeline)
    await turn.stop()
    await asyncio.to_thread(store.close)
