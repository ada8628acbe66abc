"""`posthouse serve`: the server as a process, or as several equal ones (`workers`) over the same doors and one store;
and their companions: the steward, and the scribe.

With several, this process only opens the doors and looks after the others: it begins them, passes on what it is told by
signals, and puts another in the place of one that ended. The workers know of each other by the store, and by a ledger
in shared memory, for their limits.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import time
import traceback
from collections.abc import Callable, Sequence

import uvloop

from posthouse.config import Config
from posthouse.errors import ConfigError, PosthouseError
from posthouse.sessions.colleagues import Colleagues

from . import large_pages
from .app import Server
from .ledger import Ledger
from .listening import Listening, close_doors, open_doors
from .memory import keep_freed, keep_what_is_loaded
from .notify import notify
from .scribe import ScribeProcess
from .steward import Steward

log = logging.getLogger("posthouse.server")

SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# A worker that ends sooner than this is put back after as long: what ended it is still so, as a rule.
SHORT_LIFE = 2.0
READY = b"ready"
LONGEST_REPORT = 4096


def serve(config: Config, ready: Callable[[], None]) -> None:
    """Run the server until SIGTERM or SIGINT; ``ready`` is called when every listener accepts."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each connection is an open file; shells allow 1,024
    keep_freed()
    with Steward(config.data) as steward, ScribeProcess(config.data) as scribe:

        def begun() -> None:
            steward.begin()
            ready()

        if config.workers == 1:
            uvloop.run(_serve(config, begun, scribe.line()))
        else:
            Workers(config, scribe).run(begun)


async def _serve(
    config: Config,
    ready: Callable[[], object],
    scribe: tuple[socket.socket, int],
    listening: Sequence[Listening] | None = None,
    lifeline: int = -1,
    colleagues: Colleagues | None = None,
) -> None:
    """One process's server, until a signal asks it to stop, or its parent has gone (``lifeline`` ends)."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    async with Server(config, listening=listening, has_steward=True, scribe=scribe, colleagues=colleagues) as server:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, asked.set)
        loop.add_signal_handler(signal.SIGHUP, server.reload)
        if lifeline >= 0:
            loop.add_reader(lifeline, asked.set)
        keep_what_is_loaded()
        asking = asyncio.create_task(large_pages.keep_asking())
        ready()
        if lifeline < 0:
            notify("READY=1")
        await asked.wait()
        asking.cancel()
        if lifeline >= 0:
            loop.remove_reader(lifeline)
        else:
            log.info("stopping")
            notify("STOPPING=1")


class Workers:
    """Several processes, each a `Server`, and the one that looks after them."""

    def __init__(self, config: Config, scribe: ScribeProcess) -> None:
        self._config = config
        self._scribe = scribe
        self._shares: list[list[Listening]] = []
        self._running: dict[int, int] = {}  # process id: the worker's number
        self._begun: dict[int, float] = {}  # when, by number
        self._due: dict[int, float] = {}  # those that are missing, and when they are put back
        self._ledger = Ledger(config.workers)
        self._lifeline = os.pipe()  # the workers have its one end; when the other is closed, their parent has gone

    def run(self, ready: Callable[[], None]) -> None:
        """Until SIGTERM or SIGINT. Raises what kept the first worker from starting."""
        self._shares = open_doors(self._config, self._config.workers)
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            for number in range(self._config.workers):  # the first is alone while it brings the store up to date
                self._wait_until_ready(self._begin(number))
            ready()
            notify("READY=1")
            self._look_after()
            log.info("stopping")
            notify("STOPPING=1")
        finally:
            self._end()

    def _look_after(self) -> None:
        while True:
            now = time.monotonic()
            for number in [number for number, due in self._due.items() if due <= now]:
                del self._due[number]
                os.close(self._begin(number))
            seconds = max(0.0, min(self._due.values()) - now) if self._due else 3_600.0
            told = signal.sigtimedwait(SIGNALS, seconds)
            if told is None:
                continue
            if told.si_signo in (signal.SIGTERM, signal.SIGINT):
                return
            if told.si_signo == signal.SIGHUP:
                self._tell(signal.SIGHUP)
            self._bury()

    def _begin(self, number: int) -> int:
        """A worker, in a process of its own; the descriptor on which it says how its start went."""
        hear, say = os.pipe()
        scribe = self._scribe.line()
        process = os.fork()
        if process == 0:
            os.close(hear)
            self._work(number, say, scribe)
        os.close(say)
        scribe[0].close()
        self._running[process] = number
        self._begun[number] = time.monotonic()
        return hear

    def _work(self, number: int, say: int, scribe: tuple[socket.socket, int]) -> None:
        """What the process does; it never returns."""
        status = 1
        try:
            os.close(self._lifeline[1])
            for other, share in enumerate(self._shares):
                if other != number:
                    close_doors(share)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            page = self._ledger.page(number)
            share = self._shares[number]
            uvloop.run(_serve(self._config, lambda: _report(say, READY), scribe, share, self._lifeline[0], page))
            status = 0
        except PosthouseError as error:
            if not _report(say, f"{error}\n{error.advice}".encode()):
                log.error("%s", error)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def _wait_until_ready(self, hear: int) -> None:
        """Raises ConfigError with what the worker says, where it can't start."""
        try:
            said = os.read(hear, LONGEST_REPORT)
        finally:
            os.close(hear)
        if said != READY:
            text, _, advice = said.decode("utf-8", "replace").partition("\n")
            raise ConfigError(text or "a worker ended while it started", advice=advice)

    def _bury(self) -> None:
        """Note which workers have ended, that nothing of theirs is open, and when they are put back."""
        for process, status in _ended(self._running):
            number = self._running.pop(process)
            self._ledger.clear(number)
            now = time.monotonic()
            pause = SHORT_LIFE if now - self._begun[number] < SHORT_LIFE else 0.0
            self._due[number] = now + pause
            code = os.waitstatus_to_exitcode(status)
            how = f"exit code {code}" if code >= 0 else signal.strsignal(-code)
            log.error("worker %d (process %d) ended: %s; another takes its place", number + 1, process, how)

    def _tell(self, number: signal.Signals) -> None:
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def _end(self) -> None:
        """Close the doors, let every worker finish, and be alone."""
        for share in self._shares:
            close_doors(share)
        self._tell(signal.SIGTERM)
        for process in list(self._running):
            os.waitpid(process, 0)
        for end in self._lifeline:
            os.close(end)


def _report(say: int, text: bytes) -> bool:
    """To the parent; False where it doesn't listen: it does for the first workers only, which it waits for."""
    try:
        os.write(say, text[:LONGEST_REPORT])
        os.close(say)
    except OSError:
        return False
    return True


def _ended(running: dict[int, int]) -> list[tuple[int, int]]:
    """The processes that have ended, with their status."""
    found = [os.waitpid(process, os.WNOHANG) for process in running]
    return [one for one in found if one[0]]
