"""Does it stay flat? One account with more and more messages, and a store with more and more accounts."""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from posthouse.message.summary import summarize
from posthouse.store import account, change, mail, mailbox
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
        inbox = house.box(ada)
        have = 0
        for count in sorted(options.messages):
            for start in range(have, count, 1000):
                house.fill(inbox, min(1000, count - start))
            have = count
            measure(house.store, f"{count} messages", ada.id, inbox.id)
        for start in range(0, options.accounts, 100):
            house.store.run(add_accounts, range(start, min(start + 100, options.accounts)))
        measure(house.store, f"and {options.accounts} accounts more", ada.id, inbox.id)
        house.store.close()


def add_accounts(tx: Tx, numbers: range) -> None:
    for number in numbers:
        account.add(tx, f"user{number}@example.org", "hash")


def measure(store: Store, what: str, account_id: int, mailbox_id: int) -> None:
    last = store.look(mailbox.get, mailbox_id).uidnext - 1
    modseq = store.look(change.changes, account_id, 10**15).modseq
    raw = letter()
    summary = summarize(raw)
    flips = iter(["add", "remove"] * 50)

    def append() -> None:
        store.run(mail.append, keep(store, raw), summary, [mail.Target(mailbox_id)], NOW)

    times = {
        "select": timed(lambda: store.look(mailbox.find, account_id, "INBOX")),
        "all UIDs": timed(lambda: store.look(mail.uids, mailbox_id), 3),
        "newest 50": timed(lambda: store.look(mail.fetch, mailbox_id, [(last - 49, last)], LISTED)),
        "flag one": timed(lambda: store.run(mail.store_flags, mailbox_id, [(last, last)], next(flips), ["\\Seen"])),
        "changes": timed(lambda: store.look(change.changes, account_id, modseq)),
        "append one": timed(append),
    }
    print(f"{what:28}", *(f"{name} {seconds * 1e3:.2f} ms;" for name, seconds in times.items()), flush=True)


def timed(do: Callable[[], object], times: int = 51) -> float:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        do()
        took.append(time.perf_counter() - began)
    return statistics.median(took)
