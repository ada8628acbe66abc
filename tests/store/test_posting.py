"""Lists of messages: what is added is read, whatever of it is removed; and they become the UIDs that the rows tell."""

from __future__ import annotations

import contextlib
import sqlite3

from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.store import mail, posting
from posthouse.store.engine import Store
from posthouse.store.posting import BITS, CHUNK, SPARSE
from posthouse.store.uid_map import UidMap
from store_helpers import House

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


def kept(connection: sqlite3.Connection, *words: int) -> posting.Masks:
    some = ", ".join(map(str, words))
    return posting.union(connection.execute(f"SELECT chunk, messages FROM list WHERE word_id IN ({some})"))


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.tuples(st.booleans(), st.integers(1, 2), IDS), max_size=6))
def test_lists_keep_what_was_added_and_not_removed(steps: list[tuple[bool, int, set[int]]]) -> None:
    model: dict[int, set[int]] = {1: set(), 2: set()}
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(posting.schema("list"))
        for adding, word, ids in steps:
            if adding:
                posting.add(connection, "list", {word: sorted(ids - model[word])})
                model[word] |= ids
            else:
                gone = sorted(ids & model[word])
                model[word] -= ids
                assert posting.remove(connection, "list", {word: gone}) == (
                    {word} if gone and not model[word] else set()
                )
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


PLACED = st.one_of(
    st.lists(st.integers(0, 3 * CHUNK), max_size=50),  # moved to and fro, and copied within the mailbox
    st.builds(lambda start, count: list(range(start, start + count)), st.integers(0, CHUNK), st.integers(0, 2 * CHUNK)),
    st.builds(lambda start, step: list(range(start, 2 * CHUNK, step)), st.integers(0, CHUNK), st.integers(2, 9)),
)


@settings(max_examples=60, deadline=None)
@given(message_ids=PLACED, ids=IDS, first=st.integers(1, 1000), hole=st.booleans())
def test_a_map_tells_the_uids(message_ids: list[int], ids: set[int], first: int, hole: bool) -> None:
    uids = [first + place + (hole and place > 3) for place in range(len(message_ids))]
    masks: posting.Masks = {}
    for message_id in ids:
        masks[message_id // CHUNK] = masks.get(message_id // CHUNK, 0) | 1 << message_id % CHUNK
    expected = [uid for message_id, uid in zip(message_ids, uids, strict=True) if message_id in ids]
    assert UidMap(message_ids, uids).uids(masks) == expected


def test_few_and_many_are_looked_for_in_two_ways() -> None:
    uid_map = UidMap(range(10, 10 + CHUNK), range(1, 1 + CHUNK))
    for count in (SPARSE, SPARSE + 1, CHUNK - 10):
        assert uid_map.uids({0: ((1 << count) - 1) << 10}) == list(range(1, count + 1))


def test_the_rosters_map_follows_what_happens(store: Store, house: House) -> None:
    ada = house.account()
    inbox, archive = house.box(ada), house.box(ada, "Archive")
    house.fill(inbox, 20)
    steps = (
        lambda: house.append(inbox),
        lambda: store.run(mail.move, inbox.id, [(3, 5)], archive.id),
        lambda: store.run(mail.move, archive.id, [(1, 2)], inbox.id),
        lambda: store.run(mail.copy, inbox.id, [(7, 9)], inbox.id),
        lambda: store.run(mail.store_flags, inbox.id, [(7, 9)], "add", ["\\Seen"]),
        lambda: house.append(inbox),
    )
    for step in steps:
        step()
        rows = store.look(mail.fetch, inbox.id, mail.ALL, ("message_id",))
        roster = store.look(lambda tx: store.rosters.of(tx, inbox.id, 1_000))
        assert roster is not None
        assert list(zip(roster.uids, roster.message_ids, strict=True)) == rows
        for message_id in {message_id for _, message_id in rows}:
            expected = [uid for uid, one in rows if one == message_id]
            assert roster.uid_map.uids({message_id // CHUNK: 1 << message_id % CHUNK}) == expected
