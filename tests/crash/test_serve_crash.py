"""`posthouse serve` is killed, all of it or its scribe alone, while letters come side by side: each that was answered
with 250 is there, octet for octet.

A few rounds run with every test run; `make test-crash` runs hundreds (CRASH_ROUNDS).
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import smtplib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from posthouse.store import account, mail, mailbox, verify
from posthouse.store.engine import Store
from processes import ADA, House, eventually, serving, serving_again

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "2"))
CONNECTIONS = 10
MOST = 2_000  # letters of one connection, of which no round takes so many


def text(token: str) -> str:
    return f"Subject: {token}\r\n\r\n" + f"{token} and so on\r\n" * 100


def send(house: House, name: str, taken: set[str]) -> None:
    """Letters over one connection, until the server has gone."""
    with contextlib.suppress(OSError, smtplib.SMTPException):
        client = smtplib.SMTP("127.0.0.1", house.port("smtp"), timeout=20)
        for number in range(MOST):
            token = f"{name}.{number}"
            client.sendmail("eve@elsewhere.example", [ADA], text(token))
            taken.add(token)


def kill_at_random(house: House, number: int, chance: random.Random) -> set[str]:
    """The letters that were taken."""
    taken: set[str] = set()
    victims = [house.scribe, house.steward, *house.workers, house.parent.pid]
    chance.shuffle(victims)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        sending = [pool.submit(send, house, f"{number}.{who}", taken) for who in range(CONNECTIONS)]
        eventually(lambda: len(taken) > CONNECTIONS, "no letter is taken")
        if number % 2:  # the scribe some time before the others
            threading.Event().wait(chance.uniform(0, 0.4))
            os.kill(house.scribe, signal.SIGKILL)
        threading.Event().wait(chance.uniform(0, 0.6))
        for process in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        for one in sending:
            one.result()
    return taken


def test_what_was_taken_is_there(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    taken: set[str] = set()
    with serving(tmp_path, workers=1) as house:
        taken |= kill_at_random(house, 0, chance)
    for number in range(1, ROUNDS):
        with serving_again(tmp_path) as house:
            taken |= kill_at_random(house, number, chance)
    store = Store.open(tmp_path / "data")
    assert verify.verify(store) == [], seed
    inbox = store.look(mailbox.existing, store.look(account.existing, ADA).id, "INBOX")
    there = {}
    for _, token, blob_id in store.look(mail.fetch, inbox.id, mail.ALL, ["subject", "blob"]):
        assert token not in there, f"{token} is there twice (seed {seed})"
        there[token] = store.blobs.read(blob_id, 0, 10**6).decode()
    assert len(taken) > CONNECTIONS * ROUNDS, "too few for a test"
    assert taken <= there.keys(), f"{len(taken - there.keys())} letters are lost (seed {seed})"
    assert all(octets == text(token) for token, octets in there.items()), seed
    store.close()
