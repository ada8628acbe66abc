"""A process beside the server's, for work in the course of which threads wait for the disk, again and again.

In the server's process they would stand in line with the event loop for the interpreter's lock, each time that one of
them comes back from there; beside it they have a processor of their own, where there is another. When such a process
ends, whatever ends it, a server does its work.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from posthouse.errors import StoreError

log = logging.getLogger("posthouse.server")

# Seconds for a companion to end what it is in the middle of; and after which it is looked whether it has.
PATIENCE, LOOK_SECONDS = 20.0, 0.01
IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)  # the server is told, and tells


class Companion:
    """The process, from `with` to its end. To be begun before there is a thread or a socket, which it would inherit."""

    name: ClassVar[str]
    _lines: ClassVar[list[socket.socket]] = []  # this process's ends; another companion has no business with them

    def __init__(self, data: Path) -> None:
        self._data = data
        self.process = 0
        self._line: socket.socket | None = None  # to it; when this end is closed, it ends

    def __enter__(self) -> Self:
        self._line, theirs = socket.socketpair()
        self._lines.append(self._line)
        self.process = os.fork()
        if self.process == 0:
            for line in self._lines:
                line.close()
            self._live(theirs)
        theirs.close()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        assert self._line is not None
        self._lines.remove(self._line)
        self._line.close()
        latest = time.monotonic() + PATIENCE
        while os.waitpid(self.process, os.WNOHANG) == (0, 0):
            if time.monotonic() > latest:  # it is stopped, or waits for a disk; nothing that was acknowledged is lost
                log.error("the %s (process %d) doesn't end; it is killed", self.name, self.process)
                os.kill(self.process, signal.SIGKILL)
                latest = math.inf
            time.sleep(LOOK_SECONDS)

    def work(self, line: socket.socket) -> None:
        """What the process does, until nothing more can come over the line."""
        raise NotImplementedError

    def _live(self, line: socket.socket) -> None:
        """The process's whole life; it never returns."""
        status = 1
        try:
            for number in IGNORED:
                signal.signal(number, signal.SIG_IGN)
            self.work(line)
            status = 0
        except StoreError as error:
            log.error("the %s can't begin, the server does its work: %s", self.name, error)
        except BaseException:
            log.exception("the %s has failed, the server does its work", self.name)
        finally:
            os._exit(status)
