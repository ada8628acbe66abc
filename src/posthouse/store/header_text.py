# ruff: noqa: S608  (SQL is put together from constants of this file; values are always parameters)
"""The texts of header fields as they are compared: those of one name together, for each 256 messages a row.

Where the words don't decide whether a message has a text in a field ("mx2.example", a part that a hundred thousand
words have), only that field is read, and of many messages at once: a search in rows of the octets, without a step for
each message. What is kept so is kept nowhere else; until it is, a header is whole, in `unlisted_header`.

A row is of one mark (header_word.py). It has the places of the messages in the block, an octet each, and for each of
them its text: a line for each field, which begins with a line feed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from . import posting
from .posting import Masks

if TYPE_CHECKING:
    import sqlite3

    from .engine import Tx

SHIFT = 8
BLOCK = 1 << SHIFT  # ids
OCTETS = BLOCK // 8  # of a mask
BLOCKS = posting.CHUNK // BLOCK  # in a chunk of ids
END = b"\0"  # between two texts, which have none in them
# Blocks that are read in one go: their texts stand in memory, some ten megabytes.
READ = 32
# What is found is written over with an octet that UTF-8 has none of.
MARK = b"\xff"
BUT_MARKS = bytes(octet for octet in range(256) if octet not in END + MARK)
# Where all texts of a row have fewer octets than this together, this is quicker than to go from one to the next.
SHORT = 16_384
EVERY = bytes(range(BLOCK))  # place

SCHEMA = """
CREATE TABLE IF NOT EXISTS header_text (
    id INTEGER PRIMARY KEY,
    block INTEGER NOT NULL, mark INTEGER NOT NULL,
    places BLOB NOT NULL, texts BLOB NOT NULL,
    UNIQUE (block, mark)
) STRICT;
CREATE TABLE IF NOT EXISTS unlisted_header (message_id INTEGER PRIMARY KEY, header TEXT NOT NULL) STRICT;
"""

# By marks, the text of a message's fields.
Texts = Mapping[int, str]


# -- writing -----------------------------------------------------------------------------------------------------------


def add(connection: sqlite3.Connection, messages: Iterable[tuple[int, Texts]]) -> None:
    """The texts of messages, with ascending ids, that have none yet."""
    blocks: dict[int, dict[int, tuple[bytearray, list[bytes]]]] = {}
    for message_id, texts in messages:
        rows = blocks.setdefault(message_id >> SHIFT, {})
        for mark, text in texts.items():
            places, some = rows.setdefault(mark, (bytearray(), []))
            places.append(message_id & (BLOCK - 1))
            some.append(text.encode("utf-8"))
    for block, rows in blocks.items():
        there = {mark: (places, texts) for mark, places, texts in _rows(connection, block)}
        for mark, (places, some) in rows.items():
            before, kept = there.get(mark, (b"", b""))
            _put(connection, block, mark, before + places, [kept, *some] if before else some)


def remove(connection: sqlite3.Connection, message_ids: Iterable[int]) -> None:
    """Messages that have texts, or none."""
    blocks: dict[int, set[int]] = {}
    for message_id in message_ids:
        blocks.setdefault(message_id >> SHIFT, set()).add(message_id & (BLOCK - 1))
    for block, gone in blocks.items():
        for mark, places, texts in list(_rows(connection, block)):
            if gone.isdisjoint(places):
                continue
            left = [(place, text) for place, text in zip(places, texts.split(END), strict=True) if place not in gone]
            if left:
                _put(connection, block, mark, bytes(place for place, _ in left), [text for _, text in left])
            else:
                connection.execute("DELETE FROM header_text WHERE block = ? AND mark = ?", (block, mark))


def clear(connection: sqlite3.Connection) -> None:
    """No message."""
    connection.execute("DELETE FROM header_text")
    connection.execute("DELETE FROM unlisted_header")


def of_block(connection: sqlite3.Connection, block: int, message_ids: Iterable[int]) -> dict[int, dict[int, str]]:
    """By ids, the texts of those of the messages that are in the block."""
    found: dict[int, dict[int, str]] = {one: {} for one in message_ids if one >> SHIFT == block}
    for mark, places, texts in _rows(connection, block):
        for place, text in zip(places, texts.split(END), strict=True):
            if (block << SHIFT | place) in found:
                found[block << SHIFT | place][mark] = text.decode("utf-8")
    return found


def _rows(connection: sqlite3.Connection, block: int) -> Iterator[tuple[int, bytes, bytes]]:
    yield from connection.execute("SELECT mark, places, texts FROM header_text WHERE block = ?", (block,))


def _put(connection: sqlite3.Connection, block: int, mark: int, places: bytes, texts: Sequence[bytes]) -> None:
    connection.execute(
        "INSERT INTO header_text (block, mark, places, texts) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (block, mark) DO UPDATE SET places = excluded.places, texts = excluded.texts",
        (block, mark, places, END.join(texts)),
    )


# -- comparing -----------------------------------------------------------------------------------------------------


def having(tx: Tx, mark: int | None, among: Masks, having: Callable[[int, bytes], bytes]) -> Masks:
    """The messages that have what is looked for under a mark, None: under any. `among`: what is outside of their blocks
    isn't looked at. `having`: of a mark, and texts with an END between them, a digit for each, as of `with_any`."""
    found: dict[int, int] = {}  # by blocks
    blocks = list(_blocks(among))
    of_mark = "" if mark is None else " AND t.mark = :mark"
    for start in range(0, len(blocks), READ):
        for block, of, places, texts in tx.all(
            "SELECT t.block, t.mark, t.places, t.texts FROM json_each(:blocks) b"
            f" CROSS JOIN search.header_text t ON t.block = b.value{of_mark}",
            blocks=json.dumps(blocks[start : start + READ]),
            mark=mark,
        ):
            if digits := having(of, texts):
                found[block] = found.get(block, 0) | _mask(places, digits)
    masks: Masks = {}
    for block, mask in found.items():
        chunk, at = divmod(block, BLOCKS)
        masks[chunk] = masks.get(chunk, 0) | mask << at * BLOCK
    return masks


