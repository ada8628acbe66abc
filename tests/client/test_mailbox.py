"""Mailboxes and messages, in both faces: against this project's server, and against servers that can do less."""

from __future__ import annotations

import contextlib
import mailbox
import threading
from pathlib import Path
from typing import Any

import pytest

from faced import Faced
from live import PASSWORDS, Live
from other_servers import LISTED, LISTING, box_of, script, select
from posthouse import Message
from posthouse.client.changes import State
from posthouse.client.query import Q
from posthouse.errors import ConfigError, ConnectionFailed, MailboxRenewed, MailFileError, NotFound
from posthouse.files import read
from posthouse.message.header import Headers
from scripted import ScriptedServer

ADA, BOB = "ada@example.org", "bob@example.org"
BIG = bytes(range(256)) * 4000


def account(face: Faced, house: Live, address: str) -> Any:
    return face.patient(
        face.module.Account(
            address,
            password=PASSWORDS[address],
            smtp=f"smtp://localhost:{house.port('submission')}",
            imap=f"imaps://localhost:{house.port('imaps')}",
            context=house.tls,
        )
    )


@pytest.fixture
def house(face: Faced, posthouse: Live) -> Live:
    """A server with three letters for Bob, the second one with a large file."""
    ada = account(face, posthouse, ADA)
    ada.send(BOB, "One ü", "first text", copy=False)
    ada.send(
        BOB, "Two", "second text", html='<p>second <img src="cid:dot"></p>', copy=False,
        files=[("../../etc/passwd", BIG), ("Übersicht.txt", "kurz")], inline={"dot": ("dot.png", b"\x89PNG")},
    )  # fmt: skip
    ada.send(BOB, "Three", "third text", copy=False)
    ada.close()
    return posthouse


def write(house: Live, subject: str) -> None:
    """Somebody else sends Bob a letter."""
    with account(Faced(None), house, ADA) as ada:
        ada.send(BOB, subject, "x", copy=False)


