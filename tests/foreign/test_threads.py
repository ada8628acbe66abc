"""SORT and THREAD of the same mailbox, as Dovecot answers them and as we do."""

from __future__ import annotations

import imaplib
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from dovecot import PASSWORD as DOVE
from dovecot import dovecot
from foreign_house import BOB, PASSWORD
from live import Live

pytestmark = pytest.mark.foreign

FIRST = datetime(2020, 1, 1, 12, tzinfo=UTC)
SUBJECTS = ("budget", "Re: budget", "lunch", "Re: Re: lunch", "Fwd: lunch", "[list] plans", "Re: [list] plans", "plans")
PEOPLE = ("zoe@example.org", "Adam <adam@example.org>", '"Bob, the builder" <bob@example.net>', "mia@example.org")
CRITERIA = (
    "ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "REVERSE DATE", "SUBJECT REVERSE DATE",
    "FROM SUBJECT SIZE", "REVERSE SUBJECT", "REVERSE ARRIVAL",
)  # fmt: skip


def letters(count: int, seed: int, *, at_once: bool) -> Iterator[tuple[str, bytes]]:
    """When each came, and it. Answers name what they answer, what was never there, or nothing; none names itself, with
    which Dovecot would have it begin a thread. No two dates are the same. ``at_once``: each came when it was sent; else
    the order of sending isn't that of coming.
    """
    chance = random.Random(seed)
    sent = chance.sample(range(10 * count), count)
    came = sent if at_once else chance.sample(range(10 * count), count)
    for number in range(count):
        date = FIRST + timedelta(minutes=sent[number])
        others = [other for other in range(2 * number + 2) if other != number]
        named = [f"<{chance.choice(others)}.{seed}@example.org>" for _ in range(chance.choice((0, 0, 1, 1, 3)))]
        references = f"References: {' '.join(named)}\r\n" if named else ""
        if named and chance.random() < 0.3:
            references = f"In-Reply-To: {named[-1]}\r\n"
        own = f"Message-ID: <{number}.{seed}@example.org>\r\n" if chance.random() < 0.95 else ""
        head = (
            f"From: {chance.choice(PEOPLE)}\r\nTo: {chance.choice(PEOPLE)}\r\nCc: {chance.choice(PEOPLE)}\r\n"
            f"Subject: {chance.choice(SUBJECTS)} {chance.choice(('', '', 'x', 'y'))}".rstrip()
        )
        arrived = FIRST + timedelta(minutes=came[number])
        raw = f"{head}\r\nDate: {format_datetime(date)}\r\n{own}{references}\r\n{'x' * number}\r\n"
        yield f'"{arrived:%d-%b-%Y %H:%M:%S +0000}"', raw.encode()


def answer(client: imaplib.IMAP4, *command: str) -> bytes:
    status, data = client.uid(*command)
    assert status == "OK"
    return bytes(data[0] or b"")


def trees(answered: bytes) -> set[str]:
    """The threads of an answer, in whatever order they came."""
    found, depth, start = set(), 0, 0
    for at, one in enumerate(answered.decode()):
        if one == "(":
            start = start if depth else at
            depth += 1
        elif one == ")":
            depth -= 1
            if not depth:
                found.add(answered[start : at + 1].decode())
    return found


@pytest.mark.parametrize(("seed", "at_once"), [(0, False), (1, False), (2, True), (3, True)])
def test_sort_and_thread_as_dovecot(posthouse: Live, seed: int, at_once: bool) -> None:
    ours = imaplib.IMAP4(posthouse.host, posthouse.port("imap"))
    ours.starttls(posthouse.tls)
    ours.login(BOB, PASSWORD)
    with dovecot() as port, ours:
        theirs = imaplib.IMAP4("127.0.0.1", port)
        theirs.login("bob", DOVE)
        with theirs:
            for date, octets in letters(150, seed, at_once=at_once):
                for client in (ours, theirs):
                    assert client.append("INBOX", None, date, octets)[0] == "OK"
            for client in (ours, theirs):
                client.select("INBOX")
            for one in CRITERIA:
                command = ("SORT", f"({one})", "UTF-8", "ALL")
                assert answer(ours, *command).split() == answer(theirs, *command).split(), one
            for algorithm in ("REFERENCES", "ORDEREDSUBJECT", "REFS"):
                command = ("THREAD", algorithm, "UTF-8", "ALL")
                our_answer, their_answer = answer(ours, *command), answer(theirs, *command)
                assert trees(our_answer) == trees(their_answer) and b"(" in our_answer, algorithm
                if algorithm != "REFS" or at_once:  # the draft has threads by when they came, Dovecot by the Date field
                    assert our_answer == their_answer, algorithm
