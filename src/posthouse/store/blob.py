"""Octets: each letter one immutable file, `messages/ab/cd/abcd….eml`, byte for byte as it came.

A letter arrives in a `Spool`, in memory while it is small, and becomes a `Blob` when it is kept. A small one takes its
octets along into the transaction that first uses it, and gets its file soon afterwards (fresh.py). A larger one's file
is made at once: written under a temporary name, synced, renamed, its directory synced. One thread makes files: it takes
all that wait and syncs the directory once for all of them. Of a few, helpers write and sync the files side by side; of
many the whole file system is synced at once, unless that has taken long lately, because others write there too.

One directory serves for the next FILES_A_DIRECTORY letters, whoever they are for, and is part of a blob's id. So a
batch costs one sync of a directory, and a sweep after a crash reads only the directories that changed lately. The next
digits of an id count up: rows that come together lie together wherever they are kept by their blobs' ids, and a commit
writes fewer pages of the log. The rest is of chance, for a directory may serve twice, and several processes.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import errno
import mmap
import os
import queue
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from posthouse.errors import StoreError, StoreFull

from .disk import Disk
from .octets import Octets
from .waiter import new_future, settle

# Beyond this a letter goes to a file while it arrives. Most letters are smaller; 500 that arrive at a time hold 128 MB
# at the worst. Where one client sends several in one go, their spools have less (sessions/imap_append.py).
SPOOL_MEMORY = 256 * 1024
# A letter up to this size goes through the database. It is written three times there (log, database, file), which for a
# small one is cheaper than to wait for its file; and as many are written together.
SMALL = 64 * 1024
FILES_A_DIRECTORY = 1_000
# Syncs that wait for the disk at the same time.
HELPERS = 4
# From so many spools on, the file system is synced instead of each file. Imports: 1.35 times as
# quick, deliveries at 50 connections 1.18 times.
MANY = 8
# When that takes longer than SLOW seconds, others write there; files are synced one by one again for BACK_OFF seconds.
SLOW = 0.2
BACK_OFF = 60.0
# Spools kept in one go; the rest wait for the next batch, as in the engine.
MAX_BATCH = 256
# Read what is in memory, and don't wait for the disk (Linux).
NO_WAITING = getattr(os, "RWF_NOWAIT", 0)


@dataclass(frozen=True, slots=True)
class Blob:
    """Octets that are kept; `size` is their number.

    `octets`: those of a small letter, which come to the disk with the row that counts them (`fresh.use`); None where
    they are in a file already.
    """

    id: str
    size: int
    octets: bytes | None = field(default=None, repr=False)


class Spool:
    """A letter that is arriving. Errors: StoreFull, StoreError when the disk doesn't take it; then it is of no use.

    It belongs to one task. Given to `Blobs.keep` it belongs to the keeper: `discard` does nothing from then on, so
    that a task which is cancelled meanwhile can't close a file that the keeper is writing.
    """

    def __init__(self, folder: Path, disk: Disk, memory: int = SPOOL_MEMORY) -> None:
        self.size = 0
        self._memory = memory
        self._written = 0  # octets of them that are in the file
        self._chunks: list[bytes] = []
        self._disk = disk
        self._folder = folder
        self._name = ""  # of its file, until that has its lasting one; no Path: to make one takes longer than a rename
        self._file = -1
        self._map: mmap.mmap | None = None
        self._given = False
        self._failed: StoreError | None = None

    def write(self, chunk: bytes) -> None:
        """The next octets. May block, when memory has enough of them: for threads, and where nobody else waits."""
        if self._add(chunk):
            self._spill()

    async def take(self, chunk: bytes) -> None:
        """The next octets, for an event loop. A thread brings them to the file: a write to the page cache takes 20 µs
        as a rule, and as long as the disk likes when it can't follow what all programs write."""
        if self._add(chunk):
            await asyncio.to_thread(self._spill)

    @property
    def in_memory(self) -> int:
        """How many of its octets are in memory."""
        return self.size - self._written

    @property
    def is_in_file(self) -> bool:
        """Whether some of it is in a file already."""
        return self._file >= 0

    def octets(self) -> bytes | mmap.mmap:
        """All octets so far, to read; a big letter's are mapped, not loaded."""
        if self._file >= 0 and self._chunks:
            self._spill()
        if self._file < 0:
            self._chunks = [b"".join(self._chunks)]
            return self._chunks[0]
        if self._map is None or len(self._map) != self.size:
            self._map = mmap.mmap(self._file, self.size, prot=mmap.PROT_READ)
        return self._map

    def discard(self) -> None:
        """Forget it. Harmless for a spool that was given to be kept."""
        if not self._given:
            self.drop()

    def give(self) -> None:
        """It belongs to the keeper now. Raises what a `write` has raised."""
        if self._failed is not None:
            raise self._failed
        self._given = True

    def drop(self) -> None:
        """Forget it, whoever has it."""
        self._chunks = []
        self._written = self.size
        self._map = None  # whoever was given it may still hold it
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            if self._name:
                with contextlib.suppress(OSError):
                    Path(self._name).unlink()

    def _add(self, chunk: bytes) -> bool:
        """Gather octets in memory; whether it has enough of them."""
        if self._failed is not None:
            raise self._failed
        self.size += len(chunk)
        self._chunks.append(chunk)
        return self.in_memory > self._memory

    def _spill(self) -> None:
        """Everything from memory into the file."""
        try:
            self._create()
            for chunk in self._chunks:
                self._disk.write(self._file, chunk)
        except OSError as error:
            self.drop()
            self._failed = explain(error)
            raise self._failed from error
        self._chunks = []
        self._written = self.size

    # -- for the keeper, in its threads ----------------------------------------------------------------------------

    def to_file(self) -> None:
        """The octets are in a file, under a name that nobody knows. Errors: OSError."""
        self._create()
        if self._chunks:
            self._disk.write(self._file, b"".join(self._chunks))

    def sync(self) -> None:
        """The file's octets are on disk. Errors: OSError."""
        self._disk.sync(self._file)

    def place(self, target: str) -> None:
        """Give the file its lasting name. Errors: OSError."""
        self._disk.rename(self._name, target)
        self._name = ""

    def _create(self) -> None:
        if self._file < 0:
            self._name = f"{self._folder}/{os.urandom(10).hex()}"
            self._file = self._disk.create(self._name)


