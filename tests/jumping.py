"""An event loop whose clock jumps to the next timer when nothing else happens: minutes of waiting take no time.

Sockets are real, and so is everything that threads do; where the loop would only wait for a timer, it is that time.
While a thread is at work, or waits for the disk or for a busy processor, time goes as it does: whoever waits for that
thread would run out of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

# Seconds in which nothing may happen before time jumps: for what is on its way through the kernel, or in a thread.
GRACE = 0.005


class _Selector(selectors.DefaultSelector):
    jumped = 0.0
    jumps = True

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= GRACE or not self.jumps:
            return super().select(timeout)
        ready = super().select(GRACE)
        if not ready and not _others_work():
            self.jumped += timeout - GRACE
        return ready


def _others_work() -> bool:
    """Whether another thread of this process does something: Linux says so, in /proc/pid/task/tid/stat."""
    for task in Path("/proc/self/task").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state = (task / "stat").read_text().rpartition(") ")[2][:1]
            if state in "RD" and int(task.name) != threading.get_native_id():
                return True
    return False


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.jumping = _Selector()
        super().__init__(self.jumping)

    def time(self) -> float:
        return time.monotonic() + self.jumping.jumped


def run(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`."""
    loop = _Loop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        try:
            return runner.run(main)
        finally:
            # From Python 3.12 on, at the end threads are waited for, for five minutes of the loop's clock.
            loop.jumping.jumps = False