def with_any(texts: bytes, wanted: Iterable[bytes]) -> bytes:
    """Of texts with an END between them those that have one of these in them: the digit 1 for each, 0 for the others.
    Behind the last one that has there may be no more."""
    if len(texts) >= SHORT:
        return digits_of([number for one in wanted for number in _numbers(texts, one)])
    marked = texts
    for one in wanted:
        marked = marked.replace(one, MARK)
    if MARK not in marked:
        return b""
    # A mark or more for each text, and ENDs: no step is one for each text.
    marks = marked.translate(None, BUT_MARKS) + END
    while MARK + MARK in marks:
        marks = marks.replace(MARK + MARK, MARK)
    return marks.replace(MARK + END, b"1").replace(END, b"0")


def digits_of(numbers: Sequence[int]) -> bytes:
    """The same for texts whose numbers are known; the digits end with the last one."""
    digits = bytearray(b"0") * (max(numbers, default=-1) + 1)
    for number in numbers:
        digits[number] = 0x31
    return bytes(digits)


def _numbers(texts: bytes, wanted: bytes) -> list[int]:
    """The numbers of the texts that have the octets in them."""
    found: list[int] = []
    number = start = 0
    at = texts.find(wanted)
    while at >= 0:
        number += texts.count(END, start, at)
        found.append(number)
        start = texts.find(END, at)
        if start < 0:
            break
        at = texts.find(wanted, start + 1)
    return found


def _mask(places: bytes, digits: bytes) -> int:
    """The mask of a block's messages: the places for which there is a 1."""
    if places != EVERY:
        others = EVERY.translate(None, places)
        digits = bytes.maketrans(places + others, digits.ljust(len(places), b"0") + b"0" * len(others))
    return int(digits[::-1], 2)


def _blocks(masks: Masks) -> Iterator[int]:
    """Those that have one of the messages, ascending."""
    for chunk in sorted(masks):
        octets = masks[chunk].to_bytes(posting.BITS, "little")
        for number in range(BLOCKS):
            if any(octets[number * OCTETS : (number + 1) * OCTETS]):
                yield chunk * BLOCKS + number
