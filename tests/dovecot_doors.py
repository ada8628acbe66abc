"""Dovecot with TLS, IMAP and POP3, and every mechanism that it knows; started by a test, on loopback."""

from __future__ import annotations

import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from dovecot import PROGRAM, people, wait_for

# "keys": kept so that SCRAM works; "hashed": not, though the server offers it, as it does for everybody.
PASSWORDS = {"keys@example.org": "{PLAIN}dove", "hashed@example.org": "{SHA512-CRYPT}"}
PASSWORD = "dove"

CONFIG = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap pop3
listen = 127.0.0.1
ssl = required
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
auth_mechanisms = {mechanisms}
auth_failure_delay = 0
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
passdb {{
  driver = passwd-file
  mechanisms = plain login scram-sha-256 scram-sha-1
  args = {folder}/users
}}
{more}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
# Logins that fail are what is tried here: nobody has to wait after them.
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""
TOKENS = """\
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
"""
INTROSPECTION = """\
introspection_mode = post
introspection_url = {url}
username_attribute = email
active_attribute = active
active_value = true
tls_ca_cert_file = {authority}
"""


@dataclass(frozen=True)
class Dovecot:
    """A running one."""

    folder: Path
    ports: dict[str, int]
    authority: trustme.CA

    @property
    def tls(self) -> ssl.SSLContext:
        """A client's context that trusts it."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context

    @property
    def log(self) -> str:
        """What it has written down."""
        return (self.folder / "log").read_text("utf-8")


@contextmanager
def dovecot(introspection: str = "", trusted: Path | None = None) -> Iterator[Dovecot]:
    """One with the people of `PASSWORDS`; ``introspection``: the URL that knows whose a token is, and ``trusted`` the
    authority that it has its certificate from."""
    with tempfile.TemporaryDirectory(prefix="dovecot") as name:
        folder, authority = Path(name), trustme.CA()
        certificate = authority.issue_cert("localhost")
        certificate.cert_chain_pems[0].write_to_path(str(folder / "certificate.pem"))
        certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
        lines = []
        for user, kept in PASSWORDS.items():
            if kept == "{SHA512-CRYPT}":
                hashed = ["doveadm", "-c", "/dev/null", "pw", "-s", "SHA512-CRYPT", "-p", PASSWORD]
                kept = subprocess.run(hashed, capture_output=True, text=True, check=True).stdout.strip()
            lines.append(f"{user}:{kept}\n")
        (folder / "users").write_text("".join(lines))
        more, mechanisms = "", "plain login scram-sha-256 scram-sha-1"
        if introspection:
            (folder / "oauth2.conf").write_text(
                INTROSPECTION.format(url=introspection, authority=trusted or folder / "certificate.pem")
            )
            more, mechanisms = TOKENS.format(folder=folder), f"{mechanisms} oauthbearer xoauth2"
        with (
            closing(socket.create_server(("127.0.0.1", 0))) as one,
            closing(socket.create_server(("127.0.0.1", 0))) as other,
        ):
            ports = {"imap": one.getsockname()[1], "pop3": other.getsockname()[1]}
        who = people(folder)
        config = folder / "dovecot.conf"
        config.write_text(CONFIG.format(folder=folder, mechanisms=mechanisms, more=more, **ports, **who), "utf-8")
        with subprocess.Popen([PROGRAM, "-F", "-c", str(config)], stderr=subprocess.DEVNULL) as process:
            try:
                wait_for(ports["imap"], process, folder / "log")
                yield Dovecot(folder, ports, authority)
            finally:
                process.terminate()