class TestOurServer:
    def test_a_list_costs_nothing_else(self, face: Faced, house: Live) -> None:
        with account(face, house, BOB).open() as box:
            mails = list(box.inbox)
            assert [mail.subject for mail in mails] == ["Three", "Two", "One ü"]
            assert [mail.from_[0].spec for mail in mails] == [ADA] * 3
            assert all(mail.unread and mail.date and mail.message_id and mail.to[0].spec == BOB for mail in mails)
            assert mails[2].text == "first text\n"
            assert [mail.unread for mail in box.inbox] == [True] * 3, "reading marks nothing"
            assert [mail.subject for mail in box.inbox.newest(2)] == ["Three", "Two"]
            assert box.inbox.count() == 3

    def test_search_mark_move_delete(self, face: Faced, house: Live) -> None:
        with account(face, house, BOB).open() as box:
            found = box.inbox.search(Q.unread & Q.from_("ada") & Q.subject("ü"))
            assert found.uids() == [1]
            found.mark(read=True, flagged=True, add=["work"])
            (mail,) = box.inbox.search("is:flagged")
            assert mail.flags == {"\\Seen", "\\Flagged", "work"}
            mail.mark(flagged=False, remove=["work"])
            assert box.inbox.get(1).flags == {"\\Seen"}

            found.move(box.archive)
            assert [one.subject for one in box.archive] == ["One ü"]
            box.inbox.get(2).copy("Archive")
            assert box.archive.count() == 2

            box.inbox.search("subject:Three").delete()
            assert [one.subject for one in box.trash] == ["Three"]
            box.trash.search().delete()
            assert box.trash.count() == 0
            box.inbox.search().delete(forever=True)
            assert (box.inbox.count(), box.trash.count()) == (0, 0)
            assert box.inbox.search("from:nobody").first() is None
            box.inbox.search("from:nobody").delete()

    def test_only_the_files_that_are_wanted_are_fetched(self, face: Faced, house: Live, tmp_path: Path) -> None:
        with account(face, house, BOB).open() as box:
            mail = box.inbox.get(2)
            assert mail.text == "second text\n" and "cid:dot" in mail.html
            dot, big, small = mail.attachments
            assert (dot.filename, dot.type, dot.cid, dot.inline) == ("dot.png", "image/png", "dot", True)
            assert (big.filename, small.filename) == ("passwd", "Übersicht.txt")
            assert abs(big.size - len(BIG)) < 100
            assert big.save(tmp_path / "new") == tmp_path / "new" / "passwd"
            assert (tmp_path / "new" / "passwd").read_bytes() == BIG
            assert big.save(tmp_path / "new").name == "passwd (2)"
            assert small.content == b"kurz"
            assert mail.headers.get("subject") == "Two"
            assert mail._awaited._whole is None if hasattr(mail, "_awaited") else mail._whole is None

            whole = mail.load()
            assert [file.content for file in whole.attachments] == [b"\x89PNG", BIG, b"kurz"]
            assert mail.raw == bytes(whole)
            assert mail.save(tmp_path / "two.eml").read_bytes() == mail.raw

    def test_answers(self, face: Faced, house: Live) -> None:
        bob = account(face, house, BOB)
        with bob.open() as box:
            mail = box.inbox.get(1)
            answer = mail.reply("Thanks")
            assert (answer.subject, answer.to[0].spec, answer.from_[0].spec) == ("Re: One ü", ADA, BOB)
            assert answer.in_reply_to == (mail.message_id,)
            assert "> first text" in answer.text
            bob.send(answer)
            forwarded = box.inbox.get(2).forward(ADA, "see there")
            assert [file.filename for file in forwarded.attachments] == ["dot.png", "passwd", "Übersicht.txt"]
        bob.close()

    def test_a_box_of_ones_own(self, face: Faced, house: Live) -> None:
        with account(face, house, BOB).open() as box:
            box.create("Projects/2026")
            box["Projects/2026"].append(Message(from_=BOB, to=ADA, bcc="eve@x.org", subject="Plan"), flags=["\\Draft"])
            (mail,) = box["Projects/2026"]
            assert mail.flags == {"\\Draft"} and mail.load().bcc[0].spec == "eve@x.org"
            box.rename("Projects/2026", "Projects/Old")
            assert "Projects/Old" in [one.name for one in box.mailboxes()]
            box.remove("Projects/Old")
            assert "Projects/Old" not in [one.name for one in box.mailboxes()]
            with pytest.raises(NotFound, match="no message 77 in INBOX"):
                box.inbox.get(77)

    def test_export(self, face: Faced, house: Live, tmp_path: Path) -> None:
        with account(face, house, BOB).open() as box:
            box.inbox.get(3).mark(read=True)
            assert box.inbox.export(tmp_path / "inbox.mbox") == 3
            with contextlib.closing(mailbox.mbox(tmp_path / "inbox.mbox")) as written:
                messages = list(written)
            assert [message["Subject"] for message in messages][1:] == ["Two", "Three"]
            assert set(messages[2].get_flags()) == set("RO")
            assert box.inbox.search("subject:Two").export(tmp_path / "two.zip") == 1
            with pytest.raises(MailFileError, match="exists already"):
                box.inbox.export(tmp_path / "two.zip")

    @pytest.mark.parametrize("name", ["inbox.mbox", "inbox.zip", "inbox"])
    def test_an_export_that_goes_on(self, face: Faced, house: Live, tmp_path: Path, name: str) -> None:
        folder = tmp_path / "archive"
        folder.mkdir()
        with account(face, house, BOB).open() as box:
            assert box.inbox.search("subject:Two").export(folder / name) == 1
            told: list[tuple[int, int]] = []
            assert box.inbox.export(folder / name, add=True, progress=lambda *counts: told.append(counts)) == 2
            assert told == [(1, 2), (2, 2)]
            assert box.inbox.export(folder / name, add=True) == 0
            write(house, "Four")
            assert box.inbox.export(folder / name, add=True) == 1
        subjects = [Headers(item.header()).get("subject") for item in read(folder / name)]
        assert sorted(subjects) == ["Four", "One ü", "Three", "Two"]
        assert [path.name for path in folder.iterdir()] == [name]

    def test_changes(self, face: Faced, house: Live) -> None:
        with account(face, house, BOB).open() as box:
            everything = box.inbox.changes()
            assert everything.new.count() == 3
            assert not everything.changed and not everything.vanished
            state = str(everything.state)
            write(house, "Four")
            box.inbox.get(1).mark(read=True)
            box.inbox.get(2).delete(forever=True)
            delta = box.inbox.changes(since=state)
            assert [mail.subject for mail in delta.new] == ["Four"]
            assert delta.changed == {1: {"\\Seen"}}
            assert (delta.vanished, delta.reset) == ([2], False)
            again = box.inbox.changes(since=delta.state)
            assert (again.new.count(), again.changed, again.vanished) == (0, {}, [])

    def test_watching(self, face: Faced, house: Live) -> None:
        with account(face, house, BOB).open() as box:
            state = box.inbox.changes().state
            box.inbox.get(1).mark(read=True)
            events = box.inbox.watch(since=state, quiet=30)
            first = next(events)
            assert (first.kind, first.uid, first.flags) == ("changed", 1, {"\\Seen"})

            writer = threading.Thread(target=write, args=(house, "While you wait"))
            writer.start()
            arrived = next(events)
            writer.join()
            assert (arrived.kind, arrived.message.subject) == ("new", "While you wait")
            events.close()
            assert list(box.inbox.watch(since=arrived.state, quiet=0)) == []


