"""Which of the threads that read is asked: the one that was idle last.

Its connection has the pages and the statements of those who asked before, and the processor's cache may have them, too.
Taken in turn, as a queue takes waiting threads, four of them would each learn everything for themselves. (33 of 43
searches for new words were quicker so, by a fourteenth in the middle.) The others read only while it is busy, and have
nothing in memory until then.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Readers(Generic[T]):
    """What waits to be read, and who is idle. From any thread."""

    def __init__(self) -> None:
        self._waiting: deque[T] = deque()
        self._idle: list[queue.SimpleQueue[T | None]] = []
        self._closed = False
        self._lock = threading.Lock()

    def put(self, wish: T) -> None:
        """Give it to somebody; it waits while all are busy."""
        with self._lock:
            if not self._idle:
                self._waiting.append(wish)
                return
            inbox = self._idle.pop()
        inbox.put(wish)

    def take(self, inbox: queue.SimpleQueue[T | None]) -> T | None:
        """The next wish, for a thread with this `inbox`; None when all are fulfilled, and no more will come. Waits."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            if self._closed:
                return None
            self._idle.append(inbox)
        return inbox.get()

    def close(self) -> None:
        """No more will come."""
        with self._lock:
            self._closed = True
            for inbox in self._idle:
                inbox.put(None)
            self._idle.clear()
