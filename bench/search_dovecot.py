"""SEARCH over IMAP: Posthouse and Dovecot without an index, the same letters, one run; seconds and their ratio.

Dovecot (Debian's dovecot-imapd) is spoken to through a pipe, without TLS or a login: its process alone does the work.
Posthouse is spoken to as mail programs do. What the kernel holds of the files is the same for both: warmed up.
"""

from __future__ import annotations

import argparse
import contextlib
import imaplib
import os
import pwd
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from live import PASSWORDS, Live, live
from posthouse.files import Item, MaildirWriter
from posthouse.store import account, transfer

from .transfer import letters

DOVECOT_IMAP = Path("/usr/lib/dovecot/imap")
# Words of many letters and of few, a part of many words, what is nowhere, a header, two characters.
KEYS = (
    ("BODY", '"meeting"'),
    ("BODY", '"word4711"'),
    ("BODY", '"ord1999"'),
    ("TEXT", '"nowhere to be found"'),
    ("TEXT", '"wizards"'),
    ("SUBJECT", '"word17"'),
    ("BODY", '"zq"'),
)
TIMES = 5  # of Posthouse; Dovecot's minutes are measured once


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench search_dovecot")
    parser.add_argument("--messages", type=int, default=100_000)
    options = parser.parse_args(arguments)
    if not DOVECOT_IMAP.exists():
        sys.exit("Dovecot isn't here: apt-get install dovecot-imapd")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with MaildirWriter(folder / "maildir") as writer:
            for item in inbox_letters(options.messages):
                writer.add(item)
        with live(folder / "house") as house:
            assert house.server.house is not None
            store = house.server.house.store
            ada = store.look(account.existing, "ada@example.org")
            began = time.perf_counter()
            for _ in transfer.import_mail(store, ada.id, inbox_letters(options.messages)):
                pass
            print(f"imported {options.messages} in {time.perf_counter() - began:.0f} s, while they are indexed")
            assert store.index is not None
            began = time.perf_counter()
            count = store.index.rebuild(store)
            cost = (time.perf_counter() - began) / count
            size = sum(path.stat().st_size for path in store.data.glob("search.sqlite3*"))
            octets = store.look(lambda tx: tx.value("SELECT sum(size) FROM message"))
            print(
                f"the index adds {cost * 1e6:.0f} µs to a delivery, behind it; {size / 1e6:.0f} MB for"
                f" {octets / 1e6:.0f} MB of letters",
                flush=True,
            )
            with dovecot(folder / "maildir") as theirs, house_client(house) as ours:
                compare(ours, theirs)


def inbox_letters(count: int) -> Iterator[Item]:
    """All in one mailbox."""
    return (Item(item.octets, item.flags, item.date) for item in letters(count))


@contextlib.contextmanager
def house_client(house: Live) -> Iterator[imaplib.IMAP4]:
    """Ada's mail program at Posthouse."""
    with imaplib.IMAP4_SSL(house.host, house.port("imaps"), ssl_context=house.tls) as client:
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
    config = maildir.with_suffix(".conf")
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
    config.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()), "utf-8")
    as_nobody = "" if os.getuid() else f"setpriv --reuid={uid} --regid={gid} --clear-groups "
    command = f"env USER={pwd.getpwuid(uid).pw_name} HOME={maildir} {as_nobody}{DOVECOT_IMAP} -c {config}"
    with imaplib.IMAP4_stream(command) as client:
        client.select("INBOX", readonly=True)
        yield client


def compare(ours: imaplib.IMAP4, theirs: imaplib.IMAP4) -> None:
    searched(theirs, ("TEXT", '"warm the cache up"'))
    for key in KEYS:
        found, dovecot_took = searched(theirs, key)
        runs = [searched(ours, key) for _ in range(TIMES)]
        took = statistics.median(seconds for _, seconds in runs)
        same = "" if runs[0][0] == found else f"; DIFFERS: {len(runs[0][0])} found"
        print(
            f"{' '.join(key):32} {len(found):6} found; Dovecot {dovecot_took:8.2f} s, Posthouse {took * 1e3:8.1f} ms: "
            f"{dovecot_took / took:7.0f} times as quick{same}",
            flush=True,
        )


def searched(client: imaplib.IMAP4, key: tuple[str, str]) -> tuple[list[bytes], float]:
    """The numbers, and the seconds."""
    began = time.perf_counter()
    status, data = client.search(None, *key)
    took = time.perf_counter() - began
    assert status == "OK", data
    return (data[0] or b"").split(), took
