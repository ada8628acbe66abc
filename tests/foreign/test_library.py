"""The library's own tasks on Dovecot and on our own server: list, search, read, mark, file, delete, watch, answer,
export; and sending through Postfix. In both faces."""

from __future__ import annotations

import asyncio
import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dovecot import PASSWORD, dovecot, running
from faced import Faced
from library_page import ADA, WITH_PASSWORD, run_example, surround
from live import PASSWORDS, Live, live
from mailboxes import eventually, inbox
from postfix import postfix
from posthouse import Account, Message, Q, parse
from posthouse.errors import LoginRefused, SmtpRefused
from posthouse.files import read
from posthouse.server.tls import make_self_signed

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


@contextmanager
def door(server: str, folder: Path) -> Iterator[dict[str, Any]]:
    """What an account says of a server that keeps Bob's mail."""
    nowhere = "smtp://127.0.0.1:1?tls=none"
    if server == "Dovecot":
        with dovecot() as port:
            yield {"password": PASSWORD, "imap": f"imap://127.0.0.1:{port}?tls=none", "smtp": nowhere}
        return
    with live(folder) as house:
        yield {
            "password": PASSWORDS[BOB],
            "imap": f"imaps://localhost:{house.port('imaps')}",
            "smtp": nowhere,
            "context": house.tls,
        }


@pytest.fixture(params=["Dovecot", "Posthouse"])
def account(request: pytest.FixtureRequest, face: Faced, tmp_path: Path) -> Iterator[Any]:
    """Bob's, with three letters."""
    with door(request.param, tmp_path / "house") as place:
        with Account(BOB, **place).open() as box:
            for number, subject in enumerate(("Größe", "Files", "Tea?"), 1):
                files = [("big.bin", BIG), ("Übersicht.txt", b"kurz")] if subject == "Files" else []
                letter = Message(from_=f"p{number}@x.org", to=BOB, subject=subject, text=f"text {number}", files=files)
                box.inbox.append(letter)
        yield face.patient(face.module.Account(BOB, **place))


def test_a_days_work(account: Any, tmp_path: Path) -> None:
    with account.open() as box:
        if box.special("\\Trash") is None:
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


@contextmanager
def submission(house: Live) -> Iterator[dict[str, Any]]:
    """Postfix takes letters from whom Dovecot knows, after STARTTLS, and hands them to our server."""
    with tempfile.TemporaryDirectory(prefix="submission") as name, running(Path(name)) as imap:
        certificate, key = make_self_signed(Path(name) / "tls", "postfix.example.net")
        settings = {
            "relayhost": f"[127.0.0.1]:{house.port('smtp')}",
            "smtpd_tls_security_level": "encrypt",
            "smtpd_tls_chain_files": f"{key} {certificate}",
            "smtpd_sasl_auth_enable": "yes",
            "smtpd_sasl_type": "dovecot",
            "smtpd_sasl_path": f"{name}/auth",
            "smtpd_tls_auth_only": "yes",
            "smtpd_recipient_restrictions": "reject_unlisted_recipient permit_sasl_authenticated reject",
            "relay_domains": "example.org",
            "relay_recipient_maps": "inline:{ada@example.org=x bob@example.org=x}",
        }
        with postfix(**settings) as server:
            yield {
                "imap": f"imap://127.0.0.1:{imap}?tls=none",
                "smtp": f"smtp://localhost:{server.port}",
                "context": ssl.create_default_context(cafile=str(certificate)),
            }


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Ada's mail is kept by Dovecot, and her letters go out through Postfix, to our server."""
    with live(tmp_path_factory.mktemp("house")) as house, submission(house) as place:
        yield {"password": PASSWORD, **place}


@pytest.mark.parametrize("number", WITH_PASSWORD)
def test_an_example_of_the_page(
    elsewhere: dict[str, Any], number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/library.md with Dovecot and Postfix; with our own server it is tried in tests/client."""
    surroundings = surround(tmp_path, monkeypatch)
    with Account(ADA, **elsewhere) as ada, ada.open() as box:
        letter = Message(from_=BOB, to=ADA, subject="Tea", text="At five?", files=[("report.pdf", b"%PDF")])
        box.inbox.append(letter)
    run_example(number, elsewhere, surroundings, monkeypatch)


def test_the_mailbox_for_sent_letters_is_made(elsewhere: dict[str, Any]) -> None:
    with Account("cy@example.org", **elsewhere) as me, me.open() as box:
        assert box.special("\\Sent") is None
        first, second = (me.send(BOB, subject, "x") for subject in ("One", "Two"))
        assert (first.copy, first.copy_made, second.copy, second.copy_made) == ("Sent", True, "Sent", False)
        assert [mail.subject for mail in box.sent] == ["Two", "One"]


def test_sending_through_postfix(face: Faced, tmp_path: Path) -> None:
    ann = "ann@example.net"
    with live(tmp_path) as house, submission(house) as place:
        stranger = face.patient(face.module.Account(ann, password="wrong", **place))
        with pytest.raises(LoginRefused):
            stranger.send(BOB, "Hi")
        stranger.close()

        me = face.patient(face.module.Account(f"Ann Ö <{ann}>", password=PASSWORD, **place))
        with me.open() as box:
            box.create("Sent")
        receipt = me.send([BOB, "nobody@example.org"], "Größe", ".\nBis dann!", files=[("big.bin", BIG)])
        assert (receipt.accepted, list(receipt.refused)) == ((BOB,), ["nobody@example.org"])
        with pytest.raises(SmtpRefused, match=r"nobody@example\.org was refused: 550 5\.1\.1"):
            me.send("nobody@example.org", "Hi")
        letter = Message(from_=ann, subject="To {name}", text="Dear {name}")
        outcomes = list(me.send_many(letter.fill(to="ada@example.org", name=f"Ada {n}") for n in range(20)))
        assert [one.accepted for one in outcomes] == [True] * 20
        with me.open() as box:
            assert [mail.subject for mail in box[receipt.copy]] == ["Größe"]
        me.close()

        eventually(lambda: inbox(house, BOB) and len(inbox(house, "ada@example.org")) == 20)
        (arrived,) = map(parse, inbox(house, BOB))
        assert (arrived.subject, arrived.text) == ("Größe", ".\nBis dann!\n")
        assert [file.content for file in arrived.attachments] == [BIG]
