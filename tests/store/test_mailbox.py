"""Mailbox names and the making of mailboxes."""

from __future__ import annotations

import pytest

from posthouse.errors import AlreadyExists, NotFound, StoreError
from posthouse.store import change, mailbox
from store_helpers import House


def test_create_makes_the_levels_above(house: House) -> None:
    ada = house.account()
    made = house.store.run(mailbox.create, ada.id, "Work/2024/Bills")
    assert made.name == "Work/2024/Bills"
    names = [box.name for box in house.store.look(mailbox.list_all, ada.id)]
    assert names == ["INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash", "Work", "Work/2024", "Work/2024/Bills"]
    with pytest.raises(AlreadyExists):
        house.store.run(mailbox.create, ada.id, "Work/2024")
    with pytest.raises(NotFound):
        house.store.run(mailbox.create, 999, "Work")


def test_a_tree_sorts_as_a_tree(house: House) -> None:
    ada = house.account()
    for name in ("a b", "a/c", "a-b", "INBOX/z"):
        house.store.run(mailbox.create, ada.id, name)
    names = [box.name for box in house.store.look(mailbox.list_all, ada.id)]
    assert names == ["INBOX", "INBOX/z", "Archive", "Drafts", "Junk", "Sent", "Trash", "a", "a/c", "a b", "a-b"]


@pytest.mark.parametrize("name", ["inbox", "Inbox", "INBOX"])
def test_inbox_in_any_case(house: House, name: str) -> None:
    ada = house.account()
    assert house.box(ada, name).name == "INBOX"
    assert house.store.run(mailbox.create, ada.id, f"{name}/x").name == "INBOX/x"
    with pytest.raises(AlreadyExists):
        house.store.run(mailbox.create, ada.id, name)


def test_other_names_have_a_case_and_a_normal_form(house: House) -> None:
    ada = house.account()
    house.store.run(mailbox.create, ada.id, "sent")
    assert house.box(ada, "sent").id != house.box(ada, "Sent").id
    made = house.store.run(mailbox.create, ada.id, "U\u0308ber")
    assert made.name == "Über"
    assert house.box(ada, "Über") == made


@pytest.mark.parametrize(
    "name", ["", "/", "a/", "/a", "a//b", "a\nb", "a\x00b", "\x7f", "\ud800", "x" * 1001, "/".join("a" * 51)]
)
def test_what_is_no_name(house: House, name: str) -> None:
    ada = house.account()
    with pytest.raises(StoreError):
        house.store.run(mailbox.create, ada.id, name)
    assert house.store.look(mailbox.find, ada.id, name) is None


def test_get(house: House) -> None:
    inbox = house.box(house.account())
    assert house.store.look(mailbox.get, inbox.id) == inbox
    with pytest.raises(NotFound):
        house.store.look(mailbox.get, 999)


def names(house: House, account_id: int) -> list[str]:
    return [box.name for box in house.store.look(mailbox.list_all, account_id)][6:]


def test_rename_takes_the_children_along(house: House) -> None:
    ada = house.account()
    for name in ("a/b/c", "ab", "x"):
        house.store.run(mailbox.create, ada.id, name)
    before = house.box(ada, "a/b")
    house.append(before)
    house.store.run(mailbox.rename, ada.id, "a", "new/place")
    assert names(house, ada.id) == ["ab", "new", "new/place", "new/place/b", "new/place/b/c", "x"]
    after = house.box(ada, "new/place/b")
    assert (after.id, after.uidvalidity, after.exists) == (before.id, before.uidvalidity, 1)


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("no", "new", NotFound),
        ("a", "x", AlreadyExists),
        ("a", "a/b/d", StoreError),
        ("a", "", StoreError),
        ("a", "z" * 999, StoreError),
        ("a", "a", AlreadyExists),
        ("x", "inbox", AlreadyExists),
    ],
)
def test_rename_refuses(house: House, old: str, new: str, error: type[StoreError]) -> None:
    ada = house.account()
    for name in ("a/b", "x"):
        house.store.run(mailbox.create, ada.id, name)
    with pytest.raises(error):
        house.store.run(mailbox.rename, ada.id, old, new)
    assert names(house, ada.id) == ["a", "a/b", "x"]


def test_rename_inbox_moves_its_messages(house: House) -> None:
    ada = house.account()
    house.store.run(mailbox.create, ada.id, "INBOX/below")
    house.append(house.box(ada))
    house.append(house.box(ada))
    house.store.run(mailbox.rename, ada.id, "inbox", "old")
    assert (house.box(ada).exists, house.box(ada, "old").exists) == (0, 2)
    assert house.box(ada).uidnext == 3
    assert house.box(ada, "inbox/below").name == "INBOX/below"


