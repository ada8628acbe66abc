"""The scribe's process (`store/scribe.py`): it writes letters that come side by side."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import ClassVar

from posthouse.store.engine import Store
from posthouse.store.scribe import Scribe

from . import large_pages
from .companion import Companion
from .memory import keep_what_is_loaded


class ScribeProcess(Companion):
    """The process, and where a server's line to it comes from."""

    name: ClassVar[str] = "scribe"

    def line(self) -> tuple[socket.socket, int]:
        """Another line, for one server; and the process at its other end."""
        ours, theirs = socket.socketpair()
        assert self._line is not None
        with theirs, contextlib.suppress(OSError):  # it has ended: so has the line, and the server does its work
            socket.send_fds(self._line, [b"+"], [theirs.fileno()])
        return ours, self.process

    def work(self, line: socket.socket) -> None:
        Scribe(line, self._open).work()

    def _open(self) -> Store:
        store = Store.open(self._data, readers=0)
        keep_what_is_loaded()
        threading.Thread(target=lambda: asyncio.run(large_pages.keep_asking()), name="large-pages", daemon=True).start()
        return store
