"""The log: one line an event on standard error, which systemd's journal, a container or a file takes from there."""

from __future__ import annotations

import asyncio
import logging
import os
import sys


class Gathering(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes what one turn of an event loop logs in one go, when the turn is over.

    Each write lets go of the interpreter's lock; with many letters at a time the loop would stand in line for it again
    after each line. Errors, and what other threads log, are written at once, behind what has been gathered.
    """

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self._lines: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None  # which is going to write them

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.append(self.format(record) + self.terminator)
            loop = asyncio._get_running_loop()
            if loop is None or record.levelno >= logging.ERROR:
                self.flush()
            elif loop is not self._loop:
                self._loop = loop
                loop.call_soon(self.flush)
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        self.acquire()
        try:
            self._loop = None
            if self._lines:
                text = "".join(self._lines)
                self._lines.clear()
                self.stream.write(text)
            super().flush()
        finally:
            self.release()


class Stamping(logging.Formatter):
    """Works out the time of a second once: under load a hundred lines have the same."""

    _second = -1
    _stamp = ""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        second = int(record.created)
        if second != self._second:
            self._second, self._stamp = second, super().formatTime(record, "%Y-%m-%d %H:%M:%S")
        return f"{self._stamp},{int(record.msecs):03}"


def setup(level: int = logging.INFO) -> None:
    """Send the log to standard error; the journal adds the time itself."""
    stamp = "" if os.environ.get("JOURNAL_STREAM") else "%(asctime)s "
    handler = Gathering()
    handler.setFormatter(Stamping(f"{stamp}%(levelname)s %(name)s: %(message)s"))
    # What the format doesn't have isn't looked up for each line; the last of these is where in the source it was
    # logged (Python's documentation, "Optimization").
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    logger = logging.getLogger("posthouse")
    logger.setLevel(level)
    logger.addHandler(handler)
    logger.propagate = False
