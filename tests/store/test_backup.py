"""Backups: complete, incremental, verified, restored; and what a restored store never gives again."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest

from posthouse.errors import StoreError, StoreFull
from posthouse.store import account, backup, change, fresh, mail, mailbox, tidy, verify
from posthouse.store.engine import Store
from store_helpers import Clock, House, letter, only_sqlite


@pytest.fixture
def furnished(house: House) -> House:
    ada = house.account()
    for number in range(5):
        house.append(house.box(ada), raw=letter(f"letter {number}"), flags=["\\Seen"])
    return house


def subjects(store: Store) -> list[str]:
    ada = store.look(account.find, "ada@example.org")
    assert ada is not None
    inbox = store.look(mailbox.find, ada.id, "INBOX")
    assert inbox is not None
    rows = store.look(mail.fetch, inbox.id, mail.ALL, ["subject", "blob"])
    for _, subject, blob_id in rows:
        assert f"Subject: {subject}\r\n".encode() in store.blobs.read(blob_id, 0, 10**6)
    return [subject for _, subject, _ in rows]


@only_sqlite
def test_a_backup_is_a_store(furnished: House, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    folder = backup.backup(
        furnished.store, tmp_path / "backups", progress=lambda done, total: steps.append((done, total))
    )
    copy = Store.open(folder)
    assert verify.verify(copy) == []
    assert subjects(copy) == subjects(furnished.store)
    copy.close()
    assert steps == [(5, 5)]
    assert [path.name for path in (tmp_path / "backups").iterdir()] == [folder.name]


@only_sqlite
def test_octets_are_linked(furnished: House, tmp_path: Path) -> None:
    folder = backup.backup(furnished.store, tmp_path / "backups")
    for path in (folder / "messages").rglob("*.eml"):
        original = furnished.store.data / path.relative_to(folder)
        assert path.samefile(original)


def test_octets_are_linked_to_the_backup_before(tmp_path: Path) -> None:
    source, before, target = tmp_path / "no such file", tmp_path / "before", tmp_path / "target"
    before.write_bytes(b"octets")
    backup._link_or_copy(source, before, target)
    assert target.samefile(before)


def test_octets_are_copied_to_another_file_system(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"octets" * 100_000)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        target = Path(name) / "target"
        assert target.parent.stat().st_dev != source.stat().st_dev
        backup._link_or_copy(source, None, target)
        assert [path.read_bytes() for path in target.parent.iterdir()] == [source.read_bytes()]


@only_sqlite
def test_restore(furnished: House, tmp_path: Path) -> None:
    ada = furnished.store.look(account.find, "ada@example.org")
    assert ada is not None
    folder = backup.backup(furnished.store, tmp_path / "backups")
    (lost,) = furnished.append(furnished.box(ada), raw=letter("after the backup"))
    new = furnished.store.run(mailbox.create, ada.id, "after the backup")
    state = furnished.store.look(change.changes, ada.id, 0).modseq

    backup.restore(folder, tmp_path / "again")
    again = House(Store.open(tmp_path / "again"))
    assert verify.verify(again.store) == []
    assert subjects(again.store) == [f"letter {number}" for number in range(5)]
    inbox = again.box(ada)
    assert inbox.uidvalidity > new.uidvalidity
    (given,) = again.append(inbox)
    assert given.message_id > lost.message_id
    assert given.modseq > lost.modseq
    assert again.store.run(mailbox.create, ada.id, "other").id > new.id
    assert not again.store.look(change.changes, ada.id, state).complete
    assert again.store.look(change.changes, ada.id, given.modseq - 1).complete
    again.store.close()
    assert Store.open(folder).look(account.find, "ada@example.org") == ada


@only_sqlite
def test_restore_refuses(furnished: House, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no backup"):
        backup.restore(tmp_path, tmp_path / "again")
    folder = backup.backup(furnished.store, tmp_path / "backups")
    with pytest.raises(StoreError, match="there is a store"):
        backup.restore(folder, furnished.store.data)


@only_sqlite
def test_nothing_is_deleted_while_a_backup_is_made(furnished: House, tmp_path: Path, clock: Clock) -> None:
    store = furnished.store
    store.run(account.remove, "ada@example.org")
    clock.now += tidy.GRACE
    held: list[object] = []

    class Watched(Store):
        """A store that looks what tidy would delete, in the middle of a backup."""

        def copy_database(self, folder: Path) -> None:
            held.append(self.run(tidy.forget_octets))
            super().copy_database(folder)

    watched = Watched.open(store.data, clock=clock)
    backup.backup(watched, tmp_path / "backups")
    assert held == [[]]
    assert len(watched.run(tidy.forget_octets)) == 5
    watched.close()


@only_sqlite
def test_a_failed_backup_leaves_nothing(furnished: House, tmp_path: Path) -> None:
    path = first_file(furnished.store)
    path.unlink()
    path.mkdir()  # nothing that could be copied
    with pytest.raises(StoreError, match="Is a directory"):
        backup.backup(furnished.store, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []
    assert furnished.store.look(lambda tx: tx.value("SELECT held FROM store")) == 0


@only_sqlite
def test_a_place_that_takes_no_backup_is_named(furnished: House, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file/backups: Not a directory") as raised:
        backup.backup(furnished.store, tmp_path / "file" / "backups")
    assert raised.value.advice == f"Check who may write to {tmp_path / 'file' / 'backups'}, and its disk."


@only_sqlite
def test_a_full_disk_is_that_of_the_backup(furnished: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(backup, "_link_or_copy", no_room)
    with pytest.raises(StoreFull, match=f"no room for it in {tmp_path / 'backups'}"):
        backup.backup(furnished.store, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


def first_file(store: Store) -> Path:
    """Of the first letter."""
    fresh.settle(store)
    (blob_id,) = store.look(lambda tx: tx.one("SELECT min(id) FROM blob")) or ()
    return store.blobs.path(blob_id)


@only_sqlite
def test_a_lost_letter_is_told_and_keeps_none_of_the_others_back(furnished: House, tmp_path: Path) -> None:
    path = first_file(furnished.store)
    path.rename(tmp_path / "lost.eml")
    with pytest.raises(StoreError, match="was made, but for 1 letters"):
        backup.backup(furnished.store, tmp_path / "backups")
    folder = backup.latest(tmp_path / "backups")
    assert folder is not None
    with pytest.raises(StoreError, match="was restored, but for 1 letters"):
        backup.restore(folder, tmp_path / "again")
    again = Store.open(tmp_path / "again")
    assert len(verify.verify(again)) == 1
    (tmp_path / "lost.eml").rename(again.blobs.path(path.stem))
    assert verify.verify(again) == []
    assert len(subjects(again)) == 5
    again.close()


@only_sqlite
def test_a_damaged_backup_is_not_restored(furnished: House, tmp_path: Path) -> None:
    folder = backup.backup(furnished.store, tmp_path / "backups")
    database = folder / "posthouse.sqlite3"
    octets = bytearray(database.read_bytes())
    octets[len(octets) // 4 : len(octets) // 2] = b"?" * (len(octets) // 2 - len(octets) // 4)
    database.write_bytes(octets)
    with pytest.raises(StoreError, match="damaged"):
        backup.restore(folder, tmp_path / "again")
    assert not Store.exists(tmp_path / "again")


@only_sqlite
def test_two_backups_at_once(furnished: House, tmp_path: Path) -> None:
    """The second says that it has to wait; else the first, at its end, would have octets deleted that it needs."""
    refused: list[str] = []

    def another(done: int, total: int) -> None:
        with pytest.raises(StoreError, match="another backup of this store is being made") as error:
            backup.backup(furnished.store, tmp_path / "others")
        refused.append(error.value.advice)
        assert furnished.store.look(lambda tx: tx.value("SELECT held FROM store")) > 0

    first = backup.backup(furnished.store, tmp_path / "backups", progress=another)
    assert refused == ["Wait until it is there, or end that program."]
    assert [path.name for path in (tmp_path / "backups").iterdir()] == [first.name]


@only_sqlite
def test_two_backups_within_a_second(furnished: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup.time, "gmtime", lambda: (2026, 1, 31, 3, 0, 0, 5, 31, 0))
    made = [backup.backup(furnished.store, tmp_path / "backups").name for _ in range(3)]
    assert made == ["2026-01-31T03-00-00Z", "2026-01-31T03-00-00Z-2", "2026-01-31T03-00-00Z-3"]
    assert backup.latest(tmp_path / "backups") == tmp_path / "backups" / made[-1]


@only_sqlite
def test_a_full_disk_of_the_backups_database(furnished: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It isn't below the data folder that room is to be made."""

    def full(folder: Path) -> None:
        raise StoreFull("The disk has no room for it.", advice="Free some space below the data folder.")

    monkeypatch.setattr(furnished.store, "copy_database", full)
    with pytest.raises(StoreFull, match=f"There is no room for it in {tmp_path / 'backups'}"):
        backup.backup(furnished.store, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


@only_sqlite
def test_a_file_is_no_place_for_backups(furnished: House, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file is no folder"):
        backup.backup(furnished.store, tmp_path / "file")
