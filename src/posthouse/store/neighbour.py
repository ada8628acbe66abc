"""Hints between the processes that have the same store open: "account 7 is at modseq 93", over local sockets.

Each process that listens has a datagram socket in `run/feed/`. Whoever has something to tell sends it to every socket
there; one that nobody reads any more is deleted. There is no process in the middle, so any of them may be killed.

Hints that gather while a datagram is on its way become one. What is lost with a process that hangs is lost for that
process alone: a hint is only that, and what changed stands in the database.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

# A process that doesn't read for so long (seconds) isn't waited for.
PATIENCE = 1.0
# Seconds in which hints gather after others were told: under a stream of commits each would be a datagram of its own.
GATHER = 0.02
HINTS_A_DATAGRAM = 1_000  # some 25 KB; Linux takes 200 KB
LONGEST_DATAGRAM = 65_536
# The room for a socket's path, with its NUL (unix(7): 108; macOS: 104).
LONGEST_PATH = 100


class Neighbours:
    """The other processes. Threads are started when they are needed: a command that changes nothing has none."""

    def __init__(self, folder: Path, hear: Callable[[Mapping[int, int]], None]) -> None:
        self._folder = folder
        self._hear = hear
        self._name = f"{os.getpid()}.{os.urandom(4).hex()}"
        self._ear: socket.socket | None = None
        self._listener: threading.Thread | None = None
        self._teller: threading.Thread | None = None
        self._lock = threading.Condition()
        self._waiting: dict[int, int] = {}
        self._gathering = False
        self._closed = False

    def listen(self) -> None:
        """Hear what others tell, from now on. Errors: OSError."""
        with self._lock:
            if self._listener is not None or self._closed:
                return
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            with self._address(self._name) as address:
                self._ear.bind(address)
            self._listener = threading.Thread(target=self._listen, args=(self._ear,), name="store-ear", daemon=True)
            self._listener.start()

    def tell(self, modseqs: Mapping[int, int]) -> None:
        """Accounts and the modseqs they have reached, for all others. Doesn't wait."""
        with self._lock:
            if self._closed:
                return
            self._waiting.update(modseqs)
            if self._teller is None:
                self._teller = threading.Thread(target=self._tell_all, name="store-mouth", daemon=True)
                self._teller.start()
            if not self._gathering:
                self._lock.notify()

    def close(self) -> None:
        """Tell what waits, and be gone."""
        with self._lock:
            self._closed = True
            self._lock.notify()
        if self._teller is not None:
            self._teller.join()
        if self._ear is not None and self._listener is not None:
            self._path(self._name).unlink(missing_ok=True)
            self._ear.shutdown(socket.SHUT_RD)
            self._listener.join()
            self._ear.close()

    def _listen(self, ear: socket.socket) -> None:
        while datagram := ear.recv(LONGEST_DATAGRAM):  # nothing: `close` has ended it
            self._hear(dict(zip(*[map(int, datagram.split())] * 2, strict=True)))

    def _tell_all(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mouth:
            deaf: set[str] = set()
            while True:
                with self._lock:
                    while not self._waiting and not self._closed:
                        self._lock.wait()
                    hints = list(self._waiting.items())
                    self._waiting = {}
                if not hints:
                    return
                for start in range(0, len(hints), HINTS_A_DATAGRAM):
                    some = hints[start : start + HINTS_A_DATAGRAM]
                    self._send(mouth, deaf, b"".join(b"%d %d\n" % hint for hint in some))
                with self._lock:
                    self._gathering = True
                    self._lock.wait_for(lambda: self._closed, GATHER)
                    self._gathering = False

    def _send(self, mouth: socket.socket, deaf: set[str], datagram: bytes) -> None:
        """To everybody. Those who let us wait in vain are `deaf`: until they read again they aren't waited for."""
        try:
            names = [path.name for path in self._folder.iterdir()]
        except FileNotFoundError:
            return  # nobody has listened yet
        deaf.intersection_update(names)
        for name in names:
            if name == self._name:
                continue
            mouth.settimeout(0 if name in deaf else PATIENCE)
            try:
                # Only a connected socket is told when the other's queue has room (unix(7)); sendto(2) would be tried
                # again and again.
                with self._address(name) as address:
                    mouth.connect(address)
                mouth.send(datagram)
            except ConnectionRefusedError:
                self._path(name).unlink(missing_ok=True)  # its process is dead
            except (TimeoutError, BlockingIOError):
                deaf.add(name)
            except OSError:
                continue  # it has just gone
            else:
                deaf.discard(name)

    def _path(self, name: str) -> Path:
        return self._folder / name

    @contextlib.contextmanager
    def _address(self, name: str) -> Iterator[bytes | str]:
        """The socket's address; by way of a descriptor where the path is too long for one."""
        path = os.fsencode(self._path(name))
        if len(path) <= LONGEST_PATH:
            yield path
            return
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield f"/proc/self/fd/{folder}/{name}"
        finally:
            os.close(folder)
