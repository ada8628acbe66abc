"""Dovecot with TLS, IMAP and POP3, and every mechanism that it knows; started by a test, on loopback."""

from __future__ import annotations

import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from dovecot import PASSWORD, started
from postfix import free_port

# "keys": kept so that SCRAM works; "hashed": not, though the server offers it, as it does for everybody.
PASSWORDS = {"keys@example.org": "{PLAIN}dove", "hashed@example.org": "{SHA512-CRYPT}"}

DOORS = """\
protocols = imap pop3
ssl = required
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
auth_mechanisms = {mechanisms}
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  mechanisms = plain login scram-sha-256 scram-sha-1
  args = {folder}/users
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
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
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
        ports = {"imap": free_port(), "pop3": free_port()}
        doors = DOORS.format(folder=folder, mechanisms=mechanisms, pop3=ports["pop3"])
        with started(folder, ports["imap"], doors + more):
            yield Dovecot(folder, ports, authority)
