"""SEARCH over IMAP: Posthouse and Dovecot without a full-text index, the same letters, one run; and their ratios.

    python -m bench search_dovecot [--messages 100000] [--folder DIR] [--only BODY,"SUBJECT re"]

Dovecot (Debian's dovecot-imapd) keeps header fields that were asked for once in a cache of its own,
`dovecot.index.cache`: for a search in these fields that cache is an index, made by an earlier search of the same field.
So "without an index" is Dovecot without it, and that is what the goal is about; what it takes with the cache is told
beside it. For BODY and TEXT there is no difference: these it reads from the letters.

Posthouse is measured three times: the first search of a process that was just begun, in which nothing is kept yet; the
first search for a word in a process that has searched for others; and the same again, of which the answer may be kept.
Both are spoken to in clear text, Dovecot through a socket to its process alone, without a login. What the kernel holds
of the files is the same for both: warmed up. With `--folder` the letters stay there for the next run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pwd
import re
import shlex
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from live import PASSWORDS
from posthouse.files import Item, MaildirWriter
from posthouse.store import account, transfer
from posthouse.store.engine import Store
from processes import House, free_ports, serving, serving_again

from .imap import letters, settle

DOVECOT_IMAP = Path("/usr/lib/dovecot/imap")
ADA = "ada@example.org"
# Words of all letters, of many, of few, of one; parts of these; what is nowhere; other scripts; 1 to 3 characters.
KEYS = (
    ("BODY", "meeting"),
    ("BODY", "eeti"),
    ("BODY", "ref04711"),
    ("BODY", "f0471"),
    ("BODY", "lado"),
    ("BODY", "nowhere"),
    ("BODY", "not together"),
    ("BODY", "la do"),
    ("BODY", "привет"),
    ("BODY", "ивет из"),
    ("BODY", "会議"),
    ("BODY", "議"),
    ("BODY", "größe"),
    ("BODY", "ö"),
    ("BODY", "ref"),
    ("BODY", "zzq"),
    ("BODY", "47"),
    ("BODY", "zq"),
    ("BODY", "ba"),
    ("BODY", "x"),
    ("BODY", "a"),
    ("TEXT", "meeting"),
    ("TEXT", "letter 4711"),
    ("TEXT", "4711.letter"),
    ("TEXT", "lovelace"),
    ("TEXT", "nowhere"),
    ("TEXT", "привет"),
    ("TEXT", "mx7"),
    ("TEXT", "ref0"),
    ("TEXT", "zq"),
    ("TEXT", "7"),
    ("SUBJECT", "meeting"),
    ("SUBJECT", "eeti"),
    ("SUBJECT", "lado"),
    ("SUBJECT", "nowhere"),
    ("SUBJECT", "größe"),
    ("SUBJECT", "re: "),
    ("SUBJECT", "zq"),
    ("SUBJECT", "ku"),
    ("SUBJECT", "a"),
    ("FROM", "p417@"),
    ("FROM", "son 41"),
    ("FROM", "nobody"),
    ("FROM", "7"),
    ("FROM", "example.net"),
    ("TO", "lovelace"),
    ("CC", "ada"),
    ("HEADER Subject", "meeting"),
    ("HEADER Message-ID", "4711.letter"),
    ("HEADER Message-ID", "letter"),
    ("HEADER Message-ID", "47"),
    ("HEADER References", "letter"),
    ("HEADER Received", "mx7"),
    ("HEADER Received", "mx2"),
    ("HEADER Received", "mx"),
    ("HEADER Received", "x2"),
    ("HEADER Received", "7"),
    ("HEADER Received", "xampl"),
    ("HEADER Received", "esmtps"),
    ("HEADER Received", "zq"),
    ("HEADER Received", "mx2.example"),
    ("HEADER Return-Path", "bounces"),
    ("HEADER Return-Path", "4711"),
    ("HEADER Delivered-To", "ada"),
    ("HEADER Authentication-Results", "fail"),
    ("HEADER Authentication-Results", "pass"),
    ("HEADER X-Mailer", "outlook"),
    ("HEADER X-Mailer", "bird"),
    ("HEADER List-Id", "dev17"),
    ("HEADER List-Id", "ist"),
    ("HEADER X-Campaign", "spring"),
    ("HEADER X-Campaign", "7"),
    ("HEADER X-Request-Id", "req0"),
    ("HEADER X-Nobody", "mx2"),
)
MAILERS = ("Microsoft Outlook 16", "Apple Mail 3", "Thunderbird/115")
TIMES = 5
GOAL = 50


class Took(NamedTuple):
    """The seconds that one search took; see above."""

    begun: float  # Posthouse, just begun
    new: float  # a word that wasn't searched for
    again: float
    dovecot: float
    cached: float | None  # Dovecot with its cache, where that makes a difference


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench search_dovecot")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where the letters are, or get to; default: a temporary one")
    parser.add_argument("--only", default="", help="keys that begin so, as in BODY,SUBJECT; nothing else is searched")
    options = parser.parse_args(arguments)
    if not DOVECOT_IMAP.exists():
        sys.exit("Dovecot isn't here: apt-get install dovecot-imapd")
    keys = [key for key in KEYS if " ".join(key).startswith(tuple(options.only.split(",")))]
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        if not (folder / "maildir").is_dir():
            fill(folder, options.messages)
        with serving_again(folder / "house") as house, Client.of(house) as ours:
            tell(compare(ours, folder, keys))


# -- the letters -----------------------------------------------------------------------------------------------------


def inbox_letters(count: int) -> Iterator[Item]:
    """Letters as people get them, all in one mailbox; each has a word of its own, and some have other scripts."""
    for number, item in enumerate(letters(count)):
        assert isinstance(item.octets, bytes)
        more = f" ref{number:05}" + " привет из Москвы" * (number % 10 == 3) + " 会議の資料です" * (number % 50 == 7)
        text = item.octets.replace(b".\r\n", f".{more}\r\n".encode(), 1)
        yield Item(on_its_way(number).encode() + text, item.flags, item.date)


def on_its_way(number: int) -> str:
    """The fields that are put in front of a letter on its way, and some that programs add."""
    return (
        f"Return-Path: <bounces+{number}@mail{number % 7}.example.net>\r\nDelivered-To: {ADA}\r\n"
        f"Authentication-Results: mail.example.org;\r\n\tdkim={'fail' if number % 9 == 4 else 'pass'}"
        " header.d=example.net;\r\n\tspf=pass smtp.mailfrom=example.net\r\n"
        f"X-Mailer: {MAILERS[number % 3]}.{number % 10}\r\n"
        f"X-Request-Id: req{number:08x}\r\n"
        + f"List-Id: <dev{number % 40}.lists.example.com>\r\n" * (number % 4 == 1)
        + f"X-Campaign: spring-{number // 1000}\r\n" * (number % 5 == 2)
    )


def fill(folder: Path, count: int) -> None:
    """Bring the letters to both, and tell what the index costs."""
    (folder / "house").mkdir(parents=True)
    with serving(folder / "house", 1, "[login]\nclear_text_on_loopback = true") as house:
        store = Store.open(house.config.data)
        ada = store.look(account.existing, ADA)
        began = time.perf_counter()
        for _ in transfer.import_mail(store, ada.id, inbox_letters(count)):
            pass
        print(f"imported {count} in {time.perf_counter() - began:.0f} s, while they are indexed")
        settle(store)
        index_all(store)
        store.close()
    with MaildirWriter(folder / "maildir") as writer:
        for item in inbox_letters(count):
            writer.add(item)


def beside(house: Path) -> Path:
    """The folder of another server, with the same store."""
    second = house.parent / "beside"
    second.mkdir(exist_ok=True)
    text = (house / "posthouse.toml").read_text("utf-8")
    for name in ("data", "tls/certificate.pem", "tls/key.pem"):
        text = text.replace(f'= "{name}"', f'= "{house / name}"')
    ports = re.findall(r":(\d+)\"", text)
    for port, other in zip(ports, free_ports(len(ports)), strict=True):
        text = text.replace(f':{port}"', f':{other}"')
    (second / "posthouse.toml").write_text(text, "utf-8")
    return second


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


# -- the client ------------------------------------------------------------------------------------------------------


class Client:
    """A connection with a mailbox selected. What is answered is taken apart when its time is known."""

    def __init__(self, peer: socket.socket) -> None:
        self._peer = peer
        self._buffer = bytearray(1 << 20)

    @classmethod
    @contextlib.contextmanager
    def of(cls, house: House) -> Iterator[Client]:
        """Ada's, at Posthouse."""
        with socket.create_connection(("127.0.0.1", house.port("imap"))) as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = cls(peer)
            client.hear(b"* ")
            client.say(f'LOGIN {ADA} "{PASSWORDS[ADA]}"'.encode())
            client.say(b"EXAMINE INBOX")
            yield client

    def say(self, command: bytes) -> bytes:
        """The answer to a command."""
        self._peer.sendall(b"t " + command + b"\r\n")
        return self.hear(b"t ")

    def hear(self, key: bytes) -> bytes:
        """All up to a line that begins with the key."""
        heard = []
        tail = b"\r\n"
        while True:
            count = self._peer.recv_into(self._buffer)
            assert count, "the server has closed the connection"
            heard.append(bytes(memoryview(self._buffer)[:count]))
            tail = (tail + heard[-1])[-1_000:]
            at = tail.rfind(b"\r\n" + key)
            if at >= 0 and tail.endswith(b"\r\n"):
                return b"".join(heard)

    def search(self, key: tuple[str, str]) -> tuple[list[bytes], float]:
        """The numbers, and the seconds."""
        text = key[1].encode()
        began = time.perf_counter()
        answer = self.say(b"SEARCH CHARSET UTF-8 %b {%d+}\r\n%b" % (key[0].encode(), len(text), text))
        took = time.perf_counter() - began
        lines = answer.split(b"\r\n")
        assert lines[-2].startswith(b"t OK"), (key, answer[-200:])
        return next((line.split()[2:] for line in lines if line.startswith(b"* SEARCH")), []), took


