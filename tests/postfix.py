"""A Postfix of its own for tests and benchmarks: its own folder, on loopback, beside whatever the machine runs."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# The services of master(5) that carrying and delivering take: name, type, wakeup, most processes, command.
MASTER = """\
{address}:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
MAIN = {
    "compatibility_level": "3.6",
    "mail_owner": "postfix",
    "setgid_group": "postdrop",
    "inet_interfaces": "127.0.0.1",  # an interface's own address: where it listens is in master.cf
    "inet_protocols": "ipv4",
    "myhostname": "postfix.example.net",
    "mydestination": "",
    "mynetworks": "127.0.0.0/8",
    "alias_maps": "",
    "alias_database": "",
    "smtp_dns_support_level": "disabled",
    "smtp_host_lookup": "native",
    "smtputf8_autodetect_classes": "all",
    "smtpd_client_connection_count_limit": "0",
    "smtpd_client_event_limit_exceptions": "127.0.0.0/8",
}


@dataclass(frozen=True)
class Postfix:
    """A running Postfix."""

    folder: Path
    port: int
    address: str = "127.0.0.1"

    @property
    def log(self) -> str:
        return (self.folder / "log" / "postfix.log").read_text("utf-8", "replace")

    @property
    def pid(self) -> int:
        return int((self.folder / "queue" / "pid" / "master.pid").read_text())

    def waiting(self) -> int:
        """The letters in its queue."""
        queues = ("maildrop", "incoming", "active", "deferred")
        return sum(path.is_file() for queue in queues for path in (self.folder / "queue" / queue).rglob("*"))


def free_port() -> int:
    """A port that nobody uses at the moment. None of those that systems give to whoever connects (RFC 6335 §6; Linux
    from 32768 on): before it is used here, some connection might get it."""
    while True:
        port = 16_384 + secrets.randbelow(16_384)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def postfix(
    port: int = 0, *, address: str = "127.0.0.1", resolv_conf: Path | None = None, **settings: str
) -> Iterator[Postfix]:
    """Run one; ``settings``: of main.cf. It takes root, as Postfix's master does.

    ``resolv_conf``: it asks the DNS there, and goes by MX.
    """
    folder = Path(tempfile.mkdtemp(prefix="postfix-"))
    folder.chmod(0o755)  # its processes are other users
    port = port or free_port()
    for name in ("etc", "queue", "data", "log"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    main = MAIN | {
        "queue_directory": str(folder / "queue"),
        "data_directory": str(folder / "data"),
        "maillog_file": str(folder / "log" / "postfix.log"),
        "maillog_file_prefixes": str(folder / "log"),
    }
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    if resolv_conf is not None:
        preload = {"LD_PRELOAD": "libresolv_wrapper.so", "RESOLV_WRAPPER_CONF": str(resolv_conf)}
        environment |= preload
        main |= {
            "smtp_dns_support_level": "dnssec",
            "smtp_host_lookup": "dns",
            "import_environment": f"MAIL_CONFIG TZ LANG=C {' '.join(preload)}",
        }
    text = "".join(f"{key} = {value}\n" for key, value in (main | settings).items())
    (folder / "etc" / "main.cf").write_text(text, "utf-8")
    (folder / "etc" / "master.cf").write_text(MASTER.format(address=address, port=port), "utf-8")
    command = ["postfix", "-c", str(folder / "etc")]
    done = subprocess.run([*command, "start"], capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    try:
        _wait_for(address, port)
        yield Postfix(folder, port, address)
    finally:
        subprocess.run([*command, "stop"], capture_output=True, env=environment, timeout=60, check=True)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(address: str, port: int) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            with socket.create_connection((address, port), timeout=20) as probe:
                assert probe.recv(4) == b"220 "
                return
        except ConnectionError:
            assert time.monotonic() < until, "it doesn't listen"
            time.sleep(0.05)
