"""`posthouse init`: a new server's folder, with everything that it takes to start."""

from __future__ import annotations

import os
import re
from pathlib import Path

import idna

from posthouse import config
from posthouse.config import STANDARD_PORTS, Config
from posthouse.errors import ConfigError
from posthouse.store import domain as domains
from posthouse.store.engine import Store

from .tls import make_self_signed

LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")

TEMPLATE = """\
# Posthouse, set up for {domain}. `posthouse config` prints every setting with its default.
hostname = "{hostname}"
data = "data"

[listen]
{listen}

[tls]
# Self-signed: other servers take it, mail programs warn. Put your certificate chain and its key here.
certificate = "tls/certificate.pem"
key = "tls/key.pem"
"""


def host_name(text: str, what: str) -> str:
    """A host's or a domain's name as DNS has it: lower case, A-labels (RFC 5890). `ConfigError` if it is none."""
    try:
        name = idna.encode(text.rstrip("."), uts46=True).decode() if not text.isascii() else text.rstrip(".").lower()
    except idna.IDNAError as error:
        raise ConfigError(f'"{text}" is no {what}: {error}') from error
    if not name or len(name) > 253 or not all(LABEL.fullmatch(label) for label in name.split(".")):
        raise ConfigError(
            f'"{text}" is no {what}', advice="Write it as in example.org: letters, digits, hyphens, dots."
        )
    return name


def create(folder: Path, domain: str, hostname: str = "", base_port: int = 0) -> Config:
    """Make ``folder`` with posthouse.toml, the store, the certificate. `ConfigError` if there is a server already."""
    domain = host_name(domain, "domain")
    hostname = host_name(hostname or f"mail.{domain}", "host name")
    path = folder / "posthouse.toml"
    if path.exists():
        raise ConfigError(
            f"{path} exists already; nothing was changed", advice="Choose another folder, or edit that file."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "tls" / "key.pem").exists():
            make_self_signed(folder / "tls", hostname)
        text = TEMPLATE.format(domain=domain, hostname=hostname, listen=listen(base_port))
        written = folder / "posthouse.toml.new"
        written.write_text(text, "utf-8")
        settings = config.load(written)
        store = Store.open(settings.data)
        try:
            if not store.look(domains.is_local, domain):
                store.run(domains.add, domain)
        finally:
            store.close()
        os.replace(written, path)  # last: a folder with a configuration is a whole server  # noqa: PTH105
    except OSError as error:
        raise ConfigError(f"{error.filename or folder} can't be written: {error.strerror}") from error
    return config.load(path)


def listen(base_port: int) -> str:
    """The lines of [listen]: the standard ports on every interface, or loopback at ``base_port`` + each."""
    if base_port:
        return "\n".join(f'{name} = "127.0.0.1:{base_port + port}"' for name, port in STANDARD_PORTS.items())
    # LMTP is for this machine, and for who has another mail server in front: whoever wants it opens it.
    public = {name: port for name, port in STANDARD_PORTS.items() if name != "lmtp"}
    return "\n".join(f'{name} = ["0.0.0.0:{port}", "[::]:{port}"]' for name, port in public.items())
