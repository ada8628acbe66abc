"""The database's disk fails, at every step of every kind of change: nothing is said to be done that isn't, and all
goes on as soon as the disk does. (What fails under the octets: test_blob.py.)
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faulty_sqlite import EIO, FULL, Faults, faulty_sqlite
from posthouse.errors import StoreError, StoreFull
from posthouse.message.summary import summarize
from posthouse.store import intake, mail, mailbox, search, tidy, verify
from posthouse.store.engine import Store, Tx
from posthouse.store.mailbox import Mailbox
from store_helpers import NOW, Clock, House, keep, letter

RAW = letter()
# More steps than any change takes.
MANY = 500
State = dict[str, list[tuple[int, bytes]]]


@pytest.fixture
def faults() -> Iterator[Faults]:
    with faulty_sqlite() as made:
        yield made


def state(store: Store) -> State:
    """All mailboxes of all accounts, with UIDs and flags."""
    rows = store.look(lambda tx: tx.all("SELECT id, name FROM mailbox ORDER BY id"))
    return {
        f"{mailbox_id} {name}": store.look(mail.fetch, mailbox_id, mail.ALL, ["flags"]) for mailbox_id, name in rows
    }


def after_a_crash(store: Store, folder: Path) -> State:
    """What another process finds in the files as they are now."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in store.data.glob("posthouse.sqlite3*"):
        if not path.name.endswith("-shm"):
            shutil.copyfile(path, folder / path.name)
    shutil.copytree(store.data / "messages", folder / "messages")
    found = Store.open(folder, readers=1)
    try:
        assert verify.verify(found) == []
        return state(found)
    finally:
        found.close()


Change = Callable[[House, Mailbox, Mailbox], object]


def append(house: House, inbox: Mailbox, archive: Mailbox) -> object:
    blob = keep(house.store, RAW)
    targets = [intake.Target(inbox.id), intake.Target(archive.id)]
    return house.store.run(intake.append, blob, summarize(RAW), targets, NOW)


def flags(house: House, inbox: Mailbox, archive: Mailbox) -> object:
    seen = house.store.look(mailbox.get, inbox.id).unseen == 0
    return house.store.run(mail.store_flags, inbox.id, mail.ALL, "remove" if seen else "add", ["\\Seen"])


def move(house: House, inbox: Mailbox, archive: Mailbox) -> object:
    here, there = (inbox, archive) if house.store.look(mail.uids, inbox.id) else (archive, inbox)
    return house.store.run(mail.move, here.id, mail.ALL, there.id)


def expunge(house: House, inbox: Mailbox, archive: Mailbox) -> object:
    (last,) = house.store.look(mail.uids, archive.id)[-1:]

    def remove(tx: Tx) -> list[int]:
        mail.store_flags(tx, archive.id, [(last, last)], "add", ["\\Deleted"])
        return mail.expunge(tx, archive.id)

    return house.store.run(remove)


def rename(house: House, inbox: Mailbox, archive: Mailbox) -> object:
    name = house.store.look(mailbox.get, archive.id).name
    return house.store.run(mailbox.rename, archive.account_id, name, "B/C" if name == "Archive" else "Archive")


@pytest.mark.parametrize(
    ("step", "codes", "times"),
    [
        pytest.param("write", FULL, MANY, id="no room until some is made"),
        pytest.param("write", EIO, 1, id="a write fails"),
        pytest.param("sync", EIO, 1, id="a sync fails"),
        pytest.param("sync", EIO, MANY, id="syncs fail until it is mended"),
        pytest.param("truncate", EIO, 1, id="a truncation fails"),
    ],
)
@pytest.mark.parametrize("change", [append, flags, move, expunge, rename])
def test_every_step_may_fail(
    tmp_path: Path, faults: Faults, change: Change, step: str, codes: dict[str, int], times: int
) -> None:
    house = House(Store.open(tmp_path / "data", readers=1))
    store = house.store
    ada = house.account()
    inbox, archive = house.box(ada), house.box(ada, "Archive")
    house.fill(archive, 60)
    append(house, inbox, archive)
    # Every commit also folds the log into the database, whose files are written and synced too.
    store.run(lambda tx: tx.value("PRAGMA wal_autocheckpoint = 1"))
    refused = 0
    for after in range(MANY):
        before = state(store)
        faults.arm(step, after, codes, times)
        try:
            change(house, inbox, archive)
        except StoreError as error:
            refused += 1
            assert isinstance(error, StoreFull) == (codes[step] == FULL["write"])
            faults.clear()
            assert state(store) == before, "it was refused, and some of it is there"
            change(house, inbox, archive)  # all is well again
        faults.clear()
        assert state(store) != before
        assert after_a_crash(store, tmp_path / "copy") == state(store), "it was acknowledged, and is gone"
        if not faults.failed:
            break
    assert verify.verify(store) == []
    assert after < MANY - 1
    assert refused > 0 or step == "truncate"
    store.close()


def advance(store: Store) -> object:
    return store.index.advance(store)


def rebuild(store: Store) -> object:
    return store.index.rebuild(store)


def forget(store: Store) -> object:
    return store.index.forget(store)


@pytest.mark.parametrize(
    ("step", "codes", "times"),
    [
        pytest.param("write", FULL, MANY, id="no room until some is made"),
        pytest.param("write", EIO, 1, id="a write fails"),
        pytest.param("sync", EIO, 1, id="a sync fails"),
    ],
)
@pytest.mark.parametrize("work", [advance, rebuild, forget])
def test_the_index_outlives_each_failure(
    tmp_path: Path,
    faults: Faults,
    work: Callable[[Store], object],
    step: str,
    codes: dict[str, int],
    times: int,
) -> None:
    """Whatever fails while it is written: searches find everything, and it goes on where it was."""
    clock = Clock()
    house = House(Store.open(tmp_path / "data", readers=1, clock=clock))
    store = house.store
    inbox = house.box(house.account())
    failed = 0
    for after in range(MANY):
        for number in (1, 2):
            house.append(inbox, raw=letter(f"subject{after} {number}", f"common word{after}"))
        if work is forget:
            store.index.advance(store)
            store.run(mail.remove, inbox.id, [(1, 2**31)])
            clock.now += tidy.GRACE
            store.run(tidy.forget_messages)
            house.append(inbox, raw=letter(f"subject{after} 1", f"common word{after}"))
        faults.arm(step, after, codes, times)
        try:
            work(store)
        except StoreError as error:
            failed += 1
            assert isinstance(error, StoreFull) == (codes[step] == FULL["write"])
        faults.clear()
        uids = list(store.look(mail.uids, inbox.id))
        for key in (search.Body("ommon"), search.Field("subject", "ubject"), search.Text("subject:")):
            assert store.look(search.search, inbox.id, key) == uids, "an answer is complete"
        store.index.advance(store)
        assert store.index.check(store) == []
        new = uids[-1:] if work is forget else uids[-2:]
        assert store.look(search.search, inbox.id, search.Body(f"word{after}")) == new
        if not faults.failed:
            break
    assert failed > 0 or (work, step) == (forget, "sync"), "what is left out isn't synced: a crash may bring it back"
    store.close()
