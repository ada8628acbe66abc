"""What a reading passes over although somebody may miss it: told once, at its end, and not file by file."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

log = logging.getLogger("posthouse.files")


class PassedOver:
    """The files and folders that one reading of ``root`` passes over. A context manager: left, it tells of them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._real = root.resolve()
        self._counts: Counter[str] = Counter()
        self._first: dict[str, Path] = {}

    def is_link_out(self, path: Path) -> bool:
        """Whether it is a link that leads out of the root, and so passed over.

        Whoever owns a folder can put links to files into it that only the reader of it may see: a key, a neighbour's
        letters. Read for them, they would be theirs.
        """
        if not path.is_symlink() or path.resolve().is_relative_to(self._real):
            return False
        self.note(path, f"leads out of {self._root}: import what it leads to by its own name")
        return True

    def note(self, path: Path, why: str) -> None:
        """This one is passed over; ``why``, as in "is empty"."""
        self._counts[why] += 1
        self._first.setdefault(why, path)

    def __enter__(self) -> PassedOver:
        return self

    def __exit__(self, *_: object) -> None:
        for why, count in self._counts.items():
            others = f" (and {count - 1} more like it)" if count > 1 else ""
            log.warning("passed over %s%s, which %s", self._first[why], others, why)
