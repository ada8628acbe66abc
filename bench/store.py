"""The store alone: durable appends a second, and what sets of messages cost.

Every append is a letter of 4 KB: spooled, octets synced, renamed, directory synced, rows committed.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from posthouse.message.summary import summarize
from posthouse.store import intake, mail, search
from posthouse.store.engine import Store
from posthouse.store.mailbox import Mailbox
from store_helpers import NOW, House, letter

RAW = letter(body="x" * 68 + "\r\n" + ("Lorem ipsum dolor sit amet, consectetur adipisici elit. 0123456789\r\n" * 54))


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench store")
    parser.add_argument("--seconds", type=float, default=2.0, help="of appending, for each number of callers")
    parser.add_argument("--messages", type=int, default=20_000, help="in the mailbox for sets")
    parser.add_argument("--folder", type=Path, help="on the disk to measure; default: a temporary one")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        house = House(Store.open(Path(folder)))
        boxes = [house.box(house.account(f"a{number}@example.org")) for number in range(50)]
        for callers in (1, 10, 50):
            append(house.store, boxes, callers, options.seconds)
        sets(house, boxes[0], options.messages)
        house.store.close()


def append(store: Store, boxes: list[Mailbox], callers: int, seconds: float) -> None:
    summary = summarize(RAW)
    times: list[float] = []
    rows_only: list[float] = []

    async def caller(box: Mailbox, end: float, *, octets: bool) -> None:
        blob = None
        while (begin := time.perf_counter()) < end:
            if octets or blob is None:
                spool = store.blobs.spool()
                spool.write(RAW)
                blob = await store.blobs.keep(spool)
            await store.write(intake.append, blob, summary, [intake.Target(box.id)], NOW)
            (times if octets else rows_only).append(time.perf_counter() - begin)

    async def all_callers(*, octets: bool) -> None:
        end = time.perf_counter() + seconds
        await asyncio.gather(*(caller(box, end, octets=octets) for box in boxes[:callers]))

    before = store.statistics()
    cpu = time.process_time()
    asyncio.run(all_callers(octets=True))
    cpu = (time.process_time() - cpu) / len(times) * 1e3
    after = store.statistics()
    asyncio.run(all_callers(octets=False))
    batch = (after.writes - before.writes) / (after.commits - before.commits)
    times.sort()
    print(
        f"append {len(RAW)} octets, {callers:2} callers: {len(times) / seconds:6.0f}/s"
        f" (p50 {statistics.median(times) * 1e3:.1f} ms, p99 {times[len(times) * 99 // 100] * 1e3:.1f} ms,"
        f" {cpu:.2f} ms CPU each, {batch:.1f} a commit); rows alone {len(rows_only) / seconds:6.0f}/s",
        flush=True,
    )


def sets(house: House, box: Mailbox, count: int) -> None:
    store = house.store
    other = house.box(house.store.look(lambda tx: _account(tx, box)), "Archive")
    began = time.perf_counter()
    for _ in range(0, count, 1000):
        house.fill(box, 1000)
    print(f"fill with {count}: {count / (time.perf_counter() - began):.0f}/s in transactions of 1,000")
    ready = ["flags", "size", "received", "envelope", "bodystructure"]
    timed("uids", lambda: store.look(mail.uids, box.id))
    timed("fetch flags", lambda: store.look(mail.fetch, box.id, mail.ALL, ["flags"]))
    timed("fetch envelope and so on", lambda: store.look(mail.fetch, box.id, mail.ALL, ready))
    timed("search subject", lambda: store.look(search.search, box.id, search.Field("subject", "nowhere")))
    timed("search unseen", lambda: store.look(search.search, box.id, search.Not(search.HasFlag("\\Seen"))))
    flip = iter(["add", "remove"] * 10)
    timed("store +-flags", lambda: store.run(mail.store_flags, box.id, mail.ALL, next(flip), ["\\Seen"]))
    timed("copy", lambda: store.run(mail.copy, box.id, mail.ALL, other.id), 1)
    timed("move back", lambda: store.run(mail.move, other.id, mail.ALL, box.id), 1)
    store.run(mail.store_flags, box.id, mail.ALL, "add", ["\\Deleted"])
    timed("expunge", lambda: store.run(mail.expunge, box.id), 1)


def _account(tx, box):  # type: ignore[no-untyped-def]
    from posthouse.store import account

    return account.get(tx, box.account_id)


def timed(what: str, do: Callable[[], object], times: int = 5) -> None:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        do()
        took.append(time.perf_counter() - began)
    print(f"{what:26} {statistics.median(took) * 1e3:8.1f} ms", flush=True)
