"""Access control lists, copies between accounts, annotations and keys: what the store itself promises."""

from __future__ import annotations

import pytest

from posthouse.errors import OverQuota, StoreError
from posthouse.store import account, acl, across, annotation, change, mail, mailbox, quota, url_key, verify
from posthouse.store.engine import Store
from store_helpers import House, letter

BOB = "bob@example.org"


def test_rights_are_summed_and_taken_away(store: Store) -> None:
    house = House(store)
    ada = house.account()
    inbox = house.box(ada)
    for identifier, rights in (("anyone", "lrp"), (BOB, "wi"), ("-anyone", "p"), (f"-{BOB}", "i")):
        store.run(acl.put, ada.id, inbox.id, identifier, rights)
    assert store.look(acl.rights_of, inbox.id, BOB) == frozenset("lrw")
    assert store.look(acl.rights_of, inbox.id, "eve@example.org") == frozenset("lr")
    bob = house.account(BOB)
    assert store.look(acl.shared_with, bob.id, BOB) == [acl.Shared(inbox.id, ada.address, frozenset("lrw"))]
    assert store.look(acl.shared_with, ada.id, ada.address) == [], "one's own isn't shared with oneself"
    store.run(acl.put, ada.id, inbox.id, BOB, "")
    assert BOB not in store.look(acl.entries, inbox.id)


def test_sharing_wakes_who_looks(store: Store) -> None:
    """The owner's modseq rises, and the mailbox counts as changed."""
    house = House(store)
    ada = house.account()
    inbox = house.box(ada)
    since = store.look(change.changes, ada.id, 0).modseq
    store.run(acl.put, ada.id, inbox.id, "anyone", "lr")
    assert store.look(change.changes, ada.id, since).mailboxes == [inbox.id]


def test_a_list_has_an_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(store)
    ada = house.account()
    inbox = house.box(ada)
    monkeypatch.setattr(acl, "MAX_IDENTIFIERS", 1)
    store.run(acl.put, ada.id, inbox.id, "anyone", "lr")
    store.run(acl.put, ada.id, inbox.id, "anyone", "l")
    with pytest.raises(StoreError, match="not more"):
        store.run(acl.put, ada.id, inbox.id, BOB, "lr")


def test_copies_for_another_account(store: Store) -> None:
    """Octets are shared, rows are not; threads, quota and counters are the other account's."""
    house = House(store)
    ada, bob = house.account(), house.account(BOB)
    source, target = house.box(ada), house.box(bob)
    for number in range(3):
        house.append(source, raw=letter(f"number {number}"), flags=["\\Flagged"])
    copied = store.run(across.move, source.id, [(1, 2)], target.id)
    assert (copied.source, copied.target) == ([1, 2], [1, 2])
    assert house.flags(target) == {1: "\\Flagged", 2: "\\Flagged"}
    assert list(house.flags(source)) == [3]
    assert store.look(quota.get, bob.id).messages == 2
    assert store.look(quota.get, ada.id).messages == 1
    assert list(verify.verify(store)) == []
    store.run(account.remove, ada.address)
    assert list(verify.verify(store)) == [], "the octets are still Bob's"
    blob = store.look(mail.fetch, target.id, mail.ALL, ["blob"])[0][1]
    assert b"number 0" in store.blobs.read(blob, 0, 1000)


def test_a_copy_that_has_no_room(store: Store) -> None:
    house = House(store)
    ada, bob = house.account(), house.account(BOB)
    house.fill(house.box(ada), 2)
    store.run(quota.set_limits, bob.id, size=None, messages=1)
    with pytest.raises(OverQuota):
        store.run(across.copy, house.box(ada).id, mail.ALL, house.box(bob).id)
    assert house.flags(house.box(bob)) == {}


def test_a_copy_of_nothing_into_what_is_too_full(store: Store) -> None:
    """Its limit was lowered below what it has; what isn't there needs no room."""
    house = House(store)
    ada, bob = house.account(), house.account(BOB)
    house.fill(house.box(bob), 2)
    store.run(quota.set_limits, bob.id, size=None, messages=1)
    for way in (across.copy, across.move):
        assert store.run(way, house.box(ada).id, mail.ALL, house.box(bob).id).source == []


def test_annotations_go_with_mailbox_and_account(store: Store) -> None:
    house = House(store)
    ada, bob = house.account(), house.account(BOB)
    box = store.run(mailbox.create, ada.id, "Plans")
    store.run(annotation.put, ada.id, box.id, {"/shared/comment": b"x"})
    store.run(annotation.put, bob.id, box.id, {"/private/comment": b"y"})
    store.run(annotation.put, bob.id, None, {"/private/comment": b"z"})
    store.run(mailbox.delete, ada.id, "Plans")
    assert store.look(annotation.find, bob.id, None, "/private", None) == {"/private/comment": b"z"}
    store.run(account.remove, BOB)


def test_removed_annotations_make_room(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotation, "MAX_ENTRIES", 2)
    ada = House(store).account()
    for number in range(5):
        store.run(annotation.put, ada.id, None, {f"/private/{number}": b"x"})
        store.run(annotation.put, ada.id, None, {f"/private/{number}": None})
    store.run(annotation.put, ada.id, None, {"/private/a": b"", "/private/b": b""})
    with pytest.raises(annotation.TooMany):
        store.run(annotation.put, ada.id, None, {"/private/c": b""})
    with pytest.raises(StoreError, match="characters"):
        store.run(annotation.put, ada.id, None, {"/private/" + "c" * 250: b""})


def test_keys(store: Store) -> None:
    house = House(store)
    ada = house.account()
    inbox = house.box(ada)
    assert store.look(url_key.find, ada.id, inbox.id) is None
    key = store.run(url_key.find_or_make, ada.id, inbox.id)
    assert store.run(url_key.find_or_make, ada.id, inbox.id) == key
    assert len(key) == 32 and store.run(url_key.renew, ada.id, inbox.id) != key
    store.run(url_key.forget_all, ada.id)
    assert store.look(url_key.find, ada.id, inbox.id) is None
