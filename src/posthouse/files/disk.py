"""What the readers and writers need of a file system: new files that survive a crash, and names in order."""

from __future__ import annotations

import heapq
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, TextIO

from posthouse.errors import MailFileError

# Names of a folder that are sorted in memory (about 10 MB); of more, sorted runs go to temporary files.
_RUN = 100_000


def create_file(path: Path) -> BinaryIO:
    """Open a new file for writing; MailFileError if something has its name."""
    try:
        return path.open("xb")
    except FileExistsError as error:
        raise MailFileError(f"{path} exists already", advice="Choose another name, or remove it first.") from error


def close_durably(file: BinaryIO) -> None:
    """Close a file when its octets are on disk."""
    with file:
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sorted_names(folder: Path, key: Callable[[str], str] | None = None) -> Iterator[str]:
    """The names in a folder in the order of ``key``, but for hidden ones. A missing folder has none.

    The folder is listed when the first name is asked for; however many names there are, memory stays the same.
    """
    names: list[str] = []
    runs: list[TextIO] = []
    with ExitStack() as stack:
        try:
            entries = stack.enter_context(os.scandir(folder))
        except FileNotFoundError:
            return
        for entry in entries:
            if not entry.name.startswith("."):
                names.append(entry.name)
            if len(names) >= _RUN:
                names.sort(key=key)
                # A name with a line break would be two in the file; there are few of these, they stay here.
                odd = [name for name in names if "\n" in name]
                run = stack.enter_context(
                    tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogateescape", newline="\n")
                )
                runs.append(run)
                run.writelines([f"{name}\n" for name in names if "\n" not in name])
                run.seek(0)
                names = odd
        names.sort(key=key)
        yield from heapq.merge(names, *[(line.rstrip("\n") for line in run) for run in runs], key=key)
