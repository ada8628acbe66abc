"""Values that are taken before it is their turn: while the server thinks about one letter, the next is composed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """The values of an iterable; `look` takes some of them early. What the iterable raises is raised by `take`, after
    the values before it: a letter that is under way isn't lost over the one behind it.
    """

    def __init__(self, values: Iterable[T]) -> None:
        self._values = iter(values)
        self._waiting: deque[T] = deque()
        self._error: Exception | None = None
        self._ended = False

    def look(self, count: int) -> None:
        """Have so many values wait, or as many as there are."""
        while len(self._waiting) < count and not self._ended:
            try:
                self._waiting.append(next(self._values))
            except StopIteration:
                self._ended = True
            except Exception as error:
                self._error, self._ended = error, True

    @property
    def next(self) -> T | None:
        """What `take` will return, if it returns."""
        self.look(1)
        return self._waiting[0] if self._waiting else None

    def take(self) -> T | None:
        """The next value; None at the end."""
        self.look(1)
        if self._waiting:
            return self._waiting.popleft()
        error, self._error = self._error, None
        if error is not None:
            raise error
        return None
