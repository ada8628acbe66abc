"""Does it stay flat? One account with more and more messages, and a store with more and more accounts.

Each line tells what a thing takes, and how many times as long as with the fewest messages. One mailbox is whole, from
another each tenth message was expunged.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from posthouse.message.summary import summarize
from posthouse.store import account, change, intake, mail, mailbox
from posthouse.store.engine import Store, Tx
from store_helpers import NOW, House, keep, letter

LISTED = ("flags", "size", "received", "envelope", "bodystructure")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench scale")
    parser.add_argument("--messages", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--accounts", type=int, default=10_000)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        house = House(Store.open(Path(folder)))
        ada = house.account()
        inbox, holed = house.box(ada), house.box(ada, "Archive")
        have = 0
        first: dict[str, float] = {}
        for count in sorted(options.messages):
            for start in range(have, count, 1000):
                for box in (inbox, holed):
                    house.fill(box, min(1000, count - start))
            have = count
            expunge_each_tenth(house.store, holed.id, count)
            tell(f"{count} messages", measure(house.store, ada.id, inbox.id), first)
            tell(f"{count * 9 // 10}, with holes", measure_holed(house.store, ada.id, holed.name), first)
        for start in range(0, options.accounts, 100):
            house.store.run(add_accounts, range(start, min(start + 100, options.accounts)))
        tell(f"and {options.accounts} accounts more", measure(house.store, ada.id, inbox.id), first)
        house.store.close()


def add_accounts(tx: Tx, numbers: range) -> None:
    for number in numbers:
        account.add(tx, f"user{number}@example.org", "hash")


def tell(what: str, times: dict[str, float], first: dict[str, float]) -> None:
    """Print a line; the first one is what the others are compared with."""
    first.update({name: seconds for name, seconds in times.items() if name not in first})
    parts = [f"{name} {seconds * 1e3:.2f} ms (x{seconds / first[name]:.1f})" for name, seconds in times.items()]
    print(f"{what:28}", "; ".join(parts), flush=True)


def expunge_each_tenth(store: Store, mailbox_id: int, last: int) -> None:
    for start in range(10, last + 1, 10_000):
        uids = [(uid, uid) for uid in range(start, min(start + 10_000, last + 1), 10)]
        store.run(mail.store_flags, mailbox_id, uids, "add", ["\\Deleted"])
    store.run(mail.expunge, mailbox_id)


def measure_holed(store: Store, account_id: int, name: str) -> dict[str, float]:
    """Seconds to select a mailbox from which each tenth message was expunged: also after a letter has come, and after
    one has gone."""

    def select() -> None:
        store.look(lambda tx: mail.uids(tx, mailbox.existing(tx, account_id, name).id))

    raw = letter()
    summary = summarize(raw)
    box = store.look(mailbox.existing, account_id, name)
    times = {"select first": timed(select, 1), "again": timed(select)}
    store.run(intake.append, keep(store, raw), summary, [intake.Target(box.id)], NOW)
    times["after a letter"] = timed(select, 1)
    store.run(mail.remove, box.id, [(box.uidnext, box.uidnext)])
    times["after it went"] = timed(select, 1)
    return times


def measure(store: Store, account_id: int, mailbox_id: int) -> dict[str, float]:
    """Seconds, the median of some."""
    last = store.look(mailbox.get, mailbox_id).uidnext - 1
    modseq = store.look(change.changes, account_id, 10**15).modseq
    raw = letter()
    summary = summarize(raw)
    flips = iter(["add", "remove"] * 50)

    def append() -> None:
        store.run(intake.append, keep(store, raw), summary, [intake.Target(mailbox_id)], NOW)

    return {
        "select": timed(lambda: store.look(mailbox.find, account_id, "INBOX")),
        "all UIDs": timed(lambda: store.look(mail.uids, mailbox_id), 3),
        "newest 50": timed(lambda: store.look(mail.fetch, mailbox_id, [(last - 49, last)], LISTED)),
        "flag one": timed(lambda: store.run(mail.store_flags, mailbox_id, [(last, last)], next(flips), ["\\Seen"])),
        "changes": timed(lambda: store.look(change.changes, account_id, modseq)),
        "append one": timed(append),
    }


def timed(do: Callable[[], object], times: int = 51) -> float:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        do()
        took.append(time.perf_counter() - began)
    return statistics.median(took)
