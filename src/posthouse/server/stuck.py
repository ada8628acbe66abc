"""Telling that nothing can be written, because another process hangs while it writes: what was stopped, or is in a
debugger, keeps its turn, and all others wait for it without a word.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from posthouse.store.engine import Store

log = logging.getLogger("posthouse.server")

# Seconds that a write may wait for its turn before it is told. A long one of another process takes one or two.
PATIENCE = 10.0


async def watch(store: Store, patience: float = PATIENCE) -> None:
    """Until it is cancelled: log who holds the store up, and that it goes on."""
    told = False
    while True:
        await asyncio.sleep(patience / 4)
        waited = store.waited()
        if waited > patience and not told:
            log.error("nothing can be written for %d s now: %s", waited, _who(store.holder()))
            told = True
        elif told and waited <= patience:
            log.info("the store takes writes again")
            told = False


def _who(process: int | None) -> str:
    if process is None:
        return "another process holds the store"
    command = "?"
    try:
        command = " ".join(Path(f"/proc/{process}/cmdline").read_text("utf-8", "replace").split("\0")[:4]).strip()
        state = Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0]
    except OSError:
        state = "?"
    stopped = f"is stopped: kill -CONT {process} lets it go on" if state in "Tt" else f"hangs (state {state})"
    return f"process {process} ({command}) holds the store, and {stopped}; kill -9 {process} ends it, and loses nothing"
