"""Letters in: Posthouse, and Postfix with Dovecot's LMTP and Maildir behind it, on one disk, in one run, in turn.

Delivered letters of 4 KB a second, at so many connections at a time, from the first octet until the last letter is in
its mailbox: for Posthouse that is its 250, for Postfix that its queue is empty again. Both have it on disk before they
say 250. The load is Postfix's smtp-source, a process for each recipient, so that no single client is what all wait for.
It takes as much of the processors as one in Python does: 0.15 ms a letter.
Beside that, under a second load, a client in Python with letters of words: the time from MAIL to 250, and the
processor's time for a letter. Posthouse makes the files of letters behind their delivery: the processor's time is
counted until the last one is there. And the memory of an open connection.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import uvloop

from dovecot_lmtp import dovecot
from postfix import free_port, postfix
from posthouse.store import account, domain, fresh
from posthouse.store.engine import Store

SOURCE = "/usr/sbin/smtp-source"
USERS = 10
SIZE = 4096
LONGEST = 180.0  # seconds for a load
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
# Memory is compared at so many connections of ours, where as many open files are allowed, and of the peer's, each of
# which has a process there.
CONNECTIONS, PEERS_CONNECTIONS = 5000, 200


@dataclass(frozen=True)
class Place:
    """A server under load: its port, the roots of its processes, when all it took is in the mailboxes, and when it has
    nothing left to do for that."""

    name: str
    port: int
    pids: Callable[[], list[int]]
    done: Callable[[], bool]
    settled: Callable[[], bool]


@dataclass(frozen=True)
class Figures:
    """What a load of each kind gave."""

    rate: float  # delivered letters a second
    p50: float  # seconds
    p99: float
    cpu: float  # seconds a letter, of all processes


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench smtp_in")
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 10, 50])
    parser.add_argument("--messages", type=int, default=1500, help="a load; a third of it for one session")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1, help="processes of Posthouse (1)")
    parser.add_argument("--only", choices=["posthouse"], help="without the peer")
    parser.add_argument("--no-memory", action="store_true", help="leave out the open connections")
    options = parser.parse_args(arguments)
    with contextlib.ExitStack() as stack:
        places = [stack.enter_context(posthouse_place(options.workers))]
        if options.only is None:
            places.append(stack.enter_context(postfix_place()))
        found: dict[tuple[int, str], list[Figures]] = {}
        for _ in range(options.rounds):
            for sessions in options.sessions:
                count = options.messages // 3 if sessions == 1 else options.messages
                for place in places:
                    rate = flood(place, sessions, count)
                    found.setdefault((sessions, place.name), []).append(Figures(rate, *load(place, sessions, count)))
        tell(found, options.sessions, [place.name for place in places])
        if not options.no_memory:
            tell_memory(places)


# -- the servers -----------------------------------------------------------------------------------------------------


def user(number: int) -> str:
    return f"user{number % USERS}@example.org"


@contextlib.contextmanager
def posthouse_place(workers: int = 1) -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="posthouse-") as name:
        folder = Path(name)
        port = free_port()
        (folder / "posthouse.toml").write_text(
            f'hostname = "mail.example.org"\ndata = "data"\nworkers = {workers}\n[listen]\nsmtp = "127.0.0.1:{port}"\n',
            "utf-8",
        )
        store = Store.open(folder / "data")
        store.run(domain.add, "example.org")
        for number in range(USERS):
            store.run(account.add, user(number), "hash")
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", "posthouse", "serve", "--config", folder / "posthouse.toml"],
                stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        assert server.stdout is not None
        try:
            while b"ready" not in server.stdout.readline():
                assert server.poll() is None, (folder / "log").read_text()
            yield Place("posthouse", port, lambda: [server.pid], lambda: True, lambda: not store.look(fresh.waiting))
        finally:
            store.close()
            server.terminate()
            server.communicate(timeout=60)


@contextlib.contextmanager
def postfix_place() -> Iterator[Place]:
    with dovecot() as behind:
        transport = f"lmtp:inet:127.0.0.1:{behind.lmtp}"
        with postfix(
            virtual_mailbox_domains="example.org",
            virtual_transport=transport,
            default_process_limit=str(PEERS_CONNECTIONS + 100),
        ) as front:
            pids = [front.pid, behind.pid]
            yield Place("postfix+dovecot", front.port, lambda: pids, lambda: not front.waiting(), lambda: True)


# -- load ------------------------------------------------------------------------------------------------------------


def letter() -> bytes:
    header = (
        b"From: Eve <eve@elsewhere.example>\r\nTo: Ada <ada@example.org>\r\nSubject: A letter of four kilobytes\r\n"
    )
    header += (
        b"Date: Fri, 14 Jul 2017 09:05:16 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    )
    header += b"Message-ID: <%d@elsewhere.example>\r\n\r\n" % random.getrandbits(60)
    words = b" ".join(random.choice(WORDS) for _ in range(SIZE // 4))[: SIZE - len(header)]
    lines = b"\r\n".join(words[at : at + 70] for at in range(0, len(words), 72))
    return header + lines + b"\r\n"


WORDS = [b"letter", b"house", b"the", b"of", b"meeting", b"and", b"tomorrow", b"in", b"question", b"post", b"horse"]


class Client(asyncio.Protocol):
    """One connection: letters, one command at a time, until there are no more."""

    def __init__(self, left: Iterator[int], times: list[float]) -> None:
        self.left = left
        self.times = times
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.buffer = b""
        self.steps: list[bytes] = [b"EHLO client.elsewhere.example\r\n"]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are not registered as such

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (at := self.buffer.find(b"\r\n")) >= 0:
            line, self.buffer = self.buffer[:at], self.buffer[at + 2 :]
            if line[3:4] != b"-":
                self.answered(line)

    def answered(self, line: bytes) -> None:
        if line[:1] not in b"23":
            self.ended.set_exception(AssertionError(line.decode()))
            self.transport.close()
            return
        if not self.steps:
            if line.startswith(b"250 ") and hasattr(self, "began"):
                self.times.append(time.perf_counter() - self.began)
            number = next(self.left, None)
            if number is None:
                self.transport.close()
                return
            self.began = time.perf_counter()
            self.steps = [
                b"MAIL FROM:<eve@elsewhere.example>\r\n",
                f"RCPT TO:<{user(number)}>\r\n".encode(),
                b"DATA\r\n",
                LETTERS[number % len(LETTERS)] + b".\r\n",
            ]
        self.transport.write(self.steps.pop(0))


LETTERS = [letter() for _ in range(100)]


def flood(place: Place, sessions: int, count: int) -> float:
    """Send so many letters over so many connections with smtp-source; delivered letters a second."""
    users = min(sessions, USERS)  # a process of it knows one recipient
    began = time.perf_counter()
    sources = [
        subprocess.Popen(
            [SOURCE, "-d", "-s", str(sessions // users), "-m", str(count // users), "-l", str(SIZE),
             "-M", "client.elsewhere.example", "-f", "eve@elsewhere.example", "-t", user(number),
             f"127.0.0.1:{place.port}"],
        )
        for number in range(users)
    ]  # fmt: skip
    with stopping(sources, LONGEST):
        # Without a time, for which Python would look every 50 ms only.
        assert not any(source.wait() for source in sources), "smtp-source failed, or took too long"
    wait(place.done, began)
    took = time.perf_counter() - began
    wait(place.settled, began)
    return count // users * users / took


@contextlib.contextmanager
def stopping(processes: Sequence[subprocess.Popen[bytes]], seconds: float) -> Iterator[None]:
    """Kill those that still run after so many seconds."""
    timer = threading.Timer(seconds, lambda: [process.kill() for process in processes])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def wait(until: Callable[[], bool], began: float) -> None:
    """Errors: AssertionError when it takes longer than a load may."""
    while not until():
        assert time.perf_counter() - began < LONGEST, "the letters don't arrive, or get no files"
        time.sleep(0.005)


def load(place: Place, sessions: int, count: int) -> tuple[float, float, float]:
    """Send so many letters over so many connections: p50, p99, and the processor's time for a letter, in seconds."""
    times: list[float] = []

    async def send() -> None:
        loop = asyncio.get_running_loop()
        left = iter(range(count))
        clients = []
        for _ in range(sessions):
            _, client = await loop.create_connection(lambda: Client(left, times), "127.0.0.1", place.port)
            clients.append(client)
        async with asyncio.timeout(LONGEST):
            await asyncio.gather(*(client.ended for client in clients))

    before = cpu(place.pids())
    began = time.perf_counter()
    uvloop.run(send())
    assert len(times) == count, "some letters were not accepted"
    wait(place.done, began)
    wait(place.settled, began)
    times.sort()
    return times[count // 2], times[min(count * 99 // 100, count - 1)], (cpu(place.pids()) - before) / count


def tell(found: dict[tuple[int, str], list[Figures]], sessions: list[int], names: list[str]) -> None:
    print(f"{'sessions':>8}  {'server':<16} {'letters/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'CPU ms':>8}   (medians)")
    for many in sessions:
        medians = {}
        for name in names:
            runs = found[many, name]
            medians[name] = [
                statistics.median(getattr(run, key) for run in runs) for key in ("rate", "p50", "p99", "cpu")
            ]
            rate, p50, p99, used = medians[name]
            print(f"{many:>8}  {name:<16} {rate:>10.0f} {p50 * 1e3:>8.2f} {p99 * 1e3:>8.2f} {used * 1e3:>8.2f}")
        if len(names) == 2:
            ours, theirs = (medians[name] for name in names)
            ratios = [ours[0] / theirs[0], *(mine / other for mine, other in zip(ours[1:], theirs[1:], strict=True))]
            print(f"{'':>8}  {'ratio':<16} {ratios[0]:>9.1f}x {ratios[1]:>7.2f}x {ratios[2]:>7.2f}x {ratios[3]:>7.2f}x")


# -- processes -------------------------------------------------------------------------------------------------------


def tree(roots: list[int]) -> list[int]:
    """The processes and all their children."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(path.name))
    found: list[int] = []
    waiting = list(roots)
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += children.get(one, [])
    return found


def cpu(roots: list[int]) -> float:
    """Seconds of processor time of the processes, and of their children that have ended."""
    ticks = 0
    for pid in tree(roots):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / CLOCK_TICKS


def memory(roots: list[int]) -> float:
    """KiB, shared pages divided among those who share them."""
    total = 0
    for pid in tree(roots):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total


def tell_memory(places: list[Place]) -> None:
    """What a connection costs that has said EHLO and then nothing."""
    figures = []
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for place, many in zip(places, (min(CONNECTIONS, most - 500), PEERS_CONNECTIONS), strict=False):
        before = memory(place.pids())
        with contextlib.ExitStack() as stack:
            for _ in range(many):
                line = stack.enter_context(socket.create_connection(("127.0.0.1", place.port), timeout=60))
                line.recv(1000)
                line.sendall(b"EHLO client.elsewhere.example\r\n")
                line.recv(4000)
            figures.append((memory(place.pids()) - before) / many)
        print(f"{place.name}: {figures[-1]:.1f} KiB for an open connection, of {many}")
    if len(figures) == 2:
        print(f"ratio {figures[1] / figures[0]:.0f}x")
