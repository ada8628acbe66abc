"""A mailbox that is read by POP3, as an account opens it: what it is like, and what it can't do."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from faced import Faced
from live import PASSWORDS, Live
from posthouse import Account, Message, Q
from posthouse.client.changes import State
from posthouse.client.filter import check, meets
from posthouse.client.keeper import Keeper
from posthouse.errors import ConfigError, ConnectionFailed, NotFound, NotSupported, PosthouseError
from posthouse.message.header import Headers
from scripted import ScriptedServer

ADA, BOB = "ada@example.org", "bob@example.org"
PDF = b"%PDF-1.4 \xff"


def write(house: Live, *subjects: str, **more: Any) -> None:
    """Ada writes to Bob."""
    with Account(
        ADA, password=PASSWORDS[ADA], smtp=f"smtp://localhost:{house.port('submission')}", imap="imap://localhost:1",
        context=house.tls,
    ) as ada:  # fmt: skip
        for subject in subjects:
            ada.send(BOB, subject, f"All about {subject}.", copy=False, **more)


def account(face: Faced, house: Live) -> Any:
    url = f"pop3://localhost:{house.port('pop3')}"
    smtp = f"smtp://localhost:{house.port('submission')}"
    made = face.module.Account(BOB, password=PASSWORDS[BOB], pop3=url, smtp=smtp, context=house.tls)
    return face.patient(made)


def subjects(messages: Any) -> list[str]:
    return [mail.subject for mail in messages]


def test_listing_reading_and_deleting(face: Faced, posthouse: Live, tmp_path: Path) -> None:
    write(posthouse, *[f"letter {number}" for number in range(60)])
    write(posthouse, "report", files=[("report.pdf", PDF)])
    me = account(face, posthouse)
    with me.open() as box:
        assert [one.name for one in box.mailboxes()] == ["INBOX"]
        assert subjects(box.inbox) == ["report", *[f"letter {number}" for number in reversed(range(60))]]
        newest = box.inbox.search("").first()
        assert (newest.from_[0].addr, newest.unread, newest.flags) == (ADA, True, frozenset())
        assert newest.size > 0 and newest.date is not None
        assert newest.text.strip() == "All about report."
        (file,) = newest.attachments
        assert (file.filename, file.content) == ("report.pdf", PDF)
        assert file.save(tmp_path).read_bytes() == PDF
        assert newest.reply("Thanks").subject == "Re: report"
        assert box.inbox.get(newest.uid).raw == newest.raw
        assert box.inbox.export(tmp_path / "all.zip") == 61
        assert len(zipfile.ZipFile(tmp_path / "all.zip").namelist()) == 61
        newest.delete()
        assert box.inbox.count() == 60
        with pytest.raises(NotFound):
            box.inbox.get(newest.uid)
    with me.open() as box:
        assert box.inbox.count() == 60
        assert [mail.uid for mail in box.inbox.newest(2)] == box.inbox.search("").uids()[:-3:-1]
        box.inbox.search("subject:'letter 1'".replace("'", '"')).delete()
    with me.open() as box:
        assert box.inbox.count() == 60 - 11
    me.close()


def test_leaving_by_an_error_deletes_nothing(face: Faced, posthouse: Live) -> None:
    write(posthouse, "one", "two")
    me = account(face, posthouse)
    with pytest.raises(ZeroDivisionError), me.open() as box:
        box.inbox.search("").delete()
        1 / 0  # noqa: B018
    with me.open() as box:
        assert box.inbox.count() == 2


SEARCHES = {
    "is:unread": {"Tea", "Coffee"},
    "is:read": set(),
    "is:flagged OR subject:tea": {"Tea"},
    "from:ada -subject:TEA": {"Coffee"},
    "about": {"Tea", "Coffee"},
    'body:"about coffee"': {"Coffee"},
    "body:nowhere": set(),
    "-body:coffee": {"Tea"},
    "larger:100M": set(),
    "smaller:100M": {"Tea", "Coffee"},
    f"on:{date.today()} OR after:2020-01-01": {"Tea", "Coffee"},
    "before:2020-01-01": set(),
    "to:bob": {"Tea", "Coffee"},
    "cc:bob": set(),
    "(subject:tea OR subject:coffee) -body:tea": {"Coffee"},
}


def test_searching(face: Faced, posthouse: Live) -> None:
    write(posthouse, "Tea", "Coffee")
    with account(face, posthouse).open() as box:
        for query, found in SEARCHES.items():
            assert set(subjects(box.inbox.search(query))) == found, query
        assert box.inbox.search(Q.header("Message-ID")).count() == 2
        assert box.inbox.search(Q.header("X-Nothing")).count() == 0
        assert box.inbox.search("subject:tea").first().subject == "Tea"
        with pytest.raises(NotSupported, match="Younger can't be looked for in a POP3 mailbox"):
            box.inbox.search(Q.imap("YOUNGER 60"))


def test_a_message_is_fetched_only_to_look_inside() -> None:
    headers = Headers(b"Subject: Tea\r\nDate: Mon, 05 Jan 2026 10:00:00 +0000\r\n")
    whole = Message(subject="Tea", text="At five?", from_="ada@x.org", to="bob@x.org")
    for query, from_header, in_all in (
        ("subject:tea body:five", None, True),
        ("subject:coffee body:five", False, False),
        ("subject:tea OR body:five", True, True),
        ("subject:coffee OR body:six", None, False),
        ("-body:five", None, False),
        ("on:2026-01-05", True, True),
        ("before:2026-01-05", False, False),
        ("tea", True, True),
    ):
        key = Q.parse(query).key
        assert meets(key, headers, 100) is from_header, query
        assert meets(key, headers, 100, whole) is in_all, query
    assert meets(Q.imap("SENTON 5-Jan-2026").key, headers, 1) is True
    assert meets(Q.before("2026-01-05").key, Headers(b"Subject: undated\r\n"), 1) is False
    with pytest.raises(NotSupported):
        check(Q.imap("NOT UID 7").key)


def test_what_it_can_not_do(face: Faced, posthouse: Live) -> None:
    write(posthouse, "Tea")
    me = account(face, posthouse)
    with me.open() as box:
        mail = box.inbox.search("").first()
        impossible: list[tuple[Callable[[], object], str]] = [
            (lambda: mail.mark(read=True), "keeps no flags"),
            (lambda: mail.move(box.archive), "none to move messages to"),
            (lambda: mail.copy("Elsewhere"), "none to copy messages to"),
            (lambda: box.archive.count(), "has one mailbox, INBOX: there is none for Archive"),
            (lambda: list(box.sent), "there is none for Sent"),
            (lambda: box["Elsewhere"], "there is no Elsewhere"),
            (lambda: box.create("New"), "no other can be made"),
            (lambda: box.rename("INBOX", "New"), "can't be renamed"),
            (lambda: box.remove("INBOX"), "can't be removed"),
            (lambda: box.inbox.append(b"x"), "takes no messages"),
            (lambda: box.drafts.append(b"x"), "takes no messages"),
        ]
        for operation, words in impossible:
            with pytest.raises(NotSupported, match=words) as caught:
                operation()
            assert str(caught.value).startswith("POP3 ") and "IMAP" in caught.value.advice
        assert box["inbox"].count() == 1
    receipt = me.send(ADA, "Hi", "x")
    assert receipt.copy_failed == "a POP3 server has no mailbox for sent letters"
    me.close()


def test_changes(face: Faced, posthouse: Live) -> None:
    write(posthouse, "one", "two")
    with account(face, posthouse).open() as box:
        first = box.inbox.changes()
        assert subjects(first.new) == ["two", "one"] and not first.vanished
        state = str(first.state)
        gone = box.inbox.search("subject:one").first()
        gone.delete()
        write(posthouse, "three")
        second = box.inbox.changes(since=state)
        assert subjects(second.new) == ["three"]
        assert second.vanished == [gone.uid] and second.changed == {}
        assert State.parse(str(second.state)) == second.state
        assert not box.inbox.changes(since=second.state).new.count()


def test_watching(face: Faced, posthouse: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked again and again; between two questions the mailbox is locked for nobody."""
    monkeypatch.setattr(f"{face.module.__name__}.maildrop.POLL_SECONDS", 0.05)
    write(posthouse, "one", "two")
    with account(face, posthouse).open() as box:
        state = box.inbox.changes().state
        box.inbox.search("subject:one").delete()
        write(posthouse, "three")
        told = []
        for event in box.inbox.watch(since=state, quiet=0.5):
            told.append((event.kind, event.message.subject if event.message else ""))
            if event.message is not None and event.message.subject == "three":
                write(posthouse, "four")
                state = event.state
        assert told == [("gone", ""), ("new", "three"), ("new", "four")]
        assert subjects(box.inbox.changes(since=str(state)).new) == ["four"]


