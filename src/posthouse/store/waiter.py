"""Somebody who waits for a thread of the store, on an event loop or blocking, and how they are woken."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

Future: TypeAlias = "asyncio.Future[Any] | concurrent.futures.Future[Any]"


class Waiter(Protocol):
    """A result on its way to whoever waits for it. `loop` is None for a caller that blocks."""

    loop: asyncio.AbstractEventLoop | None
    future: Future
    result: Any
    error: BaseException | None


def new_future(loop: asyncio.AbstractEventLoop | None) -> Future:
    """What a caller on the loop, or one that blocks, waits for."""
    return concurrent.futures.Future() if loop is None else loop.create_future()


def settle(waiters: Sequence[Waiter]) -> None:
    """Give all of them their results: one wake-up for each event loop, however many wait there."""
    loops: dict[asyncio.AbstractEventLoop, list[Waiter]] = {}
    for waiter in waiters:
        if waiter.loop is None:
            _settle(waiter)
        else:
            loops.setdefault(waiter.loop, []).append(waiter)
    for loop, theirs in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(settle_here, theirs)


def settle_here(waiters: Sequence[Waiter]) -> None:
    """`settle` for those of one event loop, on it."""
    for waiter in waiters:
        _settle(waiter)


def _settle(waiter: Waiter) -> None:
    """Hand over what came out. The caller may have gone."""
    if waiter.future.done():
        return
    if waiter.error is None:
        waiter.future.set_result(waiter.result)
    else:
        waiter.future.set_exception(waiter.error)
