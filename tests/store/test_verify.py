"""Verify finds every kind of disagreement, and repairs what can be."""

from __future__ import annotations

import contextlib
import os
import sqlite3

import pytest

from posthouse.store import account, fresh, mail, mailbox, tidy, verify
from posthouse.store.engine import Tx
from posthouse.store.search import Body, search
from store_helpers import NOW, House, keep_in_file, letter, only_sqlite


@pytest.fixture
def busy(house: House) -> House:
    """A store with a bit of everything, and sound."""
    ada, bob = house.account("ada@example.org"), house.account("bob@example.org")
    inbox, archive = house.box(ada), house.box(ada, "Archive")
    house.append(inbox, house.box(bob), flags=["\\Seen", "Work"])
    house.fill(inbox, 5)
    house.append(house.box(bob), flags=["\\Deleted"])
    house.store.run(mail.store_flags, inbox.id, [(2, 3)], "add", ["\\Deleted", "\\Seen"])
    house.store.run(mail.copy, inbox.id, [(1, 4)], archive.id)
    house.store.run(mail.move, inbox.id, [(4, 5)], archive.id)
    house.store.run(mail.expunge, inbox.id)
    house.store.run(mail.expunge, house.box(bob).id)
    house.store.run(mailbox.create, ada.id, "a/b")
    house.store.run(mailbox.delete, ada.id, "a/b")
    house.store.run(account.add, "carl@example.org", "hash")
    house.store.run(account.remove, "carl@example.org")
    assert verify.verify(house.store) == []
    return house


DAMAGE = [
    ("UPDATE mailbox SET messages = messages + 1 WHERE id = 1", "counters", True),
    ("UPDATE mailbox SET unseen = unseen + 1 WHERE id = 1", "counters", True),
    ("UPDATE mailbox SET deleted = deleted + 1 WHERE id = 1", "counters", True),
    ("UPDATE mailbox SET size = size + 1 WHERE id = 1", "counters", True),
    ("UPDATE mailbox SET uidnext = 3 WHERE id = 1", "UIDNEXT", False),
    ("UPDATE mailbox SET highestmodseq = 1 WHERE id = 1", "later than the mailbox's", False),
    ("UPDATE account SET modseq = 1 WHERE id = 1", "later than the account's", False),
    ("UPDATE tombstone SET uid = 1 WHERE mailbox_id = 1", "counts as removed", False),
    ("UPDATE account SET messages = messages + 1 WHERE id = 1", "are counted", True),
    ("UPDATE account SET size = size - 1 WHERE id = 1", "are counted", True),
    ("UPDATE message SET account_id = 2 WHERE id = 1", "another account", False),
    ("UPDATE flagset SET account_id = 2 WHERE account_id = 1 AND deleted = 1 AND seen = 1", "another account", False),
    ("UPDATE message SET removed = NULL", "is in no mailbox", False),
    ("UPDATE message SET removed = 5 WHERE id = 1", "going to be removed", True),
    ("DELETE FROM wire WHERE message_id = 1", "lacks", False),
    ("DELETE FROM folded WHERE message_id = 1", "lacks", False),
    ("UPDATE blob SET uses = uses + 1", "uses", True),
    ("UPDATE blob SET released = 5", "no use and no end", False),
    ("UPDATE blob SET size = size + 1", "octets", False),
]


@pytest.mark.parametrize(("damage", "told", "repairable"), DAMAGE, ids=[damage[0] for damage in DAMAGE])
def test_damage_is_found(busy: House, damage: str, told: str, repairable: bool) -> None:
    def harm(tx: Tx) -> None:
        if damage.startswith("UPDATE tombstone"):
            tx.run("DELETE FROM tombstone WHERE uid <> (SELECT min(uid) FROM tombstone)")
        tx.run(damage)

    busy.store.run(harm)
    problems = verify.verify(busy.store)
    assert any(told in problem.text for problem in problems)
    verify.repair(busy.store)
    left = verify.verify(busy.store)
    if repairable:
        assert left == []
    else:
        assert any(told in problem.text for problem in left)


def test_files_are_compared(busy: House) -> None:
    store = busy.store
    blob_ids = store.look(lambda tx: [row[0] for row in tx.all("SELECT id FROM blob WHERE uses > 0 ORDER BY id")])
    fresh.settle(store)
    store.blobs.path(blob_ids[0]).unlink()
    with store.blobs.path(blob_ids[1]).open("ab") as file:
        file.write(b"x")
    stray, young = keep_in_file(store, b"stray"), keep_in_file(store, b"young")
    os.utime(store.blobs.path(stray.id), (NOW - 2 * tidy.GRACE,) * 2)
    os.utime(store.blobs.path(young.id), (NOW,) * 2)
    for blob_id in blob_ids[1:]:  # their directory is read; they are known
        os.utime(store.blobs.path(blob_id), (NOW - 2 * tidy.GRACE,) * 2)
    missing, grown, alone = verify.verify(store)
    assert "can't be read" in missing.text
    assert "octets" in grown.text
    assert stray.id in alone.text
    assert alone.repairable
    assert verify.strays(store) == [stray.id]


def test_strays_are_adopted(busy: House) -> None:
    store = busy.store
    stray = keep_in_file(store, letter("lost and found"))
    os.utime(store.blobs.path(stray.id), (NOW - 2 * tidy.GRACE,) * 2)
    ada = store.look(account.find, "ada@example.org")
    assert ada is not None
    assert verify.adopt(store, ada.id) == 1
    recovered = busy.box(ada, "Recovered")
    assert store.look(mail.fetch, recovered.id, mail.ALL, ["subject"]) == [(1, "lost and found")]
    assert verify.verify(store) == []
    assert verify.adopt(store, ada.id) == 0


@only_sqlite
def test_a_damaged_database_is_told(busy: House) -> None:
    def harm(tx: Tx) -> None:
        tx.run("PRAGMA writable_schema = 1")
        tx.run("UPDATE sqlite_schema SET rootpage = 2 WHERE name = 'placement_message'")

    busy.store.run(harm)
    assert any(problem.text.startswith("The database says") for problem in verify.verify(busy.store))


@only_sqlite
def test_an_index_that_lacks_messages(house: House) -> None:
    store = house.store
    inbox = house.box(house.account())
    house.fill(inbox, 3)
    store.index.advance(store)
    assert verify.verify(store) == []
    with contextlib.closing(sqlite3.connect(store.index.path, isolation_level=None)) as index:
        index.execute("DELETE FROM text WHERE message_id = 2")
    house.append(inbox)  # not indexed yet, and not missing
    (problem,) = verify.verify(store)
    assert (problem.repairable, "lacks 1 messages" in problem.text) == (True, True)
    verify.repair(store)
    assert verify.verify(store) == []
    assert store.look(search, inbox.id, Body("hello")) == [1, 2, 3, 4]
