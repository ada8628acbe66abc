"""A kept letter's octets, read where they are sliced: what a search needs of a letter is mostly a small part of it.

A map would do the same, but a disk that fails under it ends the process; here it is an error like others.
"""

from __future__ import annotations

import os
from types import TracebackType


class Octets:
    """An open file, in the place of a `message.mime.Buffer` of which only slices are taken. Errors: OSError.

    ``descriptor`` belongs to it. ``longest``: no slice has more octets; the rest of a longer one is left out.
    """

    def __init__(self, descriptor: int, longest: int) -> None:
        self._longest = longest
        self._file = descriptor

    def __len__(self) -> int:
        return os.fstat(self._file).st_size

    def __getitem__(self, where: slice) -> bytes:
        start, end, _ = where.indices(len(self))
        return os.pread(self._file, min(max(end - start, 0), self._longest), start)

    def __enter__(self) -> Octets:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)
