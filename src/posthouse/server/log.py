"""The log: one line an event on standard error, which systemd's journal, a container or a file takes from there."""

from __future__ import annotations

import logging
import os
import sys


def setup(level: int = logging.INFO) -> None:
    """Send the log to standard error; the journal adds the time itself."""
    stamp = "" if os.environ.get("JOURNAL_STREAM") else "%(asctime)s "
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"{stamp}%(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("posthouse")
    logger.setLevel(level)
    logger.addHandler(handler)
    logger.propagate = False
