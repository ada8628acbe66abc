"""Running other programs from tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

# Where tools/install-foreign puts what comes from npm.
NODE_MODULES = Path(__file__).resolve().parents[1] / ".venv" / "foreign" / "node_modules"


def run(*command: str, stdin: bytes = b"", **environment: str) -> str:
    """Run a program to its end; it must succeed."""
    done = subprocess.run(
        command, input=stdin, capture_output=True, timeout=60, env={**os.environ, "LC_ALL": "C.UTF-8", **environment}
    )
    assert done.returncode == 0, (done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
    return done.stdout.decode(errors="replace")
