# ruff: noqa: S608  (SQL is put together from constants of the callers; values are always parameters)
"""For each word of a kind the messages that have it: a bit for each message's id, in chunks of ids.

Words of subjects and addresses are asked for all the time, and some stand in every letter: read row by row, a list of
28,000 takes longer than everything else together. As bits it is two rows, lists are joined and met as numbers, and
from the bits it is one step of C to the UIDs (members.py).

A chunk that few messages have is a list of their places in it, two octets each; what is as long as the bits would be,
is the bits. Rows are in the order of the chunks: what is added next to each other in time is written to few pages.
"""

from __future__ import annotations

import json
import re
import sys
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, compress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

SHIFT = 14
CHUNK = 1 << SHIFT  # ids
BITS = CHUNK // 8  # octets
# The octets "0" and "1" as false and true.
TRUTH = bytes.maketrans(b"01", b"\0\1")
DIGITS = bytes.maketrans(b"\0\1", b"01")
# Octets that aren't 0, and the bits of each. Where no more places than these are in a mask, they are looked for so.
SOME = re.compile(rb"[^\0]")
BITS_OF = [[bit for bit in range(8) if octet >> bit & 1] for octet in range(256)]
SPARSE = CHUNK // 32
# How many places are set one by one in a number; more of them are written as digits first.
ONE_BY_ONE = 256

# Messages: by the number of a chunk a mask of their ids.
Masks = dict[int, int]


def schema(table: str) -> str:
    """A table of such lists."""
    return f"""
CREATE TABLE IF NOT EXISTS {table} (
    chunk INTEGER NOT NULL, word_id INTEGER NOT NULL, messages BLOB NOT NULL, PRIMARY KEY (chunk, word_id)
) STRICT, WITHOUT ROWID;
"""


# -- writing -----------------------------------------------------------------------------------------------------------


def add(connection: sqlite3.Connection, table: str, chunk: int, words: Mapping[int, Sequence[int]]) -> None:
    """By the words' ids: the places of messages in the chunk, which their lists don't have yet."""
    there = _there(connection, table, chunk, words)
    connection.executemany(
        f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)",
        [(chunk, word_id, _with(there.get(word_id, b""), places)) for word_id, places in sorted(words.items())],
    )


def add_masks(connection: sqlite3.Connection, table: str, chunk: int, words: Mapping[int, int], first: int = 0) -> None:
    """The same for messages that come as masks, in which the lowest bit stands for the place `first`."""
    there = _there(connection, table, chunk, words)
    connection.executemany(
        f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)",
        [(chunk, word_id, _with_mask(there.get(word_id, b""), mask, first)) for word_id, mask in sorted(words.items())],
    )


def remove(connection: sqlite3.Connection, table: str, chunk: int, words: Mapping[int, Sequence[int]]) -> set[int]:
    """By the words' ids: places of messages that their lists have. The words that have no message in it any more."""
    there = _there(connection, table, chunk, words)
    left = {word_id: _without(messages, words[word_id]) for word_id, messages in there.items()}
    connection.executemany(
        f"UPDATE {table} SET messages = ? WHERE chunk = ? AND word_id = ?",
        [(messages, chunk, word_id) for word_id, messages in left.items() if messages],
    )
    empty = {word_id for word_id, messages in left.items() if not messages}
    connection.executemany(
        f"DELETE FROM {table} WHERE chunk = ? AND word_id = ?", [(chunk, word_id) for word_id in empty]
    )
    return empty


def unused(connection: sqlite3.Connection, table: str, word_ids: Iterable[int], bits: int = 0) -> set[int]:
    """Those of the words that have no message in any chunk. `bits`: how many there are behind a word's id in the
    numbers of its lists."""
    every = set(word_ids)
    rows = connection.execute(
        f"SELECT w.value FROM json_each(:words) w WHERE EXISTS (SELECT 1 FROM json_each(:chunks) c CROSS JOIN {table} t"
        " ON t.chunk = c.value AND t.word_id BETWEEN w.value << :bits AND (w.value + 1 << :bits) - 1)",
        {
            "words": json.dumps(list(every)),
            "chunks": json.dumps(chunks(connection.execute, table)),
            "bits": bits,
        },
    )
    return every.difference(word_id for (word_id,) in rows)


def _there(connection: sqlite3.Connection, table: str, chunk: int, word_ids: Iterable[int]) -> dict[int, bytes]:
    """What is kept of these words in the chunk."""
    return dict(
        connection.execute(
            f"SELECT t.word_id, t.messages FROM json_each(?) w CROSS JOIN {table} t"
            " ON t.chunk = ? AND t.word_id = w.value",
            (json.dumps(list(word_ids)), chunk),
        ).fetchall()
    )


def _with(messages: bytes, places: Sequence[int]) -> bytes:
    if len(messages) < BITS:
        longer = messages + _written(places)
        if len(longer) < BITS:
            return longer
        return mask_of(_read(longer)).to_bytes(BITS, "little")
    return (int.from_bytes(messages, "little") | mask_of(places)).to_bytes(BITS, "little")


