"""Letters out of a waiting queue to a sink (Postfix's smtp-sink): ours and Postfix's, in turn, in the same run.

One destination, then 1,000 of them, each a domain with an MX record, whose host both look up at the same resolver
(unbound, which knows the records already). We look for a policy (MTA-STS) too, as Postfix doesn't.

Each has its time, and the time of the processor that all its processes took, sink and resolver not counted: on a busy
machine the second tells more. It takes root and what `tools/install-foreign` installs.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from internet import Internet, internet
from postfix import free_port, postfix
from posthouse import config
from posthouse.net.dns import Resolver
from posthouse.server import log
from posthouse.server.app import serving
from posthouse.server.serve import keep_what_is_loaded
from posthouse.store import domain, queue
from posthouse.store.engine import Store, Tx
from posthouse.store.queue import Onward, To, Which

SIZE = 4096
SINK = "/usr/sbin/smtp-sink"
SOURCE = "/usr/sbin/smtp-source"
SECONDS = 120


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench relay")
    parser.add_argument("--letters", type=int, default=4_000)
    parser.add_argument("--destinations", type=int, nargs="*", default=[1, 1_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("posthouse", "postfix"), help="one of them, for a profiler")
    options = parser.parse_args(arguments)
    for count in options.destinations:
        taken: dict[str, list[Taken]] = {"posthouse": [], "postfix": []}
        with internet({"plain": zone(count)}) as net:
            asyncio.run(know(net, count))
            for _ in range(options.rounds):
                for name, run in (("posthouse", ours), ("postfix", theirs)):
                    if options.only in (None, name):
                        one = run(net, options.letters, count)
                        taken[name].append(one)
                        print(
                            f"{count} destinations: {name} {options.letters / one.seconds:.0f}/s,"
                            f" {one.processor / options.letters * 1e6:.0f} µs of the processor for each",
                            flush=True,
                        )
        if all(taken.values()):
            by_time, by_processor = (
                statistics.median(getattr(one, what) for one in taken["postfix"])
                / statistics.median(getattr(one, what) for one in taken["posthouse"])
                for what in ("seconds", "processor")
            )
            print(
                f"{options.letters} letters, {count} destinations: {by_time:.2f} times as many as Postfix in the same"
                f" time, {by_processor:.2f} times as many with the same time of the processor",
                flush=True,
            )


@dataclass(frozen=True)
class Taken:
    """Seconds until the queue was empty: by the clock, and of the processor."""

    seconds: float
    processor: float


def processor_seconds(pid: int) -> float:
    """What a process and its children have taken of the processor, those that have ended too."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if path.parent.name == str(pid) or fields[1] == str(pid):
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


# -- the names -------------------------------------------------------------------------------------------------------


def zone(destinations: int) -> str:
    return "".join(f"d{n} 3600 MX 10 mx.d{n}\nmx.d{n} 3600 A {address(n)}\n" for n in range(destinations))


async def know(net: Internet, destinations: int) -> None:
    """Have the resolver ask for all of them, so that it answers at once from then on."""
    resolver = Resolver([(net.resolver, 53)])
    for n in range(destinations):
        assert await resolver.exchanges(f"d{n}.plain") == [(10, f"mx.d{n}.plain")]
        assert await anext(resolver.addresses(f"mx.d{n}.plain")) == [address(n)]


