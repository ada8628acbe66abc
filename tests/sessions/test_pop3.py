"""The POP3 session over a real store: the snapshot, what other sessions do meanwhile, the update."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from imap_conversation import Conversation, MemoryLine
from posthouse.errors import StoreError
from posthouse.message.summary import summarize
from posthouse.sessions import pop3_reading
from posthouse.sessions.pop3 import Pop3Session
from posthouse.sessions.session import BrokenOff
from posthouse.store import account, change, fresh, intake, mail, tidy
from posthouse.store.mailbox import Mailbox
from posthouse.store.password import hash_password
from store_helpers import NOW, Clock, House, keep, letter

PASSWORD = "difference engine"


class Client:
    """A POP3 client in memory, beside the IMAP clients of a `Conversation`."""

    def __init__(self, talk: Conversation, *, login: bool = True) -> None:
        self.talk = talk
        self.line: Any = MemoryLine()
        self.session = Pop3Session(talk.house, self.line, tls=False)
        self.line.session = self.session
        self.session.begin()
        assert self.say("") == b"+OK mail.example.org Posthouse is ready\r\n"
        if login:
            self.say(f"USER {talk.account.address}")
            assert self.say(f"PASS {PASSWORD}").startswith(b"+OK Logged in")

    def say(self, line: str) -> bytes:
        return self.talk.runner.run(self._say(line.encode() + b"\r\n" if line else b""))

    async def _say(self, octets: bytes) -> bytes:
        self.session.machine.receive_data(octets)
        for event in self.session.machine.events():
            await self.session.handle(event)
        await self.line.flush()
        said = bytes(self.line.sent)
        self.line.sent.clear()
        return said


@pytest.fixture
def box(house: House, talk: Conversation) -> Mailbox:
    house.store.run(account.set_password, talk.account.address, hash_password(PASSWORD))
    return house.box(talk.account)


def test_the_whole_message_with_our_own_lines_in_front(house: House, talk: Conversation, box: Mailbox) -> None:
    raw = letter("one")
    appended = house.append(box, raw=raw)
    client = Client(talk)
    (row,) = house.store.look(mail.fetch, box.id, mail.ALL, ["size", "prefix"])
    assert client.say("LIST 1") == b"+OK 1 %d\r\n" % row[1]
    assert client.say("RETR 1") == b"+OK %d octets\r\n" % row[1] + row[2] + raw + b".\r\n"
    assert client.say("UIDL 1") == b"+OK 1 %d.%d\r\n" % (appended[0].uidvalidity, appended[0].uid)


def test_a_prefix_is_part_of_the_message(house: House, talk: Conversation, box: Mailbox) -> None:
    raw, prefix = letter("one", body="1\r\n2\r\n3"), b"Return-Path: <x@example.org>\r\n"
    house.store.run(intake.append, keep(house.store, raw), summarize(raw), [intake.Target(box.id)], NOW, prefix)
    client = Client(talk)
    assert client.say("RETR 1") == b"+OK %d octets\r\n" % len(prefix + raw) + prefix + raw + b".\r\n"
    header = raw.partition(b"\r\n\r\n")[0]
    assert client.say("TOP 1 1") == b"+OK The message's beginning\r\n" + prefix + header + b"\r\n\r\n1\r\n.\r\n"


def test_a_snapshot_sees_nothing_new(house: House, talk: Conversation, box: Mailbox) -> None:
    house.append(box)
    client = Client(talk)
    house.append(box)
    assert client.say("STAT").split()[1] == b"1"
    assert Client(talk).say("STAT").split()[1] == b"2"


def test_what_imap_removes_meanwhile(house: House, talk: Conversation, box: Mailbox, clock: Clock) -> None:
    for subject in ("one", "two", "three"):
        house.append(box, raw=letter(subject))
    client = Client(talk)
    talk.say("a SELECT INBOX")
    talk.say("b STORE 2 +FLAGS (\\Deleted)")
    talk.say("c EXPUNGE")
    assert b"Subject: two" in client.say("RETR 2") and b"Subject: two" in client.say("TOP 2 0")
    assert b"Subject: three" in client.say("RETR 3")
    clock.now += tidy.GRACE + 1
    house.store.run(tidy.forget_messages)
    assert client.say("RETR 2") == b"-ERR Message 2 was removed meanwhile, by another program\r\n"
    assert client.say("TOP 2 0") == b"-ERR Message 2 was removed meanwhile, by another program\r\n"
    assert client.say("DELE 2").startswith(b"+OK")
    assert client.say("QUIT") == b"+OK Goodbye\r\n"
    assert [uid for (uid,) in house.store.look(mail.fetch, box.id, mail.ALL, [])] == [1, 3]


def test_two_at_once_share_the_maildrop(house: House, talk: Conversation, box: Mailbox) -> None:
    house.fill(box, 3)
    one, other = Client(talk), Client(talk)
    for client, number in ((one, 1), (other, 1), (other, 2)):
        assert client.say(f"DELE {number}").startswith(b"+OK")
    assert one.say("QUIT") == other.say("QUIT") == b"+OK Goodbye\r\n"
    assert [uid for (uid,) in house.store.look(mail.fetch, box.id, mail.ALL, [])] == [3]


def test_the_update_is_one_change_with_tombstones(house: House, talk: Conversation, box: Mailbox) -> None:
    house.fill(box, 5)
    before = house.box(talk.account).highestmodseq
    talk.say("a SELECT INBOX")
    client = Client(talk)
    for number in (1, 2, 4):
        client.say(f"DELE {number}")
    house.append(box)
    client.say("QUIT")
    changes = house.store.look(change.changes, talk.account.id, before)
    assert [(one.uid, one.modseq) for one in changes.vanished] == [(uid, before + 2) for uid in (1, 2, 4)]
    assert house.box(talk.account).exists == 3, "the new one stays"
    assert talk.say("b NOOP")[:3] == ["* 4 EXPUNGE", "* 2 EXPUNGE", "* 1 EXPUNGE"]


def test_an_update_that_fails_removes_nothing(
    house: House, talk: Conversation, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.fill(box, 2)
    client = Client(talk)
    client.say("DELE 1")

    def fail(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(mail, "_forget_unplaced", fail)  # late in the transaction
        assert client.say("QUIT").startswith(b"-ERR [SYS/TEMP] The messages could not be deleted; all of them")
    assert house.box(talk.account).exists == 2


def test_without_quit_nothing_is_removed(house: House, talk: Conversation, box: Mailbox) -> None:
    house.fill(box, 2)
    client = Client(talk)
    client.say("DELE 1")
    client.session.farewell("idle for too long")
    assert client.say("") == b"-ERR [SYS/TEMP] Idle for too long\r\n"
    client.session.ended()
    assert house.box(talk.account).exists == 2


def test_in_order_and_out_of_it(house: House, talk: Conversation, box: Mailbox) -> None:
    """Whatever is read ahead, each number gets its own message."""
    raws = [letter(f"number {number}", body="x" * (number * 997 % 5000)) for number in range(1, 81)]
    for raw in raws:
        house.append(box, raw=raw)
    client = Client(talk)
    numbers = [*range(1, 81), 80, 1, 2, 3, 50, 51, 4, 52, 53, 54, 55, 60, *range(80, 0, -1)]
    for number in numbers:
        assert client.say(f"RETR {number}").endswith(raws[number - 1] + b".\r\n")


@pytest.mark.parametrize(("in_memory", "slow", "times"), [(True, 3600.0, 150), (False, 3600.0, 3), (True, -1.0, 9)])
def test_letters_that_the_system_has_in_memory_and_others(
    house: House,
    talk: Conversation,
    box: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
    in_memory: bool,
    slow: float,
    times: int,
) -> None:
    """Those are read on the event loop; when the disk is in it, or some took long, a thread reads the next ones, and
    then it is tried again."""
    raws = [letter(f"number {number}", body=f"{number}\r\n" * 100) for number in range(1, 151)]
    for raw in raws:
        house.append(box, raw=raw)
    fresh.settle(house.store)
    client = Client(talk)
    tried: list[str] = []
    every = house.store.blobs.read_at_once

    def read_at_once(blob_id: str, size: int) -> bytes | None:
        tried.append(blob_id)
        return every(blob_id, size) if in_memory else None

    monkeypatch.setattr(pop3_reading, "SLOW", slow)
    monkeypatch.setattr(house.store.blobs, "read_at_once", read_at_once)
    for number, raw in enumerate(raws, 1):
        assert client.say(f"RETR {number}").endswith(raw + b".\r\n"), number
    assert len(tried) == times


def test_headers_alone_are_read_for_top(
    house: House, talk: Conversation, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    raws = [letter(f"number {number}", body=f"{number}\r\n" * 100) for number in range(1, 41)]
    for raw in raws:
        house.append(box, raw=raw)
    fresh.settle(house.store)
    client = Client(talk)
    most = max(raw.index(b"\r\n\r\n") + 4 for raw in raws)
    read: list[int] = []
    every = house.store.blobs.read_beginnings

    def counted(wanted: Sequence[tuple[str, int]]) -> list[bytes]:
        read.extend(count for _, count in wanted)
        return every(wanted)

    monkeypatch.setattr(house.store.blobs, "read_beginnings", counted)
    for number, raw in enumerate(raws, 1):
        assert client.say(f"TOP {number} 0").endswith(raw[: raw.index(b"\r\n\r\n") + 4] + b".\r\n")
    assert max(read) <= most
    # Turn and turn about: what was read ahead of one is nothing for the other.
    for number, raw in enumerate(raws, 1):
        head, _, body = raw.partition(b"\r\n\r\n")
        assert client.say(f"RETR {number}").endswith(raw + b".\r\n")
        assert client.say(f"TOP {number} 0").endswith(head + b"\r\n\r\n.\r\n")
        assert client.say(f"TOP {number} 1").endswith(head + b"\r\n\r\n" + body[: body.index(b"\n") + 1] + b".\r\n")
    client.session.ended()


def test_many_are_read_in_few_trips(
    house: House, talk: Conversation, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.fill(box, 100)
    client = Client(talk)
    trips: list[tuple[int, int]] = []
    read = pop3_reading._read_some

    def counted(tx: Any, mailbox: Mailbox, first: int, last: int, *more: Any) -> Any:
        trips.append((first, last))
        return read(tx, mailbox, first, last, *more)

    monkeypatch.setattr(pop3_reading, "_read_some", counted)
    for number in range(1, 101):
        client.say(f"RETR {number}")
    # From eight at a time on, the next are read while the client takes the present ones.
    assert trips == [(1, 1), (2, 3), (4, 7), (8, 15), (16, 23), (24, 39), (40, 71), (72, 100)]


def test_a_large_message_takes_little_memory(house: House, talk: Conversation, box: Mailbox) -> None:
    size = 20_000_000
    raw = letter("large", body=("." * 70 + "\r\n") * (size // 72))
    house.append(box, raw=raw)
    client = Client(talk)
    taken = 0
    largest = 0

    async def take() -> None:
        nonlocal taken, largest
        sent = client.session.machine.data_to_send()
        taken += len(sent)
        largest = max(largest, len(sent))

    client.line.flush = take
    tracemalloc.start()
    client.say("RETR 1")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken == len(raw) + raw.count(b"\r\n.") + len(b"+OK 12345678 octets\r\n.\r\n")
    assert largest < 1_000_000 and peak < 3_000_000
    taken = 0
    client.say("TOP 1 0")
    assert taken < 1000


def test_a_message_that_can_not_be_read(house: House, talk: Conversation, box: Mailbox) -> None:
    for subject in ("one", "two", "three"):
        house.append(box, raw=letter(subject))
    (blob,) = [row[1] for row in house.store.look(mail.fetch, box.id, ((2, 2),), ["blob"])]
    fresh.settle(house.store)
    house.store.blobs.path(blob).unlink()
    client = Client(talk)
    assert b"Subject: one" in client.say("RETR 1")
    assert client.say("RETR 2").startswith(b"-ERR [SYS/TEMP] The message can't be read at the moment")
    assert b"Subject: three" in client.say("RETR 3")


def test_a_large_message_that_is_too_short_on_disk_has_no_end(house: House, talk: Conversation, box: Mailbox) -> None:
    house.append(box, raw=letter("large", body="x" * 600_000))
    (blob,) = [row[1] for row in house.store.look(mail.fetch, box.id, mail.ALL, ["blob"])]
    with house.store.blobs.path(blob).open("r+b") as file:
        file.truncate(300_000)
    client = Client(talk)
    with pytest.raises(BrokenOff):
        client.say("RETR 1")
    client.session.farewell("internal error")
    assert not bytes(client.line.sent).endswith(b".\r\n") and b"-ERR" not in client.line.sent


def test_a_mailbox_that_can_not_be_opened(
    house: House, talk: Conversation, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Iterator[None]:
        raise StoreError("the disk is broken")

    client = Client(talk, login=False)
    client.say(f"USER {talk.account.address}")
    with monkeypatch.context() as patched:
        patched.setattr(mail, "fetch", fail)
        assert client.say(f"PASS {PASSWORD}").startswith(b"-ERR [SYS/TEMP] The mailbox can't be opened")
    client.say(f"USER {talk.account.address}")
    assert client.say(f"PASS {PASSWORD}").startswith(b"+OK Logged in")
