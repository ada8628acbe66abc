"""Whole letters and whole headers, of many messages at a time: what is read from a letter's first octet on.

A program that copies a mailbox asks for thousands of them, and so little has to be done for each that what Python adds
to the system's calls decides how long it takes. So here, too, it is done by columns, and octets are put together once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from posthouse.errors import StoreError
from posthouse.imap.encode import without_nul
from posthouse.imap.fetch import BodySection, Item, Text
from posthouse.store.blob import Blobs
from posthouse.store.engine import Row

from .columns import FLAGS, Column
from .letter import PIECE, Letter

# What of the store's row is needed, in this order.
COLUMNS = ("blob", "prefix", "header_size", "size")
# Octets that are put together in one go.
BATCH = 512 * 1024


def begins(item: Item) -> bool:
    """Whether an item is a letter or its header, from the first octet to the last."""
    return (
        isinstance(item, BodySection)
        and item.partial is None
        and not item.section.part
        and item.section.text in (None, Text.HEADER)
    )


def read_all(blobs: Blobs, letters: Sequence[tuple[str, int]]) -> list[bytes]:
    """So many octets of each. Errors: StoreError, also for a file that is shorter than its row says."""
    read = blobs.read_beginnings(letters)
    for octets, (_, count) in zip(read, letters, strict=True):
        if len(octets) != count:
            raise StoreError("a message file is shorter than its row says")
    return read


class Beginnings:
    """The responses that have one item which `begins`, and items that stand in columns."""

    def __init__(
        self,
        item: BodySection,
        begin: bytes,
        head: Sequence[Column],
        tail: Sequence[Column],
        mark: Callable[[Sequence[int], list[bytes]], None],
        *,
        uid: bool,
        tail_uid: bool,
    ) -> None:
        """``begin``: of a response; ``head`` and ``tail``: the columns before the item and behind it, where
        ``uid`` and ``tail_uid`` tell of one in front of these. ``mark``: puts to the FLAGS of messages, which it is
        given with their UIDs, what isn't in the store."""
        self.is_inside = False  # whether the last piece ends within a response
        self._item = item
        self._header = item.section.text is Text.HEADER
        self._head, self._tail = head, tail
        self._mark = mark
        self._uid, self._tail_uid = uid, tail_uid
        self._begin = begin + b"UID %d " * uid + b"%b " * len(head) + item.label + b" {%d}\r\n"
        self._end = b" UID %d" * tail_uid + b" %b" * len(tail) + b")\r\n"

    def pieces(
        self, numbers: Sequence[int], rows: Sequence[Row], flags: Mapping[int, bytes], blobs: Blobs
    ) -> Iterator[bytes]:
        """The responses, some BATCH octets at a time, and what is large in pieces; reads octets as it goes.

        ``rows``: UID, the columns, and COLUMNS. ``flags``: how their combinations are written.
        """
        if not rows:
            return
        uids, *values, blob_ids, prefixes, header_sizes, sizes = zip(*rows, strict=True)
        if self._header:
            sizes = tuple([len(prefix) + size for prefix, size in zip(prefixes, header_sizes, strict=True)])
        heads, tails = self._frames(numbers, uids, values, sizes, flags)
        letters = [
            (blob_id, size - len(prefix)) for blob_id, size, prefix in zip(blob_ids, sizes, prefixes, strict=True)
        ]
        for start, end in _portions(sizes):
            here = slice(start, end)
            if sizes[start] > PIECE:
                found = Letter((*rows[start][-len(COLUMNS) :], b""), blobs).octets(self._item)
                assert found is not None
                self.is_inside = True
                yield heads[start]
                yield from map(without_nul, found[1])
                self.is_inside = False
                yield tails[start]
            else:
                octets = read_all(blobs, letters[here])
                framed = zip(heads[here], prefixes[here], octets, tails[here], strict=True)
                yield without_nul(b"".join(chain.from_iterable(framed)))

    def _frames(
        self,
        numbers: Sequence[int],
        uids: Sequence[int],
        values: Sequence[Sequence[Any]],
        sizes: Sequence[int],
        flags: Mapping[int, bytes],
    ) -> tuple[list[bytes], list[bytes]]:
        """What stands before and behind the octets of each."""
        entries: list[Iterable[Any]] = []
        for column, column_values in zip((*self._head, *self._tail), values, strict=True):
            if column.name == FLAGS.name:
                written = list(map(flags.__getitem__, column_values))
                self._mark(uids, written)
                entries.append(written)
            else:
                entries.append(map(column.entry, column_values))
        head, tail = entries[: len(self._head)], entries[len(self._head) :]
        begin, end = self._begin, self._end
        before = [numbers, *[uids] * self._uid, *head, sizes]
        behind = [*[uids] * self._tail_uid, *tail]
        heads = [begin % one for one in zip(*before, strict=True)]
        tails = [end % one for one in zip(*behind, strict=True)] if behind else [end] * len(heads)
        return heads, tails


def _portions(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Where to cut: behind BATCH octets, and around what is larger than a PIECE."""
    start = gathered = 0
    for place, size in enumerate(sizes):
        if size > PIECE:
            if start < place:
                yield start, place
            yield place, place + 1
            start, gathered = place + 1, 0
            continue
        gathered += size
        if gathered >= BATCH:
            yield start, place + 1
            start, gathered = place + 1, 0
    if start < len(sizes):
        yield start, len(sizes)
