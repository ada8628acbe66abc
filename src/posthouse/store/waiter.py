"""Somebody who waits for a thread of the store, on an event loop or blocking, and how they are woken."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
from collections.abc import Sequence
from typing import Any


class Waiter:
    """A result on its way to whoever waits for it. `loop` is None for a caller that blocks."""

    __slots__ = ("error", "future", "loop", "result")

    def __init__(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self.loop = loop
        self.future: asyncio.Future[Any] | concurrent.futures.Future[Any]
        self.future = concurrent.futures.Future() if loop is None else loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        """Hand over what came out. The caller may have gone."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


def settle(waiters: Sequence[Waiter]) -> None:
    """Give all of them their results: one wake-up for each event loop, however many wait there."""
    loops: dict[asyncio.AbstractEventLoop, list[Waiter]] = {}
    for waiter in waiters:
        if waiter.loop is None:
            waiter.settle()
        else:
            loops.setdefault(waiter.loop, []).append(waiter)
    for loop, theirs in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(_settle_here, theirs)


def _settle_here(waiters: list[Waiter]) -> None:
    for waiter in waiters:
        waiter.settle()
