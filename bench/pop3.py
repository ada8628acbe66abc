"""Fetching an inbox over POP3: Posthouse and Dovecot, the same letters in one run; messages a second, and their ratios.

    python -m bench pop3 [--messages 5000] [--rounds 3]

Both are spoken to in clear text on this machine by the same loop over a socket, in turn. Dovecot (Debian's
dovecot-pop3d) has its defaults and a Maildir, and is started as root, which it needs. What the kernel holds of the
files is the same for both: each is read once before it counts. CPU is that of the server's processes.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pwd
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from posthouse.files import MaildirWriter
from posthouse.store import account, transfer
from posthouse.store.engine import Store
from processes import serving

from .imap import settle
from .search_dovecot import inbox_letters

USER, PASSWORD = "bob@example.org", "geheim"  # one of tests/live.py, without a space, for Dovecot
WINDOW = 100  # commands that are sent ahead, where that is measured
END = b"\r\n.\r\n"


@dataclass(frozen=True)
class Server:
    """Where it listens, and its process."""

    port: int
    pid: int


class Client:
    """As little of a client as there can be: it finds the ends of answers."""

    def __init__(self, server: Server) -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.recv(4096)
        self.size = 0  # octets of the answers
        self.say(b"USER " + USER.encode())
        self.say(b"PASS " + PASSWORD.encode())

    def say(self, line: bytes) -> None:
        """A command with an answer of one line, which must be positive."""
        self._socket.sendall(line + b"\r\n")
        said = self._socket.recv(4096)
        assert said.startswith(b"+OK") and said.endswith(b"\r\n"), said

    def ask(self, lines: Sequence[bytes]) -> None:
        """Commands with answers of many lines, sent together."""
        self._socket.sendall(b"".join([line + b"\r\n" for line in lines]))
        left, tail = len(lines), b""
        while left:
            data = self._socket.recv(1 << 18)
            assert data, "the server hung up"
            self.size += len(data)
            seen = tail + data
            left -= seen.count(END)
            last = seen.rfind(END)
            tail = seen[max(last + len(END) if last >= 0 else 0, len(seen) - len(END) + 1) :]

    def quit(self) -> None:
        self.say(b"QUIT")
        self._socket.close()


def one_by_one(client: Client, count: int) -> None:
    for number in range(1, count + 1):
        client.ask([b"RETR %d" % number])


def ahead(client: Client, count: int) -> None:
    for start in range(1, count + 1, WINDOW):
        client.ask([b"RETR %d" % number for number in range(start, min(start + WINDOW, count + 1))])


def headers(client: Client, count: int) -> None:
    for start in range(1, count + 1, WINDOW):
        client.ask([b"TOP %d 0" % number for number in range(start, min(start + WINDOW, count + 1))])


def names(client: Client, count: int) -> None:
    client.ask([b"UIDL"])
    client.ask([b"LIST"])


def nothing(client: Client, count: int) -> None:
    """The login has been made already."""


WORK: dict[str, Callable[[Client, int], None]] = {
    "login": nothing,
    "UIDL and LIST": names,
    "RETR, one by one": one_by_one,
    "RETR, pipelined": ahead,
    "TOP n 0, pipelined": headers,
}


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench pop3")
    parser.add_argument("--messages", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    if not Path("/usr/lib/dovecot/pop3").exists() or os.getuid():
        sys.exit("this needs Dovecot, and root to start it: apt-get install dovecot-pop3d")
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        servers = {
            "Dovecot": stack.enter_context(dovecot(folder / "dovecot", options.messages)),
            "Posthouse": stack.enter_context(posthouse(folder / "posthouse", options.messages)),
        }
        took: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for number in range(options.rounds + 1):
            for work in WORK:
                for server in servers:
                    took.setdefault((work, server), []).append(measure(servers[server], work, options.messages))
            if number == 0:
                took.clear()  # now everything is in the kernel's cache
    report(took, options.messages)


def measure(server: Server, work: str, count: int) -> tuple[float, float]:
    """Seconds, and seconds of CPU that the server's processes took."""
    cpu = cpu_of(server.pid)
    began = time.perf_counter()
    client = Client(server)
    if work != "login":
        began = time.perf_counter()
    WORK[work](client, count)
    seconds = time.perf_counter() - began
    used = cpu_of(server.pid) - cpu  # before QUIT: a process that has ended can't be asked
    client.quit()
    return seconds, used


