"""SEARCH over IMAP: Posthouse and Dovecot without an index, the same letters, one run; seconds and their ratio.

Dovecot (Debian's dovecot-imapd) is spoken to through a pipe, without TLS or a login: its process alone does the work.
Posthouse is spoken to as mail programs do. What the kernel holds of the files is the same for both: warmed up. Dovecot
keeps header fields that were asked for in a cache of its own, which is an index of a kind: they are searched with it
and without. With `--folder` the letters stay there for the next run.
"""

from __future__ import annotations

import argparse
import contextlib
import imaplib
import os
import pwd
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from live import PASSWORDS, Live, live
from posthouse import config
from posthouse.files import Item, MaildirWriter
from posthouse.server.app import serving
from posthouse.store import account, transfer
from posthouse.store.engine import Store, Tx

from .imap import letters

DOVECOT_IMAP = Path("/usr/lib/dovecot/imap")
# Words of all letters, of many, of few, of one; parts of these; what is nowhere; other scripts; one and two characters.
KEYS = (
    ("BODY", "meeting"),
    ("BODY", "eeti"),
    ("BODY", "ref04711"),
    ("BODY", "f0471"),
    ("BODY", "lado"),
    ("BODY", "nowhere"),
    ("BODY", "not together"),
    ("BODY", "привет"),
    ("BODY", "ивет"),
    ("BODY", "会議"),
    ("BODY", "größe"),
    ("BODY", "zq"),
    ("BODY", "x"),
    ("TEXT", "meeting"),
    ("TEXT", "letter 4711"),
    ("TEXT", "4711.letter"),
    ("TEXT", "zq"),
    ("SUBJECT", "meeting"),
    ("SUBJECT", "eeti"),
    ("SUBJECT", "lado"),
    ("SUBJECT", "nowhere"),
    ("SUBJECT", "größe"),
    ("SUBJECT", "zq"),
    ("SUBJECT", "ku"),
    ("FROM", "p417@"),
    ("FROM", "son 41"),
    ("FROM", "nobody"),
    ("FROM", "7"),
    ("FROM", "example.net"),
    ("TO", "lovelace"),
    ("CC", "ada"),
    ("HEADER Subject", "meeting"),
    ("HEADER Message-ID", "4711.letter"),
    ("HEADER Received", "mx7"),
)
PAUSE = 3.0  # seconds
QUIET = 0.1  # of which a server with nothing to do uses no more of the processor than these
TIMES = 5  # of Posthouse, and the first is told apart: it has kept no answer; Dovecot's minutes are measured once


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench search_dovecot")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where the letters are, or get to; default: a temporary one")
    parser.add_argument("--only", default="", help="keys that begin so, as in BODY,SUBJECT; nothing else is searched")
    options = parser.parse_args(arguments)
    if not DOVECOT_IMAP.exists():
        sys.exit("Dovecot isn't here: apt-get install dovecot-imapd")
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        made = (folder / "maildir").is_dir()
        if not made:
            with MaildirWriter(folder / "maildir") as writer:
                for item in inbox_letters(options.messages):
                    writer.add(item)
        with running(folder / "house") as house:
            assert house.server.house is not None
            store = house.server.house.store
            if not made:
                fill(store, options.messages)
            if not made or store.look(behind):
                index_all(store)
            wait_until_quiet()
            with house_client(house) as ours:
                keys = [key for key in KEYS if key[0].startswith(tuple(options.only.split(",")))]
                compare(ours, folder / "maildir", keys)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Live]:
    """Posthouse, new or as an earlier run has left it."""
    if not folder.exists():
        with live(folder) as house:
            yield house
        return
    settings = config.load(folder / "posthouse.toml")
    with serving(settings) as server:
        yield Live(settings, server)


def fill(store: Store, count: int) -> None:
    """Bring the letters in."""
    ada = store.look(account.existing, "ada@example.org")
    began = time.perf_counter()
    for _ in transfer.import_mail(store, ada.id, inbox_letters(count)):
        pass
    print(f"imported {count} in {time.perf_counter() - began:.0f} s, while they are indexed")


def wait_until_quiet() -> None:
    """Until what the server makes behind an import (bundles, files) is made: the steward's work, where there is one."""
    before = -1.0
    while time.process_time() - before > QUIET:
        before = time.process_time()
        time.sleep(PAUSE)


def behind(tx: Tx) -> bool:
    """Whether messages aren't in the index yet."""
    newest: bool = tx.value("SELECT coalesce(max(id), 0) > (SELECT done FROM search.state) FROM message")
    return newest


