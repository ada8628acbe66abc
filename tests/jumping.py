"""An event loop whose clock jumps to the next timer when nothing else happens: minutes of waiting take no time.

Sockets are real, and so is everything that threads do; where the loop would only wait for a timer, it is that time.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

# Seconds in which nothing may happen before time jumps: for what is on its way through the kernel, or in a thread.
GRACE = 0.005


class _Selector(selectors.DefaultSelector):
    jumped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= GRACE:
            return super().select(timeout)
        ready = super().select(GRACE)
        if not ready:
            self.jumped += timeout - GRACE
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Selector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return time.monotonic() + self._jumping.jumped


def run(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main)
