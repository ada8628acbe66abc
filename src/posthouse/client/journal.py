"""Which of many letters have gone out: a file that lets a mailing that was cut off go on where it was.

One line a recipient: a digest of the letter, regardless of its date and Message-ID, and the address. Only what a server
has accepted is in it, and what may have gone out: nothing is sent twice.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from .message import Message


class Journal:
    """The journal at ``path``; None: nothing is remembered."""

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self._done: set[str] = set()
        self._file = None
        if path is not None:
            target = Path(path)
            if target.exists():
                # A line that was cut off by a crash is of no letter.
                self._done = set(target.read_text("utf-8").splitlines())
            self._file = target.open("a", encoding="utf-8")

    def knows(self, letter: Message, recipient: str) -> bool:
        """Whether this letter went to this recipient before."""
        return bool(self._done) and _line(letter, recipient) in self._done

    def note(self, letter: Message, recipient: str) -> None:
        """It has gone out, as far as anybody knows."""
        if self._file is not None:
            self._file.write(_line(letter, recipient) + "\n")
            self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()


def _line(letter: Message, recipient: str) -> str:
    return f"{letter.digest} {recipient}"
