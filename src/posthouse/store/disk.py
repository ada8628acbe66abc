"""What the store asks of a file system, one method each: so that a test can make any of them fail."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path

# Before Linux 5.8, syncfs says that all is well when it isn't (syncfs(2)).
SYNCFS_TELLS = (5, 8)


class Disk:
    """Plain system calls. Errors are OSError, as the system gives them."""

    def create(self, path: str) -> int:
        """A new file, for us alone; the descriptor is for writing and reading."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def write(self, descriptor: int, data: bytes) -> None:
        """All of it. A small write goes to the page cache and doesn't wait for the disk."""
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    def sync(self, descriptor: int) -> None:
        """The file's octets and its length are on disk when this returns."""
        os.fsync(descriptor)

    @property
    def syncs_file_systems(self) -> bool:
        """Whether `sync_file_system` can be had."""
        return _syncfs() is not None

    def sync_file_system(self, descriptor: int) -> None:
        """All that was written to the file system is on disk, or what failed since `descriptor`, of anything there, was
        opened is an error. It waits for what others write there, too."""
        syncfs = _syncfs()
        assert syncfs is not None
        if syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def rename(self, source: str, target: str) -> None:
        """Give the file its place, in one step."""
        os.rename(source, target)  # noqa: PTH104  (to make a Path takes longer)

    def make_directory(self, path: Path) -> None:
        """The directory is there, and its parent knows it after a crash too."""
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
        self.sync_directory(path.parent)  # also when another process has just made it, and not yet synced

    def sync_directory(self, path: Path) -> None:
        """The names in the directory are on disk when this returns."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@functools.cache
def _syncfs() -> Callable[[int], int] | None:
    """The system's syncfs, where it is there and tells of failures."""
    if sys.platform != "linux":
        return None
    release = tuple(int(number) for number in os.uname().release.split("-")[0].split(".")[:2] if number.isdigit())
    if release < SYNCFS_TELLS:
        return None
    function: Callable[[int], int] | None = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    return function
