"""Many pieces of octets in one run, which is taken apart by one step of C, whatever they hold.

Their lengths stand in front, as `struct` wants them: so nobody looks for where one ends, which takes twice as long.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

END = b"."  # of the lengths


def bind(pieces: Iterable[bytes]) -> bytes:
    """The pieces as one."""
    pieces = list(pieces)
    return b"".join([*[b"%ds" % len(piece) for piece in pieces], END, *pieces])


def untie(sheaf: bytes) -> tuple[bytes, ...]:
    """The pieces that were bound."""
    end = sheaf.index(END)
    return struct.unpack_from(sheaf[:end], sheaf, end + 1)
