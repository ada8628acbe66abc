"""Processes at work on one store are killed, again and again; nothing acknowledged is lost, doubled or changed.

A few rounds run with every test run; `make test-crash` runs hundreds (CRASH_ROUNDS).
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from threading import Timer

from crash_worker import IMPORT_BOX, content, import_tokens, run_import
from posthouse.store import fresh, mail, mailbox, search, tidy, verify
from posthouse.store.engine import Store
from store_helpers import House

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "2"))
# Every check reads all that is in the store.
ROUNDS_A_STORE = 20
WORKER = Path(__file__).resolve().parents[1] / "crash_worker.py"


class Diary:
    """What the killed processes have told."""

    def __init__(self) -> None:
        self.begun: dict[str, set[str]] = defaultdict(set)  # "append", "delete", … -> tokens
        self.done: dict[str, set[str]] = defaultdict(set)
        self.flags: dict[str, set[str]] = defaultdict(set)
        self.given: dict[tuple[int, int], str] = {}  # mailbox and UID -> the token that got it
        self.modseq = 0

    def read(self, lines: bytes) -> None:
        for line in lines.split(b"\n")[:-1]:  # the last one may be cut
            word, token, *rest = json.loads(line)
            if word in ("appended", "moved", "flagged", "deleted", "imported"):
                self.done[word].add(token)
            else:
                self.begun[word].add(token)
            if word == "appended":
                self.modseq = max(self.modseq, rest[2])
            if word == "flagged":
                self.flags[token].add(rest[0])
            if word in ("appended", "moved") and rest:
                place = rest[0], rest[1]
                assert place not in self.given, f"UID given twice: {place} to {self.given[place]} and {token}"
                self.given[place] = token


def kill_at_random(data: Path, number: int, chance: random.Random) -> list[bytes]:
    """Two processes, each killed after a while; what they told."""
    processes = [
        subprocess.Popen(
            [sys.executable, WORKER, data, name, str(number)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for name in ("red", "blue")
    ]
    told = []
    for process in processes:
        assert process.stdout is not None
        first = process.stdout.readline()  # it is at work
        timer = Timer(chance.uniform(0, 0.6), process.kill)
        timer.start()
        told.append(first + process.stdout.read())
        timer.join()
        process.wait()
        process.stdout.close()
        assert process.returncode == -9
    return told


def import_again(store: Store, account_id: int, diary: Diary) -> None:
    """What was cut off is started again, as a person would; some of it is there."""
    for batch in sorted(diary.begun["import"] - diary.done["imported"]):
        run_import(store, account_id, batch)
        diary.done["imported"].add(batch)


def check(store: Store, ids: list[int], diary: Diary, chance: random.Random) -> int:
    """Everything acknowledged is there; the number of messages."""
    assert verify.verify(store) == []
    imported = {token for batch in diary.done["imported"] for token in import_tokens(batch)}
    present: dict[str, tuple[str, set[str]]] = {}
    for mailbox_id in ids:
        for uid, token, blob_id, line in store.look(mail.fetch, mailbox_id, mail.ALL, ["subject", "blob", "flags"]):
            assert token not in present, f"{token} is there twice"
            assert diary.given.get((mailbox_id, uid), token) == token
            present[token] = blob_id, set(line.decode().split())
            diary.given[mailbox_id, uid] = token
    for token in (diary.done["appended"] - diary.begun["delete"]) | imported:
        assert token in present, f"{token} was acknowledged and is gone"
    for token in diary.done["deleted"]:
        assert token not in present, f"{token} was deleted and is there"
    for token, (blob_id, flags) in present.items():
        assert token in diary.begun["append"] or token in imported
        assert diary.flags[token] <= flags
        assert store.blobs.read(blob_id, 0, 10**7) == content(token)
    for token in chance.sample(sorted(present), min(3, len(present))):
        found = [uid for one in ids for uid in store.look(search.search, one, search.Text(f"subject: {token}"))]
        begin_so = [one for one in present if one.startswith(token)]
        assert len(found) == len(begin_so), f"{token} is there, and a search doesn't tell"
        by_subject = [store.look(search.search, one, search.Field("subject", token)) for one in ids]
        assert any(by_subject), f"{token} is there, and a search by subject doesn't tell"
    return len(present)


def crash(data: Path, numbers: range, chance: random.Random) -> Counter[str]:
    """Rounds in one store; how much was acknowledged, by kind."""
    store = Store.open(data)
    ada = House(store).account()
    store.run(mailbox.create, ada.id, IMPORT_BOX)
    ids = [box.id for box in store.look(mailbox.list_all, ada.id)]
    store.close()
    diary = Diary()
    counted: Counter[str] = Counter()
    for number in numbers:
        for told in kill_at_random(data, number, chance):
            diary.read(told)
        store = Store.open(data)
        tidy.sweep(store)
        import_again(store, ada.id, diary)
        check(store, ids, diary, chance)
        counted["without a file after a kill"] += store.look(fresh.waiting)
        if chance.random() < 0.5:  # as a server does when it starts; or what is left is left to the next round
            fresh.settle(store)
            assert store.look(fresh.waiting) == 0
            check(store, ids, diary, chance)
        assert store.look(lambda tx: tx.value("SELECT modseq FROM account")) >= diary.modseq
        store.close()
    return counted + Counter({word: len(tokens) for word, tokens in diary.done.items()})


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    chance = random.Random(20_231_114)
    told: Counter[str] = Counter()
    for first in range(0, ROUNDS, ROUNDS_A_STORE):
        told += crash(tmp_path / str(first), range(first, min(first + ROUNDS_A_STORE, ROUNDS)), chance)
    print(f"{ROUNDS} rounds; acknowledged: {dict(told)}")
    assert told["appended"] > ROUNDS
