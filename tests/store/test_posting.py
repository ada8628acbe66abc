"""Lists of messages: what is added is read, whatever of it is removed."""

from __future__ import annotations

import contextlib
import sqlite3

from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.store import posting
from posthouse.store.posting import BITS, CHUNK, SHIFT

# Some messages, scattered; and very many, so that they are kept as bits.
IDS = st.one_of(
    st.sets(st.integers(0, 3 * CHUNK), max_size=30),
    st.sets(st.integers(10**9, 10**9 + 2 * CHUNK), max_size=30),  # behind a restore
    st.builds(
        lambda start, count, step: set(range(start, start + count * step, step)),
        st.integers(0, 2 * CHUNK),
        st.integers(0, 2_000),
        st.integers(1, 5),
    ),
)


def by_chunk(ids: set[int]) -> dict[int, list[int]]:
    """By chunks, the places."""
    chunks: dict[int, list[int]] = {}
    for message_id in sorted(ids):
        chunks.setdefault(message_id >> SHIFT, []).append(message_id & (CHUNK - 1))
    return chunks


def named(ids: set[int], word: int) -> list[tuple[int, dict[int, list[int]]]]:
    """As `posting` is told of a word's messages."""
    return [(chunk, {word: places}) for chunk, places in by_chunk(ids).items()]


def kept(connection: sqlite3.Connection, *words: int) -> posting.Masks:
    some = ", ".join(map(str, words))
    return posting.union(connection.execute(f"SELECT chunk, messages FROM list WHERE word_id IN ({some})"))


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(["add", "add masks", "remove"]), st.integers(1, 2), IDS), max_size=6))
def test_lists_keep_what_was_added_and_not_removed(steps: list[tuple[str, int, set[int]]]) -> None:
    model: dict[int, set[int]] = {1: set(), 2: set()}
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(posting.schema("list"))
        for how, word, ids in steps:
            if how == "remove":
                gone = ids & model[word]
                model[word] -= ids
                for chunk, words in named(gone, word):
                    left = {one for one in model[word] if one >> SHIFT == chunk}
                    assert posting.remove(connection, "list", chunk, words) == ({word} if not left else set())
                assert posting.unused(connection, "list", [word]) == ({word} if not model[word] else set())
                continue
            new = ids - model[word]
            model[word] |= ids
            if how == "add":
                for some in named(new, word):
                    posting.add(connection, "list", *some)
            else:
                for chunk, mask in posting.masks(new).items():
                    posting.add_masks(connection, "list", chunk, {word: mask})
            for one, messages in model.items():
                assert list(posting.ids(kept(connection, one))) == sorted(messages)
        assert list(posting.ids(kept(connection, 1, 2))) == sorted(model[1] | model[2])
        assert posting.count(kept(connection, 1)) == len(model[1])
        both = posting.in_both(kept(connection, 1), kept(connection, 2))
        assert list(posting.ids(both)) == sorted(model[1] & model[2])
        there = {message_id // CHUNK for messages in model.values() for message_id in messages}
        assert posting.chunks(connection.execute, "list") == sorted(there)
        longest = connection.execute("SELECT max(length(messages)), min(length(messages)) FROM list").fetchone()
        assert longest == (None, None) or 0 < longest[1] <= longest[0] <= BITS