class _Keep:
    """A spool that waits for its file."""

    __slots__ = ("blob_id", "error", "future", "loop", "placed", "result", "spool")

    def __init__(self, spool: Spool, blob_id: str, loop: asyncio.AbstractEventLoop | None) -> None:
        self.loop = loop
        self.future = new_future(loop)
        self.result: Blob | None = None
        self.error: BaseException | None = None
        self.spool = spool
        self.blob_id = blob_id
        self.placed = ""


class Blobs:
    """All octets below `folder`, and through `fresh` those that have no file yet."""

    def __init__(self, folder: Path, disk: Disk, fresh: Callable[[str], bytes | None]) -> None:
        self._folder = folder
        self._prefix = f"{folder}/"
        self._incoming = folder / "tmp"
        self._disk = disk
        self._fresh = fresh
        self.owes = False  # files of small letters that it has kept
        try:
            for path in (folder, self._incoming):
                disk.make_directory(path)
        except OSError as error:
            raise explain(error) from error
        self._directory = ""
        self._left = 0  # files that the current directory still takes
        self._naming = threading.Lock()
        self._made: set[str] = set()  # directories that are there
        self._one_by_one_until = 0.0
        self._closed = False
        self._asking = threading.Lock()  # held while a spool is accepted, so that none is behind the end
        self._waiting: queue.SimpleQueue[_Keep | None] = queue.SimpleQueue()
        self._helpers = concurrent.futures.ThreadPoolExecutor(HELPERS, thread_name_prefix="store-sync")
        self._keeper = threading.Thread(target=self._keep_all, name="store-keeper", daemon=True)
        self._keeper.start()

    def close(self) -> None:
        """Finish what waits, then stop the threads."""
        if self._closed:
            return
        with self._asking:
            self._closed = True
            self._waiting.put(None)
        self._keeper.join()
        self._helpers.shutdown()

    def spool(self, memory: int = SPOOL_MEMORY) -> Spool:
        """For a letter that begins to arrive: it goes to a file beyond `memory` octets. Keep it or discard it."""
        return Spool(self._incoming, self._disk, memory)

    def keep(self, spool: Spool) -> asyncio.Future[Blob]:
        """For `intake.append` or `queue.add`: the blob is there when a large letter's octets are on disk; a small one's
        come there with that transaction. Several that are kept at a time share syncs. Errors: StoreFull, StoreError.

        The spool is used up, whatever comes of it. Until a row counts the blob, a sweep may take its file for a stray:
        use it within tidy.GRACE.
        """
        loop = asyncio.get_running_loop()
        kept: asyncio.Future[Blob] = loop.create_future()
        try:
            if spool.size > SMALL or spool.is_in_file:
                kept = self._ask(spool, loop)
            else:
                kept.set_result(self._take_along(spool))
        except StoreError as error:
            kept.set_exception(error)
        return kept

    def keep_now(self, spool: Spool) -> Blob:
        """`keep` for callers without an event loop: blocks."""
        return self._take_along(spool) if spool.size <= SMALL else self.keep_all_now([spool])[0]

    def keep_all_now(self, spools: Sequence[Spool]) -> list[Blob]:
        """Make the files of many, small and large, which share syncs: for bulk that nobody waits for letter by letter.
        Blocks. Errors: as for one; then those that were kept are strays."""
        futures = [self._ask(spool, None) for spool in spools]
        concurrent.futures.wait(futures)
        return [future.result() for future in futures]

    def make_files(self, letters: Sequence[tuple[str, bytes]]) -> tuple[list[str], StoreError | None]:
        """The files of small letters, by their ids and octets. Blocks. The ids of those whose files are on disk, and
        what was in the way of the others."""
        keeps = []
        for blob_id, octets in letters:
            spool = self.spool()
            spool.write(octets)
            keeps.append(_Keep(spool, blob_id, None))
        self._make(keeps)
        failed = next((keep.error for keep in keeps if isinstance(keep.error, StoreError)), None)
        return [keep.blob_id for keep in keeps if keep.error is None], failed

    def path(self, blob_id: str) -> Path:
        """Where its file is."""
        return Path(self._name(blob_id))

    def _name(self, blob_id: str) -> str:
        """`path`, as the system's calls take it."""
        return f"{self._prefix}{blob_id[:2]}/{blob_id[2:4]}/{blob_id}.eml"

    def read(self, blob_id: str, start: int, end: int) -> bytes:
        """The octets from `start` up to `end`, fewer where the file ends. Blocks: for store functions and threads."""
        try:
            descriptor = self._open(blob_id)
            if isinstance(descriptor, bytes):
                return descriptor[start : max(end, start)]
            try:
                return os.pread(descriptor, end - start if end > start else 0, start)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise explain(error) from error

    def read_beginnings(self, wanted: Iterable[tuple[str, int]]) -> list[bytes]:
        """The first octets of many, by id and number; fewer where a file ends. Blocks. Errors: StoreError.

        For whole mailboxes: besides the system's calls there is as little for each as Python can do.
        """
        prefix, open_, pread, close = self._prefix, os.open, os.pread, os.close
        how = os.O_RDONLY | os.O_CLOEXEC
        read = []
        try:
            for blob_id, count in wanted:
                try:
                    descriptor = open_(f"{prefix}{blob_id[:2]}/{blob_id[2:4]}/{blob_id}.eml", how)
                except FileNotFoundError:  # it has no file yet
                    read.append(self.read(blob_id, 0, count))
                    continue
                try:
                    read.append(pread(descriptor, count, 0))
                finally:
                    close(descriptor)
        except OSError as error:
            raise explain(error) from error
        return read

    def read_at_once(self, blob_id: str, size: int) -> bytes | None:
        """All octets of a file that the system has in memory; None: `read` it on a thread, for that may take a while.

        For the event loop: a thread's system calls, three for each letter, stand in line for the interpreter's lock.
        """
        name = self._name(blob_id)
        octets = bytearray(size)
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
            try:
                count = os.preadv(descriptor, [octets], 0, NO_WAITING) if NO_WAITING else 0
            finally:
                os.close(descriptor)
        except OSError:  # not there, not in memory, a file system that can't tell
            return None
        return bytes(octets) if count == size else None

    @contextlib.contextmanager
    def open(self, blob_id: str, *, longest: int) -> Iterator[Octets | bytes]:
        """Its octets, to be read in slices. Blocks. Errors: StoreError, also where a slice can't be read."""
        try:
            descriptor = self._open(blob_id)
            if isinstance(descriptor, bytes):
                yield descriptor
            else:
                with Octets(descriptor, longest) as octets:
                    yield octets
        except OSError as error:
            raise explain(error) from error

    def size(self, blob_id: str) -> int:
        """How many octets there are, as the disk tells. Blocks. Errors: StoreError."""
        try:
            descriptor = self._open(blob_id)
            if isinstance(descriptor, bytes):
                return len(descriptor)
            try:
                return os.fstat(descriptor).st_size
            finally:
                os.close(descriptor)
        except OSError as error:
            raise explain(error) from error

    def _open(self, blob_id: str) -> int | bytes:
        """Its file's descriptor, or the octets of one that has none yet. Errors: OSError, StoreError."""
        name = self._name(blob_id)
        try:
            return os.open(name, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            octets = self._fresh(blob_id)
            if octets is not None:
                return octets
        return os.open(name, os.O_RDONLY | os.O_CLOEXEC)  # its file has been made meanwhile, or it isn't there

    def remove(self, blob_ids: Iterable[str]) -> None:
        """Delete files whose rows are gone. What can't be deleted now is a stray for the next sweep."""
        for blob_id in blob_ids:
            with contextlib.suppress(OSError):
                self.path(blob_id).unlink(missing_ok=True)

    def changed_since(self, since: float, before: float) -> Iterator[str]:
        """The ids of files that came after `since` and before `before`, and some that came earlier. Blocks.

        Times are seconds since 1970, by the file system's clock. Only directories that changed are read.
        """
        for directory in self._folder.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]"):
            if directory.stat().st_mtime < since:
                continue
            for entry in os.scandir(directory):
                with contextlib.suppress(FileNotFoundError):  # it has just gone
                    if entry.name.endswith(".eml") and entry.stat().st_mtime < before:
                        yield entry.name.removesuffix(".eml")

    def remove_abandoned(self, before: float) -> None:
        """Delete letters that stopped arriving before that time: a crash left them. Blocks."""
        for entry in os.scandir(self._incoming):
            with contextlib.suppress(FileNotFoundError):
                if entry.stat().st_mtime < before:
                    Path(entry.path).unlink(missing_ok=True)

    def _ask(self, spool: Spool, loop: asyncio.AbstractEventLoop | None) -> Any:
        """Let the spool wait for its turn; its future."""
        keep = _Keep(spool, self._new_id(), loop)
        with self._asking:
            if self._closed:
                raise StoreError("the store is closed")
            spool.give()
            self._waiting.put(keep)
        return keep.future

    def _take_along(self, spool: Spool) -> Blob:
        """A small letter, with its octets."""
        if self._closed:
            raise StoreError("the store is closed")
        spool.give()
        self.owes = True
        blob = Blob(self._new_id(), spool.size, bytes(spool.octets()))
        spool.drop()
        return blob

    def _new_id(self) -> str:
        """In any of the 65,536 directories; two processes choose the same one rarely, and then nothing is wrong."""
        with self._naming:
            if self._left == 0:
                self._directory = os.urandom(2).hex()
                self._left = FILES_A_DIRECTORY
            self._left -= 1
            # No secret, and without a system call, in which the event loop would let go of the interpreter's lock.
            return f"{self._directory}{FILES_A_DIRECTORY - self._left:04x}{random.getrandbits(48):012x}"

    # -- the keeper's thread ---------------------------------------------------------------------------------------

    def _keep_all(self) -> None:
        last = False
        while not last:
            batch, last = self._take()
            self._make(batch)
            settle(batch)

    def _make(self, batch: list[_Keep]) -> None:
        """Their files; those that can't be made have the error. From any thread."""
        busy = time.monotonic() < self._one_by_one_until
        if len(batch) == 1:
            self._to_disk(batch[0])
        elif len(batch) < MANY or not self._disk.syncs_file_systems or busy:
            list(self._helpers.map(self._to_disk, batch))
        else:
            self._all_to_disk(batch)
        for name in {name for keep in batch if (name := self._place(keep))}:
            self._sync_directory(name, batch)
        for keep in batch:
            keep.spool.drop()

    def _take(self) -> tuple[list[_Keep], bool]:
        """Everything that waits, at least one; and whether the store closes after it."""
        keep = self._waiting.get()
        batch: list[_Keep] = []
        while keep is not None:
            batch.append(keep)
            if len(batch) == MAX_BATCH:
                return batch, False
            try:
                keep = self._waiting.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _to_disk(self, keep: _Keep) -> None:
        try:
            keep.spool.to_file()
            keep.spool.sync()
        except OSError as error:
            keep.error = explain(error)

    def _all_to_disk(self, batch: list[_Keep]) -> None:
        """With one sync of the file system. What fails there may have been any of them, so it was all."""
        try:
            witness = os.open(self._incoming, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)  # of failures from now on
        except OSError as error:
            for keep in batch:
                keep.error = explain(error)
            return
        for keep in batch:
            if keep.spool.is_in_file:  # some of it was written before, and may have failed before
                self._to_disk(keep)
                continue
            try:
                keep.spool.to_file()
            except OSError as error:
                keep.error = explain(error)
        began = time.monotonic()
        try:
            self._disk.sync_file_system(witness)
        except OSError as error:
            for keep in batch:
                keep.error = keep.error or explain(error)
        finally:
            os.close(witness)
        now = time.monotonic()
        if now - began > SLOW:
            self._one_by_one_until = now + BACK_OFF

    def _place(self, keep: _Keep) -> str:
        """Give the file its name; that of the directory which has to be synced for it, or "" where there is none."""
        if keep.error is not None or keep.future.cancelled():  # nobody will ever know its id
            return ""
        try:
            self._make_directory(keep.blob_id[:4])
            keep.spool.place(self._name(keep.blob_id))
        except OSError as error:
            keep.error = explain(error)
            return ""
        keep.result = Blob(keep.blob_id, keep.spool.size)
        keep.placed = keep.blob_id[:4]
        return keep.placed

    def _make_directory(self, name: str) -> None:
        if name not in self._made:
            parent = self._folder / name[:2]
            self._disk.make_directory(parent)
            self._disk.make_directory(parent / name[2:])
            self._made.add(name)

    def _sync_directory(self, name: str, batch: list[_Keep]) -> None:
        try:
            self._disk.sync_directory(self._folder / name[:2] / name[2:])
        except OSError as error:
            for keep in batch:
                if keep.placed == name:
                    keep.error = explain(error)
                    with contextlib.suppress(OSError):
                        self.path(keep.blob_id).unlink()


def explain(error: OSError) -> StoreError:
    """The system's error in a person's words."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        full = StoreFull("The disk has no room for it.", advice="Free some space below the data folder.")
        full.__cause__ = error
        return full
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        # Mostly of a command that was run by root.
        advice = "All in the data folder has to belong to the user that the server runs as."
    else:
        advice = "Look at the kernel's log."
    failed = StoreError(f"The disk refused: {error.strerror or error}.", advice=advice)
    failed.__cause__ = error
    return failed
