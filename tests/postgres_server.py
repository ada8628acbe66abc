"""A PostgreSQL server of our own, for a test run: a fresh cluster in a temporary folder, reached by its socket only."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Each test makes some 200 files: in memory that takes half as long, and deleting them hardly any time.
MEMORY = Path("/dev/shm")
ENOUGH = 4 << 30  # octets free
FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"  # nothing here has to outlive a power cut


def programs() -> Path:
    """Where initdb and pg_ctl are: Debian keeps them out of PATH."""
    found = shutil.which("pg_ctl")
    places = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    assert places, "PostgreSQL isn't installed: apt-get install postgresql"
    return places[-1]


@contextmanager
def server() -> Iterator[str]:
    """Starts it; how to connect."""
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH
    # A short one: the path of a socket has little room.
    folder = Path(tempfile.mkdtemp(prefix="pg", dir=MEMORY if has_room else "/tmp"))
    folder.chmod(0o777)
    # It refuses to run as root; Debian's package has made a user for it.
    other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    binaries = programs()

    def run(*command: str) -> None:
        subprocess.run([*other, *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=folder)

    data = folder / "data"
    run(str(binaries / "initdb"), "-D", str(data), "-U", "posthouse", "-A", "trust", "--locale=C", "-E", "UTF8")
    options = f"{FAST} -c listen_addresses='' -c unix_socket_directories={folder}"
    run(str(binaries / "pg_ctl"), "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield f"host={folder} user=posthouse dbname=postgres"
    finally:
        run(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)
