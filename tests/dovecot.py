"""Dovecot, started by a test in a folder of its own, on loopback."""

from __future__ import annotations

import grp
import os
import pwd
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from postfix import free_port

PROGRAM = "/usr/sbin/dovecot"
PASSWORD = "dove"
PATIENCE = 20  # seconds until it answers

# What every one of them needs: {more} is what it is for.
CONFIG = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
listen = 127.0.0.1
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = 0
first_valid_gid = 0
mail_location = maildir:{folder}/mail/%u:LAYOUT=fs
namespace inbox {{
  inbox = yes
  separator = /
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
{more}"""
PLAIN = f"""\
protocols = imap
ssl = no
disable_plaintext_auth = no
passdb {{
  driver = static
  args = password={PASSWORD}
}}
"""
AUTH = """\
service auth {{
  unix_listener {folder}/auth {{
    mode = 0666
  }}
}}
"""


@contextmanager
def dovecot() -> Iterator[int]:
    """Its port. Whoever logs in with PASSWORD has a mailbox."""
    with tempfile.TemporaryDirectory(prefix="dovecot") as name, running(Path(name)) as port:
        yield port


def people(folder: Path) -> dict[str, str | int]:
    """Who Dovecot's processes are: root may be none of them, so there they are those of Debian's package."""
    (folder / "home").mkdir()
    if os.getuid():
        user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
        return {"internal": user, "login": user, "group": group, "uid": os.getuid(), "gid": os.getgid()}
    nobody = pwd.getpwnam("nobody")
    folder.chmod(0o755)
    for name in ("home", "mail"):
        (folder / name).mkdir(exist_ok=True)
        os.chown(folder / name, nobody.pw_uid, nobody.pw_gid)
    return {
        "internal": "dovecot", "login": "dovenull", "group": "dovecot", "uid": nobody.pw_uid, "gid": nobody.pw_gid,
    }  # fmt: skip


@contextmanager
def running(folder: Path) -> Iterator[int]:
    """One over a folder that a test has filled; its port."""
    port = free_port()
    with started(folder, port, PLAIN + AUTH.format(folder=folder)):
        yield port


@contextmanager
def started(folder: Path, port: int, more: str) -> Iterator[None]:
    """One whose configuration has `more` in it, with IMAP at `port`."""
    config = folder / "dovecot.conf"
    config.write_text(CONFIG.format(folder=folder, port=port, more=more, **people(folder)), "utf-8")
    with subprocess.Popen([PROGRAM, "-F", "-c", str(config)], stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(port, process, folder / "log")
            yield
        finally:
            process.terminate()


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
                if client.recv(100).startswith(b"* OK"):
                    return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(log.read_text("utf-8") if log.exists() else "Dovecot doesn't answer")