@contextlib.contextmanager
def dovecot(maildir: Path) -> Iterator[Client]:
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
    command = f"env USER={pwd.getpwuid(uid).pw_name} HOME={maildir} {as_nobody}{DOVECOT_IMAP} -c {configuration}"
    ours, theirs = socket.socketpair()
    with ours, theirs, maildir.with_suffix(".log").open("ab") as log:
        process = subprocess.Popen(shlex.split(command), stdin=theirs, stdout=theirs, stderr=log)
        theirs.close()
        try:
            client = Client(ours)
            client.hear(b"* ")
            client.say(b"EXAMINE INBOX")
            yield client
        finally:
            ours.close()
            process.wait()


# -- what is measured ------------------------------------------------------------------------------------------------


def compare(ours: Client, folder: Path, keys: Sequence[tuple[str, str]]) -> list[Took]:
    maildir = folder / "maildir"
    second = beside(folder / "house")
    with dovecot(maildir) as theirs:
        theirs.search(("TEXT", "warm the files up"))
    for path in (folder / "house" / "data").glob("*.sqlite3"):
        with path.open("rb") as file:
            while file.read(1 << 20):
                pass
    took = []
    for key in keys:
        in_header = key[0] not in ("TEXT", "BODY")
        if in_header:
            (maildir / "dovecot.index.cache").unlink(missing_ok=True)
        with dovecot(maildir) as theirs:
            found, slow = theirs.search(key)
            cached = statistics.median(theirs.search(key)[1] for _ in range(3)) if in_header else None
        with serving_again(second) as begun, Client.of(begun) as client:
            first = client.search(key)
        new = ours.search(key)
        again = [ours.search(key) for _ in range(TIMES)]
        one = Took(first[1], new[1], statistics.median(seconds for _, seconds in again), slow, cached)
        differs = [len(other) for other, _ in (first, new, *again) if other != found]
        line(key, len(found), one, differs)
        took.append(one)
    return took


