"""The memory that the workers of one server share, so that limits hold over all of them: a page for each.

Each worker writes on its own page only, so there are no locks; it reads all. A page has

* counts of what its worker has open. Each subject has a slot in each of two rows, where a keyed digest of it says, and
  other subjects may have the same: so a count is never too low, and the smaller one of two sums is seldom too high.
* failures, the latest ones: a ring, and how many there have been. Each reader knows how far it has read. One that has
  fallen behind by the whole ring may read what is being written over: a record has a checksum, by which that shows.

When a worker ends, however it does, its parent clears the counts on its page. The failures stay, and the worker that
takes its place reads them, as it reads the others'.

**How often a count is too high.** The 10,000 connections that a server takes by default are at most 200 networks' share
of 50. For another network both slots are among those of such once in 107,000 times: (200 / 65,536)². With 10,000
networks that have a connection each, one in 50 is counted as one more than it has, one in 10,000 as two.
"""

from __future__ import annotations

import functools
import hashlib
import mmap
import secrets
import struct
import zlib
from operator import itemgetter

from posthouse.sessions.colleagues import KEY, Failure

# How many failures there have been, at the start of a page: a cache line of its own.
TOLD = 64
# What a failure is: subject, what was tried, when; and a checksum.
FAILURE = struct.Struct("=8s8sd")
CHECKSUM = struct.Struct("=I")
RECORD = FAILURE.size + CHECKSUM.size
# Failures on a page: a failed login is two, of its network and of its account. Whoever counts one reads first what has
# come, so this is enough as long as others have no more than 2,000 between two of its own. 112 KiB.
RING = 4_096
# Slots in each of the two rows of counts, and octets of a slot. 512 KiB.
SLOTS = 65_536
ROWS = 2
COUNT = 4
# Subjects whose slots are known without a digest: that of all connections, and who came of late.
KNOWN = 1_024


class Ledger:
    """Made by the parent, before it begins the first worker."""

    def __init__(self, workers: int, *, ring: int = RING, slots: int = SLOTS) -> None:
        """``ring``, ``slots``: smaller in tests only."""
        size = TOLD + ring * RECORD + ROWS * slots * COUNT
        self._stride = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        self._memory = memoryview(mmap.mmap(-1, workers * self._stride))  # shared with whoever is forked from here
        self._leaves = [self._leaf(number, ring, size) for number in range(workers)]
        self._key = secrets.token_bytes(KEY)

    def page(self, number: int) -> Page:
        """What the worker with this number is given."""
        return Page(self._leaves, number, self._key)

    def clear(self, number: int) -> None:
        """That worker has ended: it has nothing open any more."""
        counts = self._leaves[number].counts
        counts[:] = memoryview(bytes(counts.nbytes)).cast("I")

    def _leaf(self, number: int, ring: int, size: int) -> Leaf:
        start = number * self._stride
        memory = self._memory[start : start + size]
        counts = TOLD + ring * RECORD
        return Leaf(memory[:8].cast("Q"), memory[TOLD:counts], memory[counts:].cast("I"))


class Leaf:
    """A page as it lies in memory."""

    def __init__(self, told: memoryview, ring: memoryview, counts: memoryview) -> None:
        self.told = told
        self.ring = ring
        self.counts = counts
        self._size = len(ring) // RECORD

    def write(self, failure: Failure) -> None:
        """The record first, then that there is one: who is killed between has told nothing."""
        octets = FAILURE.pack(*failure)
        at = self.told[0] % self._size * RECORD
        self.ring[at : at + RECORD] = octets + CHECKSUM.pack(zlib.crc32(octets))
        self.told[0] += 1

    def read(self, since: int) -> tuple[int, list[Failure]]:
        """How many there have been, and those after the first ``since``, as far as they are still there."""
        told: int = self.told[0]
        count = min(told - since, self._size)
        start = (told - count) % self._size * RECORD
        octets = bytes(self.ring[start : start + count * RECORD])
        octets += self.ring[: count * RECORD - len(octets)]
        return told, [failure for at in range(0, len(octets), RECORD) if (failure := _read(octets, at)) is not None]


class Page:
    """One worker's: the `Colleagues` of that process."""

    def __init__(self, leaves: list[Leaf], number: int, key: bytes) -> None:
        self.key = key
        self._leaves = leaves
        self._own = leaves[number]
        self._number = number
        self._others = [leaf.counts for leaf in leaves if leaf is not self._own]
        self._mask = len(self._own.counts) // ROWS
        self._read = [0] * len(leaves)  # how many failures of each page
        self._slots = functools.lru_cache(KNOWN)(self._find_slots)

    def enter(self, subject: str) -> int:
        first, second = self._slots(subject)
        own = self._own.counts
        own[first] += 1
        own[second] += 1
        in_first = in_second = 0
        for counts in self._others:
            in_first += counts[first]
            in_second += counts[second]
        return min(in_first, in_second)

    def leave(self, subject: str) -> None:
        own = self._own.counts
        for slot in self._slots(subject):
            own[slot] -= 1

    def tell(self, failure: Failure) -> None:
        if self._read[self._number] == self._own.told[0]:
            self._read[self._number] += 1  # it is no news here
        self._own.write(failure)

    def news(self) -> list[Failure]:
        found: list[Failure] = []
        for number, leaf in enumerate(self._leaves):
            if leaf.told[0] != self._read[number]:
                self._read[number], failures = leaf.read(self._read[number])
                found += failures
        found.sort(key=itemgetter(2))
        return found

    def _find_slots(self, subject: str) -> tuple[int, int]:
        digest = hashlib.blake2b(subject.encode(), digest_size=8, key=self.key).digest()
        first, second = divmod(int.from_bytes(digest, "little"), 1 << 32)
        return first % self._mask, self._mask + second % self._mask


def _read(octets: bytes, at: int) -> Failure | None:
    """A record; None: it isn't whole."""
    end = at + FAILURE.size
    if zlib.crc32(octets[at:end]) != CHECKSUM.unpack_from(octets, end)[0]:
        return None
    return Failure._make(FAILURE.unpack_from(octets, at))
