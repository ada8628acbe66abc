"""Octets that have no file yet. A small letter's go into the database with the rows that count them, in one transaction
and one sync of the disk; soon after, `settle` makes its file and takes them out again.

Three syncs become one where letters come singly, and nothing waits for a file to be made. What the journal of a file
system would do for this the database's log does: after a crash the octets stand where they stood, and the next start
makes the files. So at every moment a letter's octets are in its file, or here, or (for a moment) in both, the same.
Readers look for the file first, then here, and then once more for the file: it may have been made in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from . import tidy
from .blob import MAX_BATCH, Blob
from .portion import in_portions

if TYPE_CHECKING:
    from .database import Database
    from .engine import Store, Tx

# What is hinted at when a letter has come that has no file (change.py): a single one gets it at once, and while many
# come their files are made together, so often (seconds).
FEED = -1
PACE = 0.25
# Seconds after which files are made without a hint: one of another process can get lost.
PAUSE = 10.0
FIND = "SELECT octets FROM fresh WHERE blob_id = :id"


def use(tx: Tx, blobs: Collection[Blob]) -> None:
    """Count one use more of a blob for each time that it is named; octets that came with it are on disk with that."""
    uses: dict[str, int] = {}
    for blob in blobs:
        uses[blob.id] = uses.get(blob.id, 0) + 1
    once = {blob.id: blob for blob in blobs}.values()
    tx.insert(
        "blob",
        ("id", "size", "uses"),
        [(blob.id, blob.size, uses[blob.id]) for blob in once],
        "ON CONFLICT (id) DO UPDATE SET uses = blob.uses + excluded.uses, released = NULL",
    )
    fresh = [(blob.id, blob.octets) for blob in once if blob.octets is not None]
    if fresh:
        tx.insert("fresh", ("blob_id", "octets"), fresh, "ON CONFLICT (blob_id) DO NOTHING")
        tx.changed(FEED, tx.now)


class Reader:
    """Looks for fresh octets, for readers of any thread; also for those in the middle of a transaction of their own,
    whose snapshot may be older than the letter's file, or newer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection = database.connect(read_only=True)
        self._lock = threading.Lock()

    def __call__(self, blob_id: str) -> bytes | None:
        """The octets, if they are here. Errors: StoreError."""
        with self._lock:
            try:
                self._connection.begin()
                try:
                    row = self._connection.execute(FIND, {"id": blob_id}).fetchone()
                finally:
                    self._connection.rollback()
            except self._database.driver_error as error:
                raise self._database.explain(error) from error
        return None if row is None else row[0]

    def close(self) -> None:
        """Nobody reads any more."""
        with self._lock:
            self._connection.close()


async def keep_settled(store: Store) -> None:
    """Make files of what comes, until cancelled."""
    came = asyncio.Event()
    subscription = store.feed.subscribe(FEED, lambda _: came.set(), longest=PACE)
    try:
        while True:
            came.clear()
            await asyncio.to_thread(settle, store)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PAUSE):
                    await came.wait()
    finally:
        subscription.close()


def settle(store: Store) -> int:
    """Make the files of all letters that have none when it begins; their number. Blocks.

    What comes meanwhile waits for the next time. Were it made here, too, then under a steady stream of letters each
    would get its file, its three syncs and its transaction by itself, all of which the next letter has to wait for.
    Several processes may do it at the same time: they make the same files. Errors: StoreFull, StoreError, when the
    files of the others are made; the octets of those that failed stay where they are.
    """
    count = 0
    failed = None
    here = store.look(_without_file)
    for start in range(0, len(here), MAX_BATCH):
        letters = store.look(_octets, here[start : start + MAX_BATCH])
        placed, error = store.blobs.make_files(letters)
        store.blobs.remove(store.run(_let_go, placed))
        count += len(placed)
        failed = failed or error
    if failed is not None:
        raise failed
    return count


def waiting(tx: Tx) -> int:
    """How many letters have no file yet."""
    count: int = tx.value("SELECT count(*) FROM fresh")
    return count


def _without_file(tx: Tx) -> list[str]:
    # By their ids: so those of a directory come together.
    return [blob_id for (blob_id,) in tx.all("SELECT blob_id FROM fresh ORDER BY blob_id")]


def _octets(tx: Tx, blob_ids: Sequence[str]) -> list[tuple[str, bytes]]:
    """Of those that still have no file."""
    found: list[tuple[str, bytes]] = []
    for among, ids in in_portions(blob_ids):
        found += tx.all(f"SELECT blob_id, octets FROM fresh WHERE blob_id IN ({among}) ORDER BY blob_id", **ids)  # noqa: S608
    return found


def _let_go(tx: Tx, blob_ids: Sequence[str]) -> list[str]:
    """Their files are on disk. Those among them that nobody has any more, and whose file is a stray."""
    if not blob_ids:
        return []
    rows = tx.all(
        "SELECT blob_id FROM fresh WHERE blob_id BETWEEN :first AND :last", first=blob_ids[0], last=blob_ids[-1]
    )
    here = {blob_id for (blob_id,) in rows}
    tx.many("DELETE FROM fresh WHERE blob_id = :id", [{"id": blob_id} for blob_id in blob_ids])
    # Another process was quicker; or the octets were forgotten while the file was made.
    return tidy.unknown(tx, [blob_id for blob_id in blob_ids if blob_id not in here])
