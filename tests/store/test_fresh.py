"""Small letters: in the database first, in a file of their own soon after; readable at every moment in between."""

from __future__ import annotations

import asyncio
import errno
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from faulty_disk import FaultyDisk
from posthouse.errors import StoreError, StoreFull
from posthouse.message.summary import summarize
from posthouse.store import backup, blob, fresh, intake, mail, tidy, verify
from posthouse.store.blob import SMALL, Blob
from posthouse.store.engine import Store
from posthouse.store.search import Body, search
from store_helpers import NOW, Clock, House, keep, keep_in_file, letter, only_sqlite


def files(store: Store) -> set[str]:
    return {path.stem for path in (store.data / "messages").rglob("*.eml")}


def waiting(store: Store) -> int:
    return store.look(fresh.waiting)


@pytest.mark.parametrize("size", [1, 3000, SMALL - 300], ids=["tiny", "usual", "the largest"])
def test_it_is_read_byte_for_byte_before_and_after(house: House, size: int) -> None:
    store = house.store
    inbox = house.box(house.account())
    raw = letter(body="y" * size)
    house.append(inbox, raw=raw)
    ((_, blob_id),) = store.look(mail.fetch, inbox.id, mail.ALL, ["blob"])
    for made in (0, 1):
        assert len(files(store)) == made
        assert store.blobs.size(blob_id) == len(raw)
        assert store.blobs.read(blob_id, 0, 10**6) == raw
        assert store.blobs.read(blob_id, 5, 9) == raw[5:9]
        assert store.blobs.read(blob_id, 9, 5) == b""
        assert store.look(lambda tx: tx.blobs.read(blob_id, 0, 10)) == raw[:10], "within a transaction, too"
        assert store.look(search, inbox.id, Body("y" * size)) == [1]
        assert verify.verify(store) == []
        assert fresh.settle(store) == 1 - made
    assert store.blobs.path(blob_id).read_bytes() == raw
    assert waiting(store) == 0


def test_a_large_one_has_its_file_at_once(house: House) -> None:
    raw = letter(body="y" * SMALL)
    kept = keep(house.store, raw)
    assert kept.octets is None
    assert house.store.blobs.path(kept.id).read_bytes() == raw


def test_a_letter_that_nobody_gets_leaves_nothing(house: House) -> None:
    kept = keep(house.store, letter())
    with pytest.raises(StoreError):
        house.store.run(intake.append, kept, summarize(letter()), [intake.Target(12345)], NOW)
    assert waiting(house.store) == fresh.settle(house.store) == 0
    assert files(house.store) == set()


def test_one_letter_for_many_is_there_once(house: House) -> None:
    ada, bob = house.account("ada@example.org"), house.account("bob@example.org")
    house.append(house.box(ada), house.box(bob))
    assert waiting(house.store) == 1
    fresh.settle(house.store)
    assert len(files(house.store)) == 1


def test_a_blob_that_is_used_later_than_its_file_was_made(house: House) -> None:
    """As a letter's that goes to the queue after it was delivered here."""
    store = house.store
    inbox = house.box(house.account())
    kept = keep(store, letter())
    for _ in range(2):
        store.run(intake.append, kept, summarize(letter()), [intake.Target(inbox.id)], NOW)
        fresh.settle(store)
    assert files(store) == {kept.id}
    assert waiting(store) == 0


def test_closing_makes_the_files(tmp_path: Path) -> None:
    store = Store.open(tmp_path, readers=1)
    house = House(store)
    house.append(house.box(house.account()))
    store.close()
    assert len(files(store)) == 1


def test_many_are_made_in_portions(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh, "MAX_BATCH", 4)
    inbox = house.box(house.account())
    for number in range(10):
        house.append(inbox, raw=letter(str(number)))
    assert fresh.settle(house.store) == 10
    assert verify.verify(house.store) == []
    assert waiting(house.store) == 0
    for uid, blob_id in house.store.look(mail.fetch, inbox.id, mail.ALL, ["blob"]):
        assert house.store.blobs.path(blob_id).read_bytes() == letter(str(uid - 1))


