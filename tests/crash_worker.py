"""A process that works on a store until it is killed, and says what it begins and what was acknowledged.

Run by test_crash.py: ``python crash_worker.py DATA NAME SEED``. Each line on standard output is one JSON array; a line
that was written has left this process, whatever happens to it next.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from pathlib import Path

from posthouse.files import Item
from posthouse.message.summary import summarize
from posthouse.store import account, fresh, intake, mail, mailbox, tidy, transfer
from posthouse.store.blob import SPOOL_MEMORY
from posthouse.store.engine import Store, Tx
from store_helpers import letter

TASKS = 8
IMPORT_BOX = "Imported"  # nobody moves letters out of it
IMPORTED = 20  # letters of one import
# Time runs so much faster that removed messages and their files go during a round.
HASTE = 20_000


def content(token: str) -> bytes:
    """The letter that a token stands for: mostly small, sometimes larger than a spool keeps in memory."""
    chance = random.Random(token)
    size = SPOOL_MEMORY + 1000 if chance.random() < 0.02 else chance.randrange(2000)
    return letter(token, "x" * size)


def tell(*words: object) -> None:
    os.write(1, json.dumps(words).encode() + b"\n")


def find(tx: Tx, ids: list[int], token: str) -> tuple[int, int] | None:
    """Where the message is now: mailbox and UID."""
    for mailbox_id in ids:
        uid = tx.value(
            "SELECT p.uid FROM placement p JOIN wire w ON w.message_id = p.message_id"
            " WHERE p.mailbox_id = :mailbox_id AND w.subject = :token",
            mailbox_id=mailbox_id,
            token=token,
        )
        if uid is not None:
            return mailbox_id, uid
    return None


def move(tx: Tx, ids: list[int], token: str, target: int) -> tuple[int, int] | None:
    place = find(tx, ids, token)
    if place is None or place[0] == target:
        return None
    copied = mail.move(tx, place[0], [(place[1], place[1])], target)
    return target, copied.target[0]


def add_flag(tx: Tx, ids: list[int], token: str, name: str) -> None:
    place = find(tx, ids, token)
    if place is not None:
        mail.store_flags(tx, place[0], [(place[1], place[1])], "add", [name])


def delete(tx: Tx, ids: list[int], token: str) -> None:
    place = find(tx, ids, token)
    if place is not None:
        mail.store_flags(tx, place[0], [(place[1], place[1])], "add", ["\\Deleted"])
        mail.expunge(tx, place[0], [(place[1], place[1])])


async def work(store: Store, ids: list[int], name: str, seed: int) -> None:
    chance = random.Random(f"{name} {seed}")
    mine: list[str] = []
    for number in range(1_000_000):
        token = f"{name}-{seed}-{number}"
        tell("append", token)
        raw = content(token)
        spool = store.blobs.spool()
        for start in range(0, len(raw), 65536):
            spool.write(raw[start : start + 65536])
        blob = await store.blobs.keep(spool)
        (made,) = await store.write(
            intake.append, blob, summarize(raw), [intake.Target(chance.choice(ids))], int(time.time())
        )
        tell("appended", token, made.mailbox_id, made.uid, made.modseq)
        mine.append(token)
        token = chance.choice(mine)
        match chance.randrange(4):
            case 0:
                tell("move", token)
                place = await store.write(move, ids, token, chance.choice(ids))
                tell("moved", token, *(place or ()))
            case 1:
                keyword = f"k{chance.randrange(20)}"
                tell("flag", token, keyword)
                await store.write(add_flag, ids, token, keyword)
                tell("flagged", token, keyword)
            case 2:
                mine.remove(token)
                tell("delete", token)
                await store.write(delete, ids, token)
                tell("deleted", token)


async def import_always(store: Store, account_id: int, name: str, seed: int) -> None:
    """Each import is what a person would start again after a crash: once acknowledged, or at the end of the round."""
    for number in range(1_000_000):
        batch = f"{name}-{seed}-{number}"
        tell("import", batch)
        await asyncio.to_thread(run_import, store, account_id, batch)
        tell("imported", batch)
        await asyncio.sleep(0.1)


def run_import(store: Store, account_id: int, batch: str) -> None:
    """The letters of an import, of which what is there already is passed over."""
    items = [Item(content(token), frozenset({"\\Flagged"})) for token in import_tokens(batch)]
    for _ in transfer.import_mail(store, account_id, items, into=IMPORT_BOX):
        pass


def import_tokens(batch: str) -> list[str]:
    return [f"import-{batch}-{number}" for number in range(IMPORTED)]


async def index_always(store: Store) -> None:
    """The index grows behind the letters, and now and then it is made anew."""
    assert store.index is not None
    while True:
        for _ in range(10):
            await asyncio.to_thread(store.index.advance, store)
            await asyncio.sleep(0.02)
        await asyncio.to_thread(store.index.rebuild, store)


async def settle_always(store: Store) -> None:
    """Letters get their files, in both processes: so each may find that the other was quicker."""
    while True:
        await asyncio.to_thread(fresh.settle, store)
        await asyncio.sleep(0.02)


async def tidy_always(store: Store) -> None:
    while True:
        await tidy.tidy_up(store)
        await asyncio.sleep(0.01)


async def main(data: Path, name: str, seed: int) -> None:
    begin = time.time()
    store = Store.open(data, clock=lambda: begin + (time.time() - begin) * HASTE)
    ada = store.look(account.find, "ada@example.org")
    assert ada is not None
    ids = [box.id for box in store.look(mailbox.list_all, ada.id) if box.name != IMPORT_BOX]
    await asyncio.gather(
        tidy_always(store),
        settle_always(store),
        index_always(store),
        import_always(store, ada.id, name, seed),
        *(work(store, ids, f"{name}{number}", seed) for number in range(TASKS)),
    )


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