def index_all(store: Store) -> None:
    """Make the index anew, and tell what it costs."""
    assert store.index is not None
    began = time.process_time()
    indexed = store.index.rebuild(store)
    cost = (time.process_time() - began) / indexed
    size = sum(path.stat().st_size for path in store.data.glob("search.sqlite3*"))
    octets = store.look(lambda tx: tx.value("SELECT sum(size) FROM message"))
    print(
        f"the index adds {cost * 1e6:.0f} µs of the processor's time to a delivery, behind it; {size / 1e6:.0f} MB for"
        f" {octets / 1e6:.0f} MB of letters",
        flush=True,
    )


def inbox_letters(count: int) -> Iterator[Item]:
    """Letters as people get them, all in one mailbox; each has a word of its own, and some have other scripts."""
    for number, item in enumerate(letters(count)):
        assert isinstance(item.octets, bytes)
        more = f" ref{number:05}" + " привет из Москвы" * (number % 10 == 3) + " 会議の資料です" * (number % 50 == 7)
        yield Item(item.octets.replace(b".\r\n", f".{more}\r\n".encode(), 1), item.flags, item.date)


@contextlib.contextmanager
def house_client(house: Live) -> Iterator[imaplib.IMAP4]:
    """Ada's mail program at Posthouse."""
    with imaplib.IMAP4_SSL(house.host, house.port("imaps"), ssl_context=house.tls) as client:
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # imaplib sends a command in pieces
        client.login("ada@example.org", PASSWORDS["ada@example.org"])
        client.select("INBOX", readonly=True)
        yield client


@contextlib.contextmanager
def dovecot(maildir: Path) -> Iterator[imaplib.IMAP4]:
    """Dovecot over a Maildir, logged in."""
    nobody = pwd.getpwnam("nobody")
    uid, gid = (os.getuid(), os.getgid()) if os.getuid() else (nobody.pw_uid, nobody.pw_gid)
    if not os.getuid():  # it reads no mail as root
        maildir.parent.chmod(0o755)
        for place in (maildir, *maildir.glob("*/")):
            os.chown(place, uid, gid)
    configuration = maildir.with_suffix(".conf")
    settings = {
        "mail_location": f"maildir:{maildir}",
        "mail_uid": uid,
        "mail_gid": gid,
        "first_valid_uid": 0,
        "first_valid_gid": 0,
        "base_dir": maildir.parent / "run",
        "state_dir": maildir.parent / "state",
        "log_path": maildir.with_suffix(".log"),
        "ssl": "no",
    }
    configuration.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()), "utf-8")
    as_nobody = "" if os.getuid() else f"setpriv --reuid={uid} --regid={gid} --clear-groups "
    command = (
        f"env USER={pwd.getpwuid(uid).pw_name} HOME={maildir} {as_nobody}{DOVECOT_IMAP} -c {configuration}"
        f" 2>> {maildir.with_suffix('.log')}"
    )
    with imaplib.IMAP4_stream(command) as client:
        client.select("INBOX", readonly=True)
        yield client


def compare(ours: imaplib.IMAP4, maildir: Path, keys: Sequence[tuple[str, str]]) -> None:
    with dovecot(maildir) as theirs:
        searched(theirs, ("TEXT", "warm the files up"))
    for key in keys:
        cached = key[0] not in ("TEXT", "BODY")
        if cached:
            (maildir / "dovecot.index.cache").unlink(missing_ok=True)
        with dovecot(maildir) as theirs:
            found, cold = searched(theirs, key)
            took = searched(theirs, key)[1] if cached else cold
        runs = [searched(ours, key) for _ in range(TIMES)]
        own = statistics.median(seconds for _, seconds in runs)
        first = runs[0][1]
        same = "" if runs[0][0] == found else f"; DIFFERS: {len(runs[0][0])} found"
        without = f"; without its cache {cold:6.2f} s: {cold / own:6.0f} times, {cold / first:4.0f}" if cached else ""
        print(
            f"{' '.join(key):32} {len(found):6} found; Posthouse {own * 1e3:7.1f} ms, first {first * 1e3:7.1f};"
            f" Dovecot {took:6.2f} s: {took / own:6.0f} times as long, {took / first:4.0f}{without}{same}",
            flush=True,
        )


def searched(client: imaplib.IMAP4, key: tuple[str, str]) -> tuple[list[bytes], float]:
    """The numbers, and the seconds."""
    client.literal = key[1].encode()
    began = time.perf_counter()
    status, data = client.search("UTF-8", key[0])
    took = time.perf_counter() - began
    assert status == "OK", data
    return (data[0] or b"").split(), took
