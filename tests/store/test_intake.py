"""Letters appended together: the same as one after the other, whatever they have to do with each other."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from posthouse.errors import NotFound, OverQuota, StoreError
from posthouse.message.summary import summarize
from posthouse.store import intake, mail, mailbox, quota, verify
from posthouse.store.engine import Store
from posthouse.store.intake import Letter, Target
from store_helpers import NOW, Clock, House, keep, letter

TABLES = ("message", "wire", "folded", "listed", "ordering", "placement", "thread_key", "mailbox", "account")


def answer(number: int, subject: str, references: Sequence[int]) -> bytes:
    """A letter with an id of its own that answers others."""
    lines = [f"Subject: {subject}", f"Message-ID: <{number}@example.org>"]
    if references:
        lines.append("References: " + " ".join(f"<{one}@example.org>" for one in references))
    return ("\r\n".join(lines) + "\r\n\r\nText.\r\n").encode()


def letters(chance: random.Random, boxes: Sequence[int]) -> Iterator[tuple[bytes, list[Target]]]:
    for number in range(chance.randint(2, 40)):
        subject = chance.choice(["Plan", "Re: Plan", "Re: Other", "", f"Only {number}"])
        references = [chance.randint(0, 40) for _ in range(chance.randint(0, 3))]
        targets = [
            Target(box, frozenset(chance.sample(["\\Seen", "\\Deleted", "$Forwarded"], chance.randint(0, 2))))
            for box in chance.sample([*boxes, 9999], chance.randint(1, 3))
        ]
        yield answer(chance.choice([number, 7]), subject, references), targets


@pytest.mark.parametrize("seed", range(25))
def test_together_is_as_one_by_one(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    houses = [House(Store.open(tmp_path / name, readers=1, clock=Clock())) for name in ("together", "alone")]
    boxes: list[int] = []
    for house in houses:
        ada, bob = house.account("ada@example.org"), house.account("bob@example.org")
        boxes = [house.box(ada).id, house.box(ada, "Archive").id, house.box(bob).id]
        house.store.run(quota.set_limits, bob.id, size=900, messages=None)
        house.store.run(quota.set_limits, ada.id, size=None, messages=20)
    together, alone = houses
    for _ in range(3):
        some = list(letters(chance, boxes))
        blobs = [keep(together.store, raw) for raw, _ in some]
        incoming = [
            Letter(blob, summarize(raw), targets, NOW) for blob, (raw, targets) in zip(blobs, some, strict=True)
        ]
        outcomes = together.store.run(intake.append_each, incoming)
        for one, outcome in zip(incoming, outcomes, strict=True):
            try:
                expected: Any = alone.store.run(
                    intake.append, one.blob, one.summary, one.targets, one.received, one.prefix
                )
            except StoreError as error:
                assert type(outcome) is type(error)
            else:
                # A letter that was refused after its modseqs were taken leaves a gap.
                assert isinstance(outcome, list)
                assert [(a.mailbox_id, a.uid, a.uidvalidity) for a in outcome] == [
                    (a.mailbox_id, a.uid, a.uidvalidity) for a in expected
                ]
    assert_same(together.store, alone.store)
    for house in houses:
        assert list(verify.verify(house.store)) == []
        house.store.close()


def assert_same(one: Store, other: Store) -> None:
    """The same rows, but for ids that went to nobody and the modseqs of refused letters."""
    for sql in (
        "SELECT account_id, count(*), sum(size) FROM message GROUP BY account_id",
        "SELECT id, size, messages FROM account ORDER BY id",
        "SELECT id, uidnext, messages, unseen, deleted, size FROM mailbox ORDER BY id",
        "SELECT mailbox_id, uid, f.line, w.message_id_, w.subject FROM placement p JOIN wire w USING (message_id)"
        " JOIN flagset f ON f.id = p.flagset_id ORDER BY mailbox_id, uid",
        "SELECT account_id, key, latest FROM thread_key ORDER BY account_id, key",
        # Which messages share a thread: each by the first message of its thread.
        "SELECT m.account_id, m.blob_id, (SELECT min(o.blob_id) FROM message o WHERE o.thread_id = m.thread_id)"
        " FROM message m ORDER BY m.account_id, m.blob_id",
        "SELECT id, size, uses FROM blob ORDER BY id",
        *(f"SELECT count(*) FROM {table}" for table in TABLES),
    ):
        assert one.look(lambda tx, sql=sql: tx.all(sql)) == other.look(lambda tx, sql=sql: tx.all(sql)), sql


def test_a_letter_that_is_refused_takes_nothing(house: House) -> None:
    ada, bob = house.account("ada@example.org"), house.account("bob@example.org")
    house.store.run(quota.set_limits, bob.id, size=None, messages=1)
    to_ada, to_bob = Target(house.box(ada).id), Target(house.box(bob).id)
    raw = letter()
    outcomes = house.store.run(
        intake.append_each,
        [
            Letter(keep(house.store, raw), summarize(raw), targets, NOW)
            for targets in ([to_ada], [to_bob], [to_ada, to_bob], [to_ada, Target(999)], [to_ada], [])
        ],
    )
    assert [type(one) for one in outcomes] == [list, list, OverQuota, NotFound, list, list]
    assert [(box.exists, box.uidnext) for box in (house.box(ada), house.box(bob))] == [(2, 3), (1, 2)]
    assert house.store.look(quota.get, ada.id).messages == 2
    assert house.store.look(quota.get, bob.id).messages == 1
    assert house.store.look(quota.get, ada.id).size == 2 * len(raw)
    assert len(house.store.look(lambda tx: tx.all("SELECT id FROM blob"))) == 3


def test_modseqs_ascend_in_the_order_of_the_letters(house: House) -> None:
    inbox = house.box(house.account())
    archive = house.box(house.account("bob@example.org"), "Archive")
    raw = letter()
    incoming = [
        Letter(keep(house.store, raw), summarize(raw), [Target(box)], NOW)
        for box in (inbox.id, archive.id, inbox.id, inbox.id)
    ]
    (first,), (other,), (second,), (third,) = house.store.run(intake.append_all, incoming)
    assert [one.uid for one in (first, second, third)] == [1, 2, 3]
    assert first.modseq + 2 == second.modseq + 1 == third.modseq
    assert house.store.look(mailbox.get, inbox.id).highestmodseq == third.modseq
    assert house.store.look(mailbox.get, archive.id).highestmodseq == other.modseq
    assert [row[1] for row in house.store.look(mail.fetch, inbox.id, mail.ALL, ["modseq"])] == [
        one.modseq for one in (first, second, third)
    ]
