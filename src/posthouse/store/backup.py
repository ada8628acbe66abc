"""Backup and restore. A backup is a folder that is itself a store: it can be opened, verified, and restored.

A backup is made beside a server at work: first a snapshot of the database, then the octets that it names. They never
change, so they are linked where the disk is the same, or to the backup before where that has them. Where no links lead
there, but the file system is one (subvolumes of Btrfs, for one), the copies share their blocks; else they are copies.
While a backup is made, no octets are deleted (`store.held`).

What is restored is a step back in time, and what was given after the backup would be given again. So every mailbox
gets a new UIDVALIDITY, and every account's modseq a leap that makes all states held by clients too old to compare with.
Letters that waited in the queue are held: most of them have arrived since, and the operator knows best.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from posthouse.errors import StoreError, StoreFull

from . import fresh, mailbox, queue
from .engine import Store

if TYPE_CHECKING:
    from .engine import Tx

PORTION = 1_000
# Let a file share the blocks of another (ioctl_ficlone(2)). Where a link can be made, that takes a third of the time.
FICLONE = 0x40049409
# Octets are held back for so long (seconds) at a time; renewed while the backup goes on.
HOLD = 3_600
# What no store gives out between a backup and its loss.
LEAP = 10**9

Progress = Callable[[int, int], None]  # files done, files in all


def backup(store: Store, target: Path, *, progress: Progress | None = None) -> Path:
    """A new backup below `target`, which may have older ones; its folder. Blocks.

    Errors: StoreError, StoreFull. Where it says that letters are lost, there is a backup of all the others.
    """
    with _alone(store.data):
        try:
            target.mkdir(mode=0o700, parents=True, exist_ok=True)
            before = latest(target)
            partial = target / f".partial-{os.getpid()}-{time.time_ns()}"
            partial.mkdir(mode=0o700)
            try:
                store.run(_hold)
                fresh.settle(store)  # files can be linked; what comes from now on is copied with the database
                with _room_in(target):
                    lost = _copy(store, before, partial, _holding(store, progress or _no_progress))
                os.sync()
                folder = _free(target)
                partial.rename(folder)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
            finally:
                store.run(_let_go)
        except FileExistsError as error:
            raise StoreError(f"{target} is no folder", advice="Name one, or a new one.") from error
        except OSError as error:
            raise _refused(target, error) from error
    _tell(lost, f"The backup {folder} was made", "posthouse verify names them; older backups may have them.")
    return folder


@contextlib.contextmanager
def _alone(data: Path) -> Iterator[None]:
    """One backup of a store at a time: the end of the first would let go of the octets that the second still needs."""
    path = data / "run" / "backup.lock"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(
                "another backup of this store is being made", advice="Wait until it is there, or end that program."
            ) from error
        yield


@contextlib.contextmanager
def _room_in(folder: Path) -> Iterator[None]:
    """The store's words for a full disk speak of its data folder; here it is another disk."""
    try:
        yield
    except StoreFull as error:
        raise _full(folder) from error


def _copy(store: Store, before: Path | None, partial: Path, progress: Progress) -> int:
    """The database and the octets that it names; the number of those that are lost."""
    store.copy_database(partial)
    copy = Store.open(partial, readers=1)
    try:
        fresh.settle(copy)
        return _take_octets(copy, store.data, before, partial, progress)
    finally:
        copy.close()


def _free(target: Path) -> Path:
    """The name of the backup that was made now: two may be ready within a second."""
    name = time.strftime("%Y-%m-%dT%H-%M-%SZ", time.gmtime())
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(target / one for one in names if not (target / one).exists())


def latest(target: Path) -> Path | None:
    """The newest backup below `target`, if there is one."""
    return max((path for path in target.glob("[0-9]*") if (path / "messages").is_dir()), default=None)