def test_what_comes_while_files_are_made_waits_for_the_next_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else, while letters come without a pause, each would have syncs and a transaction of its own."""
    inbox = house.box(house.account())
    house.append(inbox)
    real = house.store.blobs.make_files

    def make_files(letters: Sequence[tuple[str, bytes]]) -> tuple[list[str], StoreError | None]:
        house.append(inbox, raw=letter("meanwhile"))
        return real(letters)

    with monkeypatch.context() as patch:
        patch.setattr(house.store.blobs, "make_files", make_files)
        assert fresh.settle(house.store) == 1
    assert waiting(house.store) == 1
    assert fresh.settle(house.store) == 1


def test_a_reader_meets_the_move(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file wasn't there, and when the database is asked it has just been made."""
    store = house.store
    inbox = house.box(house.account())
    house.append(inbox)
    ((_, blob_id),) = store.look(mail.fetch, inbox.id, mail.ALL, ["blob"])

    def late(self: fresh.Reader, blob_id: str) -> None:
        fresh.settle(store)

    monkeypatch.setattr(fresh.Reader, "__call__", late)
    assert store.blobs.read(blob_id, 0, 10**6) == letter()


def test_a_crash_between_the_file_and_its_retirement(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    store = house.store
    inbox = house.box(house.account())
    house.append(inbox)
    ((_, blob_id),) = store.look(mail.fetch, inbox.id, mail.ALL, ["blob"])
    store.blobs.make_files([(blob_id, letter())])
    assert (waiting(store), len(files(store))) == (1, 1)
    assert verify.verify(store) == []
    assert fresh.settle(store) == 1
    assert (waiting(store), len(files(store))) == (0, 1)


def test_octets_that_are_forgotten_meanwhile_leave_no_stray(house: House, clock: Clock) -> None:
    store = house.store
    inbox = house.box(house.account())
    house.append(inbox, flags=["\\Deleted"])
    store.run(mail.expunge, inbox.id)
    real = store.blobs.make_files

    def slowly(letters: list[tuple[str, bytes]]) -> object:
        made = real(letters)
        for _ in range(2):
            clock.now += tidy.GRACE
            asyncio.run(tidy.tidy_up(store))
        made_again = real(letters)  # the worst case: the name came after the file was deleted
        assert made == made_again
        return made

    store.blobs.make_files = slowly  # type: ignore[method-assign, assignment]
    assert fresh.settle(store) == 1
    assert files(store) == set()
    assert waiting(store) == 0


def test_octets_without_a_use_go_before_they_have_a_file(house: House, clock: Clock) -> None:
    store = house.store
    inbox = house.box(house.account())
    house.append(inbox, flags=["\\Deleted"])
    store.run(mail.expunge, inbox.id)
    for _ in range(2):
        clock.now += tidy.GRACE
        asyncio.run(tidy.tidy_up(store))
    assert waiting(store) == 0
    assert files(store) == set()


# -- a disk that fails ---------------------------------------------------------------------------------------------


@pytest.fixture
def disk() -> FaultyDisk:
    return FaultyDisk()


@pytest.fixture
def faulty(tmp_path: Path, disk: FaultyDisk) -> Iterator[House]:
    store = Store.open(tmp_path / "data", readers=1, disk=disk)
    yield House(store)
    disk.fails = ""
    store.close()


@pytest.mark.parametrize("step", ["create", "write", "sync", "rename", "sync_directory"])
@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, StoreFull), (errno.EIO, StoreError)])
def test_a_file_that_can_not_be_made_now_is_made_later(
    faulty: House, disk: FaultyDisk, step: str, number: int, error: type[StoreError]
) -> None:
    store = faulty.store
    inbox = faulty.box(faulty.account())
    faulty.append(inbox)
    ((_, blob_id),) = store.look(mail.fetch, inbox.id, mail.ALL, ["blob"])
    disk.fails, disk.error = step, number
    with pytest.raises(error):
        fresh.settle(store)
    assert store.blobs.read(blob_id, 0, 10**6) == letter(), "meanwhile it is read from where it is"
    assert verify.verify(store) == []
    disk.fails = ""
    assert fresh.settle(store) == 1
    assert store.blobs.path(blob_id).read_bytes() == letter()
    assert waiting(store) == 0