def _with_mask(messages: bytes, mask: int, first: int) -> bytes:
    if len(messages) + 2 * mask.bit_count() < BITS:
        return messages + _written([first + place for place in places(mask)])
    there = int.from_bytes(messages, "little") if len(messages) == BITS else mask_of(_read(messages))
    return (there | mask << first).to_bytes(BITS, "little")


def _without(messages: bytes, places: Sequence[int]) -> bytes:
    if len(messages) < BITS:
        gone = set(places)
        return _written(place for place in _read(messages) if place not in gone)
    mask = int.from_bytes(messages, "little") & ~mask_of(places)
    return mask.to_bytes(BITS, "little") if mask else b""


def _written(places: Iterable[int]) -> bytes:
    written = array("H", places)
    if sys.byteorder == "big":
        written.byteswap()
    return written.tobytes()


# -- reading -----------------------------------------------------------------------------------------------------------


def chunks(ask: Callable[[str], Iterable[tuple[int]]], table: str) -> list[int]:
    """The numbers of all chunks that there are; a restored store leaves a wide gap between them. `ask`: for rows."""
    rows = ask(
        f"WITH RECURSIVE c (chunk) AS (SELECT min(chunk) FROM {table} UNION ALL"
        f" SELECT (SELECT min(chunk) FROM {table} t WHERE t.chunk > c.chunk) FROM c WHERE c.chunk IS NOT NULL)"
        " SELECT chunk FROM c WHERE chunk IS NOT NULL"
    )
    return [chunk for (chunk,) in rows]


def union(rows: Iterable[tuple[int, bytes]]) -> Masks:
    """All messages that are in one of the rows: chunks, and what is kept for these."""
    masks: Masks = {}
    lists: dict[int, list[bytes]] = {}
    for chunk, messages in rows:
        if len(messages) == BITS:
            masks[chunk] = masks.get(chunk, 0) | int.from_bytes(messages, "little")
        else:
            lists.setdefault(chunk, []).append(messages)
    for chunk, some in lists.items():
        masks[chunk] = masks.get(chunk, 0) | mask_of(_read(b"".join(some)))
    return masks


def masks(message_ids: Iterable[int]) -> Masks:
    """Messages by their ids."""
    every = sorted(message_ids)
    found: Masks = {}
    start = 0
    while start < len(every):
        chunk = every[start] >> SHIFT
        end = bisect_left(every, (chunk + 1) << SHIFT, start)
        found[chunk] = mask_of([message_id & (CHUNK - 1) for message_id in every[start:end]])
        start = end
    return found


def in_both(one: Masks, other: Masks) -> Masks:
    """The messages that are in both."""
    return {chunk: mask for chunk in one.keys() & other.keys() if (mask := one[chunk] & other[chunk])}


def in_either(one: Masks, other: Masks) -> Masks:
    """The messages that are in one of them, or in both."""
    return one | {chunk: mask | one.get(chunk, 0) for chunk, mask in other.items()}


def up_to(masks: Masks, message_id: int) -> Masks:
    """The messages with ids that aren't larger than this."""
    last = message_id >> SHIFT
    found = {chunk: mask for chunk, mask in masks.items() if chunk < last}
    if mask := masks.get(last, 0) & (1 << (message_id & (CHUNK - 1)) + 1) - 1:
        found[last] = mask
    return found


def count(masks: Masks) -> int:
    """How many messages these are."""
    return sum(mask.bit_count() for mask in masks.values())


def ids(masks: Masks) -> Iterator[int]:
    """Their ids, ascending."""
    return chain.from_iterable(map((chunk << SHIFT).__add__, places(masks[chunk])) for chunk in sorted(masks))


def places(mask: int) -> Iterable[int]:
    """The places in a chunk that are in the mask, ascending."""
    count = mask.bit_count()
    if count == 1:
        return [mask.bit_length() - 1]
    if count > SPARSE:
        return compress(range(CHUNK), truth(mask))
    octets = mask.to_bytes((mask.bit_length() + 7) // 8, "little")
    return [found.start() << 3 | bit for found in SOME.finditer(octets) for bit in BITS_OF[found[0][0]]]


def truth(mask: int, size: int = CHUNK) -> bytes:
    """For each place, of so many, whether it is in the mask: an octet, 1 or 0."""
    return f"{mask:0{size}b}".encode("ascii")[::-1].translate(TRUTH)[:size]


def bits(truth: bytes | bytearray) -> int:
    """The mask of the places for which there is a 1."""
    return int(truth[::-1].translate(DIGITS), 2) if truth else 0


def _read(messages: bytes) -> array[int]:
    places = array("H", messages)
    if sys.byteorder == "big":
        places.byteswap()
    return places


def mask_of(places: Sequence[int]) -> int:
    """The mask of places in a chunk."""
    if len(places) <= ONE_BY_ONE:
        bits = bytearray(BITS)
        for place in places:
            bits[place >> 3] |= 1 << (place & 7)
        return int.from_bytes(bits, "little")
    digits = bytearray(b"0") * CHUNK
    for place in places:
        digits[~place] = 0x31  # the last digit is the first id's
    return int(digits, 2)
