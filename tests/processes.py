"""`posthouse serve` as it really runs: its processes, looked at from outside. Which of several workers has a
connection, the kernel tells.
"""

from __future__ import annotations

import contextlib
import imaplib
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from live import PASSWORDS, prepare
from postfix import free_port
from posthouse import config
from posthouse.config import Config

ADA, BOB = "ada@example.org", "bob@example.org"
WORKERS = 3
LISTEN = 10  # TCP_LISTEN, as /proc/net/tcp has it


def eventually(holds: Callable[[], bool], what: str, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def sockets() -> Iterator[tuple[int, int, int, str]]:
    """Local port, remote port, state and inode of every IPv4 connection."""
    for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]:
        fields = line.split()
        local, remote = (int(fields[number].rpartition(":")[2], 16) for number in (1, 2))
        yield local, remote, int(fields[3], 16), fields[9]


def holds_inode(process: int, inode: str) -> bool:
    try:
        links = [str(path.readlink()) for path in Path(f"/proc/{process}/fd").iterdir()]
    except (FileNotFoundError, PermissionError):  # it has ended; until its parent hears of it only root may look
        return False
    return f"socket:[{inode}]" in links


class House:
    """The running processes."""

    def __init__(self, config: Config, parent: subprocess.Popen[str]) -> None:
        self.config = config
        self.parent = parent
        self._steward, self._scribe = sorted(self.children)[:2]

    @property
    def workers(self) -> list[int]:
        return [process for process in self.children if process not in (self._steward, self._scribe)]

    @property
    def children(self) -> list[int]:
        children = Path(f"/proc/{self.parent.pid}/task/{self.parent.pid}/children").read_text("ascii")
        return [int(process) for process in children.split()]

    @property
    def steward(self) -> int:
        """The process that was begun first, as long as it lives."""
        return self._steward if self._steward in self.children else 0

    @property
    def scribe(self) -> int:
        """The process that was begun next, as long as it lives."""
        return self._scribe if self._scribe in self.children else 0

    @property
    def log(self) -> str:
        """What its processes have said."""
        return (self.config.path.parent / "log").read_text("utf-8")

    def port(self, door: str) -> int:
        return int(getattr(self.config.listen, door)[0].port)

    def worker_of(self, peer: socket.socket) -> int:
        """The worker at the other end of a client's socket."""
        ours, theirs = peer.getsockname()[1], peer.getpeername()[1]
        # The kernel may tell of one twice, while others come and go.
        (inode,) = {inode for local, remote, _, inode in sockets() if (local, remote) == (theirs, ours)}
        (worker,) = [worker for worker in self.workers if holds_inode(worker, inode)]
        return worker

    def connect(self, door: str, worker: int) -> socket.socket:
        """A connection with that worker, on which nothing is said yet. What the kernel deals to others is closed."""
        for _ in range(200):
            peer = socket.create_connection(("127.0.0.1", self.port(door)), timeout=20)
            if self.accepted_by(peer) == worker:
                return peer
            peer.close()
        raise AssertionError(f"worker {worker} was given no connection")

    def accepted_by(self, peer: socket.socket) -> int:
        """As `worker_of`, once one has it; 0: none has, within a moment."""
        end = time.monotonic() + 5
        while time.monotonic() < end:
            with contextlib.suppress(ValueError):
                return self.worker_of(peer)
        return 0

    def log_in(self, user: str) -> imaplib.IMAP4_SSL:
        tls = ssl.create_default_context(cafile=str(self.config.tls.certificate))
        client = imaplib.IMAP4_SSL("127.0.0.1", self.port("imaps"), ssl_context=tls)
        client.login(user, PASSWORDS[user])
        return client

    def in_different_workers(self, user: str) -> dict[int, imaplib.IMAP4_SSL]:
        """A client in each worker: the kernel deals connections out, so some are opened until each has one."""
        clients: dict[int, imaplib.IMAP4_SSL] = {}
        for _ in range(200):
            client = self.log_in(user)
            if clients.setdefault(self.worker_of(client.socket()), client) is not client:
                client.logout()
            if len(clients) == WORKERS:
                return clients
        raise AssertionError(f"only {len(clients)} of {WORKERS} workers were given connections")

    def send(self, count: int = 1) -> None:
        with smtplib.SMTP("127.0.0.1", self.port("smtp")) as client:
            for number in range(count):
                client.sendmail("eve@elsewhere.example", [ADA], f"Subject: {number}\r\n\r\nx\r\n")

    def at_duty(self, duty: str) -> int:
        """The process whose turn it is to do "relay" or "chores"; 0: nobody's."""
        path = self.config.data / "run" / f"{duty}.lock"
        if not path.exists():
            return 0
        inode = path.stat().st_ino
        locks = [line.split() for line in Path("/proc/locks").read_text("ascii").splitlines()]
        found = [int(one[4]) for one in locks if one[1] == "FLOCK" and one[5].endswith(f":{inode}")]
        return found[0] if found else 0


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses at the moment, each another."""
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(free_port())
    return list(ports)


@contextmanager
def serving(folder: Path, workers: int = WORKERS, more: str = "", listen: str = "") -> Iterator[House]:
    """A new server, with the accounts of `PASSWORDS`; ``listen``: a line for that section."""
    path = folder / "posthouse.toml"
    prepare(folder, more)
    text = path.read_text("utf-8")
    for port in free_ports(text.count(":0")):
        text = text.replace(':0"', f':{port}"', 1)
    text = text.replace("[listen]\n", f"[listen]\n{listen}\n")
    path.write_text(f"workers = {workers}\n{text}", "utf-8")
    with serving_again(folder) as house:
        yield house


@contextmanager
def serving_again(folder: Path) -> Iterator[House]:
    """The server that was there before."""
    path = folder / "posthouse.toml"
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "posthouse", "serve", "--config", str(path)],
          stdout=subprocess.PIPE, stderr=log, text=True,
      )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", (folder / "log").read_text("utf-8")
        yield House(config.load(path), process)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=30)
        process.communicate()
