"""UIDs of mailboxes with holes: the value, and what is kept of them, whatever has happened."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from older_store import take_back
from posthouse.store import mail, mailbox, schema, verify
from posthouse.store.engine import Store, Tx
from posthouse.store.mailbox import Mailbox
from posthouse.store.sqlite import Sqlite
from posthouse.store.uid_list import CHUNK, UidList, UidLists
from store_helpers import House, letter, only_sqlite

# UIDs around the ends of chunks.
UIDS = st.sets(
    st.one_of(st.integers(1, 40), *(st.integers(n * CHUNK - 20, n * CHUNK + 20) for n in (1, 2))), max_size=60
).map(sorted)


@given(UIDS, st.data())
def test_it_is_what_a_list_is(uids: list[int], data: st.DataObject) -> None:
    made = UidList.of(uids)
    assert (len(made), list(made), made) == (len(uids), uids, uids)
    uid = data.draw(st.integers(-3, 2 * CHUNK + 30))
    assert made.place(uid) == sum(one < uid for one in uids)
    assert (uid in made) == (uid in uids)
    assert [made[place] for place in range(-len(uids), len(uids))] == uids + uids
    some = data.draw(st.slices(len(uids) + 3))
    assert list(made[some]) == uids[some]
    with pytest.raises(IndexError):
        made[len(uids)]
    stop = data.draw(st.integers(1, 3 * CHUNK))
    assert made.there(stop) == bytes(number in uids for number in range(1, stop))
    assert made == UidList.of(uids).before(made.stop + 1).without([made.stop])
    range_like = not uids or uids[-1] - uids[0] + 1 == len(uids)
    assert (made.together is not None) == range_like
    assert made.together is None or list(made.together) == uids
    assert made != [*uids, 3 * CHUNK]
    assert not uids or made != [*uids[:-1], uids[-1] + 1]


@given(UIDS, st.sets(st.integers(1, 2 * CHUNK)), st.sets(st.integers(1, 2 * CHUNK)).map(sorted))
def test_others_are_made_of_it(uids: list[int], gone: set[int], new: list[int]) -> None:
    made = UidList.of(uids)
    assert made.without(gone) == [uid for uid in uids if uid not in gone]
    assert made == uids, "it has not changed"
    behind = [uid + 2 * CHUNK + 20 for uid in new]
    assert made.extended(behind) == uids + behind
    assert made.without(gone).extended(behind) == [uid for uid in uids if uid not in gone] + behind


def both(tx: Tx, mailbox_id: int) -> tuple[list[int], list[int]]:
    """What is kept, on disk and in memory, and what the rows say; nothing is read from rows."""
    rows = tx.all("SELECT uid FROM placement WHERE mailbox_id = :id ORDER BY uid", id=mailbox_id)
    kept = list(UidLists().of(tx, mailbox_id))
    assert list(mail.uids(tx, mailbox_id)) == kept
    return kept, [uid for (uid,) in rows]


def expunge(house: House, box: Mailbox, uids: Sequence[int]) -> None:
    house.store.run(mail.store_flags, box.id, [(uid, uid) for uid in uids], "add", ["\\Deleted"])
    house.store.run(mail.expunge, box.id)


@pytest.mark.parametrize("seed", range(3))
def test_it_follows_what_happens(house: House, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posthouse.store.uid_list._by_row", None)  # the rows aren't asked
    chance = random.Random(seed)
    ada = house.account()
    inbox, archive = house.box(ada), house.box(ada, "Archive")
    house.fill(inbox, 20)
    for _ in range(25):
        have = house.store.look(mail.uids, inbox.id)
        some = chance.sample(list(have), min(len(have), chance.randrange(4)))
        match chance.choice(["append", "expunge", "move", "flag", "back", "copy"]):
            case "append":
                house.append(inbox, raw=letter("x"))
            case "expunge":
                expunge(house, inbox, some)
            case "move":
                house.store.run(mail.move, inbox.id, [(uid, uid) for uid in some], archive.id)
            case "flag":
                house.store.run(mail.store_flags, inbox.id, mail.ALL, "add", [f"k{chance.random()}"])
            case "back":
                house.store.run(mail.move, archive.id, mail.ALL, inbox.id)
            case "copy":
                house.store.run(mail.copy, archive.id, mail.ALL, inbox.id)
        for box in (inbox, archive):
            kept, rows = house.store.look(both, box.id)
            assert kept == rows


def test_a_list_is_read_once_and_brought_up_to_date(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = house.account()
    inbox, archive = house.box(ada), house.box(ada, "Archive")
    for box in (inbox, archive):
        house.fill(box, 20)
    expunge(house, inbox, [3, 4, 20])
    first = house.store.look(mail.uids, inbox.id)
    assert house.store.look(mail.uids, inbox.id) is first
    monkeypatch.setattr("posthouse.store.uid_list._read", None)
    house.append(inbox)
    house.append(inbox)
    expunge(house, inbox, [7, 21])
    expunge(house, archive, [7])
    assert house.store.look(mail.uids, inbox.id) == [1, 2, 5, 6, *range(8, 20), 22]
    assert first == [1, 2, *range(5, 20)], "a session that has it sees what it saw"
    monkeypatch.undo()
    monkeypatch.setattr("posthouse.store.uid_list.MOST_REMOVED", 3)
    expunge(house, inbox, [8, 9, 10, 11, 12])
    assert house.store.look(both, inbox.id)[0] == [1, 2, 5, 6, *range(13, 20), 22]


@only_sqlite
def test_what_an_older_transaction_sees_replaces_nothing(house: House) -> None:
    inbox = house.box(house.account())
    house.fill(inbox, 5)
    lists = UidLists()

    def before_and_after(tx: Tx) -> tuple[UidList, UidList, UidList]:
        before = lists.of(tx, inbox.id)
        house.append(inbox)
        expunge(house, inbox, [2])
        return before, other.look(lists.of, inbox.id), lists.of(tx, inbox.id)

    other = Store.open(house.store.data, readers=1)
    assert house.store.look(before_and_after) == ([1, 2, 3, 4, 5], [1, 3, 4, 5, 6], [1, 2, 3, 4, 5])
    assert house.store.look(lists.of, inbox.id) == [1, 3, 4, 5, 6]
    other.close()


def test_holes_over_many_chunks(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posthouse.store.uid_list.SHIFT", 3)
    monkeypatch.setattr("posthouse.store.uid_list.CHUNK", 8)
    inbox = house.box(house.account())
    house.fill(inbox, 100)
    expunge(house, inbox, [1, 7, 8, 9, *range(20, 60), 71, 100])
    expunge(house, inbox, [2, 72])
    house.fill(inbox, 3)
    kept, rows = house.store.look(both, inbox.id)
    assert kept == rows
    assert rows == [*range(3, 7), *range(10, 20), *range(60, 71), *range(73, 100), 101, 102, 103]


def test_holes_go_with_their_mailbox(house: House) -> None:
    ada = house.account()
    archive = house.box(ada, "Archive")
    house.fill(archive, 3)
    expunge(house, archive, [2])
    count = "SELECT count(*) FROM hole"
    assert house.store.look(lambda tx: tx.value(count)) == 1
    house.store.run(mailbox.delete, ada.id, "Archive")
    assert house.store.look(lambda tx: tx.value(count)) == 0


def test_holes_that_are_lost_are_noticed_and_made_anew(house: House) -> None:
    """As an older program, which may work with the store, loses them."""
    inbox = house.box(house.account())
    house.fill(inbox, 5)
    expunge(house, inbox, [2, 4])
    house.store.run(lambda tx: tx.run("DELETE FROM hole"))
    assert house.store.look(mail.uids, inbox.id) == [1, 3, 5]
    (problem,) = verify.verify(house.store)
    assert "which UIDs are free" in str(problem)
    assert problem.repairable
    verify.repair(house.store)
    assert verify.verify(house.store) == []
    assert house.store.look(both, inbox.id) == ([1, 3, 5], [1, 3, 5])


def test_an_older_store_gets_them(tmp_path: Path) -> None:
    store = Store.open(tmp_path, readers=1)
    house = House(store)
    ada = house.account()
    inbox, empty = house.box(ada), house.box(ada, "Archive")
    house.fill(inbox, 20)
    expunge(house, inbox, [1, 5, 6, 20])
    store.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "posthouse.sqlite3")) as raw:
        kept = raw.execute("SELECT * FROM hole").fetchall()
    take_back(tmp_path, 14)
    database = Sqlite(tmp_path)
    connection = database.connect()
    schema.prepare(database, connection, tmp_path, schema.current())
    assert connection.execute("SELECT * FROM hole").fetchall() == kept
    assert len(kept) == 1
    connection.close()
    store = Store.open(tmp_path, readers=1)
    assert store.look(both, inbox.id) == ([2, 3, 4, *range(7, 20)],) * 2
    assert store.look(both, empty.id) == ([], [])
    store.close()
