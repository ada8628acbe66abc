r"""Which messages no session was told of: ``\Recent``, RFC 3501 §2.3.2."""

from __future__ import annotations

from pathlib import Path

import pytest

from older_store import take_back
from posthouse.store import mail, mailbox, recent
from posthouse.store.engine import Store
from posthouse.store.mailbox import Mailbox
from store_helpers import House


@pytest.fixture
def inbox(house: House) -> Mailbox:
    return house.box(house.account())


def now(house: House, box: Mailbox) -> Mailbox:
    return house.store.look(mailbox.get, box.id)


def count(house: House, box: Mailbox, *told: tuple[int, int]) -> int:
    return house.store.look(recent.count, now(house, box), told)


def test_each_message_is_taken_once(house: House, inbox: Mailbox) -> None:
    assert house.store.run(recent.take, inbox.id, inbox.uidnext) == []
    house.fill(inbox, 3)
    assert house.store.run(recent.take, inbox.id, 4) == [(1, 3)]
    assert house.store.run(recent.take, inbox.id, 4) == []
    house.fill(inbox, 2)
    assert house.store.run(recent.take, inbox.id, 3) == []  # who knows less than others have taken
    assert house.store.run(recent.take, inbox.id, 5) == [(4, 4)]  # who wasn't told of the last one
    assert now(house, inbox).recent_from == 5
    house.store.run(mailbox.create, inbox.account_id, "Old")
    house.store.run(mailbox.delete, inbox.account_id, "Old")
    assert house.store.run(recent.take, inbox.id + 1000, 9) == []


def test_counts(house: House, inbox: Mailbox) -> None:
    """What nobody was told of, and what one session calls recent: each once, and only what is there."""
    house.fill(inbox, 6)
    assert count(house, inbox) == 6
    house.store.run(recent.take, inbox.id, 5)
    assert [count(house, inbox), count(house, inbox, (1, 1), (3, 4)), count(house, inbox, (1, 9))] == [2, 5, 6]
    house.store.run(mail.remove, inbox.id, [(2, 3), (6, 6)])
    assert [count(house, inbox), count(house, inbox, (1, 1), (3, 4)), count(house, inbox, (1, 9))] == [1, 3, 3]


def test_what_was_there_before_schema_21_was_seen(tmp_path: Path) -> None:
    store = Store.open(tmp_path, readers=1)
    house = House(store)
    inbox = house.box(house.account())
    house.fill(inbox, 3)
    store.close()
    take_back(tmp_path, 20)
    store = Store.open(tmp_path, readers=1)
    house = House(store)
    assert count(house, inbox) == 0
    house.fill(inbox, 1)
    assert store.run(recent.take, inbox.id, 5) == [(4, 4)]
    store.close()
