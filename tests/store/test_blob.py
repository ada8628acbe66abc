"""Octets: spooled, kept in files, read; and what happens when the disk fails at any step.

Here every letter counts as large. What becomes of small ones is in test_fresh.py.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import itertools
import os
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

import faulty_disk
from faulty_disk import FaultyDisk
from posthouse.errors import StoreError, StoreFull
from posthouse.message.summary import summarize
from posthouse.store import blob, intake
from posthouse.store.blob import FILES_A_DIRECTORY, MANY, SPOOL_MEMORY, Blob, Blobs
from posthouse.store.disk import Disk
from posthouse.store.search import Body, search
from store_helpers import NOW, House

SMALL = b"Subject: small\r\n\r\nHello.\r\n"
BIG = os.urandom(SPOOL_MEMORY // 2)
only_with_syncfs = pytest.mark.skipif(not Disk().syncs_file_systems, reason="syncfs tells of no failures here")


def nothing_fresh(blob_id: str) -> None:
    """No octets that have no file."""


@pytest.fixture
def disk() -> FaultyDisk:
    return FaultyDisk()


@pytest.fixture
def blobs(tmp_path: Path, disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Blobs]:
    monkeypatch.setattr(blob, "SMALL", -1)
    opened = Blobs(tmp_path / "messages", disk, nothing_fresh)
    disk.steps.clear()
    yield opened
    opened.close()


Fates = list[Blob | BaseException]


def files(blobs: Blobs) -> list[Path]:
    return sorted(path for path in blobs.path("00000000").parents[2].rglob("*") if path.is_file())


def keep(blobs: Blobs, *chunks: bytes) -> Blob:
    spool = blobs.spool()
    for chunk in chunks:
        spool.write(chunk)
    return blobs.keep_now(spool)


@pytest.mark.parametrize(
    "chunks", [[SMALL], [b"", SMALL, SMALL], [BIG, BIG, SMALL], []], ids=["one", "some", "big", "none"]
)
def test_what_is_kept_is_read_byte_for_byte(blobs: Blobs, chunks: list[bytes]) -> None:
    blob = keep(blobs, *chunks)
    octets = b"".join(chunks)
    assert blob.size == len(octets)
    assert blobs.path(blob.id).read_bytes() == octets
    assert blobs.read(blob.id, 0, blob.size) == octets
    assert blobs.read(blob.id, 3, 9) == octets[3:9]
    assert blobs.read(blob.id, 0, blob.size + 100) == octets
    assert blobs.read(blob.id, 9, 3) == b""
    # Where the file system can tell that they are in memory (not tmpfs), at once; and never anything else.
    assert blobs.read_at_once(blob.id, blob.size) in (octets, None)
    assert blobs.read_at_once(blob.id, blob.size + 1) is None
    assert blobs.read_at_once("0123456789", 0) is None
    assert files(blobs) == [blobs.path(blob.id)]


def test_the_name_follows_from_the_id(blobs: Blobs, tmp_path: Path) -> None:
    blob = keep(blobs, SMALL)
    assert blobs.path(blob.id) == tmp_path / "messages" / blob.id[:2] / blob.id[2:4] / f"{blob.id}.eml"


def test_the_spool_shows_its_octets(blobs: Blobs) -> None:
    spool = blobs.spool()
    for count, chunk in enumerate((SMALL, BIG, BIG, SMALL), 1):
        spool.write(chunk)
        octets = b"".join((SMALL, BIG, BIG, SMALL)[:count])
        assert spool.octets()[:] == octets
        assert spool.size == len(octets)
    spool.discard()
    spool.discard()
    assert files(blobs) == []


def test_the_order_of_steps(blobs: Blobs, disk: FaultyDisk) -> None:
    keep(blobs, SMALL)
    new_directory = ["make_directory", "sync_directory"] * 2
    assert disk.steps == ["create", "write", "sync", *new_directory, "rename", "sync_directory"]
    disk.steps.clear()
    keep(blobs, SMALL)
    assert disk.steps == ["create", "write", "sync", "rename", "sync_directory"]


def together(blobs: Blobs, disk: FaultyDisk, *contents: bytes) -> list[Blob | BaseException]:
    """Keep letters that have waited together, behind one whose sync takes its time."""

    async def scenario() -> list[Blob | BaseException]:
        disk.slow = entered, leave = threading.Event(), threading.Event()
        first = blobs.keep(blobs.spool())
        await asyncio.to_thread(entered.wait)
        spools = [blobs.spool() for _ in contents]
        for spool, content in zip(spools, contents, strict=True):
            spool.write(content)
        tasks = [blobs.keep(spool) for spool in spools]
        await asyncio.sleep(0)
        disk.steps.clear()
        leave.set()
        await first
        return await asyncio.gather(*tasks, return_exceptions=True)

    return asyncio.run(scenario())


@pytest.mark.parametrize("count", [MANY - 1, 50])
def test_many_at_once_share_syncs(blobs: Blobs, disk: FaultyDisk, count: int) -> None:
    kept = together(blobs, disk, *(b"%d" % number for number in range(count)))
    assert [blobs.read(blob.id, 0, 99) for blob in kept if isinstance(blob, Blob)] == [
        b"%d" % number for number in range(count)
    ]
    assert disk.steps.count("sync_directory") <= 4, "of the first one, and of all others"
    shared = count >= MANY and disk.syncs_file_systems
    assert (disk.steps.count("sync"), disk.steps.count("sync_file_system")) == ((0, 1) if shared else (count, 0))


def test_where_others_write_files_are_synced_by_themselves(
    blobs: Blobs, disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blob, "SLOW", 0.0)
    together(blobs, disk, *[SMALL] * MANY)
    together(blobs, disk, *[SMALL] * MANY)
    assert (disk.steps.count("sync"), disk.steps.count("sync_file_system")) == (MANY, 0)


@only_with_syncfs
def test_what_was_written_while_it_arrived_is_synced_by_itself(blobs: Blobs, disk: FaultyDisk) -> None:
    """What failed then is known to its own descriptor."""
    together(blobs, disk, *[SMALL] * MANY, BIG * 3)
    assert (disk.steps.count("sync"), disk.steps.count("sync_file_system")) == (1, 1)


@only_with_syncfs
@pytest.mark.parametrize(("number", "advice"), [(errno.EACCES, "belong to the user"), (errno.EIO, "kernel's log")])
def test_what_the_disk_refuses_says_where_to_look(number: int, advice: str) -> None:
    assert advice in blob.explain(OSError(number, os.strerror(number))).advice


@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, StoreFull), (errno.EIO, StoreError)])
def test_a_shared_sync_that_fails_keeps_none(
    blobs: Blobs, disk: FaultyDisk, number: int, error: type[StoreError]
) -> None:
    disk.fails, disk.error = "sync_file_system", number
    kept = together(blobs, disk, *[SMALL] * 20)
    assert [type(one) for one in kept] == [error] * 20
    assert len(files(blobs)) == 1, "the one before them"
    disk.fails = ""
    assert all(isinstance(one, Blob) for one in together(blobs, disk, *[SMALL] * 20))


@only_with_syncfs
def test_a_shared_sync_of_which_one_letter_has_no_room(blobs: Blobs, disk: FaultyDisk) -> None:
    disk.fails, disk.error, disk.after = "write", errno.ENOSPC, 4
    kept = together(blobs, disk, *[SMALL] * 20)
    assert [isinstance(one, Blob) for one in kept] == [True] * 4 + [False] * 16
    assert len(files(blobs)) == 5


def test_directories_change_now_and_then(blobs: Blobs) -> None:
    async def scenario() -> list[Blob]:
        return await asyncio.gather(*(blobs.keep(blobs.spool()) for _ in range(FILES_A_DIRECTORY + 10)))

    kept = asyncio.run(scenario())
    assert len({blobs.path(blob.id).parent for blob in kept}) == 2
    assert all(blobs.path(blob.id).exists() for blob in kept)


@pytest.mark.parametrize("step", ["create", "write", "sync", "rename", "sync_directory"])
@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, StoreFull), (errno.EIO, StoreError)])
@pytest.mark.parametrize("chunks", [[SMALL], [BIG, BIG, SMALL]], ids=["small", "big"])
def test_a_failing_step_keeps_nothing(
    blobs: Blobs, disk: FaultyDisk, step: str, number: int, error: type[StoreError], chunks: list[bytes]
) -> None:
    disk.fails, disk.error = step, number
    with pytest.raises(error) as raised:
        keep(blobs, *chunks)
    assert isinstance(raised.value, StoreFull) == (number == errno.ENOSPC)
    assert files(blobs) == []
    disk.fails = ""
    assert blobs.read(keep(blobs, *chunks).id, 0, 10**6) == b"".join(chunks)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("times", [1, faulty_disk.MANY], ids=["once", "from then on"])
@pytest.mark.parametrize(
    ("contents", "steps"),
    [
        ([SMALL, BIG * 3], {"create", "write", "sync", "make_directory", "rename", "sync_directory"}),
        pytest.param(
            [SMALL] * MANY + [BIG * 3],
            {"create", "write", "sync", "sync_file_system", "make_directory", "rename", "sync_directory"},
            marks=only_with_syncfs,
        ),
    ],
    ids=["few", "many"],
)
def test_each_step_fails_in_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, times: int, contents: list[bytes], steps: set[str]
) -> None:
    """The first step of all, the second, …: who is told so has his letter, nobody else, and afterwards all is well."""
    monkeypatch.setattr(blob, "SMALL", -1)
    failed = set[str]()
    for step in range(1_000):
        disk = FaultyDisk()
        blobs = Blobs(tmp_path / str(step), disk, nothing_fresh)

        def arm(disk: FaultyDisk = disk, step: int = step) -> None:
            disk.fails, disk.error, disk.after, disk.times = faulty_disk.ANY, number, step, times

        kept = asyncio.run(keep_behind_one(blobs, disk, contents, arm))
        disk.fails = ""
        failed.update(disk.failed)
        there = {one.id: content for one, content in zip(kept, [b"", *contents], strict=True) if isinstance(one, Blob)}
        assert {path.stem: path.read_bytes() for path in files(blobs)} == there
        assert all(isinstance(one, Blob | StoreError) for one in kept)
        assert all(isinstance(one, StoreFull) == (number == errno.ENOSPC) for one in kept if not isinstance(one, Blob))
        again = asyncio.run(keep_behind_one(blobs, disk, contents, lambda: None))
        assert all(isinstance(one, Blob) for one in again)
        blobs.close()
        if not disk.failed:
            break
        assert len(there) <= len(contents)
    assert failed == steps
    assert not disk.failed


async def keep_behind_one(blobs: Blobs, disk: FaultyDisk, contents: Sequence[bytes], arm: Callable[[], None]) -> Fates:
    """Keep letters that have waited together, behind an empty one; what became of it and of each. `arm` is called
    when nothing but these steps is to come."""

    disk.slow = entered, leave = threading.Event(), threading.Event()
    first = blobs.keep(blobs.spool())
    await asyncio.to_thread(entered.wait)
    arm()
    spools = [blobs.spool() for _ in contents]
    await asyncio.gather(
        *(one.take(content) for one, content in zip(spools, contents, strict=True)), return_exceptions=True
    )
    others = [blobs.keep(spool) for spool in spools]
    await asyncio.sleep(0)
    leave.set()
    return await asyncio.gather(first, *others, return_exceptions=True)


def test_a_failed_spool_is_of_no_use(blobs: Blobs, disk: FaultyDisk) -> None:
    """Else the rest of a letter could be kept for the whole."""
    spool = blobs.spool()
    disk.fails, disk.error = "write", errno.ENOSPC
    with pytest.raises(StoreFull):
        spool.write(BIG + BIG + SMALL)
    disk.fails = ""
    with pytest.raises(StoreFull):
        spool.write(SMALL)
    with pytest.raises(StoreFull):
        blobs.keep_now(spool)
    assert files(blobs) == []


def test_a_spool_that_is_being_kept_is_not_discarded(blobs: Blobs, disk: FaultyDisk) -> None:
    """A session that is cancelled while it waits cleans up after itself; the keeper isn't disturbed, and leaves nothing
    that nobody can use."""
    entered, leave = threading.Event(), threading.Event()
    real = disk.sync
    synced = []

    class SlowDisk(Disk):
        def sync(self, descriptor: int) -> None:
            entered.set()
            assert leave.wait(10)
            real(descriptor)
            synced.append(descriptor)

    async def scenario() -> None:
        spool = slow.spool()
        spool.write(SMALL)
        task = slow.keep(spool)
        await asyncio.to_thread(entered.wait)
        task.cancel()
        spool.discard()
        leave.set()
        assert await asyncio.gather(task, return_exceptions=True)

    slow = Blobs(blobs.path("00000000").parents[2], SlowDisk(), nothing_fresh)
    asyncio.run(scenario())
    slow.close()
    assert synced and files(blobs) == []


def test_one_failure_is_not_the_others(blobs: Blobs, disk: FaultyDisk) -> None:
    async def scenario() -> list[Blob | BaseException]:
        disk.fails, disk.after = "rename", 7
        return await asyncio.gather(*(blobs.keep(blobs.spool()) for _ in range(20)), return_exceptions=True)

    results = asyncio.run(scenario())
    assert sum(isinstance(result, Blob) for result in results) == 7
    assert len(files(blobs)) == 7


def test_a_missing_file_is_a_store_error(blobs: Blobs) -> None:
    with pytest.raises(StoreError, match="No such file"):
        blobs.read("0123456789", 0, 10)


def test_remove(blobs: Blobs) -> None:
    blob = keep(blobs, SMALL)
    blobs.remove([blob.id, "0123456789"])
    assert files(blobs) == []


def test_closed_is_closed(blobs: Blobs) -> None:
    blobs.close()
    with pytest.raises(StoreError, match="closed"):
        blobs.keep_now(blobs.spool())


def test_a_letter_of_50_mb_never_stands_in_memory(house: House) -> None:
    """It comes in chunks, is read for its summary, put into a mailbox, and read again in slices."""
    line = b"QUJD" * 19 + b"\r\n"
    head = (
        b"Subject: large\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\n\r\nsee the file\r\n--b\r\nContent-Type: application/pdf; name=plan.pdf\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n"
    )
    block, tail = line * 800, b"--b--\r\n"
    blocks = 50_000_000 // len(block) + 1
    inbox = house.box(house.account())
    expected = hashlib.blake2b()
    tracemalloc.start()
    try:
        spool = house.store.blobs.spool()
        for chunk in (head, *itertools.repeat(block, blocks), tail):
            spool.write(chunk)
            expected.update(chunk)
        summary = summarize(spool.octets())
        assert (summary.subject, summary.has_attachment, summary.preview) == ("large", True, "see the file")
        kept = house.store.blobs.keep_now(spool)
        house.store.run(intake.append, kept, summary, [intake.Target(inbox.id)], NOW)
        found = hashlib.blake2b()
        for start in range(0, kept.size, 65_536):
            found.update(house.store.blobs.read(kept.id, start, start + 65_536))
        assert house.store.look(search, inbox.id, Body("plan.pdf")) == [1]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept.size > 50_000_000
    assert found.digest() == expected.digest()
    assert peak < 5_000_000
