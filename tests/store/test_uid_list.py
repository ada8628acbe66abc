"""UIDs of mailboxes with holes are what the rows say, whatever has happened since they were kept."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from posthouse.store import mail, mailbox, tidy, uid_list
from posthouse.store.engine import Tx
from posthouse.store.mailbox import Mailbox
from posthouse.store.uid_list import UidLists
from store_helpers import Clock, House, letter


@pytest.fixture(autouse=True)
def every_list_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uid_list, "FEW", 0)


def both(tx: Tx, lists: UidLists, mailbox_id: int) -> tuple[list[int], list[int]]:
    """What is kept, and what the rows say."""
    rows = tx.all("SELECT uid FROM placement WHERE mailbox_id = :id ORDER BY uid", id=mailbox_id)
    return list(lists.uids(tx, mailbox.get(tx, mailbox_id))), [uid for (uid,) in rows]


def expunge(house: House, box: Mailbox, uids: Sequence[int]) -> None:
    house.store.run(mail.store_flags, box.id, [(uid, uid) for uid in uids], "add", ["\\Deleted"])
    house.store.run(mail.expunge, box.id)


@pytest.mark.parametrize("seed", range(3))
def test_they_follow_what_happens(house: House, seed: int) -> None:
    chance = random.Random(seed)
    ada = house.account()
    inbox, archive = house.box(ada), house.box(ada, "Archive")
    lists = UidLists()
    house.fill(inbox, 20)
    for _ in range(25):
        have = house.store.look(mail.uids, inbox.id)
        some = chance.sample(list(have), min(len(have), chance.randrange(4)))
        match chance.choice(["append", "expunge", "move", "flag", "back", "nothing"]):
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
        for box in (inbox, archive):
            kept, rows = house.store.look(both, lists, box.id)
            assert kept == rows


def test_a_list_that_is_kept_is_not_read_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = house.box(house.account())
    lists = UidLists()
    house.fill(inbox, 10)
    expunge(house, inbox, [4])
    house.store.look(both, lists, inbox.id)
    monkeypatch.setattr(mail, "uids", None)
    house.append(inbox, raw=letter("x"))
    expunge(house, inbox, [7])
    assert house.store.look(both, lists, inbox.id)[0] == [1, 2, 3, 5, 6, 8, 9, 10, 11]
    first, second = (house.store.look(lambda tx: lists.uids(tx, mailbox.get(tx, inbox.id))) for _ in range(2))
    assert first is second, "sessions share it"


def test_what_is_forgotten_is_read_again(house: House, clock: Clock) -> None:
    inbox = house.box(house.account())
    lists = UidLists()
    house.fill(inbox, 10)
    expunge(house, inbox, [4])
    house.store.look(both, lists, inbox.id)
    expunge(house, inbox, [7])
    clock.now += tidy.MEMORY + 1
    assert house.store.run(tidy.forget_removals)
    kept, rows = house.store.look(both, lists, inbox.id)
    assert kept == rows


def test_they_take_bounded_room(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uid_list, "MOST", 20)
    ada = house.account()
    lists = UidLists()
    for name in ("INBOX", "Archive", "Sent"):
        box = house.box(ada, name)
        house.fill(box, 9)
        expunge(house, box, [4])
        house.store.look(both, lists, box.id)
    assert len(lists) == 16
