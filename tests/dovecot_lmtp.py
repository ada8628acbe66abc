"""A Dovecot of its own for tests and benchmarks: LMTP into Maildirs, on loopback, in its own folder."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from postfix import free_port

CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = lmtp
ssl = no
mail_location = maildir:{folder}/mail/%u
first_valid_uid = 1
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/mail/%u
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
protocol lmtp {{
  postmaster_address = postmaster@example.org
  auth_username_format = %Lu
}}
"""


@dataclass(frozen=True)
class Dovecot:
    """A running Dovecot."""

    folder: Path
    lmtp: int

    @property
    def pid(self) -> int:
        return int((self.folder / "run" / "master.pid").read_text())

    def letters(self) -> int:
        """How many letters there are in its Maildirs."""
        return sum(1 for box in (self.folder / "mail").glob("*/new") for _ in box.iterdir())


@contextmanager
def dovecot() -> Iterator[Dovecot]:
    """Run one; it takes root, as Dovecot's master does."""
    folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
    folder.chmod(0o755)
    (folder / "mail").mkdir()
    shutil.chown(folder / "mail", "nobody", "nogroup")
    port = free_port()
    configuration = folder / "dovecot.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port), "utf-8")
    subprocess.run(["/usr/sbin/dovecot", "-c", configuration], check=True, timeout=60)
    try:
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=20).close()
                break
            except ConnectionError:
                assert time.monotonic() < until, "it doesn't listen"
                time.sleep(0.05)
        yield Dovecot(folder, port)
    finally:
        subprocess.run(["/usr/sbin/dovecot", "-c", configuration, "stop"], check=True, timeout=60)
        shutil.rmtree(folder, ignore_errors=True)
