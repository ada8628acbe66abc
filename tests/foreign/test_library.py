"""The library's own tasks on Dovecot: list, search, read, mark, file, delete, watch, answer, export; in both faces."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dovecot import PASSWORD, dovecot
from faced import Faced
from posthouse import Account, Message, Q
from posthouse.files import read

pytestmark = pytest.mark.foreign

BOB = "bob@example.org"
BIG = os.urandom(600_000)


@pytest.fixture(params=["blocking", "asyncio"])
def face(request: pytest.FixtureRequest) -> Iterator[Faced]:
    if request.param == "blocking":
        yield Faced(None)
        return
    with asyncio.Runner() as runner:
        yield Faced(runner)


@pytest.fixture
def account(face: Faced) -> Iterator[Any]:
    """Bob's, with three letters."""
    with dovecot() as port:
        place = {"imap": f"imap://127.0.0.1:{port}?tls=none", "smtp": "smtp://127.0.0.1:1?tls=none"}
        with Account(BOB, password=PASSWORD, **place).open() as box:
            for number, subject in enumerate(("Größe", "Files", "Tea?"), 1):
                files = [("big.bin", BIG), ("Übersicht.txt", b"kurz")] if subject == "Files" else []
                letter = Message(from_=f"p{number}@x.org", to=BOB, subject=subject, text=f"text {number}", files=files)
                box.inbox.append(letter)
        yield face.patient(face.module.Account(BOB, password=PASSWORD, **place))


def test_a_days_work(account: Any, tmp_path: Path) -> None:
    with account.open() as box:
        box.create("Trash", "\\Trash")
        assert [mail.subject for mail in box.inbox] == ["Tea?", "Files", "Größe"]
        found = box.inbox.search(Q.unread & Q.from_("p1") & Q.since("2020-01-01"))
        assert found.uids() == box.inbox.search("subject:Größe").uids() == [1]
        assert box.inbox.search("from:p1 OR from:p3").uids() == [1, 3]

        files = box.inbox.get(2)
        assert files.text == "text 2\n"
        big, small = files.attachments
        assert big.save(tmp_path).read_bytes() == BIG and small.content == b"kurz"

        answer = box.inbox.search("subject:Tea").first().reply("Gladly!")
        assert (answer.subject, answer.to[0].spec) == ("Re: Tea?", "p3@x.org")

        found.mark(read=True, add=["old"])
        found.move(box.archive)
        (filed,) = box.archive
        assert (filed.subject, filed.flags - {"\\Recent"}) == ("Größe", {"\\Seen", "old"})
        assert box.inbox.export(tmp_path / "inbox.mbox") == 2
        box.inbox.search("subject:Files").delete()
        assert ([one.subject for one in box.trash], box.inbox.count()) == (["Files"], 1)
        assert box.inbox.export(tmp_path / "inbox.mbox", add=True) == 0
        assert len(list(read(tmp_path / "inbox.mbox"))) == 2
        box.trash.search().delete()
        assert box.trash.count() == 0

        state = box.inbox.changes().state
        box.create("Entwürfe & Co")
        box["Entwürfe & Co"].append(b"Subject: a\n\nb\n")
        assert box["Entwürfe & Co"].count() == 1
        box.inbox.append(b"Subject: New\n\nb\n")
        assert [one.subject for one in box.inbox.changes(since=state).new] == ["New"]


def test_waiting(account: Any) -> None:
    with account.open() as box:
        state = box.inbox.changes().state
        events = box.inbox.watch(since=state, quiet=30)
        box.inbox.get(1).mark(flagged=True)
        changed = next(events)
        assert (changed.kind, changed.uid, changed.flags - {"\\Recent"}) == ("changed", 1, {"\\Flagged"})
        box.inbox.append(b"Subject: While you wait\n\nb\n")
        arrived = next(events)
        assert (arrived.kind, arrived.message.subject) == ("new", "While you wait")
        events.close()
