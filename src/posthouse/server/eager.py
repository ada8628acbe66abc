"""Coroutines that begin where they are called, and become a task only if they have to wait.

Most commands of a mail protocol are answered from memory. A task for each would be made, put in the event loop's queue,
and taken out of it in the next turn, which costs more than many an answer does. (`asyncio.eager_task_factory` is this
from Python 3.12 on, for every task of a loop.)

What runs before the first waiting is in no task: `asyncio.current_task` has none there, so a coroutine that begins with
`asyncio.timeout` has to be given a task by whoever calls it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any


def begin(work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
    """Run it until it waits; the task that goes on with it, or None where it has ended."""
    try:
        waiting = work.send(None)
    except StopIteration:
        return None
    if waiting is not None:
        # Until the task has it: else nobody could wait for the same future before the loop's next turn.
        waiting._asyncio_future_blocking = False
    return asyncio.get_running_loop().create_task(_go_on(work, waiting))


async def _go_on(work: Coroutine[Any, Any, None], waiting: Any) -> None:
    if waiting is not None:
        waiting._asyncio_future_blocking = True  # as `await` has left it: a task asks for that
    await _rest(work, waiting)


@coroutine
def _rest(work: Coroutine[Any, Any, None], waiting: Any) -> Generator[Any, Any, None]:
    """What is left of a coroutine that waits for something (a future, or None for the loop's next turn)."""
    while True:
        failed: BaseException | None = None
        try:
            yield waiting
        except BaseException as error:  # the task is cancelled: the coroutine decides
            failed = error
        try:
            waiting = work.send(None) if failed is None else work.throw(failed)
        except StopIteration:
            return