def test_delete(house: House) -> None:
    ada = house.account()
    made = house.store.run(mailbox.create, ada.id, "a/b", subscribed=True)
    house.append(made, house.box(ada))
    house.append(made)
    since = house.store.look(change.changes, ada.id, 0).modseq
    with pytest.raises(StoreError, match="below it"):
        house.store.run(mailbox.delete, ada.id, "a")
    with pytest.raises(StoreError, match="INBOX"):
        house.store.run(mailbox.delete, ada.id, "inbox")
    with pytest.raises(NotFound):
        house.store.run(mailbox.delete, ada.id, "b")
    house.store.run(mailbox.delete, ada.id, "a/b")
    what = house.store.look(change.changes, ada.id, since)
    assert [(one.mailbox_id, one.uid) for one in what.vanished] == [(made.id, 1), (made.id, 2)]
    assert (what.mailboxes, what.mailboxes_gone) == ([], [made.id])
    assert names(house, ada.id) == ["a"]
    again = house.store.run(mailbox.create, ada.id, "a/b")
    assert again.id > made.id
    assert again.uidvalidity > made.uidvalidity
    assert again.subscribed
    assert house.store.look(change.changes, ada.id, since).mailboxes == [again.id]


def test_subscriptions(house: House) -> None:
    ada = house.account()
    house.store.run(mailbox.unsubscribe, ada.id, "Junk")
    house.store.run(mailbox.unsubscribe, ada.id, "nothing")
    house.store.run(mailbox.subscribe, ada.id, "later/on")
    house.store.run(mailbox.subscribe, ada.id, "later/on")
    assert house.store.look(mailbox.subscriptions, ada.id) == [
        "INBOX",
        "Archive",
        "Drafts",
        "Sent",
        "Trash",
        "later/on",
    ]
    assert not house.box(ada, "Junk").subscribed
    house.store.run(mailbox.create, ada.id, "x")
    house.store.run(mailbox.rename, ada.id, "x", "later/on")
    assert house.box(ada, "later/on").subscribed
    house.store.run(mailbox.unsubscribe, ada.id, "later/on")
    assert "later/on" not in house.store.look(mailbox.subscriptions, ada.id)


def test_subscriptions_stay_with_the_name(house: House) -> None:
    """RFC 3501 §6.3.9, RFC 9051 §6.3.6: also those to names below the one that is changed."""
    ada = house.account()
    for name, subscribed in (("a", True), ("a/b", True), ("a/c", False)):
        house.store.run(mailbox.create, ada.id, name, subscribed=subscribed)
    house.store.run(mailbox.subscribe, ada.id, "z/c")
    before = house.store.look(mailbox.subscriptions, ada.id)
    house.store.run(mailbox.rename, ada.id, "a", "z")
    assert house.store.look(mailbox.subscriptions, ada.id) == before
    assert [house.box(ada, name).subscribed for name in ("z", "z/b", "z/c")] == [False, False, True]
    house.store.run(mailbox.rename, ada.id, "z", "a")
    assert house.store.look(mailbox.subscriptions, ada.id) == before
    assert [house.box(ada, name).subscribed for name in ("a", "a/b", "a/c")] == [True, True, False]
    house.store.run(mailbox.subscribe, ada.id, "old")
    house.store.run(mailbox.rename, ada.id, "INBOX", "old")
    assert house.box(ada).subscribed
    assert house.box(ada, "old").subscribed


def test_special_use(house: House) -> None:
    ada = house.account()
    sent = house.box(ada, "Sent")
    with pytest.raises(AlreadyExists):
        house.store.run(mailbox.create, ada.id, "Sent Items", special_use="\\Sent")
    made = house.store.run(mailbox.create, ada.id, "Sent Items")
    with pytest.raises(AlreadyExists):
        house.store.run(mailbox.set_special_use, made.id, "\\Sent")
    house.store.run(mailbox.set_special_use, sent.id, "")
    house.store.run(mailbox.set_special_use, made.id, "\\Sent")
    assert (house.box(ada, "Sent").special_use, house.box(ada, "Sent Items").special_use) == ("", "\\Sent")
    with pytest.raises(StoreError):
        house.store.run(mailbox.set_special_use, made.id, "\\Nonsense")