def line(key: tuple[str, str], found: int, one: Took, differs: list[int]) -> None:
    def times(seconds: float) -> str:
        return "/".join(f"{seconds / own:.0f}" for own in (one.begun, one.new, one.again))

    print(
        f"{' '.join(key):28} {found:6} found; Posthouse just begun {one.begun * 1e3:6.1f} ms, a new word"
        f" {one.new * 1e3:6.1f}, again {one.again * 1e3:6.1f}; Dovecot {one.dovecot:6.2f} s: {times(one.dovecot)} times"
        + (f"; with its cache {one.cached:.2f} s: {times(one.cached)}" if one.cached is not None else "")
        + (f"; DIFFERS: {differs} found" if differs else ""),
        flush=True,
    )


def tell(took: Sequence[Took]) -> None:
    """The least that it was quicker by."""
    for name, own in (("just begun", "begun"), ("a new word", "new"), ("again", "again")):
        without = [one.dovecot / getattr(one, own) for one in took]
        cached = [one.cached / getattr(one, own) for one in took if one.cached is not None]
        print(
            f"{name}: {min(without):.0f} to {max(without):.0f} times as quick as Dovecot without an index"
            f" (below {GOAL}: {sum(one < GOAL for one in without)} of {len(without)})"
            + (f"; with its cache {min(cached):.0f} to {max(cached):.0f} (below: {sum(one < GOAL for one in cached)}"
               f" of {len(cached)})" if cached else "")
        )  # fmt: skip
