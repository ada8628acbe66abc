"""`workers = 3`: processes over the same doors and one store. Which of them has a connection, the kernel tells."""

from __future__ import annotations

import imaplib
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from live import PASSWORDS, prepare
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
    except FileNotFoundError:
        return False
    return f"socket:[{inode}]" in links


class House:
    """The running processes."""

    def __init__(self, config: Config, parent: subprocess.Popen[str]) -> None:
        self.config = config
        self.parent = parent

    @property
    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.parent.pid}/task/{self.parent.pid}/children").read_text("ascii")
        return [int(process) for process in children.split()]

    def port(self, door: str) -> int:
        return int(getattr(self.config.listen, door)[0].port)

    def worker_of(self, peer: socket.socket) -> int:
        """The worker at the other end of a client's socket."""
        ours, theirs = peer.getsockname()[1], peer.getpeername()[1]
        (inode,) = [inode for local, remote, _, inode in sockets() if (local, remote) == (theirs, ours)]
        (worker,) = [worker for worker in self.workers if holds_inode(worker, inode)]
        return worker

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

    def at_duty(self) -> int:
        """The worker whose turn it is to relay and to tidy up."""
        inode = (self.config.data / "run" / "duties.lock").stat().st_ino
        locks = [line.split() for line in Path("/proc/locks").read_text("ascii").splitlines()]
        found = [int(one[4]) for one in locks if one[1] == "FLOCK" and one[5].endswith(f":{inode}")]
        return found[0] if found else 0


def free_ports(count: int) -> list[int]:
    opened = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in opened]
    for one in opened:
        one.close()
    return ports


@contextmanager
def serving(folder: Path, workers: int = WORKERS) -> Iterator[House]:
    path = folder / "posthouse.toml"
    prepare(folder)
    text = path.read_text("utf-8")
    for port in free_ports(text.count(":0")):
        text = text.replace(':0"', f':{port}"', 1)
    path.write_text(f"workers = {workers}\n{text}", "utf-8")
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


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with serving(tmp_path) as running:
        yield running


def test_a_delivery_in_one_process_wakes_idle_in_every_other(house: House) -> None:
    clients = house.in_different_workers(ADA)
    for client in clients.values():
        client.select("INBOX")
        client.send(b"x IDLE\r\n")
        assert client.readline().startswith(b"+")
    house.send()
    for client in clients.values():
        client.socket().settimeout(10)
        assert client.readline() == b"* 1 EXISTS\r\n"
    house.send(300)
    for client in clients.values():  # woken a few times, not 300 times
        told = [client.readline()]
        while told[-1] != b"* 301 EXISTS\r\n":
            told.append(client.readline())
        assert len(told) < 50, told
        client.shutdown()


def test_a_worker_that_is_killed_is_replaced_and_loses_nothing_but_its_connections(house: House) -> None:
    eventually(lambda: house.at_duty() in house.workers, "nobody relays")
    clients = house.in_different_workers(BOB)
    victim = house.at_duty()
    os.kill(victim, signal.SIGKILL)
    cut_off = clients.pop(victim)
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        cut_off.noop()
    cut_off.shutdown()
    for client in clients.values():
        assert client.noop()[0] == "OK", "the others don't notice"
        client.logout()
    eventually(lambda: house.at_duty() not in (0, victim), "its turn went to nobody")
    eventually(lambda: len(house.workers) == WORKERS, "nobody took its place")
    assert house.at_duty() in house.workers
    clients = house.in_different_workers(ADA)
    assert all(client.select("INBOX")[0] == "OK" for client in clients.values())
    log = (house.config.path.parent / "log").read_text("utf-8")
    assert f"(process {victim}) ended: Killed; another takes its place" in log
    for client in clients.values():
        client.logout()


def test_a_stop_ends_all_of_them_in_peace(house: House) -> None:
    workers = house.workers
    client = house.log_in(ADA)
    house.parent.send_signal(signal.SIGTERM)
    assert client.readline().startswith(b"* BYE")
    client.shutdown()
    assert house.parent.wait(timeout=20) == 0
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", house.port("smtp")))


def test_without_their_parent_they_end_too(house: House) -> None:
    workers = house.workers
    house.parent.kill()
    eventually(lambda: not any(Path(f"/proc/{worker}/fd").exists() for worker in workers), "they live on")
    assert not any(local == house.port("smtp") and state == LISTEN for local, _, state, _ in sockets())


def test_a_port_in_use_is_told_in_one_sentence(house: House) -> None:
    """Although the workers of one server share theirs."""
    again = subprocess.run(
        [sys.executable, "-m", "posthouse", "serve", "--config", str(house.config.path)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert again.returncode == 1
    assert "another program does already" in again.stderr
    assert "Traceback" not in again.stderr


def test_what_keeps_a_worker_from_starting_is_told_in_one_sentence(house: House, tmp_path: Path) -> None:
    house.parent.terminate()
    house.parent.wait(timeout=20)
    (tmp_path / "tls" / "key.pem").unlink()
    again = subprocess.run(
        [sys.executable, "-m", "posthouse", "serve", "--config", str(house.config.path)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert again.returncode == 1
    assert "key.pem can't be read" in again.stderr
    assert "Traceback" not in again.stderr
