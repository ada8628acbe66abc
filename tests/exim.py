"""An Exim of its own for tests: unpacked into a folder, because Debian installs one mail server at a time."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# Where tools/install-foreign unpacks it.
BINARY = Path(sys.prefix) / "foreign" / "usr" / "sbin" / "exim4"
CONFIGURATION = """\
exim_path = {binary}
exim_user = nobody
exim_group = nogroup
never_users =
primary_hostname = exim.example.net
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/exim.pid
local_interfaces = {address}
daemon_smtp_ports = {port}
keep_environment = LD_PRELOAD : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP
acl_smtp_rcpt = accept
acl_smtp_data = accept
tls_advertise_hosts =
deliver_drop_privilege = true
dsn_advertise_hosts = *
begin routers
onward:
  driver = manualroute
  domains = example.org
  route_list = * 127.0.0.1
  self = send
  transport = onward
keep:
  driver = accept
  transport = file
begin transports
onward:
  driver = smtp
  port = {onward}
  hosts_try_chunking = *
file:
  driver = appendfile
  file = {folder}/mail/box
  user = nobody
"""


@dataclass(frozen=True)
class Exim:
    """A running Exim."""

    folder: Path
    port: int

    @property
    def log(self) -> str:
        return (self.folder / "log" / "mainlog").read_text("utf-8", "replace")

    @property
    def kept(self) -> bytes:
        """The letters that ended there, as an mbox."""
        box = self.folder / "mail" / "box"
        return box.read_bytes() if box.exists() else b""


@contextmanager
def exim(port: int, *, onward: int, address: str = "127.0.0.1") -> Iterator[Exim]:
    """Run one. It keeps what is not for example.org, which goes to the port ``onward``."""
    folder = Path(tempfile.mkdtemp(prefix="exim-"))
    folder.chmod(0o755)
    for name in ("spool", "log", "mail"):
        (folder / name).mkdir()
        shutil.chown(folder / name, "nobody", "nogroup")
    configuration = folder / "exim.conf"
    text = CONFIGURATION.format(binary=BINARY, folder=folder, address=address, port=port, onward=onward)
    configuration.write_text(text, "utf-8")
    # The user that Debian's Exim insists on, without making one.
    for database, line in (
        ("passwd", "Debian-exim:x:65534:65534::/nonexistent:/bin/false"),
        ("group", "Debian-exim:x:65534:"),
    ):
        (folder / database).write_text(Path("/etc", database).read_text("utf-8") + line + "\n", "utf-8")
    environment = os.environ | {
        "LD_PRELOAD": "libnss_wrapper.so",
        "NSS_WRAPPER_PASSWD": str(folder / "passwd"),
        "NSS_WRAPPER_GROUP": str(folder / "group"),
    }
    running = subprocess.Popen([BINARY, "-C", configuration, "-bdf", "-q1s"], env=environment, stderr=subprocess.PIPE)
    try:
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection((address, port), timeout=20).close()
                break
            except ConnectionError:
                assert running.poll() is None and time.monotonic() < until, running.stderr and running.stderr.read()
                time.sleep(0.05)
        yield Exim(folder, port)
    finally:
        running.terminate()
        running.communicate(timeout=20)
        shutil.rmtree(folder, ignore_errors=True)
