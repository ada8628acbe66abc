"""Letters and stores for tests."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import pytest

from posthouse.errors import StoreError
from posthouse.message.summary import summarize
from posthouse.store import account, domain, intake, mail, mailbox
from posthouse.store.account import Account
from posthouse.store.blob import Blob
from posthouse.store.engine import Store, Tx
from posthouse.store.mailbox import Mailbox

# For tests of what only SQLite has, or of how it fails.
only_sqlite = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
NOW = 1_700_000_000


@dataclass
class Clock:
    """A clock that stands still until it is told to go."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


def letter(subject: str = "A test", body: str = "Hello.", sender: str = "ada@example.org") -> bytes:
    return (
        f"From: {sender}\r\nTo: bob@example.org\r\nSubject: {subject}\r\n"
        f"Message-ID: <{crc32((subject + body).encode()):x}@example.org>\r\nDate: Wed, 14 Nov 2023 22:13:20 +0000\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
        f"\r\n{body}\r\n"
    ).encode()


def keep(store: Store, raw: bytes) -> Blob:
    spool = store.blobs.spool()
    spool.write(raw)
    return store.blobs.keep_now(spool)


def keep_in_file(store: Store, raw: bytes) -> Blob:
    """Where no row counts it, it is a stray."""
    spool = store.blobs.spool()
    spool.write(raw)
    return store.blobs.keep_all_now([spool])[0]


def add_domains(data: Path, letter: str) -> None:
    """What another process does, which can import this module wherever it is begun."""
    store = Store.open(data, readers=1)
    for number in range(50):
        store.run(domain.add, f"{letter}{number}.example")
    store.close()


def process_of_each(tx: Tx, names: Sequence[str]) -> list[int | StoreError]:
    """A store function for many that another process can import, too: domains; and which process has written them."""
    for name in names:
        domain.add(tx, name)
    return [os.getpid()] * len(names)


class House:
    """A store with accounts, and short words for what tests do all the time."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def account(self, address: str = "ada@example.org") -> Account:
        return self.store.run(account.add, address, "hash")

    def box(self, owner: Account, name: str = "INBOX") -> Mailbox:
        found = self.store.look(mailbox.find, owner.id, name)
        assert found is not None
        return found

    def append(
        self, *boxes: Mailbox, raw: bytes | None = None, flags: Iterable[str] = (), received: int = NOW
    ) -> list[intake.Appended]:
        raw = letter() if raw is None else raw
        targets = [intake.Target(box.id, frozenset(flags)) for box in boxes]
        return self.store.run(intake.append, keep(self.store, raw), summarize(raw), targets, received=received)

    def fill(self, box: Mailbox, count: int, flags: Iterable[str] = ()) -> None:
        """`count` letters that share their octets."""
        raw = letter()
        blob = keep(self.store, raw)

        summary = summarize(raw)

        def append(tx: Tx) -> None:
            for _ in range(count):
                intake.append(tx, blob, summary, [intake.Target(box.id, frozenset(flags))], received=NOW)

        self.store.run(append)

    def flags(self, box: Mailbox) -> dict[int, str]:
        rows = self.store.look(mail.fetch, box.id, mail.ALL, ["flags"])
        return {uid: line.decode() for uid, line in rows}
