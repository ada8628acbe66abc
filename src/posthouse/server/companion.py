"""A process beside the server's, for work in the course of which threads wait for the disk, again and again.

In the server's process they would stand in line with the event loop for the interpreter's lock, each time that one of
them comes back from there; beside it they have a processor of their own, where there is another. When such a process
ends, whatever ends it, a server does its work.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from posthouse.errors import StoreError

log = logging.getLogger("posthouse.server")

IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)  # the server is told, and tells


class Companion:
    """The process, from `with` to its end. To be begun before there is a thread or a socket, which it would inherit."""

    name: ClassVar[str]

    def __init__(self, data: Path) -> None:
        self._data = data
        self._process = 0
        self._line: socket.socket | None = None  # to it; when this end is closed, it ends

    def __enter__(self) -> Self:
        self._line, theirs = socket.socketpair()
        self._process = os.fork()
        if self._process == 0:
            self._line.close()
            self._live(theirs)
        theirs.close()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        assert self._line is not None
        self._line.close()
        os.waitpid(self._process, 0)

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
