"""The store against a plain model (store_model.py): sequences of everything that can be done, by two processes.

Two sessions watch. A session knows what `changes` has told it, whenever it asked; then it must know exactly what the
model holds.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from posthouse.errors import StoreError
from posthouse.files import Item
from posthouse.message.summary import summarize
from posthouse.store import backup, change, flag, intake, mail, mailbox, quota, search, tidy, transfer, verify
from posthouse.store.engine import Store
from store_helpers import NOW, Clock, House, keep, letter
from store_model import Box, Flags, Letter, Model, Ranges, Refusal

T = TypeVar("T")
FLAGS = st.frozensets(st.sampled_from(["\\Seen", "\\Deleted", "\\Flagged", "Work", "$Forwarded"]), max_size=3)
DELETED = frozenset({"\\Deleted"})
NAMES = st.sampled_from(["INBOX", "Archive", "a", "a/b"])
RANGES = st.lists(
    st.tuples(st.integers(1, 8), st.integers(0, 8)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=3
)
LETTERS = st.sampled_from([
    Letter("Meeting on Monday", "At noon"),
    Letter("Re: meeting", "one or noon"),
    Letter("Budget", "At noon"),
])  # fmt: skip
SUBJECTS = ("EETI", "e", "re: m", "g on m")  # few, so that answers that were kept are asked for
IMPORTED = st.lists(st.tuples(st.sampled_from(["INBOX", "a"]), LETTERS), min_size=1, max_size=3)


def octets(one: Letter) -> bytes:
    return letter(one.subject, one.body)


@dataclass
class Session:
    """What somebody knows who asks for changes now and then."""

    modseq: int = 0
    known: dict[tuple[int, int], tuple[int, Flags]] = field(default_factory=dict)


class StoreAndModel(RuleBasedStateMachine):
    """Rules are what is done, to the store and to the model; invariants are what must hold after each."""

    can_be_copied = True

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.open(Path(self.folder.name) / "data")
        self.account = House(self.store).account()
        found = self.store.look(mailbox.list_all, self.account.id)
        boxes = {box.name: Box(box.id, box.special_use) for box in found}
        self.model = Model(boxes, {box.name for box in found})
        self.sessions = [Session(), Session()]

    def open(self, data: Path) -> None:
        """As two processes do: what is done is done by the one and by the other in turn."""
        self.stores = [self.open_one(data), self.open_one(data)]
        self.turns = itertools.cycle(self.stores)

    def open_one(self, data: Path) -> Store:
        return Store.open(data, readers=1, clock=self.clock)

    @property
    def store(self) -> Store:
        return next(self.turns)

    def close(self) -> None:
        for store in self.stores:
            store.close()

    def teardown(self) -> None:
        assert verify.verify(self.store) == []
        self.close()
        self.folder.cleanup()

    def both(self, of_model: Callable[[], T], of_store: Callable[..., Any], *args: object, **kwargs: object) -> bool:
        """Do it to both: they give the same, or both refuse. Whether they did it."""
        try:
            expected = of_model()
        except Refusal:
            with pytest.raises(StoreError):
                self.store.run(of_store, *args, **kwargs)
            return False
        given = self.store.run(of_store, *args, **kwargs)
        assert expected is None or given == expected
        return True

    def meet(self) -> None:
        """The mailboxes are those of the model, and what had an id has it still."""
        found = {box.name: box.id for box in self.store.look(mailbox.list_all, self.account.id)}
        assert found.keys() == self.model.boxes.keys()
        for name, box in self.model.boxes.items():
            assert box.id in (0, found[name])
            box.id = found[name]

    @rule(names=st.lists(NAMES, min_size=1, max_size=2), one=LETTERS, flags=FLAGS)
    def append(self, names: list[str], one: Letter, flags: Flags) -> None:
        names = [name for name in names if name in self.model.boxes]
        if not names:
            return
        store, raw = self.store, octets(one)
        targets = [intake.Target(self.model.boxes[name].id, flags) for name in names]
        call = keep(store, raw), summarize(raw), targets, NOW
        try:
            self.model.room_for(1)
        except Refusal:
            with pytest.raises(StoreError):
                store.run(intake.append, *call)
            return
        made = store.run(intake.append, *call)
        assert [one.uid for one in made] == self.model.append(names, made[0].message_id, one, flags)
        assert len({one.message_id for one in made}) == 1

    @rule(name=NAMES, ranges=RANGES, op=st.sampled_from(["add", "remove", "replace"]), flags=FLAGS)
    def store_flags(self, name: str, ranges: Ranges, op: str, flags: Flags) -> None:
        if box := self.model.boxes.get(name):
            self.both(
                lambda: self.model.store_flags(name, ranges, op, flags), mail.store_flags, box.id, ranges, op, flags
            )

    @rule(name=NAMES, ranges=st.none() | RANGES)
    def expunge(self, name: str, ranges: Ranges | None) -> None:
        if box := self.model.boxes.get(name):
            some = mail.ALL if ranges is None else ranges
            self.both(lambda: self.model.remove(name, some, DELETED), mail.expunge, box.id, ranges)

    @rule(name=NAMES, ranges=RANGES)
    def remove(self, name: str, ranges: Ranges) -> None:
        if box := self.model.boxes.get(name):
            self.both(lambda: self.model.remove(name, ranges), mail.remove, box.id, ranges)

    @rule(name=NAMES, other=NAMES, ranges=RANGES, moving=st.booleans())
    def copy(self, name: str, other: str, ranges: Ranges, moving: bool) -> None:
        here, there = self.model.boxes.get(name), self.model.boxes.get(other)
        if here and there:
            expected = self.model.copy(name, other, ranges, moving=moving)
            copied = self.store.run(mail.move if moving else mail.copy, here.id, ranges, there.id)
            assert copied[1:] == expected

    @rule(name=NAMES)
    def create(self, name: str) -> None:
        self.both(lambda: self.model.create(name), mailbox.create, self.account.id, name)
        self.meet()

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        self.both(lambda: self.model.delete(name), mailbox.delete, self.account.id, name)
        self.meet()

    @rule(name=NAMES, new=NAMES)
    def rename(self, name: str, new: str) -> None:
        self.both(lambda: self.model.rename(name, new), mailbox.rename, self.account.id, name, new)
        self.meet()

    @rule(name=NAMES, wanted=st.booleans())
    def subscribe(self, name: str, wanted: bool) -> None:
        change_set = self.model.subscribed.add if wanted else self.model.subscribed.discard
        subscribe = mailbox.subscribe if wanted else mailbox.unsubscribe
        self.both(lambda: change_set(name), subscribe, self.account.id, name)

    @rule(name=NAMES, use=st.sampled_from(["", "\\Archive", "\\Sent"]))
    def set_special_use(self, name: str, use: str) -> None:
        if box := self.model.boxes.get(name):
            self.both(lambda: self.model.set_special_use(name, use), mailbox.set_special_use, box.id, use)

    @rule(limit=st.none() | st.integers(0, 6))
    def limit_messages(self, limit: int | None) -> None:
        self.store.run(quota.set_limits, self.account.id, size=None, messages=limit)
        self.model.limit = limit

    @rule(items=IMPORTED, flags=FLAGS)
    def import_(self, items: list[tuple[str, Letter]], flags: Flags) -> None:
        when = datetime.fromtimestamp(NOW, UTC)
        given = [Item(octets(one), flags, when, "" if name == "INBOX" else name) for name, one in items]
        store = self.store
        try:
            new = self.model.new_of(items)
        except Refusal:
            with pytest.raises(StoreError):
                list(transfer.import_mail(store, self.account.id, given))
            return
        progress = [transfer.Progress(), *transfer.import_mail(store, self.account.id, given)][-1]
        assert progress == transfer.Progress(len(new), len(items) - len(new))
        came = {name: iter(self.behind(name)) for name, _, _ in new}
        self.model.import_(new, [next(came[name]) for name, _, _ in new], flags)
        self.meet()

    def behind(self, name: str) -> list[int]:
        """The messages in the mailbox that the model doesn't have yet."""
        first = self.model.boxes.get(name, Box()).uidnext
        box = self.store.look(mailbox.existing, self.account.id, name)
        rows = self.store.look(mail.fetch, box.id, [(first, 10**6)], ("message_id",))
        return [message_id for _, message_id in rows]

    @rule()
    def export(self) -> None:
        found: dict[str, list[tuple[object, Flags]]] = {}
        for item in transfer.export_mail(self.store, self.account.id):
            found.setdefault(item.folder or "INBOX", []).append((item.octets, item.flags))
        expected = self.model.export()
        assert found == {name: [(octets(one), flags) for one, flags in some] for name, some in expected.items()}

    @precondition(
        lambda self: self.can_be_copied and len(self.model.messages) > 2 and self.stores[0].data.name == "data"
    )
    @rule()
    def back_up_and_lose_and_restore(self) -> None:
        folder = Path(self.folder.name)
        before = {box.id: box.uidvalidity for box in self.store.look(mailbox.list_all, self.account.id)}
        made = backup.backup(self.store, folder / "backups")
        self.store.run(mail.remove, self.model.boxes["INBOX"].id, mail.ALL)  # what comes after it is lost
        self.close()
        backup.restore(made, folder / "restored")
        self.open(folder / "restored")
        after = {box.id: box.uidvalidity for box in self.store.look(mailbox.list_all, self.account.id)}
        assert after.keys() == before.keys()
        assert min(after.values()) > max(before.values())

    @rule(body=st.sampled_from(["", "noon", "or n"]), without=st.sampled_from(["\\Seen", "work", "$Never"]))
    def search(self, body: str, without: str) -> None:
        rest = search.Body(body), search.Not(search.HasFlag(without))
        for (name, box), subject in itertools.product(self.model.boxes.items(), SUBJECTS):
            expected = self.model.search(name, subject)
            assert self.store.look(search.search, box.id, search.Field("subject", subject)) == expected
            expected = self.model.search(name, subject, body, without)
            for key in (search.Field("subject", subject), search.Header("subject", subject)):
                assert self.store.look(search.search, box.id, search.And((key, *rest))) == expected

    @rule()
    def index(self) -> None:
        store = self.store
        if store.index is not None:
            store.index.advance(store)

    @rule(seconds=st.sampled_from([0, tidy.GRACE, tidy.MEMORY]))
    def tidy(self, seconds: int) -> None:
        self.clock.now += seconds
        store = self.store
        store.run(tidy.forget_messages)
        store.run(tidy.forget_removals)
        store.run(tidy.forget_flags, self.account.id)
        if store.index is not None:
            store.index.forget(store)

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
            (box.id, uid): state for box in self.model.boxes.values() for uid, state in box.placed.items()
        }

    @precondition(lambda self: hasattr(self, "model"))
    @invariant()
    def rosters_agree(self) -> None:
        for box in self.model.boxes.values():
            store = self.store
            roster = store.look(store.rosters.of, box.id, len(box.placed))
            assert roster is not None
            flags = [flag.parse(roster.lines[at]) for at in roster.flags]
            assert dict(zip(roster.uids, flags, strict=True)) == {uid: some for uid, (_, some) in box.placed.items()}
            assert store.look(mail.uids, box.id) == list(box.placed)
            if store.index is not None:
                members = store.look(store.rosters.members_of, box.id)
                assert list(zip(members.uids, members.ids, strict=True)) == [
                    (uid, message) for uid, (message, _) in box.placed.items()
                ]

    @precondition(lambda self: hasattr(self, "model"))
    @invariant()
    def counters_agree(self) -> None:
        model = self.model
        sizes = {message: len(octets(one)) for message, one in model.letters.items()}
        for name, box in model.boxes.items():
            kept = self.store.look(mailbox.existing, self.account.id, name)
            states = [flags for _, flags in box.placed.values()]
            assert (kept.id, kept.uidnext, kept.exists) == (box.id, box.uidnext, len(states))
            assert kept.unseen == sum("\\Seen" not in flags for flags in states)
            assert kept.deleted == sum("\\Deleted" in flags for flags in states)
            assert kept.size == sum(sizes[message] for message, _ in box.placed.values())
            assert kept.special_use == box.special_use
        assert set(self.store.look(mailbox.subscriptions, self.account.id)) == model.subscribed
        used = self.store.look(quota.get, self.account.id)
        assert (used.messages, used.size) == (len(model.messages), sum(sizes[message] for message in model.messages))


StoreAndModel.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=50,
    suppress_health_check=[HealthCheck.too_slow],
)
TestModel = StoreAndModel.TestCase


class PostgresAndModel(StoreAndModel):
    """The same on PostgreSQL."""

    can_be_copied = False  # by its own tools
    conninfo = ""
    schemas = itertools.count()

    def open(self, data: Path) -> None:
        import psycopg

        self.schema = f"model{next(self.schemas)}"
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {self.schema}".encode())
        super().open(data)

    def open_one(self, data: Path) -> Store:
        from posthouse.store.postgres import Postgres

        database = Postgres(f"{self.conninfo} options='-c search_path={self.schema}'")
        return Store.open(data, readers=1, clock=self.clock, database=database)


@pytest.fixture
def postgres_model(postgres: str) -> None:
    PostgresAndModel.conninfo = postgres


PostgresAndModel.TestCase.settings = settings(StoreAndModel.TestCase.settings, max_examples=8)


@pytest.mark.foreign
@pytest.mark.usefixtures("postgres_model")
class TestPostgresModel(PostgresAndModel.TestCase):  # type: ignore[misc,name-defined]
    pass
