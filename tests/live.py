"""A real server for tests: real sockets on free ports, real TLS, a real store in a temporary folder."""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import ssl
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from posthouse import config
from posthouse.config import Config
from posthouse.server.app import Server, serving
from posthouse.server.tls import make_self_signed
from posthouse.store import account, domain, fresh
from posthouse.store.engine import Store
from posthouse.store.password import hash_password, make_keys

TOML = """\
hostname = "mail.{domain}"
data = "data"
[listen]
smtp = {smtp}
submission = "127.0.0.1:0"
submissions = "127.0.0.1:0"
imap = "127.0.0.1:0"
imaps = "127.0.0.1:0"
pop3 = "127.0.0.1:0"
pop3s = "127.0.0.1:0"
lmtp = "{lmtp}"
http = "127.0.0.1:0"
https = "127.0.0.1:0"
{sendmail}[tls]
certificate = "tls/certificate.pem"
key = "tls/key.pem"
{more}
"""
LOOPBACK = "127.0.0.1:0"
PASSWORDS = {"ada@example.org": "difference engine", "bob@example.org": "geheim"}


@dataclass(frozen=True)
class Live:
    """A running server, and what a client needs to know of it."""

    config: Config
    server: Server
    host: str = "127.0.0.1"

    def port(self, door: str) -> int:
        return self.server.endpoints[door][0].port

    @property
    def certificate(self) -> Path:
        assert self.config.tls.certificate is not None
        return self.config.tls.certificate

    @property
    def tls(self) -> ssl.SSLContext:
        """A client's context that trusts this server, and nobody else."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def letters(self) -> list[Path]:
        """The message files on disk, the oldest first; those that would be made in a moment are made now."""
        assert self.server.house is not None
        store = self.server.house.store
        fresh.settle(store)
        rows = store.look(lambda tx: tx.all("SELECT DISTINCT blob_id, min(id) FROM message GROUP BY blob_id"))
        order: dict[str, int] = dict(rows)
        return sorted((self.config.data / "messages").rglob("*.eml"), key=lambda path: order.get(path.stem, 0))


def prepare(
    folder: Path,
    more: str = "",
    home: str = "example.org",
    lmtp: str = LOOPBACK,
    sendmail: Path | None = None,
    smtp: Sequence[str] = (LOOPBACK,),
) -> Config:
    """A configuration with free ports, and the accounts of `PASSWORDS`; ``home``: the server's domain. A certificate
    that is there already stays.
    """
    if not (folder / "tls").exists():
        make_self_signed(folder / "tls", f"mail.{home}")
    path = folder / "posthouse.toml"
    local = "" if sendmail is None else f'sendmail = "unix:{sendmail}"\n'
    doors = json.dumps(smtp)
    path.write_text(TOML.format(domain=home, more=more, lmtp=lmtp, sendmail=local, smtp=doors), "utf-8")
    settings = config.load(path)
    if settings.data.exists():
        _fill(settings.data, home)
    else:
        shutil.copytree(_filled(home), settings.data)
    return settings


@functools.cache
def _filled(home: str) -> Path:
    """A store with the accounts, to be copied: to make one takes longer than most tests."""
    folder = tempfile.TemporaryDirectory(prefix="posthouse-store-")
    atexit.register(folder.cleanup)
    _fill(Path(folder.name) / "data", home)
    return Path(folder.name) / "data"


def _fill(data: Path, home: str) -> None:
    store = Store.open(data)
    store.run(domain.add, home)
    for address, password in PASSWORDS.items():
        store.run(account.add, address.replace("example.org", home), hash_password(password), make_keys(password))
    store.close()


@contextmanager
def live(
    folder: Path,
    more: str = "",
    home: str = "example.org",
    relay_port: int = 25,
    lmtp: str = LOOPBACK,
    sendmail: Path | None = None,
    open_store: Callable[[Path], Store] = Store.open,
    smtp: Sequence[str] = (LOOPBACK,),
) -> Iterator[Live]:
    """Run a server on a thread; ``relay_port``, ``open_store``: as `Server` takes them."""
    settings = prepare(folder, more, home, lmtp, sendmail, smtp)
    with serving(settings, relay_port=relay_port, open_store=open_store) as server:
        yield Live(settings, server)
