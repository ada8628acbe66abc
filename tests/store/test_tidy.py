"""Housekeeping: what goes, when, and what a crash left behind."""

from __future__ import annotations

import asyncio
import os

from posthouse.store import account, change, fresh, mail, tidy
from posthouse.store.engine import Store
from store_helpers import NOW, Clock, House, keep_in_file, letter


def files(store: Store) -> set[str]:
    return {path.stem for path in (store.data / "messages").rglob("*.eml")}


def age(store: Store, blob_id: str, moment: float) -> None:
    os.utime(store.blobs.path(blob_id), (moment, moment))
    os.utime(store.blobs.path(blob_id).parent, (moment, moment))


def test_removed_messages_go_after_a_while(house: House, clock: Clock) -> None:
    store = house.store
    inbox = house.box(house.account())
    house.append(inbox, flags=["\\Deleted"], raw=letter("gone"))
    house.append(inbox, raw=letter("stays"))
    store.run(mail.expunge, inbox.id)
    fresh.settle(store)
    clock.now += tidy.GRACE - 1
    asyncio.run(tidy.tidy_up(store))
    assert len(files(store)) == 2
    clock.now += 1
    asyncio.run(tidy.tidy_up(store))
    assert store.look(lambda tx: tx.value("SELECT count(*) FROM message")) == 1
    assert len(files(store)) == 2
    clock.now += tidy.GRACE
    asyncio.run(tidy.tidy_up(store))
    assert len(files(store)) == 1
    ((_, kept),) = store.look(mail.fetch, inbox.id, mail.ALL, ["blob"])
    assert store.blobs.read(kept, 0, 10**6) == letter("stays")
    assert store.look(lambda tx: tx.all("SELECT id FROM blob")) == [(kept,)]


def test_shared_octets_stay_while_one_needs_them(house: House, clock: Clock) -> None:
    store = house.store
    ada, bob = house.account("ada@example.org"), house.account("bob@example.org")
    house.append(house.box(ada), house.box(bob))
    fresh.settle(store)
    store.run(account.remove, "ada@example.org")
    clock.now += 10 * tidy.GRACE
    asyncio.run(tidy.tidy_up(store))
    assert len(files(store)) == 1
    store.run(account.remove, "bob@example.org")
    asyncio.run(tidy.tidy_up(store))
    assert len(files(store)) == 1
    clock.now += tidy.GRACE
    asyncio.run(tidy.tidy_up(store))
    assert files(store) == set()


def test_octets_that_are_used_again_stay(house: House, clock: Clock) -> None:
    store = house.store
    inbox = house.box(house.account())
    (first,) = house.append(inbox, flags=["\\Deleted"])
    ((_, blob_id),) = store.look(mail.fetch, inbox.id, mail.ALL, ["blob"])
    store.run(mail.expunge, inbox.id)
    clock.now += tidy.GRACE
    store.run(tidy.forget_messages)
    clock.now += tidy.GRACE
    store.run(lambda tx: tx.run("UPDATE blob SET uses = uses + 1, released = NULL WHERE id = :id", id=blob_id))
    assert store.run(tidy.forget_octets) == []
    assert first.uid == 1


def test_removals_are_forgotten_and_it_is_told(house: House, clock: Clock) -> None:
    store = house.store
    ada = house.account()
    inbox = house.box(ada)
    house.fill(inbox, 3)
    store.run(mail.store_flags, inbox.id, [(1, 1)], "add", ["\\Deleted"])
    store.run(mail.expunge, inbox.id)
    middle = store.look(change.changes, ada.id, 0).modseq
    clock.now += tidy.MEMORY - 10
    store.run(mail.store_flags, inbox.id, [(2, 2)], "add", ["\\Deleted"])
    store.run(mail.expunge, inbox.id)
    clock.now += 10
    assert store.run(tidy.forget_removals)
    assert not store.run(tidy.forget_removals)
    early = store.look(change.changes, ada.id, middle - 2)
    assert not early.complete
    late = store.look(change.changes, ada.id, middle)
    assert late.complete
    assert [one.uid for one in late.vanished] == [2]


def test_strays_are_swept_when_they_are_old(house: House) -> None:
    store = house.store
    house.append(house.box(house.account()))
    fresh.settle(store)
    (used,) = files(store)
    old, young = keep_in_file(store, b"old"), keep_in_file(store, b"young")
    age(store, used, NOW - 2 * tidy.GRACE)
    age(store, old.id, NOW - 2 * tidy.GRACE)
    os.utime(store.blobs.path(young.id), (NOW - 5, NOW - 5))
    abandoned = store.data / "messages" / "tmp" / "abandoned"
    arriving = store.data / "messages" / "tmp" / "arriving"
    for path, moment in ((abandoned, NOW - 2 * tidy.GRACE), (arriving, NOW)):
        path.write_bytes(b"half a letter")
        os.utime(path, (moment, moment))
    assert tidy.sweep(store) == 1
    assert files(store) == {used, young.id}
    assert not abandoned.exists()
    assert arriving.exists()


def test_a_sweep_reads_only_what_changed(house: House, clock: Clock) -> None:
    store = house.store
    stray = keep_in_file(store, b"stray")
    age(store, stray.id, NOW - 2 * tidy.GRACE)
    store.run(lambda tx: tx.run("UPDATE store SET swept = :now", now=NOW - tidy.GRACE))
    assert tidy.sweep(store) == 0
    os.utime(store.blobs.path(stray.id).parent, (NOW, NOW))
    assert tidy.sweep(store) == 1