class TestOtherServers:
    def test_no_move_and_no_uidplus(self, face: Faced) -> None:
        talk = rf"""
            {select(2)}
            C: P3 UID COPY 5,7 Archive
            S: P3 OK done
            C: P4 UID STORE 5,7 +FLAGS.SILENT (\Deleted)
            S: P4 OK done
            C: P5 LOGOUT
            S: P5 OK bye
        """
        with ScriptedServer(script("IMAP4rev1", talk)) as server, box_of(face, server) as box:
            box.inbox.messages([7, 5]).move("Archive")

    def test_no_move(self, face: Faced) -> None:
        talk = rf"""
            {select(2)}
            C: P3 UID COPY 5 Archive
            S: P3 OK done
            C: P4 UID STORE 5 +FLAGS.SILENT (\Deleted)
            S: P4 OK done
            C: P5 UID EXPUNGE 5
            S: P5 OK done
            C: P6 LOGOUT
            S: P6 OK bye
        """
        with ScriptedServer(script("IMAP4rev1 UIDPLUS", talk)) as server, box_of(face, server) as box:
            box.inbox.messages([5]).move("Archive")

    def test_all_mailboxes_are_below_inbox(self, face: Faced) -> None:
        talk = rf"""
            C: P2 LIST "" "*"
            S: * LIST () "." INBOX
            S: P2 OK done
            C: P3 CREATE Archive
            S: P3 NO not outside of INBOX
            C: P4 LIST "" "*"
            S: * LIST () "." INBOX
            S: P4 OK done
            C: P5 CREATE INBOX.Archive
            S: P5 OK done
            C: P6 SUBSCRIBE INBOX.Archive
            S: P6 OK done
            {select(7)}
            C: P8 UID MOVE 5 INBOX.Archive
            S: P8 OK done
            C: P9 LOGOUT
            S: P9 OK bye
        """
        with ScriptedServer(script("IMAP4rev1 MOVE", talk)) as server, box_of(face, server) as box:
            box.inbox.messages([5]).move(box.archive)

    def test_a_connection_that_breaks_is_made_again(self, face: Faced) -> None:
        first = f"{select(2)}C: P3 UID STORE 5 +FLAGS.SILENT (*Seen)\nCLOSE"
        second = f"{select(2)}C: P3 UID STORE 5 +FLAGS.SILENT (*Seen)\nS: P3 OK done\nC: P4 LOGOUT\nS: P4 OK bye"
        with (
            ScriptedServer(script("IMAP4rev1", first), script("IMAP4rev1", second)) as server,
            box_of(face, server) as box,
        ):
            box.inbox.messages([5]).mark(read=True)

    def test_nothing_is_copied_twice(self, face: Faced) -> None:
        first = f"{select(2)}C: P3 UID COPY 5 Old\nCLOSE"
        with (
            ScriptedServer(script("IMAP4rev1", first)) as server,
            box_of(face, server) as box,
            pytest.raises(ConnectionFailed),
        ):
            box.inbox.messages([5]).copy("Old")

    def test_a_mailbox_that_was_made_anew_meanwhile(self, face: Faced) -> None:
        found = "C: P3 NOOP\nS: P3 OK\nC: P4 UID SEARCH SEEN\nS: * SEARCH 5\nS: P4 OK done\n"
        first = f"{select(2)}{found}C: P5 UID STORE *\nCLOSE"
        second = f"{select(2, validity=8)}C: P3 LOGOUT\nS: P3 OK bye"
        with (
            ScriptedServer(script("IMAP4rev1", first), script("IMAP4rev1", second)) as server,
            box_of(face, server) as box,
        ):
            found = box.inbox.search("is:read")
            assert found.count() == 1
            with pytest.raises(MailboxRenewed, match="other numbers now"):
                found.mark(flagged=True)

    def test_a_structure_that_is_none(self, face: Faced) -> None:
        talk = f"""
            {select(2, exists=1)}
            C: P3 UID FETCH 5 {LISTING}
            S: * 1 FETCH (UID 5 RFC822.SIZE 1000000 {LISTED} {{14}}
            S: Subject: odd
            S: )
            S: P3 OK done
            C: P4 UID FETCH 5 (UID BODYSTRUCTURE)
            S: * 1 FETCH (UID 5 BODYSTRUCTURE (NIL NIL ("" "")))
            S: P4 OK done
            C: P5 UID FETCH 5 (UID BODY.PEEK[])
            S: * 1 FETCH (UID 5 BODY[] {{20}}
            S: Subject: odd
            S:
            S: hi
            S: )
            S: P5 OK done
            C: P6 LOGOUT
            S: P6 OK bye
        """
        with ScriptedServer(script("IMAP4rev1", talk)) as server, box_of(face, server) as box:
            (mail,) = box.inbox.messages([5])
            assert mail.subject == "odd"
            assert mail.text == "hi\n"


