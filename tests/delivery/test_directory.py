"""Who has an address: remembered for a moment, and no longer than it is so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from posthouse.delivery import directory
from posthouse.delivery.directory import Directory
from posthouse.delivery.recipient import Found
from posthouse.errors import OverQuota
from posthouse.smtp.path import Mailbox
from posthouse.store import account, alias, domain, forward, quota
from posthouse.store.engine import Store
from processes import eventually

ADA, BOB = Mailbox("ada", "example.org"), Mailbox("bob", "example.org")
HOST = "mail.example.org"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "data")
    store.run(domain.add, "example.org")
    store.run(account.add, "ada@example.org", "hash")
    yield store
    store.close()


@pytest.fixture
def find(store: Store) -> Callable[..., Found]:
    book = Directory(store, HOST)
    return lambda mailbox, size=0: asyncio.run(book.find(mailbox, size))


def looked_up(store: Store) -> int:
    return store.statistics().reads


def test_an_address_is_looked_up_once(store: Store, find: Callable[..., Found]) -> None:
    found = find(ADA)
    before = looked_up(store)
    assert find(ADA) is found
    assert looked_up(store) == before


def test_what_is_nobodys_is_looked_up_each_time(store: Store, find: Callable[..., Found]) -> None:
    """Else whoever tries addresses would fill the memory, and who is added would be unknown for a while."""
    assert not find(BOB)
    before = looked_up(store)
    assert not find(BOB)
    assert looked_up(store) == before + 1


def test_a_moment_later_it_is_looked_up_again(
    store: Store, find: Callable[..., Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "MOMENT", 0.0)
    find(ADA)
    before = looked_up(store)
    find(ADA)
    assert looked_up(store) == before + 1


def test_every_change_counts_at_once(store: Store, find: Callable[..., Found]) -> None:
    ada = find(ADA).accounts
    bob = (store.run(account.add, "bob@example.org", "hash").id,)
    store.run(alias.add, "ada@example.org", "bob@example.org")
    assert set(find(ADA).accounts) == {*ada, *bob}
    store.run(forward.add, "ada@example.org", "ada@elsewhere.example")
    assert find(ADA).targets == ("ada@elsewhere.example",)
    store.run(forward.remove, "ada@example.org", "ada@elsewhere.example")
    store.run(alias.remove, "ada@example.org", "bob@example.org")
    assert find(ADA) == Found(ours=True, accounts=ada)
    store.run(alias.add, "@example.org", "bob@example.org")
    eve = Mailbox("eve", "example.org")
    assert find(eve).accounts == bob
    hers = store.run(account.add, "eve@example.org", "hash").id
    assert find(eve).accounts == (hers,)
    store.run(account.remove, "eve@example.org")
    store.run(alias.remove, "@example.org", "bob@example.org")
    assert not find(eve)
    store.run(forward.add, "list@example.org", "x@other.example")
    assert find(Mailbox("list", "example.org")).targets == ("x@other.example",)
    store.run(domain.add, "other.example")
    assert not find(Mailbox("list", "example.org")), "that domain is ours now, and nobody has the name"
    store.run(domain.remove, "other.example")
    assert find(Mailbox("list", "example.org")).targets == ("x@other.example",)


def test_what_another_process_changes_is_heard_of(store: Store, find: Callable[..., Found]) -> None:
    asyncio.run(_listen(store))
    other = Store.open(store.data)
    assert find(ADA)
    before = store.feed.directory
    other.run(account.remove, "ada@example.org")
    eventually(lambda: store.feed.directory > before, "nothing is heard")
    assert not find(ADA)
    other.close()


async def _listen(store: Store) -> None:
    store.feed.subscribe(1, lambda _: None).close()


def test_who_may_be_full_is_looked_up_each_time(store: Store, find: Callable[..., Found]) -> None:
    ada = find(ADA).accounts[0]
    store.run(quota.set_limits, ada, size=1_000, messages=None)
    assert find(ADA, 400)
    before = looked_up(store)
    assert find(ADA, 500), "half of the room is for what comes in the meantime"
    assert looked_up(store) == before
    assert find(ADA, 501)
    assert looked_up(store) == before + 1
    with pytest.raises(OverQuota):
        find(ADA, 1_001)
    store.run(quota.set_limits, ada, size=None, messages=10)
    find(ADA)
    before = looked_up(store)
    find(ADA)
    assert looked_up(store) == before + 1, "messages come quickly"


def test_no_more_are_remembered_than_there_is_room_for(
    store: Store, find: Callable[..., Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "MOST", 2)
    for name in ("ada", "ada+1", "ada+2"):
        assert find(Mailbox(name, "example.org"))
    before = looked_up(store)
    find(Mailbox("ada+2", "example.org"))
    assert looked_up(store) == before
    find(ADA)
    assert looked_up(store) == before + 1


def test_what_many_are_behind_is_looked_up_each_time(store: Store, find: Callable[..., Found]) -> None:
    """Each of its subaddresses would be kept with all of them."""
    for number in range(directory.MOST_BEHIND_ONE):
        store.run(forward.add, "list@example.org", f"x{number}@elsewhere.example")
    found = find(Mailbox("list+1", "example.org"))
    assert find(Mailbox("list+1", "example.org")) is found
    store.run(forward.add, "list@example.org", "y@elsewhere.example")
    found = find(Mailbox("list+1", "example.org"))
    assert find(Mailbox("list+1", "example.org")) is not found
