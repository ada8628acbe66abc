"""Search in text: with the index, and reading every message; what the index costs.

Dovecot without an index, the line to beat, is in search_dovecot: here, what reading every message costs us.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from posthouse.files import Item
from posthouse.store import transfer
from posthouse.store.engine import Store
from posthouse.store.search import Body, Field, Text, search
from store_helpers import House, letter


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench search")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--corpus", type=Path, help="a folder of .eml files; default: made-up letters")
    options = parser.parse_args(arguments)
    letters = [path.read_bytes() for path in sorted(options.corpus.glob("*.eml"))] if options.corpus else made_up()
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder))
        ada = House(store).account()
        items = (Item(letters[number % len(letters)]) for number in range(options.messages))
        began = time.perf_counter()
        for _ in transfer.import_mail(store, ada.id, items):
            pass
        print(f"import: {options.messages / (time.perf_counter() - began):.0f} messages/s")
        inbox = House(store).box(ada)
        read = {key: timed(store, inbox.id, key, 1) for key in (Body("meeting"), Text("nowhere to be found"))}
        began = time.perf_counter()
        store.index.advance(store)
        took = time.perf_counter() - began
        size = sum(path.stat().st_size for path in Path(folder).glob("search.sqlite3*"))
        octets = sum(len(letters[number % len(letters)]) for number in range(options.messages))
        print(f"index: {took / options.messages * 1e6:.0f} µs a message, {size / 1e6:.0f} MB for {octets / 1e6:.0f} MB")
        texts = Body("meeting"), Body("eeti"), Text("nowhere to be found"), Body("the"), Body("zq")
        for key in (*texts, Field("subject", "the")):
            found, seconds = timed(store, inbox.id, key, 5)
            before = f"; reading all: {read[key][1] * 1e3:.0f} ms" if key in read else ""
            print(f"{key!s:50} {found:6} found, {seconds * 1e3:8.1f} ms{before}", flush=True)
        store.close()


def made_up() -> list[bytes]:
    words = ["meeting", "the", "quick", "brown", "fox", "jumps", "over", "lazy", "dogs", "while", "seven", "wizards"]
    return [
        letter(f"letter {number}", " ".join(words[(number * step) % (len(words) - number % 3)] for step in range(200)))
        for number in range(500)
    ]


def timed(store: Store, mailbox_id: int, key: Body | Text | Field, times: int) -> tuple[int, float]:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        found = store.look(search, mailbox_id, key)
        took.append(time.perf_counter() - began)
    return len(found), statistics.median(took)
