"""A disk for tests that fails when it is told to."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

from posthouse.store.disk import Disk

ANY = "any step"
MANY = 10**9


class FaultyDisk(Disk):
    """A disk on which one step, or any, fails, as often as it is told to."""

    def __init__(self) -> None:
        self.fails = ""  # the name of a step, or ANY
        self.error = errno.EIO
        self.after = 0  # so many times the step still works
        self.times = MANY  # so many times it fails then
        self.steps: list[str] = []
        self.failed: list[str] = []
        self._counting = threading.Lock()
        self.slow: tuple[threading.Event, threading.Event] | None = None  # entered, leave: of the next sync

    def _step(self, name: str) -> None:
        self.steps.append(name)
        with self._counting:  # several threads work on files
            if self.fails not in (name, ANY) or self.times == 0:
                return
            if self.after > 0:
                self.after -= 1
                return
            self.times -= 1
            self.failed.append(name)
        raise OSError(self.error, os.strerror(self.error))

    def create(self, path: str) -> int:
        self._step("create")
        return super().create(path)

    def write(self, descriptor: int, data: bytes) -> None:
        self._step("write")
        super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        self._step("sync")
        if self.slow is not None:
            (entered, leave), self.slow = self.slow, None
            entered.set()
            assert leave.wait(10)
        super().sync(descriptor)

    def sync_file_system(self, descriptor: int) -> None:
        self._step("sync_file_system")
        super().sync_file_system(descriptor)

    def rename(self, source: str, target: str) -> None:
        self._step("rename")
        super().rename(source, target)

    def make_directory(self, path: Path) -> None:
        self._step("make_directory")
        super().make_directory(path)

    def sync_directory(self, path: Path) -> None:
        self._step("sync_directory")
        super().sync_directory(path)