def restore(source: Path, data: Path, *, progress: Progress | None = None) -> None:
    """Make a store in `data` from a backup, which stays. Blocks.

    Errors: StoreError: there is a store, or that is no backup, or a damaged one; StoreFull. It can be called again
    after these. Where it says that letters are lost, all the others are there.
    """
    if not Store.exists(source):
        raise StoreError(f"{source} is no backup")
    if Store.exists(data):
        raise StoreError(f"there is a store in {data}", advice="Move it away first.")
    backed_up = Store.open(source, readers=1)
    try:
        if damage := backed_up.check_database():
            raise StoreError(f"The backup {source} is damaged: {damage[0]}", advice="Take another one.")
        fresh.settle(backed_up)  # of a backup of ours nothing; of a copy of a data folder some
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lost = _take_octets(backed_up, source, None, data, progress or _no_progress)
        os.sync()
        backed_up.copy_database(data)  # last: a store is there when everything is
    except OSError as error:
        raise _refused(data, error) from error
    finally:
        backed_up.close()
    restored = Store.open(data, readers=1)
    restored.run(_leap)
    restored.close()
    _tell(lost, f"{data} was restored", "posthouse verify names them; other backups may have them.")


def _refused(folder: Path, error: OSError) -> StoreError:
    """The system's error in a person's words. The folder may be on any disk, and anybody's."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _full(folder)
    name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else folder
    return StoreError(f"{name}: {error.strerror or error}", advice=f"Check who may write to {folder}, and its disk.")


def _full(folder: Path) -> StoreFull:
    return StoreFull(f"There is no room for it in {folder}.", advice="Free some there, or choose another place.")


def _tell(lost: int, done: str, advice: str) -> None:
    """Raise StoreError where letters are lost."""
    if lost:
        raise StoreError(f"{done}, but for {lost} letters whose files are lost.", advice=advice)


def _take_octets(named: Store, source: Path, before: Path | None, folder: Path, progress: Progress) -> int:
    """The octets that the store `named` names, into `folder`, from a store's folder or the backup before. The number of
    those that are in neither."""
    total = named.look(lambda tx: tx.value("SELECT count(*) FROM blob WHERE uses > 0"))
    done, last, lost = 0, "", 0
    while blob_ids := named.look(_next, last):
        for blob_id in blob_ids:
            place = named.blobs.path(blob_id).relative_to(named.data)
            target = folder / place
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                if not target.exists():
                    _link_or_copy(source / place, before / place if before else None, target)
            except FileNotFoundError:
                lost += 1
        done += len(blob_ids)
        last = blob_ids[-1]
        progress(done, total)
    return lost


def _next(tx: Tx, last: str) -> list[str]:
    rows = tx.all(
        "SELECT id FROM blob WHERE id > :last AND uses > 0 ORDER BY id LIMIT :portion", last=last, portion=PORTION
    )
    return [blob_id for (blob_id,) in rows]


def _link_or_copy(source: Path, before: Path | None, target: Path) -> None:
    for linked in (source, before):
        if linked is not None:
            with contextlib.suppress(OSError):  # another disk, no links here, not in the backup before
                os.link(linked, target)
                return
    half = target.with_suffix(".half")
    with source.open("rb") as octets, half.open("wb") as copy:
        try:
            fcntl.ioctl(copy, FICLONE, octets.fileno())
        except OSError:  # another file system, or one that can't
            shutil.copyfileobj(octets, copy)
    half.rename(target)


def _hold(tx: Tx) -> None:
    tx.run("UPDATE store SET held = :until", until=tx.now + HOLD)


def _let_go(tx: Tx) -> None:
    tx.run("UPDATE store SET held = 0")


def _leap(tx: Tx) -> None:
    """Nothing that is given from now on was given before."""
    tx.run("UPDATE store SET held = 0")
    queue.hold(tx, queue.Which())
    for (mailbox_id,) in tx.all("SELECT id FROM mailbox ORDER BY id"):
        tx.run(
            "UPDATE mailbox SET uidvalidity = :uidvalidity WHERE id = :id",
            id=mailbox_id,
            uidvalidity=mailbox.next_uidvalidity(tx),
        )
    tx.run("UPDATE account SET modseq = modseq + :leap, horizon = modseq + :leap", leap=LEAP)
    tx.run("UPDATE mailbox SET modseq = modseq + :leap, highestmodseq = highestmodseq + :leap", leap=LEAP)
    for table in ("account", "mailbox", "message", "outgoing"):
        tx.skip_ids(table, LEAP)


def _holding(store: Store, progress: Progress) -> Progress:
    """The same, and the store still deletes no octets."""

    def and_hold(done: int, total: int) -> None:
        if store.look(lambda tx: tx.value("SELECT held FROM store") < tx.now + HOLD // 2):
            store.run(_hold)
        progress(done, total)

    return and_hold


def _no_progress(done: int, total: int) -> None:
    """Nobody looks."""
