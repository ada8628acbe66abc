"""Letters out of a waiting queue to a sink (Postfix's smtp-sink): ours and Postfix's, in turn, in the same run.

One destination, then 1,000 of them. It takes root and Debian's postfix, as `tools/install-foreign` installs it. Postfix
is given its routes in a table; we ask a name server, which runs in this process.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from nameserver import name_server
from postfix import free_port, postfix
from posthouse import config
from posthouse.server import log
from posthouse.server.app import serving
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
        rates: dict[str, list[float]] = {"posthouse": [], "postfix": []}
        for _ in range(options.rounds):
            for name, run in (("posthouse", ours), ("postfix", theirs)):
                if options.only in (None, name):
                    rates[name].append(options.letters / run(options.letters, count))
                    print(f"{count} destinations: {name} {rates[name][-1]:.0f}/s", flush=True)
        if all(rates.values()):
            middle = {name: statistics.median(one) for name, one in rates.items()}
            print(
                f"{options.letters} letters, {count} destinations: posthouse {middle['posthouse']:.0f}/s,"
                f" postfix {middle['postfix']:.0f}/s, {middle['posthouse'] / middle['postfix']:.1f} times as many",
                flush=True,
            )


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


def ours(letters: int, destinations: int) -> float:
    """The seconds that it takes."""
    port = free_port()
    zone = "\n".join(f"d{n}.test MX 10 mx.d{n}.test.\nmx.d{n}.test A {address(n)}" for n in range(destinations))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        dns = stack.enter_context(name_server(zone))
        text = (
            f'hostname = "mail.example.org"\n[listen]\nlmtp = "127.0.0.1:{free_port()}"\n'
            f'[dns]\nservers = "127.0.0.1:{dns.port}"\n'
        )
        (folder / "posthouse.toml").write_text(text)
        store = Store.open(folder / "data", readers=1)
        stack.callback(store.close)
        fill(store, letters, destinations)
        stack.enter_context(sink(port))
        process = stack.enter_context(server(folder, port))
        began = time.perf_counter()
        store.run(queue.release, Which())
        while store.look(waiting):
            assert time.perf_counter() - began < SECONDS and process.poll() is None, "the queue doesn't empty"
            time.sleep(0.02)
        return time.perf_counter() - began


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
            at = f"d{number % destinations}.test"
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
        print("ready", flush=True)
        sys.stdin.read()


# -- Postfix ---------------------------------------------------------------------------------------------------------


def theirs(letters: int, destinations: int) -> float:
    """The seconds that it takes."""
    port = free_port()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        table = folder / "transport"
        table.write_text("".join(f"d{n}.test smtp:[{address(n)}]:{port}\n" for n in range(destinations)))
        subprocess.run(["/usr/sbin/postmap", f"texthash:{table}"], check=False, capture_output=True)
        server = stack.enter_context(postfix(transport_maps=f"texthash:{table}", smtp_tls_security_level="none",
            minimal_backoff_time="4000s", maximal_backoff_time="4000s"))  # fmt: skip
        give(server.port, letters, destinations)
        wait_for(lambda: deferred(server.folder) >= letters)
        stack.enter_context(sink(port))
        began = time.perf_counter()
        subprocess.run(["/usr/sbin/postqueue", "-c", str(server.folder / "etc"), "-f"], check=True)
        while server.waiting():
            assert time.perf_counter() - began < SECONDS, "the queue doesn't empty"
            time.sleep(0.05)
        return time.perf_counter() - began


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
            client.sendmail("a@x.test", [f"u@d{number % destinations}.test"], body)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
