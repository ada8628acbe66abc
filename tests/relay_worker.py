"""A server whose relay goes to another port than 25, until it is killed: ``python relay_worker.py CONFIG PORT``."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from posthouse import config
from posthouse.server import log
from posthouse.server.app import serving

if __name__ == "__main__":
    log.setup()
    with serving(config.load(Path(sys.argv[1])), relay_port=int(sys.argv[2])):
        print("ready", flush=True)
        signal.pause()