def address(number: int) -> str:
    """Where a destination's host is: all of 127.0.0.0/8 is this machine."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


@contextmanager
def sink(port: int, at: str = "0.0.0.0") -> Iterator[None]:
    """A server at all addresses (or one) that takes everything and keeps nothing."""
    process = subprocess.Popen([SINK, "-u", "postfix", f"{at}:{port}", "4000"], stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 10
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert time.monotonic() < until, "the sink doesn't listen"
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait()


# -- Posthouse -------------------------------------------------------------------------------------------------------


def ours(net: Internet, letters: int, destinations: int) -> Taken:
    port = free_port()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        text = (
            f'hostname = "mail.example.org"\n[listen]\nlmtp = "127.0.0.1:{free_port()}"\n'
            f'[dns]\nservers = "{net.resolver}:53"\n'
        )
        (folder / "posthouse.toml").write_text(text)
        store = Store.open(folder / "data", readers=1)
        stack.callback(store.close)
        fill(store, letters, destinations)
        stack.enter_context(sink(port))
        process = stack.enter_context(server(folder, port))
        before = processor_seconds(process.pid)
        began = time.perf_counter()
        store.run(queue.release, Which())
        while store.look(waiting):
            assert time.perf_counter() - began < SECONDS and process.poll() is None, "the queue doesn't empty"
            time.sleep(0.02)
        return Taken(time.perf_counter() - began, processor_seconds(process.pid) - before)


def waiting(tx: Tx) -> bool:
    return tx.one("SELECT 1 FROM outgoing LIMIT 1") is not None


def fill(store: Store, letters: int, destinations: int) -> None:
    store.run(domain.add, "example.org")
    header = b"From: a@x.test\r\nTo: u@relay.test\r\nSubject: a letter\r\nMessage-ID: <%d@x.test>\r\n\r\n"
    line = b"x" * 78 + b"\r\n"
    spools = []
    for number in range(letters):
        spool = store.blobs.spool()
        spool.write(header % number + line * (SIZE // 80))
        spools.append(spool)
    blobs = store.blobs.keep_all_now(spools)

    def add(tx: Tx) -> None:
        for number, blob in enumerate(blobs):
            at = f"d{number % destinations}.plain"
            queue.add(tx, blob, 80, Onward(b"Received: by bench\r\n", "a@x.test", [To(f"u@{at}", at)]))
        queue.hold(tx, Which())

    store.run(add)


@contextmanager
def server(folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """A server in a process of its own, whose relay goes to another port than 25; its log is a file."""
    command = [sys.executable, __file__, str(folder / "posthouse.toml"), str(port)]
    search = os.pathsep.join([*sys.path, str(Path(__file__).parents[1])])
    with (folder / "log").open("w") as file:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, text=True,
            env={**os.environ, "PYTHONPATH": search})  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n", (folder / "log").read_text()
        yield process
    finally:
        process.stdin.close()
        process.wait()


def serve(path: Path, port: int) -> None:
    """In that process."""
    log.setup()
    with serving(config.load(path), relay_port=port):
        keep_what_is_loaded()
        print("ready", flush=True)
        sys.stdin.read()


# -- Postfix ---------------------------------------------------------------------------------------------------------


def theirs(net: Internet, letters: int, destinations: int) -> Taken:
    port = free_port()
    with ExitStack() as stack:
        server = stack.enter_context(postfix(resolv_conf=net.resolv_conf, smtp_dns_support_level="enabled",
            smtp_tcp_port=str(port), smtp_tls_security_level="none",
            minimal_backoff_time="4000s", maximal_backoff_time="4000s"))  # fmt: skip
        give(server.port, letters, destinations)
        wait_for(lambda: deferred(server.folder) >= letters)
        stack.enter_context(sink(port))
        before = processor_seconds(server.pid)
        began = time.perf_counter()
        subprocess.run(["/usr/sbin/postqueue", "-c", str(server.folder / "etc"), "-f"], check=True)
        while any_left(server.folder):
            assert time.perf_counter() - began < SECONDS, "the queue doesn't empty"
            time.sleep(0.02)
        return Taken(time.perf_counter() - began, processor_seconds(server.pid) - before)


def any_left(folder: Path) -> bool:
    """Whether its queue has a letter: a look that costs next to nothing, so that it doesn't slow what is measured."""
    queues = (folder / "queue" / name for name in ("deferred", "incoming", "active"))  # as they go
    return any(path.is_file() for queue in queues for path in queue.rglob("*"))


def deferred(folder: Path) -> int:
    return sum(path.is_file() for path in (folder / "queue" / "deferred").rglob("*"))


def wait_for(true: object) -> None:
    assert callable(true)
    until = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < until
        time.sleep(0.1)


def give(port: int, letters: int, destinations: int) -> None:
    """The letters, over some connections."""
    import smtplib

    header = "From: a@x.test\r\nTo: u@relay.test\r\nSubject: a letter\r\n\r\n"
    body = header + ("x" * 78 + "\r\n") * (SIZE // 80)
    with smtplib.SMTP("127.0.0.1", port) as client:
        for number in range(letters):
            client.sendmail("a@x.test", [f"u@d{number % destinations}.plain"], body)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
