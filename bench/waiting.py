"""What 100,000 letters that wait cost: the start of a server, its memory, and letters to others that go past them.

They wait in two ways: until tomorrow, and for a destination where nothing listens, which all of them are due for. The
server with an empty queue runs in turn with the others. Counted is the processor's time, which a busy machine leaves
as it is.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from nameserver import name_server
from postfix import free_port
from posthouse.store import domain, queue
from posthouse.store.blob import Blob
from posthouse.store.engine import Store, Tx
from posthouse.store.queue import Onward, Terms, To

from .relay import server, sink

WAYS = ("none", "tomorrow", "dead")
ZONE = (
    "dead.test MX 10 mx.dead.test.\nmx.dead.test A 127.2.0.1\nlive.test MX 10 mx.live.test.\nmx.live.test A 127.0.0.1"
)
SECONDS = 60


@dataclass(frozen=True)
class Cost:
    """The processor's seconds until it is ready, MB that it takes, seconds for the letters to others."""

    ready: float
    memory: float
    others: float


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench waiting")
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--letters", type=int, default=500, help="to another destination, meanwhile")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    costs: dict[str, list[Cost]] = {way: [] for way in WAYS}
    for _ in range(options.rounds):
        for way in WAYS:
            costs[way].append(measure(way, options.waiting, options.letters))
            cost = costs[way][-1]
            print(f"{way}: ready {cost.ready:.2f} s, {cost.memory:.0f} MB, others {cost.others:.2f} s", flush=True)
    plain = _middle(costs["none"])
    for way in WAYS[1:]:
        cost = _middle(costs[way])
        print(
            f"{options.waiting} waiting ({way}): start {cost.ready / plain.ready:.2f} times as long,"
            f" {cost.memory - plain.memory:+.1f} MB, letters to others {cost.others / plain.others:.2f} times as long",
            flush=True,
        )


def _middle(costs: Sequence[Cost]) -> Cost:
    return Cost(*(statistics.median(getattr(one, name) for one in costs) for name in Cost.__dataclass_fields__))


def measure(way: str, waiting: int, letters: int) -> Cost:
    """One server, from its start."""
    port = free_port()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        dns = stack.enter_context(name_server(ZONE))
        (folder / "posthouse.toml").write_text(
            f'hostname = "mail.example.org"\n[listen]\nlmtp = "127.0.0.1:{free_port()}"\n'
            f'[dns]\nservers = "127.0.0.1:{dns.port}"\n'
        )
        store = Store.open(folder / "data", readers=1)
        stack.callback(store.close)
        spool = store.blobs.spool()
        spool.write(b"From: a@x.test\r\nSubject: a letter\r\n\r\n" + b"x" * 2000 + b"\r\n")
        blob = store.blobs.keep_now(spool)
        store.run(domain.add, "example.org")
        if way != "none":
            release = int(time.time()) + 86_400 if way == "tomorrow" else None
            for _ in range(waiting // 10_000):
                store.run(_add, blob, 10_000, "dead.test", Terms(release=release))
        # At 127.0.0.1 alone: nothing listens where the dead one should be.
        stack.enter_context(sink(port, "127.0.0.1"))
        process = stack.enter_context(server(folder, port))
        ready = _seconds(process)
        began = time.perf_counter()
        store.run(_add, blob, letters, "live.test", Terms())
        while store.look(_others):
            assert time.perf_counter() - began < SECONDS and process.poll() is None
            time.sleep(0.01)
        return Cost(ready, _memory(process), _seconds(process) - ready)


def _add(tx: Tx, blob: Blob, count: int, to: str, terms: Terms) -> None:
    for _ in range(count):
        queue.add(tx, blob, 40, Onward(b"Received: by bench\r\n", "a@x.test", [To(f"u@{to}", to)], terms))


def _others(tx: Tx) -> bool:
    return tx.one("SELECT 1 FROM outgoing_recipient WHERE domain = 'live.test' LIMIT 1") is not None


def _seconds(process: subprocess.Popen[str]) -> float:
    """What the process has taken of the processor."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(process: subprocess.Popen[str]) -> float:
    """What the process holds, in MB."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    (line,) = (one for one in lines if one.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
