"""Large pages: memory in pieces of 2 MB, where the system leaves that to programs.

A processor knows where some thousand pages are. Of pages of 4 KB the interpreter's objects alone are more, and each
time that a process has slept, nearly every object it comes by has to be found again: a server's process sleeps several
times for a letter. Debian gives large pages to all programs, Ubuntu and others to those that ask (madvise(2)).
"""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# madvise(2): for what comes to lie there from now on, and for what lies there already (Linux 6.1).
MADV_HUGEPAGE, MADV_COLLAPSE = 14, 25
SETTINGS = Path("/sys/kernel/mm/transparent_hugepage")
AREAS = Path("/proc/self/smaps")
# Seconds until memory is looked at first: a process that ends sooner has no use for it. Twice as many lie before each
# next time, up to LONGEST.
FIRST, LONGEST = 2.0, 600.0


class Area(NamedTuple):
    """Addresses that belong together: from `start` up to `end`. `resident`: octets of them that are in memory."""

    start: int
    end: int
    resident: int
    flags: frozenset[bytes]  # proc(5), VmFlags


async def keep_asking() -> None:
    """Ask, and again as memory grows, until cancelled, or until it is clear that programs have no say in it."""
    pause = FIRST
    while True:
        await asyncio.sleep(pause)
        if await asyncio.to_thread(ask) is None:
            return
        pause = min(2 * pause, LONGEST)


def ask() -> int | None:
    """Ask for large pages where memory is used already for the most part, so that little more of it is needed; the
    number of octets for which it was asked anew. None where programs have no say in it."""
    try:
        mode = (SETTINGS / "enabled").read_text("ascii")
        size = int((SETTINGS / "hpage_pmd_size").read_text("ascii"))
        areas = list(_own(AREAS.read_bytes()))
    except (OSError, ValueError):  # no Linux, or one without them
        return None
    if "[madvise]" not in mode or not size:
        return None
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    asked = 0
    for area in areas:
        start, end = -(-area.start // size) * size, area.end // size * size
        if start < end and 2 * area.resident >= area.end - area.start and b"hg" not in area.flags:
            advise(area.start, area.end - area.start, MADV_HUGEPAGE)
            advise(start, end - start, MADV_COLLAPSE)  # where that fails, the system does it some time
            asked += end - start
    return asked


def _own(areas: bytes) -> Iterator[Area]:
    """The areas in which a program keeps what it works with: no files, no shared memory, no stack that grows."""
    span: tuple[int, int] | None = None
    resident = 0
    for line in areas.split(b"\n")[:-1]:
        first, _, rest = line.partition(b" ")
        if not first.endswith(b":"):  # "55d0e5a00000-55d0e6700000 rw-p 00000000 00:00 0    [heap]"
            rights, _, device, inode, *_ = rest.split()
            low, _, high = first.partition(b"-")
            span = (int(low, 16), int(high, 16)) if (rights, device, inode) == (b"rw-p", b"00:00", b"0") else None
        elif first == b"Rss:":
            resident = int(rest.split()[0]) * 1024
        elif first == b"VmFlags:" and span is not None:
            flags = frozenset(rest.split())
            if b"gd" not in flags:
                yield Area(*span, resident, flags)
