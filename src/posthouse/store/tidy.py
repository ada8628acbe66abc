"""Housekeeping: what nobody needs any more goes, a little at a time; and what a crash left behind.

* A message without a place stays readable for GRACE, for sessions that still show it and answers that are still being
  read. Octets without a use stay as long, for a delivery that is about to use them.
* Removals are remembered for MEMORY; then `account.horizon` says from where on they are known.
* What leads to threads that have no message any more is forgotten, a piece of the table in each round.
* Files without a row are swept when they are older than GRACE: a younger one may belong to a delivery on its way.
  Only directories that changed since the last sweep are read.
"""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING

from . import thread

if TYPE_CHECKING:
    from .engine import Store, Tx

GRACE = 3_600
MEMORY = 90 * 86_400  # Cyrus and Dovecot differ between days and for ever; JMAP clients come back within weeks
# Rows that one transaction takes away: other writers wait no longer than some 10 ms.
PORTION = 500
# Keys of threads that a round looks at: two million in half a day. They are only read, but for those that go.
KEYS = 40_000
KEYS_AT_ONCE = 5_000
MANY_FLAGS = 1_000  # combinations in an account; most have a few dozen
PAUSE = 600  # seconds between two rounds


async def keep_tidy(store: Store) -> None:
    """Tidy up from time to time, until cancelled."""
    await asyncio.to_thread(sweep, store)
    place = thread.START
    while True:
        place = await tidy_up(store, place)
        await asyncio.sleep(PAUSE)


async def tidy_up(store: Store, keys_after: thread.Place = thread.START) -> thread.Place:
    """Let go of everything whose time has come. `keys_after`: where the last round ended with the keys of threads;
    where this one did."""
    while await store.write(forget_removals):
        pass
    while await store.write(forget_messages):
        pass
    while blob_ids := await store.write(forget_octets):
        await asyncio.to_thread(store.blobs.remove, blob_ids)
    for account_id in await store.read(with_many_flags):
        await store.write(forget_flags, account_id)
    if store.index is not None:
        await asyncio.to_thread(store.index.forget, store)
    for _ in range(0, KEYS, KEYS_AT_ONCE):
        stale, keys_after = await store.read(thread.stale_keys, keys_after, KEYS_AT_ONCE)
        for start in range(0, len(stale), PORTION):
            await store.write(thread.forget_keys, stale[start : start + PORTION])
        if keys_after == thread.START:
            break
    return keys_after


def note_released(tx: Tx) -> None:
    """Octets whose uses have just gone down to none may go, in a while. Cheap: an index knows them."""
    tx.run("UPDATE blob SET released = :now WHERE uses = 0 AND released IS NULL", now=tx.now)


def forget_removals(tx: Tx) -> bool:
    """Forget removals that are MEMORY old. Whether there are more."""
    rows = tx.all(
        "SELECT account_id, max(modseq) FROM (SELECT account_id, modseq FROM tombstone WHERE removed <= :before"
        " ORDER BY removed LIMIT :portion) AS old GROUP BY account_id",
        before=tx.now - MEMORY,
        portion=PORTION,
    )
    for account_id, modseq in rows:
        for table in ("tombstone", "mailbox_tombstone"):
            tx.run(
                f"DELETE FROM {table} WHERE account_id = :account_id AND modseq <= :modseq",  # noqa: S608
                account_id=account_id,
                modseq=modseq,
            )
        tx.run(
            "UPDATE account SET horizon = :modseq WHERE id = :account_id AND horizon < :modseq",
            account_id=account_id,
            modseq=modseq,
        )
    return bool(rows)


def forget_messages(tx: Tx) -> bool:
    """Delete messages that have been without a place for GRACE. Whether there are more."""
    rows = tx.all(
        "SELECT id, blob_id FROM message WHERE removed <= :before LIMIT :portion",
        before=tx.now - GRACE,
        portion=PORTION,
    )
    tx.many("DELETE FROM message WHERE id = :id", [{"id": message_id} for message_id, _ in rows])
    tx.many("UPDATE blob SET uses = uses - 1 WHERE id = :id", [{"id": blob_id} for _, blob_id in rows])
    note_released(tx)
    return bool(rows)


def forget_octets(tx: Tx) -> list[str]:
    """Delete the rows of octets without a use for GRACE; their ids: the files go after the commit."""
    rows = tx.all(
        "SELECT id FROM blob WHERE uses = 0 AND released <= :before"
        " AND (SELECT held FROM store) <= :now LIMIT :portion",
        before=tx.now - GRACE,
        now=tx.now,
        portion=PORTION,
    )
    tx.many("DELETE FROM blob WHERE id = :id", [{"id": blob_id} for (blob_id,) in rows])
    return [blob_id for (blob_id,) in rows]


def with_many_flags(tx: Tx) -> list[int]:
    """The accounts in which it is worth looking for combinations of flags that no message has any more."""
    rows = tx.all(
        "SELECT account_id FROM flagset GROUP BY account_id HAVING count(*) > :many ORDER BY account_id",
        many=MANY_FLAGS,
    )
    return [account_id for (account_id,) in rows]


def forget_flags(tx: Tx, account_id: int) -> int:
    """Delete combinations of flags that no message of the account has; their number. Reads all its placements."""
    tx.run("UPDATE account SET modseq = modseq WHERE id = :account_id", account_id=account_id)  # the lock
    return tx.run(
        "DELETE FROM flagset WHERE account_id = :account_id AND id NOT IN (SELECT p.flagset_id FROM placement p"
        " JOIN mailbox b ON b.id = p.mailbox_id WHERE b.account_id = :account_id)"
        " AND id NOT IN (SELECT flagset_id FROM tombstone WHERE account_id = :account_id AND removed > :before)",
        account_id=account_id,
        before=tx.now - GRACE,
    )


def sweep(store: Store) -> int:
    """Delete files that no row knows: a crash left them. Their number. Blocks; run it when the server starts."""
    swept, now = store.look(_swept)
    before = now - GRACE
    removed = 0
    candidates = store.blobs.changed_since(swept, before)
    while some := list(islice(candidates, PORTION)):
        strays = store.look(unknown, some)
        store.blobs.remove(strays)
        removed += len(strays)
    store.blobs.remove_abandoned(before)
    store.run(_set_swept, before)
    return removed


def unknown(tx: Tx, blob_ids: list[str]) -> list[str]:
    """Those that no row knows."""
    return [blob_id for blob_id in blob_ids if tx.one("SELECT 1 FROM blob WHERE id = :id", id=blob_id) is None]


def _swept(tx: Tx) -> tuple[int, int]:
    return tx.value("SELECT swept FROM store"), tx.now


def _set_swept(tx: Tx, moment: int) -> None:
    tx.run("UPDATE store SET swept = :moment", moment=moment)
