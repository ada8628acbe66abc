"""A mailbox of many letters, made quickly: they share their octets."""

from __future__ import annotations

import time

from posthouse.message.summary import summarize
from posthouse.store import account, intake, mailbox
from posthouse.store.engine import Store, Tx
from store_helpers import keep

ADA = "ada@example.org"
WORDS = (
    "engine", "mill", "store", "card", "loom", "brass", "comet", "kettle", "letter", "supper", "rods", "carriage",
    "number", "series", "table", "note",
)  # fmt: skip


def fill(store: Store, count: int) -> None:
    """A mailbox in which every third letter answers an earlier one; they share their octets."""
    raw = (
        f"From: Correspondent <c@example.org>\r\nTo: {ADA}\r\nSubject: x\r\nMessage-ID: <x@example.org>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + "The engine weaves patterns.\r\n" * 20
    ).encode()
    blob, summary = keep(store, raw), summarize(raw)
    owner = store.look(account.existing, ADA)
    box = store.look(mailbox.existing, owner.id, "INBOX")
    now = int(time.time())

    def append(tx: Tx, start: int, end: int) -> None:
        for number in range(start, end):
            answers = number - 1 - number % 7 if number % 3 == 0 and number > 7 else None
            topic = number if answers is None else answers
            subject = f"{WORDS[topic % 16]} and {WORDS[topic % 13]} {topic}" + (
                " seldom" if topic % 10_007 == 0 else ""
            )
            one = summary._replace(
                subject=subject,
                base_subject=subject,
                from_=f"Correspondent {number % 97} <correspondent{number % 97}@example.org>",
                message_id=f"<{number}@example.org>",
                references=() if answers is None else (f"<{answers}@example.org>",),
                date=now - (count - number) * 300,
            )
            flags = frozenset(["\\Seen"] if number % 20 else [])
            intake.append(tx, blob, one, [intake.Target(box.id, flags)], received=now - (count - number) * 300)

    for start in range(0, count, 500):
        store.run(append, start, min(start + 500, count))
