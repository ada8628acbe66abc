"""Masks of messages become the UIDs that the rows tell: from what is kept in memory, from what is kept on disk, and
row by row.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.store import mail, members, posting
from posthouse.store.engine import Store, Tx
from posthouse.store.hits import Hits
from posthouse.store.mailbox import Mailbox
from posthouse.store.members import Kept, Members
from posthouse.store.posting import CHUNK, SPARSE
from posthouse.store.uid_list import UidList
from store_helpers import House, only_sqlite

IDS = st.one_of(
    st.sets(st.integers(0, 3 * CHUNK), max_size=30),
    st.builds(
        lambda start, count, step: set(range(start, start + count * step, step)),
        st.integers(0, 2 * CHUNK),
        st.integers(0, 2_000),
        st.integers(1, 5),
    ),
)
PLACED = st.one_of(
    st.lists(st.integers(0, 3 * CHUNK), max_size=50),  # moved to and fro, and copied within the mailbox
    st.builds(lambda start, count: list(range(start, start + count)), st.integers(0, CHUNK), st.integers(0, 2 * CHUNK)),
    st.builds(lambda start, step: list(range(start, 2 * CHUNK, step)), st.integers(0, CHUNK), st.integers(2, 9)),
)


@settings(max_examples=60, deadline=None)
@given(message_ids=PLACED, ids=IDS, first=st.integers(1, 1000), hole=st.booleans())
def test_masks_become_uids(message_ids: list[int], ids: set[int], first: int, hole: bool) -> None:
    uids = [first + place + (hole and place > 3) for place in range(len(message_ids))]
    one = Members(UidList.of(uids), message_ids)
    expected = [uid for message_id, uid in zip(message_ids, uids, strict=True) if message_id in ids]
    hits = one.hits(posting.masks(ids))
    assert list(hits) == expected
    assert (len(hits), hits[:1], hits[-1:], hits[1:3]) == (len(expected), expected[:1], expected[-1:], expected[1:3])
    assert Hits.of(one.uids, expected) == hits == expected
    assert one.hits(posting.masks(set(message_ids))) == uids
    assert sorted(one.behind(CHUNK)) == sorted(one for one in message_ids if one > CHUNK)
    odd = one.hits(posting.masks(one for one in message_ids if one % 2))
    assert list(hits | odd) == [uid for uid in uids if uid in {*hits, *odd}]


def test_a_few_messages_copied_within_the_mailbox_again_and_again() -> None:
    """There are more places in the chunk than two octets count."""
    ids = list(range(10)) * 7_000
    one = Members(UidList.of(range(1, 1 + len(ids))), ids)
    assert one.hits(posting.masks({3})) == [uid for uid, message_id in enumerate(ids, 1) if message_id == 3]


def test_few_and_many_are_looked_for_in_two_ways() -> None:
    one = Members(UidList.of(range(1, 1 + CHUNK)), range(10, 10 + CHUNK))
    for count in (SPARSE, SPARSE + 1, CHUNK - 10):
        assert one.hits({0: ((1 << count) - 1) << 10}) == list(range(1, count + 1))


def check(store: Store, inbox: Mailbox, kept: Kept) -> None:
    """That what is kept says what the rows say."""

    def of(tx: Tx) -> Members:
        assert tx.rosters is not None
        return kept.of(tx, inbox.id, tx.rosters.uid_lists.of(tx, inbox.id))

    rows = store.look(mail.fetch, inbox.id, mail.ALL, ("message_id",))
    found = store.look(of)
    assert list(zip(found.uids, found.ids, strict=True)) == rows
    for message_id in {message_id for _, message_id in rows}:
        expected = [uid for uid, one in rows if one == message_id]
        assert found.hits(posting.masks([message_id])) == expected


@only_sqlite
@pytest.mark.parametrize("shift", [1, 2, 13], ids=lambda shift: f"{1 << shift} UIDs in a row")
def test_they_follow_what_happens(store: Store, house: House, monkeypatch: pytest.MonkeyPatch, shift: int) -> None:
    monkeypatch.setattr(members, "UID_SHIFT", shift)
    monkeypatch.setattr(members, "UIDS", 1 << shift)
    ada = house.account()
    inbox, archive = house.box(ada), house.box(ada, "Archive")
    house.fill(inbox, 20)
    steps = (
        lambda: house.append(inbox),
        lambda: store.run(mail.move, inbox.id, [(3, 5)], archive.id),
        lambda: store.run(mail.move, archive.id, [(1, 2)], inbox.id),
        lambda: store.run(mail.copy, inbox.id, [(7, 9)], inbox.id),
        lambda: store.run(mail.store_flags, inbox.id, [(7, 9)], "add", ["\\Seen"]),
        lambda: store.run(mail.move, inbox.id, [(1, 1), (24, 30)], archive.id),
        lambda: house.append(inbox),
    )
    always = Kept()
    for step in steps:
        step()
        check(store, inbox, always)
        check(store, inbox, Kept())
        store.index.advance(store)
        check(store, inbox, Kept())


@only_sqlite
def test_of_a_large_mailbox_only_the_end_is_read_row_by_row(
    store: Store, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "UID_SHIFT", 3)
    monkeypatch.setattr(members, "UIDS", 8)
    inbox = house.box(house.account())
    house.fill(inbox, 20)
    store.index.advance(store)
    read: list[int] = []
    by_row = members._by_row

    def watched(tx: Tx, mailbox_id: int, start: int, stop: int, number: int) -> object:
        read.append(number)
        return by_row(tx, mailbox_id, start, stop, number)

    monkeypatch.setattr(members, "_by_row", watched)
    check(store, inbox, Kept())
    assert read == [5]  # UIDs 16 to 20


@only_sqlite
def test_those_asked_for_last_are_kept(store: Store, house: House) -> None:
    kept = Kept(most=25)
    ada = house.account()
    boxes = [house.box(ada, name) for name in ("INBOX", "Archive", "Sent")]
    for box in boxes:
        house.fill(box, 10)

    def of(tx: Tx, box: Mailbox) -> Members:
        return kept.of(tx, box.id, UidList.of(range(1, 11)))

    first = [store.look(of, box) for box in boxes]
    again = [store.look(of, box) for box in boxes[::-1]]
    assert [one is other for one, other in zip(first[::-1], again, strict=True)] == [True, True, False]