def test_watching_waits_while_somebody_else_has_the_mailbox(face: Faced, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{face.module.__name__}.maildrop.POLL_SECONDS", 0.05)
    monkeypatch.setattr(f"{face.module.__name__}.maildrop.BACKOFF", (0.0,))
    begin = CONNECT.format(more="S: TOP\nS: PIPELINING")
    locked = begin.partition("C: PASS secret")[0] + "C: PASS secret\nS: -ERR [IN-USE] locked\nC: QUIT\nS: +OK"
    heard = "C: TOP 2 0\nC: TOP 1 0\n" + "S: +OK\nS: Subject: x\nS:\nS: .\n" * 2 + "C: QUIT\nS: +OK"
    with ScriptedServer(locked, begin + heard) as server, by_script(face, server).open() as box:
        events = box.inbox.watch(since=State(0, 0), quiet=5)
        assert [next(events).kind, next(events).kind] == ["new", "new"]
        events.close()


CONNECT = """
    TLS
    S: +OK hi
    C: CAPA
    S: +OK
    S: USER
    {more}
    S: .
    C: USER bob@example.org
    S: +OK
    C: PASS secret
    S: +OK
    C: LIST
    S: +OK
    S: 1 100
    S: 2 200
    S: .
    C: UIDL
    S: +OK
    S: 1 same
    S: 2 same
    S: .
"""


def by_script(face: Faced, server: ScriptedServer) -> Any:
    return face.account(BOB, password="secret", pop3=f"pop3s://localhost:{server.port}", smtp="smtp://localhost:1")


def test_a_server_that_knows_little(face: Faced) -> None:
    """No TOP, no PIPELINING, and one name for two copies (RFC 1939 §7)."""
    talk = (
        CONNECT.format(more="")
        + """
        C: RETR 2
        S: +OK
        S: Subject: two
        S:
        S: x
        S: .
        C: RETR 1
        S: -ERR gone
        C: QUIT
        S: +OK
    """
    )
    with ScriptedServer(talk) as server, by_script(face, server).open() as box:
        assert len(set(box.inbox.search("").uids())) == 2
        assert [(mail.subject, mail.size) for mail in box.inbox] == [("two", 200)]


def test_a_connection_that_breaks_is_made_again_and_deletes_what_was_deleted(face: Faced) -> None:
    begin = CONNECT.format(more="S: TOP\nS: PIPELINING").replace("2 same", "2 other")
    with ScriptedServer(
        f"{begin}C: DELE 1\nS: +OK\nC: RETR 2\nCLOSE",
        f"{begin}C: DELE 1\nS: +OK\nC: RETR 2\nS: +OK\nS: x\nS: .\nC: QUIT\nS: +OK",
    ) as server, by_script(face, server).open() as box:  # fmt: skip
        first, second = box.inbox.search("").uids()
        box.inbox.messages([first]).delete()
        assert box.inbox.messages([second]).uids() == [second]
        assert box.inbox.drop.whole(second) == b"x\r\n"


def test_what_was_not_removed_is_told(face: Faced) -> None:
    begin = CONNECT.format(more="S: TOP\nS: PIPELINING")
    with ScriptedServer(
        f"{begin}C: DELE 1\nC: DELE 2\nS: +OK\nS: +OK\nC: QUIT\nS: -ERR [SYS/TEMP] disk full"
    ) as server:
        box = by_script(face, server).open()
        box.inbox.search("").delete()
        with pytest.raises(PosthouseError, match="the deleted messages were not removed: disk full"):
            box.close()


def test_login_finds_pop3_where_there_is_no_imap(face: Faced, posthouse: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    from posthouse.client.url import Protocol, Server

    def find(address: str, domain: str, protocol: Protocol, *_: object) -> Server:
        if protocol is Protocol.IMAP:
            raise ConfigError("the IMAP server can't be found")
        return Server.parse(f"pop3://localhost:{posthouse.port('pop3')}", Protocol.POP3)

    monkeypatch.setattr(f"{face.module.__name__}.account.find_server", find)
    smtp = f"smtp://localhost:{posthouse.port('submission')}"
    made = face.module.Account(BOB, password=PASSWORDS[BOB], smtp=smtp, context=posthouse.tls)
    with face.patient(made) as me:
        me.login()
        with me.open() as box:
            assert box.inbox.count() == 0


def test_nothing_listens(face: Faced) -> None:
    me = face.account(BOB, password="secret", pop3="pop3s://localhost:1", smtp="smtp://localhost:1")
    with pytest.raises(ConnectionFailed, match="nothing listens at localhost:1"), me.open() as box:
        box.inbox.count()
    assert Keeper().accounts() == []
