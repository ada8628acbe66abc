"""The store against a plain model: sequences of everything that can be done, watched by two sessions.

A session knows what `changes` has told it, whenever it asked. Then it must know exactly what the model holds.
"""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from posthouse.errors import AlreadyExists, OverQuota, StoreError
from posthouse.message.summary import summarize
from posthouse.store import change, flag, intake, mail, mailbox, quota, search, tidy, verify
from posthouse.store.engine import Store
from store_helpers import NOW, Clock, House, keep, letter

FLAGS = st.frozensets(st.sampled_from(["\\Seen", "\\Deleted", "\\Flagged", "Work", "$Forwarded"]), max_size=3)
NAMES = st.sampled_from(["INBOX", "Archive", "a", "a/b", "c"])
RANGES = st.lists(
    st.tuples(st.integers(1, 8), st.integers(0, 8)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=3
)


@dataclass
class Box:
    """A mailbox of the model: message and flags of each UID."""

    id: int
    uidnext: int = 1
    placed: dict[int, tuple[int, frozenset[str]]] = field(default_factory=dict)
    special_use: str = ""

    def add(self, message: int, flags: frozenset[str]) -> int:
        self.placed[self.uidnext] = message, flags
        self.uidnext += 1
        return self.uidnext - 1

    def among(self, ranges: list[tuple[int, int]]) -> list[int]:
        return [uid for uid in sorted(self.placed) if any(low <= uid <= high for low, high in ranges)]


@dataclass
class Session:
    """What somebody knows who asks for changes now and then."""

    modseq: int = 0
    known: dict[tuple[int, int], tuple[int, frozenset[str]]] = field(default_factory=dict)


class Model(RuleBasedStateMachine):
    """Rules are what sessions do; invariants are what must hold after each."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.store = self.open(Path(self.folder.name))
        house = House(self.store)
        self.account = house.account()
        found = self.store.look(mailbox.list_all, self.account.id)
        self.boxes = {box.name: Box(box.id, special_use=box.special_use) for box in found}
        self.subscribed = {box.name for box in found}
        self.limit: int | None = None
        self.raw = letter()
        self.blob = keep(self.store, self.raw)
        self.summary = summarize(self.raw)
        self.sessions = [Session(), Session()]

    def open(self, folder: Path) -> Store:
        return Store.open(folder, readers=1, clock=self.clock)

    def teardown(self) -> None:
        assert verify.verify(self.store) == []
        self.store.close()
        self.folder.cleanup()

    @rule(names=st.lists(NAMES, min_size=1, max_size=2), flags=FLAGS)
    def append(self, names: list[str], flags: frozenset[str]) -> None:
        boxes = [self.boxes[name] for name in names if name in self.boxes]
        if boxes:
            targets = [intake.Target(box.id, flags) for box in boxes]
            if self.limit is not None and len(self._messages()) >= self.limit:
                with pytest.raises(OverQuota):
                    self.store.run(intake.append, self.blob, self.summary, targets, NOW)
                return
            made = self.store.run(intake.append, self.blob, self.summary, targets, NOW)
            assert [one.uid for one in made] == [box.add(made[0].message_id, flags) for box in boxes]
            assert len({one.message_id for one in made}) == 1

    @rule(name=NAMES, ranges=RANGES, op=st.sampled_from(["add", "remove", "replace"]), flags=FLAGS)
    def store_flags(self, name: str, ranges: list[tuple[int, int]], op: mail.Operation, flags: frozenset[str]) -> None:
        if name in self.boxes:
            box = self.boxes[name]
            self.store.run(mail.store_flags, box.id, ranges, op, flags)
            for uid in box.among(ranges):
                message, old = box.placed[uid]
                box.placed[uid] = message, {"add": old | flags, "remove": old - flags, "replace": flags}[op]

    @rule(name=NAMES, ranges=st.none() | RANGES)
    def expunge(self, name: str, ranges: list[tuple[int, int]] | None) -> None:
        if name in self.boxes:
            box = self.boxes[name]
            gone = [uid for uid in box.among(ranges or [(1, 10**6)]) if "\\Deleted" in box.placed[uid][1]]
            if ranges == []:
                gone = []
            assert self.store.run(mail.expunge, box.id, ranges) == gone
            for uid in gone:
                del box.placed[uid]

    @rule(name=NAMES, ranges=RANGES)
    def remove(self, name: str, ranges: list[tuple[int, int]]) -> None:
        if name in self.boxes:
            box = self.boxes[name]
            gone = box.among(ranges)
            assert self.store.run(mail.remove, box.id, ranges) == gone
            for uid in gone:
                del box.placed[uid]

    @rule(name=NAMES, other=NAMES, ranges=RANGES, moving=st.booleans())
    def copy(self, name: str, other: str, ranges: list[tuple[int, int]], moving: bool) -> None:
        if name in self.boxes and other in self.boxes:
            here, there = self.boxes[name], self.boxes[other]
            uids = here.among(ranges)
            copied = self.store.run(mail.move if moving else mail.copy, here.id, ranges, there.id)
            assert copied[1:] == (uids, [there.add(*here.placed[uid]) for uid in uids])
            for uid in uids if moving else ():
                del here.placed[uid]

    @rule(name=NAMES)
    def create(self, name: str) -> None:
        if name in self.boxes:
            return
        self.store.run(mailbox.create, self.account.id, name)
        self._find_boxes()

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        try:
            self.store.run(mailbox.delete, self.account.id, name)
        except StoreError:
            assert (
                name not in self.boxes or name == "INBOX" or any(other.startswith(f"{name}/") for other in self.boxes)
            )
        else:
            del self.boxes[name]

    @rule(name=NAMES, new_name=NAMES)
    def rename(self, name: str, new_name: str) -> None:
        try:
            self.store.run(mailbox.rename, self.account.id, name, new_name)
        except StoreError:
            assert name not in self.boxes or new_name in self.boxes or new_name.startswith(f"{name}/")
            return
        old = self.boxes
        self._find_boxes()
        if name == "INBOX":  # it stays, and its messages go
            inbox, new = self.boxes["INBOX"], self.boxes[new_name]
            for state in [inbox.placed.pop(uid) for uid in sorted(inbox.placed)]:
                new.add(*state)
            return
        for was in [one for one in old if one == name or one.startswith(f"{name}/")]:
            became = new_name + was.removeprefix(name)
            assert self.boxes[became] is old[was]
            self.subscribed.discard(became)
            if was in self.subscribed:
                self.subscribed.remove(was)
                self.subscribed.add(became)

    @rule(name=NAMES, wanted=st.booleans())
    def subscribe(self, name: str, wanted: bool) -> None:
        self.store.run(mailbox.subscribe if wanted else mailbox.unsubscribe, self.account.id, name)
        (self.subscribed.add if wanted else self.subscribed.discard)(name)

    @rule(name=NAMES, special_use=st.sampled_from(["", "\\Archive", "\\Sent"]))
    def set_special_use(self, name: str, special_use: str) -> None:
        if name not in self.boxes:
            return
        taken = {box.special_use for other, box in self.boxes.items() if other != name}
        if special_use and special_use in taken:
            with pytest.raises(AlreadyExists):
                self.store.run(mailbox.set_special_use, self.boxes[name].id, special_use)
        else:
            self.store.run(mailbox.set_special_use, self.boxes[name].id, special_use)
            self.boxes[name].special_use = special_use

    @rule(limit=st.none() | st.integers(0, 6))
    def limit_messages(self, limit: int | None) -> None:
        self.store.run(quota.set_limits, self.account.id, size=None, messages=limit)
        self.limit = limit

    @rule(name=NAMES, flag_name=st.sampled_from(["\\Seen", "work", "$Never"]), ranges=RANGES)
    def search(self, name: str, flag_name: str, ranges: list[tuple[int, int]]) -> None:
        if name in self.boxes:
            box = self.boxes[name]
            key = search.And((search.Uids(tuple(ranges)), search.Not(search.HasFlag(flag_name))))
            assert self.store.look(search.search, box.id, key) == [
                uid for uid in box.among(ranges) if flag_name.lower() not in {one.lower() for one in box.placed[uid][1]}
            ]

    def _messages(self) -> set[int]:
        return {message for box in self.boxes.values() for message, _ in box.placed.values()}

    def _find_boxes(self) -> None:
        by_id = {box.id: box for box in self.boxes.values()}
        found = self.store.look(mailbox.list_all, self.account.id)
        self.boxes = {one.name: by_id.get(one.id) or Box(one.id) for one in found}

    @rule(seconds=st.sampled_from([0, tidy.GRACE, tidy.MEMORY]))
    def tidy(self, seconds: int) -> None:
        self.clock.now += seconds
        self.store.run(tidy.forget_messages)
        self.store.run(tidy.forget_removals)
        self.store.run(tidy.forget_flags, self.account.id)

    @precondition(lambda self: self.sessions)
    @rule(who=st.integers(0, 1))
    def ask(self, who: int) -> None:
        session = self.sessions[who]
        news = self.store.look(change.changes, self.account.id, session.modseq)
        if not news.complete:  # it was away for too long: it begins anew, as clients do
            session.modseq, session.known = 0, {}
            news = self.store.look(change.changes, self.account.id, 0)
            news = replace(news, vanished=[])
        for one in news.vanished:
            del session.known[one.mailbox_id, one.uid]
        for placed in news.new:
            assert (placed.mailbox_id, placed.uid) not in session.known
        for placed in news.changed:
            assert (placed.mailbox_id, placed.uid) in session.known
        for placed in (*news.new, *news.changed):
            session.known[placed.mailbox_id, placed.uid] = placed.message_id, flag.parse(placed.flags)
        session.modseq = news.modseq
        assert session.known == {
            (box.id, uid): state for box in self.boxes.values() for uid, state in box.placed.items()
        }

    @invariant()
    def rosters_agree(self) -> None:
        if not hasattr(self, "boxes"):
            return
        for box in self.boxes.values():
            roster = self.store.look(lambda tx, box=box: self.store.rosters.of(tx, box.id, len(box.placed)))
            assert roster is not None
            told = {uid: flag.parse(roster.lines[at]) for uid, at in zip(roster.uids, roster.flags, strict=True)}
            assert told == {uid: flags for uid, (_, flags) in box.placed.items()}
            assert self.store.look(mail.uids, box.id) == sorted(box.placed)

    @invariant()
    def counters_agree(self) -> None:
        if not hasattr(self, "boxes"):
            return
        for name, box in self.boxes.items():
            kept = self.store.look(mailbox.find, self.account.id, name)
            assert kept is not None
            states = [flags for _, flags in box.placed.values()]
            assert (kept.id, kept.uidnext, kept.exists) == (box.id, box.uidnext, len(states))
            assert kept.unseen == sum("\\Seen" not in flags for flags in states)
            assert kept.deleted == sum("\\Deleted" in flags for flags in states)
            assert kept.size == len(states) * len(self.raw)
            assert kept.special_use == box.special_use
        assert set(self.store.look(mailbox.subscriptions, self.account.id)) == self.subscribed
        used = self.store.look(quota.get, self.account.id)
        assert (used.messages, used.size) == (len(self._messages()), len(self._messages()) * len(self.raw))


Model.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestModel = Model.TestCase


class PostgresModel(Model):
    """The same on PostgreSQL."""

    conninfo = ""
    schemas = itertools.count()

    def open(self, folder: Path) -> Store:
        import psycopg

        from posthouse.store.postgres import Postgres

        name = f"model{next(self.schemas)}"
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        database = Postgres(f"{self.conninfo} options='-c search_path={name}'")
        return Store.open(folder, readers=1, clock=self.clock, database=database)


@pytest.fixture
def postgres_model(postgres: str) -> None:
    PostgresModel.conninfo = postgres


PostgresModel.TestCase.settings = settings(Model.TestCase.settings, max_examples=8)


@pytest.mark.foreign
@pytest.mark.usefixtures("postgres_model")
class TestPostgresModel(PostgresModel.TestCase):  # type: ignore[misc,name-defined]
    pass