def test_one_that_fails_is_not_the_others(faulty: House, disk: FaultyDisk) -> None:
    store = faulty.store
    inbox = faulty.box(faulty.account())
    for number in range(5):
        faulty.append(inbox, raw=letter(str(number)))
    disk.fails, disk.after = "rename", 3
    with pytest.raises(StoreError):
        fresh.settle(store)
    assert (len(files(store)), waiting(store)) == (3, 2)
    disk.fails = ""
    assert fresh.settle(store) == 2


def test_a_store_closes_though_a_file_can_not_be_made(
    tmp_path: Path, disk: FaultyDisk, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store.open(tmp_path / "data", readers=1, disk=disk)
    house = House(store)
    inbox = house.box(house.account())
    house.append(inbox)
    disk.fails = "create"
    store.close()
    assert "no file of their own" in caplog.text
    again = Store.open(tmp_path / "data", readers=1)
    ((_, blob_id),) = again.look(mail.fetch, inbox.id, mail.ALL, ["blob"])
    assert again.blobs.read(blob_id, 0, 10**6) == letter()
    assert fresh.settle(again) == 1
    again.close()


# -- copies --------------------------------------------------------------------------------------------------------


@only_sqlite
def test_a_backup_has_what_comes_while_it_is_made(house: House, tmp_path: Path) -> None:
    inbox = house.box(house.account())
    house.append(inbox, raw=letter("early"))
    real = house.store.copy_database

    def copy_late(folder: Path) -> None:
        house.append(inbox, raw=letter("late"))
        real(folder)

    house.store.copy_database = copy_late  # type: ignore[method-assign]
    folder = backup.backup(house.store, tmp_path / "backups")
    assert len(list((folder / "messages").rglob("*.eml"))) == 2
    backup.restore(folder, tmp_path / "restored")
    restored = Store.open(tmp_path / "restored", readers=1)
    assert verify.verify(restored) == []
    rows = restored.look(mail.fetch, inbox.id, mail.ALL, ["subject", "blob"])
    assert [restored.blobs.read(blob_id, 0, 10**6) for _, _, blob_id in rows] == [letter("early"), letter("late")]
    restored.close()


@only_sqlite
def test_a_copied_data_folder_is_restored_with_what_has_no_file(house: House, tmp_path: Path) -> None:
    inbox = house.box(house.account())
    house.append(inbox)
    copy = tmp_path / "copy"
    copy.mkdir()
    house.store.copy_database(copy)
    shutil.copytree(house.store.data / "messages", copy / "messages")
    backup.restore(copy, tmp_path / "restored")
    restored = Store.open(tmp_path / "restored", readers=1)
    assert verify.verify(restored) == []
    assert len(files(restored)) == 1
    restored.close()


def test_an_import_makes_files_at_once(house: House) -> None:
    kept = keep_in_file(house.store, letter())
    assert kept == Blob(kept.id, len(letter()))
    assert files(house.store) == {kept.id}


def test_a_spool_that_was_kept_is_used_up(house: House) -> None:
    spool = house.store.blobs.spool()
    spool.write(letter())
    kept = house.store.blobs.keep_now(spool)
    spool.discard()
    assert kept.octets == letter()
    assert blob.SMALL < blob.SPOOL_MEMORY, "what is small was never in a file"


def test_a_single_letter_has_its_file_without_waiting_for_others(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Far sooner than the pause after which files are made without a hint."""
    monkeypatch.setattr(fresh, "PAUSE", 3_600.0)
    inbox = house.box(house.account())

    async def run() -> None:
        keeping = asyncio.create_task(fresh.keep_settled(house.store))
        for number in (1, 2):
            await asyncio.to_thread(house.append, inbox, raw=letter(f"Letter {number}"))
            async with asyncio.timeout(60):
                while waiting(house.store) or len(files(house.store)) < number:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)

    asyncio.run(run())
