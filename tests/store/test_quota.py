"""Quota: what counts, and what happens at the limit."""

from __future__ import annotations

import pytest

from posthouse.errors import NotFound, OverQuota, StoreFull
from posthouse.store import mail, quota
from store_helpers import House, letter

SIZE = len(letter())


def test_a_message_counts_once_until_its_last_placement_is_gone(house: House) -> None:
    ada = house.account()
    inbox, archive = house.box(ada), house.box(ada, "Archive")
    house.append(inbox, archive)
    house.append(inbox)
    house.store.run(mail.copy, inbox.id, mail.ALL, archive.id)
    assert house.store.look(quota.get, ada.id) == quota.Quota(2 * SIZE, 2, None, None)
    house.store.run(mail.move, inbox.id, mail.ALL, archive.id)
    assert house.store.look(quota.get, ada.id).messages == 2
    house.store.run(mail.store_flags, archive.id, [(1, 3)], "add", ["\\Deleted"])
    house.store.run(mail.expunge, archive.id)
    assert house.store.look(quota.get, ada.id).messages == 2
    house.store.run(mail.store_flags, archive.id, mail.ALL, "add", ["\\Deleted"])
    house.store.run(mail.expunge, archive.id)
    assert house.store.look(quota.get, ada.id) == quota.Quota(0, 0, None, None)


@pytest.mark.parametrize("limits", [{"size": 2 * SIZE, "messages": None}, {"size": None, "messages": 2}])
def test_full_is_full(house: House, limits: dict[str, int | None]) -> None:
    ada, bob = house.account("ada@example.org"), house.account("bob@example.org")
    house.store.run(quota.set_limits, ada.id, **limits)
    inbox = house.box(ada)
    house.append(inbox)
    assert house.store.look(quota.get, ada.id).has_room(SIZE)
    house.append(inbox)
    assert not house.store.look(quota.get, ada.id).has_room(SIZE)
    with pytest.raises(StoreFull, match="mailbox is full"):
        house.append(house.box(bob), inbox)
    assert [*house.store.look(mail.uids, inbox.id)] == [1, 2]
    assert [*house.store.look(mail.uids, house.box(bob).id)] == []
    house.store.run(quota.set_limits, ada.id, size=None, messages=None)
    assert house.append(inbox)[0].uid == 3


def test_no_such_account(house: House) -> None:
    with pytest.raises(NotFound):
        house.store.look(quota.get, 999)
    with pytest.raises(NotFound):
        house.store.run(quota.set_limits, 999, size=1, messages=1)


@pytest.mark.parametrize(
    ("limits", "never"),
    [
        ({"size": SIZE - 1, "messages": None}, True),
        ({"size": None, "messages": 0}, True),
        ({"size": 2 * SIZE - 1, "messages": None}, False),
        ({"size": None, "messages": 1}, False),
    ],
)
def test_whether_it_may_ever_fit(house: House, limits: dict[str, int | None], never: bool) -> None:
    ada = house.account()
    if not never:
        house.append(house.box(ada))
    house.store.run(quota.set_limits, ada.id, **limits)
    with pytest.raises(OverQuota) as told:
        house.store.look(quota.check, ada.id, SIZE)
    with pytest.raises(OverQuota) as taken:
        house.append(house.box(ada))
    assert (told.value.never, taken.value.never) == (never, never)
