"""Telling that nothing can be written, because another process hangs while it writes: what was stopped, or is in a
debugger, keeps its turn, and all others wait for it without a word. And not to wait for a scribe that hangs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from pathlib import Path

from posthouse.store.engine import Store

log = logging.getLogger("posthouse.server")

# Seconds that a write may wait for its turn before it is told. A long one of another process takes one or two.
PATIENCE = 10.0
# Seconds without an answer after which the scribe is killed. What it takes in hand takes a fraction of one.
SILENCE = 5.0
LOOK_SECONDS = 1.0


async def watch(store: Store, patience: float = PATIENCE) -> None:
    """Until it is cancelled: log who holds the store up, and that it goes on; kill the scribe when it stands still, and
    not because of that."""
    told = False
    holders: set[int | None] = set()  # since the scribe has said nothing
    while True:
        await asyncio.sleep(min(patience / 4, LOOK_SECONDS))
        holder = store.holder()
        silent = 0.0 if store.dictation is None else store.dictation.waited()
        holders = {*holders, holder} if silent else set()
        waited = store.waited()
        is_stuck = holders == {holder} and holder not in (None, os.getpid())
        if silent > SILENCE and not is_stuck:
            _end_scribe(store, silent)
            holders = set()
            continue
        waited = max(waited, silent)
        if waited > patience and not told:
            log.error("nothing can be written for %d s now: %s", waited, _who(holder))
            told = True
        elif told and waited <= patience:
            log.info("the store takes writes again")
            told = False


def _end_scribe(store: Store, silent: float) -> None:
    """The servers write what it has in hand, and hasn't done."""
    assert store.dictation is not None
    process = store.dictation.process
    log.error("the scribe %s has not answered for %d s; it is killed", _named(process)[0], silent)
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def _who(process: int | None) -> str:
    if process is None:
        return "another process holds the store"
    name, state = _named(process)
    stopped = f"is stopped: kill -CONT {process} lets it go on" if state in "Tt" else f"hangs (state {state})"
    return f"{name} holds the store, and {stopped}; kill -9 {process} ends it, and loses nothing"


def _named(process: int) -> tuple[str, str]:
    """A process and its command; and its state (proc(5))."""
    command = state = "?"
    with contextlib.suppress(OSError):
        command = " ".join(Path(f"/proc/{process}/cmdline").read_text("utf-8", "replace").split("\0")[:4]).strip()
        state = Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0]
    return f"process {process} ({command})", state
