"""How far a long command is: a bar on a terminal, on standard error; nothing on a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Bar:
    """What a command tells of its progress. Without a terminal nothing comes of it."""

    def __init__(self, progress: Progress | None = None, task: TaskID | None = None) -> None:
        self._progress = progress
        self._task = task

    def count(self, messages: int) -> None:
        """So many messages are done."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, messages=f"{messages} messages")

    def tell(self, done: int, total: int) -> None:
        """So much of all is done; a total of 0 is not known yet."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=done, total=total or None)

    def source(self, name: str) -> Callable[[int, int], None] | None:
        """Begin with a further source; what to tell of it. None where nobody looks: no reader need find a total."""
        if self._progress is None or self._task is None:
            return None
        self._progress.reset(self._task, description=name, total=None)
        return self.tell


@contextmanager
def bar(description: str, *, as_json: bool = False) -> Iterator[Bar]:
    """A bar for as long as the command works."""
    if as_json or not sys.stderr.isatty():
        yield Bar()
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.TextColumn("{task.fields[messages]}"),
        progress.TimeElapsedColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True)) as shown:
        yield Bar(shown, shown.add_task(description, total=None, messages=""))
