"""What the store asks of a file system, one method each: so that a test can make any of them fail."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


class Disk:
    """Plain system calls. Errors are OSError, as the system gives them."""

    def create(self, path: Path) -> int:
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

    def rename(self, source: Path, target: Path) -> None:
        """Give the file its place, in one step."""
        source.rename(target)

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