class TestChanges:
    def test_condstore_alone_compares_uids(self, face: Faced) -> None:
        modseq = "S: * OK [HIGHESTMODSEQ {}] ok\nS: * OK [UIDNEXT {}] ok"
        talk = rf"""
            {select(2, more=modseq.format(10, 9))}
            C: P3 UID SEARCH ALL
            S: * SEARCH 5 6 8
            S: P3 OK done
            {select(4, more=modseq.format(14, 11))}
            C: P5 UID SEARCH ALL
            S: * SEARCH 5 8 10
            S: P5 OK done
            C: P6 UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 10)
            S: * 2 FETCH (UID 8 MODSEQ (12) FLAGS (\Seen))
            S: * 3 FETCH (UID 10 MODSEQ (14) FLAGS ())
            S: P6 OK done
            C: P7 LOGOUT
            S: P7 OK bye
        """
        with ScriptedServer(script("IMAP4rev1 CONDSTORE", talk)) as server, box_of(face, server) as box:
            state = box.inbox.changes().state
            assert str(state) == '[7,9,10,"5:6,8",{}]'
            delta = box.inbox.changes(since=state)
            assert (delta.new.uids(), delta.changed, delta.vanished) == ([10], {8: {"\\Seen"}}, [6])
            assert State.parse(str(delta.state)) == delta.state

    def test_without_modseq_flags_are_compared(self, face: Faced) -> None:
        talk = rf"""
            {select(2)}
            C: P3 UID SEARCH ALL
            S: * SEARCH 5 6 8
            S: P3 OK done
            C: P4 UID FETCH 1:* (UID FLAGS)
            S: * 1 FETCH (UID 5 FLAGS (\Recent))
            S: * 2 FETCH (UID 6 FLAGS (\Seen))
            S: * 3 FETCH (UID 8 FLAGS ())
            S: P4 OK done
            {select(5)}
            C: P6 UID SEARCH ALL
            S: * SEARCH 5 8 9
            S: P6 OK done
            C: P7 UID FETCH 1:* (UID FLAGS)
            S: * 1 FETCH (UID 5 FLAGS ())
            S: * 2 FETCH (UID 8 FLAGS (\Seen \Flagged))
            S: * 3 FETCH (UID 9 FLAGS ())
            S: P7 OK done
            C: P8 LOGOUT
            S: P8 OK bye
        """
        with ScriptedServer(script("IMAP4rev1", talk)) as server, box_of(face, server) as box:
            state = box.inbox.changes().state
            delta = box.inbox.changes(since=str(state))
            assert (delta.new.uids(), delta.vanished) == ([9], [6])
            assert delta.changed == {8: {"\\Seen", "\\Flagged"}}

    def test_a_mailbox_made_anew_is_all_new(self, face: Faced) -> None:
        talk = f"{select(2)}C: P3 UID SEARCH ALL\nS: * SEARCH 1\nS: P3 OK done\n" + (
            "C: P4 UID FETCH 1:* (UID FLAGS)\nS: * 1 FETCH (UID 1 FLAGS ())\nS: P4 OK done\nC: P5 LOGOUT\nS: P5 OK bye"
        )
        with ScriptedServer(script("IMAP4rev1", talk)) as server, box_of(face, server) as box:
            delta = box.inbox.changes(since=State(6, 100, None))
            assert (delta.reset, delta.new.uids(), delta.vanished) == (True, [1], [])

    @pytest.mark.parametrize(
        "text", ["", "nonsense", "[]", "[1,2]", '[1,2,3,"x",{}]', '[1,2,3,"1",5]', '["a",2,3,"1",{}]']
    )
    def test_what_is_no_state(self, text: str) -> None:
        with pytest.raises(ConfigError, match="no state"):
            State.parse(text)