def report(took: dict[tuple[str, str], list[tuple[float, float]]], count: int) -> None:
    for work in WORK:
        theirs, ours = (statistics.median(run[0] for run in took[work, server]) for server in ("Dovecot", "Posthouse"))
        their_cpu, our_cpu = (sum(run[1] for run in took[work, server]) for server in ("Dovecot", "Posthouse"))
        rate = f" ({count / ours:.0f} messages/s)" if work[:4] in ("RETR", "TOP ") else ""
        used = f", with {our_cpu / their_cpu:.2f} times the CPU" if min(our_cpu, their_cpu) >= 0.1 else ""
        print(
            f"{work:20} Dovecot {theirs * 1e3:8.1f} ms, Posthouse {ours * 1e3:8.1f} ms{rate}: "
            f"{theirs / ours:.2f} times as quick{used}"
        )


def cpu_of(root: int) -> float:
    """The CPU seconds of a process and all below it, also of those that have ended and were waited for."""
    children: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text("ascii", "replace").rpartition(") ")[2].split()
            pid = int(path.parent.name)
            children.setdefault(int(fields[1]), []).append(pid)
            used[pid] = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    todo, total = [root], 0.0
    while todo:
        pid = todo.pop()
        total += used.get(pid, 0.0)
        todo += children.get(pid, [])
    return total


@contextlib.contextmanager
def posthouse(folder: Path, count: int) -> Iterator[Server]:
    """Posthouse as `posthouse serve` runs it, with all made that is made behind deliveries."""
    folder.mkdir()
    with serving(folder, 1, "[login]\nclear_text_on_loopback = true") as house:
        store = Store.open(house.config.data)
        bob = store.look(account.existing, USER)
        for _ in transfer.import_mail(store, bob.id, inbox_letters(count)):
            pass
        settle(store)
        store.close()
        yield Server(house.port("pop3"), house.parent.pid)


@contextlib.contextmanager
def dovecot(folder: Path, count: int) -> Iterator[Server]:
    """Dovecot over a Maildir, on a free port."""
    with MaildirWriter(folder / "maildir") as writer:
        for item in inbox_letters(count):
            writer.add(item)
    nobody = pwd.getpwnam("nobody")
    folder.parent.chmod(0o755)
    folder.chmod(0o755)
    for place in [folder / "maildir", *(folder / "maildir").rglob("*")]:
        os.chown(place, nobody.pw_uid, nobody.pw_gid)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = folder / "dovecot.conf"
    config.write_text(
        f"base_dir = {folder}/run\nstate_dir = {folder}/state\nlog_path = {folder}/log\nprotocols = pop3\n"
        f"listen = 127.0.0.1\nssl = no\ndisable_plaintext_auth = no\nmail_location = maildir:{folder}/maildir\n"
        f"mail_uid = {nobody.pw_uid}\nmail_gid = {nobody.pw_gid}\nfirst_valid_uid = 1\nfirst_valid_gid = 0\n"
        f"passdb {{\n  driver = static\n  args = password={PASSWORD}\n}}\n"
        f"userdb {{\n  driver = static\n  args = uid={nobody.pw_uid} gid={nobody.pw_gid} home={folder}\n}}\n"
        f"service pop3-login {{\n  inet_listener pop3 {{\n    port = {port}\n  }}\n"
        "  inet_listener pop3s {\n    port = 0\n  }\n}\n",
        "utf-8",
    )
    dovecot_program = shutil.which("dovecot", path=f"{os.environ['PATH']}:/usr/sbin")
    assert dovecot_program is not None
    process = subprocess.Popen([dovecot_program, "-F", "-c", str(config)])
    try:
        await_listener(port)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait()


def await_listener(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
