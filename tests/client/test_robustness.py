"""What users of other mail software suffered from, as far as it is a client's part: each with where it was reported.

What a letter alone can do is in tests/message/test_robustness.py, and what the big providers say in test_providers.py.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from faced import Faced
from other_servers import LISTED, LISTING, box_of, script, select
from posthouse import Message
from posthouse.client import imap_careful, slowed
from posthouse.client.aio import mailbox as aio_mailbox
from posthouse.client.sync import mailbox as sync_mailbox
from posthouse.errors import ConnectionFailed, ImapRefused, RemoteProtocolError
from posthouse.files import read
from scripted import ScriptedServer

COURIER = "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE ACL ACL2=UNION"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(slowed, "PAUSES", ())
    for module in (aio_mailbox, sync_mailbox):
        monkeypatch.setattr(module, "BACKOFF", (0.0,))
    yield


def bye(n: int) -> str:
    return f"C: P{n} LOGOUT\nS: * BYE\nS: P{n} OK bye\n"


def fetched(number: int, uid: int, subject: str) -> str:
    return f"S: * {number} FETCH (UID {uid} FLAGS () {LISTED} {{{len(subject) + 11}}}\nS: Subject: {subject}\nS: )\n"


UNREADABLE = "NO [UNAVAILABLE] UID FETCH Server error while fetching messages"


class TestMessagesThatCanNotBeHad:
    """imapsync#119, ikvk/imap_tools#229 (Yahoo); "Some messages could not be FETCHed (Failure)" (Gmail): a message that
    the server can't read costs that message, and not the batch that it stands in."""

    def test_only_that_one_is_lost(self, face: Faced) -> None:
        talk = f"""
            {select(2, exists=4)}
            C: P3 FETCH 1:4 {LISTING}
            S: P3 {UNREADABLE}
            C: P4 FETCH 1:4 {LISTING}
            S: P4 {UNREADABLE}
            C: P5 FETCH 1:2 {LISTING}
            {fetched(1, 11, "one")}{fetched(2, 12, "two")}
            S: P5 OK done
            C: P6 FETCH 3:4 {LISTING}
            S: P6 {UNREADABLE}
            C: P7 FETCH 3 {LISTING}
            S: P7 {UNREADABLE}
            C: P8 FETCH 3 (UID FLAGS)
            S: * 3 FETCH (UID 13 FLAGS (*Seen))
            S: P8 OK done
            C: P9 FETCH 4 {LISTING}
            {fetched(4, 14, "four")}
            S: P9 OK done
            {bye(10)}
        """.replace("(*Seen)", r"(\Seen)")
        with ScriptedServer(script("IMAP4rev1", talk)) as server, box_of(face, server) as box:
            listed = [(mail.uid, mail.subject, mail.unread) for mail in box.inbox]
        assert listed == [(14, "four", True), (13, "", False), (12, "two", True), (11, "one", True)]

    def test_what_came_before_the_refusal_holds(self, face: Faced) -> None:
        part = f"{fetched(1, 11, 'one')}{fetched(2, 12, 'two')}"
        talk = f"""
            {select(2)}
            C: P3 UID FETCH 11:13 {LISTING}
            {part}
            S: P3 NO Some messages could not be FETCHed (Failure)
            C: P4 UID FETCH 11:13 {LISTING}
            {part}
            S: P4 NO Some messages could not be FETCHed (Failure)
            C: P5 UID FETCH 13 (UID FLAGS)
            S: P5 NO Some messages could not be FETCHed (Failure)
            {bye(6)}
        """
        with ScriptedServer(script("IMAP4rev1", talk)) as server, box_of(face, server) as box:
            listed = [(mail.uid, mail.subject) for mail in box.inbox.messages([11, 12, 13])]
        assert listed == [(13, ""), (12, "two"), (11, "one")]

    def test_a_server_that_gives_nothing_is_no_mailbox_of_nothing(
        self, face: Faced, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(imap_careful, "MAX_LOST", 1)
        sets = [f"1:4 {LISTING}", f"1:4 {LISTING}", f"1:2 {LISTING}", f"1 {LISTING}", "1 (UID FLAGS)", f"2 {LISTING}"]
        refused = "".join(
            f"C: P{n} UID FETCH {wanted}\nS: P{n} NO [SERVERBUG] Internal error\n" for n, wanted in enumerate(sets, 3)
        )
        with (
            ScriptedServer(script("IMAP4rev1", select(2) + refused + bye(9))) as server,
            box_of(face, server) as box,
            pytest.raises(ImapRefused, match="Internal error"),
        ):
            list(box.inbox.messages(range(1, 5)))

    def test_an_export_has_all_others_and_says_which_is_missing(self, face: Faced, tmp_path: Path) -> None:
        whole = "(UID FLAGS INTERNALDATE BODY.PEEK[])"
        letter = "S: * {n} FETCH (UID {n} FLAGS () BODY[] {{14}}\nS: Subject: {n}\nS:\nS: )\n"
        talk = f"""
            {select(2)}
            C: P3 UID FETCH 1:2 (UID RFC822.SIZE)
            S: * 1 FETCH (UID 1 RFC822.SIZE 14)
            S: * 2 FETCH (UID 2 RFC822.SIZE 14)
            S: P3 OK done
            C: P4 UID FETCH 1:2 {whole}
            S: P4 NO [SERVERBUG] broken
            C: P5 UID FETCH 1:2 {whole}
            S: P5 NO [SERVERBUG] broken
            C: P6 UID FETCH 1 {whole}
            {letter.format(n=1)}
            S: P6 OK done
            C: P7 UID FETCH 2 {whole}
            S: P7 NO [SERVERBUG] broken
            C: P8 UID FETCH 2 (UID FLAGS)
            S: * 2 FETCH (UID 2 FLAGS ())
            S: P8 OK done
            {bye(9)}
        """
        target = tmp_path / "kept.mbox"
        with (
            ScriptedServer(script("IMAP4rev1", talk)) as server,
            box_of(face, server) as box,
            pytest.raises(ImapRefused, match="does not give message 2 of INBOX") as error,
        ):
            box.inbox.messages([1, 2]).export(target)
        assert [item.header().split(b"\n")[0].strip() for item in read(target)] == [b"Subject: 1"]
        assert f"All others (1) are in {target}" in error.value.advice


class TestAnswersThatAreCutOrGarbled:
    @pytest.mark.parametrize(
        "answer", ["S: * SEARCH 1 2 3,4", "S: * SEARCH 1 two", "S: * ESEARCH (TAG P4) UID ALL 1:x"]
    )
    def test_a_search_that_can_not_be_read_is_not_nothing(self, face: Faced, answer: str) -> None:
        talk = f"{select(2)}C: P3 NOOP\nS: P3 OK\nC: P4 UID SEARCH NOT SEEN\n{answer}\nS: P4 OK done\nWAIT"
        with (
            ScriptedServer(script("IMAP4rev1", talk)) as server,
            pytest.raises(RemoteProtocolError, match="can't be read"),
            box_of(face, server) as box,
        ):
            box.inbox.search("is:unread").uids()

    def test_a_search_that_is_cut_off_is_asked_again(self, face: Faced) -> None:
        """Half a list of numbers is no list: 12 would be message 1."""
        first = f"{select(2)}C: P3 NOOP\nS: P3 OK\nC: P4 UID SEARCH NOT SEEN\nPART * SEARCH 10 1\nCLOSE"
        again = f"{select(2)}C: P3 NOOP\nS: P3 OK\nC: P4 UID SEARCH NOT SEEN\nS: * SEARCH 10 12 \nS: P4 OK\n{bye(5)}"
        with (
            ScriptedServer(script("IMAP4rev1", first), script("IMAP4rev1", again)) as server,
            box_of(face, server) as box,
        ):
            assert box.inbox.search("is:unread").uids() == [10, 12]

    @pytest.mark.parametrize(
        "found", ["S: * SEARCH 1 2\nS: * SEARCH 3", "S: * SEARCH\nS: * SEARCH 1 2 3 ", "S: * search 3 1 2"]
    )
    def test_a_search_in_pieces(self, face: Faced, found: str) -> None:
        talk = f"{select(2)}C: P3 NOOP\nS: P3 OK\nC: P4 UID SEARCH NOT SEEN\n{found}\nS: P4 OK done\n{bye(5)}"
        with ScriptedServer(script("IMAP4rev1", talk)) as server, box_of(face, server) as box:
            assert box.inbox.search("is:unread").uids() == [1, 2, 3]

    def test_no_answer_to_a_search_is_nothing_found(self, face: Faced) -> None:
        talk = f"{select(2)}C: P3 NOOP\nS: P3 OK\nC: P4 UID SEARCH NOT SEEN\nS: P4 OK nothing matches\n{bye(5)}"
        with ScriptedServer(script("IMAP4rev1", talk)) as server, box_of(face, server) as box:
            assert box.inbox.search("is:unread").uids() == []

    @pytest.mark.parametrize(
        "addresses",
        [
            "((NIL NIL NIL NIL))", '((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL))', "(NIL)", '""', "()",
            '(("Ann" NIL NIL "x.org"))', '((NIL NIL "ann" ""))',
        ],
    )  # fmt: skip
    def test_addresses_of_nil(self, face: Faced, addresses: str) -> None:
        """jstedfast/MailKit#371, #1393: ENVELOPE with NIL where an address should be, unasked for: the rest holds."""
        envelope = f'("Mon, 1 Jan 2024 00:00:00 +0000" "x" {addresses} {addresses} NIL {addresses} NIL NIL NIL "<1@x>")'
        talk = f"""
            {select(2, exists=1)}
            C: P3 UID FETCH 5 {LISTING}
            S: * 1 FETCH (ENVELOPE {envelope} UID 5 FLAGS () {LISTED} {{14}}
            S: Subject: odd
            S: )
            S: P3 OK done
            {bye(4)}
        """
        with ScriptedServer(script("IMAP4rev1", talk)) as server, box_of(face, server) as box:
            (mail,) = box.inbox.messages([5])
            assert (mail.uid, mail.subject, mail.from_, mail.to) == (5, "odd", (), ())


WHOLE = """
    C: P{n} UID FETCH 5 (UID BODY.PEEK[])
    S: * 1 FETCH (UID 5 BODY[] {{20}}
    S: Subject: odd
    S:
    S: hi
    S: )
    S: P{n} OK done
"""
MIXED = (
    '(("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 4 1 NIL NIL NIL NIL)'
    '("application" "pdf" NIL NIL NIL "base64" 900000 NIL ("attachment" ("filename" "a.pdf")) NIL NIL) "mixed")'
)
ASKED = "(UID BODY.PEEK[HEADER] BODY.PEEK[1.MIME] BODY.PEEK[2.MIME])"


@pytest.mark.parametrize(
    "talk",
    [
        # Exchange: multipart without parts; a boundary of NIL; an empty list; "" for a type; parentheses missing
        'S: * 1 FETCH (UID 5 BODYSTRUCTURE ("mixed" ("boundary" NIL) NIL NIL))\nS: P4 OK done\n' + WHOLE.format(n=5),
        "S: * 1 FETCH (UID 5 BODYSTRUCTURE ())\nS: P4 OK done\n" + WHOLE.format(n=5),
        "S: * 1 FETCH (UID 5 BODYSTRUCTURE NIL)\nS: P4 OK done\n" + WHOLE.format(n=5),
        'S: * 1 FETCH (UID 5 BODYSTRUCTURE ("text" "plain" ("charset"\nS: P4 OK done\n' + WHOLE.format(n=5),
        "S: P4 BAD Command Argument Error. 12\n" + WHOLE.format(n=5),
        # 163, Exchange: parts that aren't there when they are asked for
        f"S: * 1 FETCH (UID 5 BODYSTRUCTURE {MIXED})\nS: P4 OK done\nC: P5 UID FETCH 5 {ASKED}\n"
        "S: P5 NO The specified message part was not found.\n" + WHOLE.format(n=6),
        f"S: * 1 FETCH (UID 5 BODYSTRUCTURE {MIXED})\nS: P4 OK done\nC: P5 UID FETCH 5 {ASKED}\n"
        "S: * 1 FETCH (UID 5 BODY[HEADER] {14}\nS: Subject: odd\n"
        "S:  BODY[1.MIME] NIL BODY[2.MIME] NIL)\nS: P5 OK done\n"
        "C: P6 UID FETCH 5 (UID BODY.PEEK[1])\nS: * 1 FETCH (UID 5 BODY[1] NIL)\nS: P6 OK done\n" + WHOLE.format(n=7),
    ],
    ids=["no-parts", "empty", "nil", "cut", "bad", "refused", "nil-parts"],
)  # fmt: skip
def test_structures_that_are_no_use(face: Faced, talk: str) -> None:
    """emersion/go-imap#659, jstedfast/MailKit#371, #878, #1393, #1861, pimalaya/himalaya#649, roundcube#6783: Exchange,
    163, Yandex, mail.ru and GMX describe messages wrongly. Then the whole message is fetched."""
    begin = f"""
        {select(2, exists=1)}
        C: P3 UID FETCH 5 {LISTING}
        S: * 1 FETCH (UID 5 RFC822.SIZE 1000000 {LISTED} {{14}}
        S: Subject: odd
        S: )
        S: P3 OK done
        C: P4 UID FETCH 5 (UID BODYSTRUCTURE)
    """
    n = int(talk.rpartition("S: P")[2].partition(" ")[0]) + 1
    with ScriptedServer(script("IMAP4rev1", begin + talk + bye(n))) as server, box_of(face, server) as box:
        (mail,) = box.inbox.messages([5])
        assert mail.text == "hi\n"


STATE = '[7,6,null,"",{"":"5"}]'


def compared(n: int, exists: int = 1) -> str:
    """What `watch` asks a server that has neither QRESYNC nor CONDSTORE."""
    uids = " ".join(str(5 + one) for one in range(exists))
    flags = "".join(f"S: * {one + 1} FETCH (UID {5 + one} FLAGS ())\n" for one in range(exists))
    return (
        f"{select(n, exists=exists)}C: P{n + 1} UID SEARCH ALL\nS: * SEARCH {uids}\nS: P{n + 1} OK done\n"
        f"C: P{n + 2} UID FETCH 1:* (UID FLAGS)\n{flags}S: P{n + 2} OK done\n"
    )


def new_one() -> str:
    """What the account's own connection asks when something new is told."""
    asked = f"C: P3 NOOP\nS: P3 OK\nC: P4 UID FETCH 6 {LISTING}\n{fetched(2, 6, 'new')}S: P4 OK done\n"
    return f"{select(2, exists=2)}{asked}{bye(5)}"


class TestIdle:
    """mjs/imapclient#234, #349, #449, #565, draga79/NotiMail#4, home-assistant/core#155699: waiting that dies silently,
    hangs, or goes round in circles."""

    @pytest.mark.parametrize(
        "first",
        [
            "S: + idling\nCLOSE",
            "S: + idling\nS: * BYE Autologout; idle for too long\nCLOSE",
            "S: + idling\nS: * OK Still here\nS: + idling\nS: P5 OK IDLE terminated\nWAIT",
            "S: + idling\nS: * BAD Command timed out\nCLOSE",
            "S: + idling\nS: * 2 EXISTS\nC: DONE\nS: * BAD Invalid tag\nCLOSE",
            "S: + idling\nS: * 2 EXISTS\nC: DONE\nS: DONE BAD Error in IMAP command DONE: Unknown command.\nWAIT",
            "S: + idling\nS: BAD\nWAIT",
        ],
        ids=["cut", "bye", "ended", "untagged-bad", "bad-to-done", "tagged-done", "no-response"],
    )
    def test_a_line_that_ends_is_made_again_and_nothing_is_missed(self, face: Faced, first: str) -> None:
        watching = script("IMAP4rev1 IDLE", f"{compared(2)}C: P5 IDLE\n{first}")
        again = script("IMAP4rev1 IDLE", f"{compared(2, exists=2)}{bye(5)}")
        with (
            ScriptedServer(watching, again, script("IMAP4rev1 IDLE", new_one()), together=True) as server,
            box_of(face, server) as box,
        ):
            events = box.inbox.watch(since=STATE)
            event = next(events)
            assert (event.kind, event.uid, event.message.subject) == ("new", 6, "new")
            events.close()

    @pytest.mark.parametrize("no", ["BAD Unknown command", "NO Error in IMAP command received by server."])
    def test_idle_that_is_offered_and_refused_becomes_asking(
        self, face: Faced, no: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Courier, where what IDLE takes (FAM) isn't installed; Yahoo's old servers."""
        for module in (aio_mailbox, sync_mailbox):
            monkeypatch.setattr(module, "POLL_SECONDS", 0.0)
        talk = f"{compared(2)}C: P5 IDLE\nS: P5 {no}\nC: P6 NOOP\nS: P6 OK\nC: P7 NOOP\nS: * 2 EXISTS\nS: P7 OK\n"
        watching = script(COURIER, f"{talk}{compared(8, exists=2)}{bye(11)}")
        own = script(COURIER, new_one())
        with ScriptedServer(watching, own, together=True) as server, box_of(face, server) as box:
            events = box.inbox.watch(since=STATE)
            assert next(events).uid == 6
            events.close()

    def test_a_server_that_breaks_every_idle_is_asked_instead(
        self, face: Faced, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for module in (aio_mailbox, sync_mailbox):
            monkeypatch.setattr(module, "POLL_SECONDS", 0.0)
        broken = script("IMAP4rev1 IDLE", f"{compared(2)}C: P5 IDLE\nS: + idling\nS: what?\nWAIT")
        asked = script(
            "IMAP4rev1 IDLE", f"{compared(2)}C: P5 NOOP\nS: * 2 EXISTS\nS: P5 OK\n{compared(6, exists=2)}{bye(9)}"
        )
        with (
            ScriptedServer(broken, broken, broken, asked, script("IMAP4rev1", new_one()), together=True) as server,
            box_of(face, server) as box,
        ):
            events = box.inbox.watch(since=STATE)
            assert next(events).uid == 6
            events.close()


class TestCourier:
    """As Courier-IMAP 5 talks."""

    def test_its_mailboxes(self, face: Faced) -> None:
        talk = r"""
            C: P2 LIST "" *
            S: * LIST (\Marked \HasChildren) "." "INBOX"
            S: * LIST (\HasNoChildren) "." "INBOX.Sent"
            S: * LIST (\HasNoChildren) "." "INBOX.Trash"
            S: * LIST (\HasNoChildren) "." "INBOX.Drafts"
            S: P2 OK LIST completed
        """ + bye(3)
        with ScriptedServer(script(COURIER, talk)) as server, box_of(face, server) as box:
            box.mailboxes()
            assert (box.sent.name(), box.trash.name(), box.drafts.name()) == (
                "INBOX.Sent",
                "INBOX.Trash",
                "INBOX.Drafts",
            )

    def test_it_moves_by_copying(self, face: Faced) -> None:
        talk = rf"""
            {select(2)}
            C: P3 UID COPY 5 INBOX.Old
            S: P3 OK [COPYUID 1 5 1] COPY completed.
            C: P4 UID STORE 5 +FLAGS.SILENT (\Deleted)
            S: P4 OK STORE completed.
            C: P5 UID EXPUNGE 5
            S: * 1 EXPUNGE
            S: * 2 EXISTS
            S: * 0 RECENT
            S: P5 OK EXPUNGE completed
            {bye(6)}
        """
        with ScriptedServer(script(COURIER, talk)) as server, box_of(face, server) as box:
            box.inbox.messages([5]).move("INBOX.Old")

    def test_a_charset_that_it_has_no_table_for(self, face: Faced) -> None:
        """It says so with BAD, and in words."""
        field = "BODY[HEADER.FIELDS (SUBJECT)]"
        subject = "Subject: =?utf-8?q?Gr=C3=B6=C3=9Fe?="
        talk = rf"""
            {select(2)}
            C: P3 NOOP
            S: P3 OK NOOP completed
            C: P4 UID SEARCH CHARSET UTF-8 SUBJECT {{7}}
            S: + Begin input of string literal
            C: Größe
            S: P4 BAD Unknown charset: UTF-8
            C: P5 UID SEARCH ALL
            S: * SEARCH 1 2
            S: P5 OK SEARCH done.
            C: P6 UID SEARCH SUBJECT "Gr" SUBJECT "e"
            S: * SEARCH 2
            S: P6 OK SEARCH done.
            C: P7 UID FETCH 2 (UID {field.replace("BODY", "BODY.PEEK")})
            S: * 2 FETCH (UID 2 {field} {{{len(subject) + 4}}}
            S: {subject}
            S:
            S: )
            S: P7 OK FETCH completed.
            {bye(8)}
        """
        with ScriptedServer(script(COURIER, talk)) as server, box_of(face, server) as box:
            assert box.inbox.search("subject:Größe").uids() == [2]


class TestSending:
    SMTP = """
        TLS
        S: 220 hi
        C: EHLO *
        S: 250-hi
        S: 250-8BITMIME
        S: 250 AUTH PLAIN
        C: AUTH PLAIN *
        S: 235 welcome
    """

    def test_domains_in_any_script_and_bodies_beyond_ascii(self, face: Faced) -> None:
        """cole/aiosmtplib#94, python/cpython#83938, #122476: "=?utf-8?…?=" is no address; #85195, #116051,
        aiosmtpd#130: UnicodeEncodeError on the body."""
        talk = (
            self.SMTP
            + """
            C: MAIL FROM:<ada@x.org>*
            S: 250 ok
            C: RCPT TO:<bob@xn--bcher-kva.example>
            S: 250 ok
            C: DATA
            S: 354 go on
            LETTER
            S: 250 queued
            C: QUIT
            S: 221 bye
        """
        )
        with ScriptedServer(talk) as server:
            me = face.account(
                "ada@x.org", password="x", smtp=f"smtps://localhost:{server.port}", imap="imaps://localhost:1"
            )
            letter = Message(to="Bob Ö <bob@bücher.example>", subject="Ö", text="Grüße, 你好\n")
            assert me.send(letter, copy=False).accepted == ("bob@xn--bcher-kva.example",)
            me.close()
        assert b"bob@xn--bcher-kva.example" in server.letter
        assert server.letter.isascii()

    def test_tasks_share_a_connection(self, posthouse: object) -> None:
        """cole/aiosmtplib#15, #45: two tasks that send at once get each other's answers."""
        import asyncio

        from live import PASSWORDS, Live
        from posthouse.aio import Account

        assert isinstance(posthouse, Live)

        async def run() -> set[str]:
            async with Account(
                "ada@example.org",
                password=PASSWORDS["ada@example.org"],
                smtp=f"smtp://localhost:{posthouse.port('submission')}",
                imap=f"imaps://localhost:{posthouse.port('imaps')}",
                context=posthouse.tls,
            ) as me:
                sends = [me.send("bob@example.org", f"at once {n}", "x", copy=False) for n in range(10)]
                receipts = await asyncio.gather(*sends)
                async with me.open() as box:
                    counts = await asyncio.gather(*[box.inbox.count() for _ in range(5)])
                assert len(set(counts)) == 1
                return {receipt.message_id for receipt in receipts}

        assert len(asyncio.run(run())) == 10


SENT_CAPABILITIES = "IMAP4rev1 CREATE-SPECIAL-USE"


class TestNoMailboxForSentLetters:
    """Dovecot gives a new account INBOX alone: a copy that is kept nowhere is a letter that its sender misses."""

    @pytest.mark.parametrize(
        ("capability", "created"), [("IMAP4rev1", "Sent"), (SENT_CAPABILITIES, r"Sent (USE (\Sent))")]
    )
    def test_it_is_made_and_subscribed(self, face: Faced, capability: str, created: str) -> None:
        talk = rf"""
            C: P2 LIST "" *
            S: * LIST () "/" INBOX
            S: P2 OK done
            C: P3 CREATE {created}
            S: P3 OK done
            C: P4 SUBSCRIBE Sent
            S: P4 OK done
            C: P5 APPEND Sent (\Seen) {{*}}
            S: + go on
            LITERAL
            S: P5 OK done
        """
        receipt = self.sent(face, script(capability, talk) + bye(6))
        assert (receipt.copy, receipt.copy_made, receipt.copy_failed) == ("Sent", True, "")

    def test_it_may_have_to_be_below_inbox(self, face: Faced) -> None:
        talk = r"""
            C: P2 LIST "" *
            S: * LIST () "." INBOX
            S: P2 OK done
            C: P3 CREATE Sent
            S: P3 NO Invalid mailbox name.
            C: P4 LIST "" *
            S: * LIST () "." INBOX
            S: P4 OK done
            C: P5 CREATE INBOX.Sent
            S: P5 OK done
            C: P6 SUBSCRIBE INBOX.Sent
            S: P6 OK done
            C: P7 APPEND INBOX.Sent (\Seen) {*}
            S: + go on
            LITERAL
            S: P7 OK done
        """
        assert self.sent(face, script("IMAP4rev1", talk) + bye(8)).copy == "INBOX.Sent"

    def test_who_may_make_none_is_told(self, face: Faced) -> None:
        talk = r"""
            C: P2 LIST "" *
            S: * LIST () NIL INBOX
            S: P2 OK done
            C: P3 CREATE Sent
            S: P3 NO [NOPERM] no
            C: P4 LIST "" *
            S: * LIST () NIL INBOX
            S: P4 OK done
        """
        receipt = self.sent(face, script("IMAP4rev1", talk) + bye(5))
        assert (receipt.copy, receipt.copy_made) == ("", False)
        assert "create refused by the server: no" in receipt.copy_failed

    @staticmethod
    def sent(face: Faced, talk: str) -> object:
        taken = TestSending.SMTP + (
            "C: MAIL *\nS: 250 ok\nC: RCPT *\nS: 250 ok\nC: DATA\nS: 354 go\n"
            "LETTER\nS: 250 queued\nC: QUIT\nS: 221 bye\n"
        )
        with ScriptedServer(taken) as smtp, ScriptedServer(talk) as imap:
            me = face.account(
                "ada@x.org", password="x", smtp=f"smtps://localhost:{smtp.port}", imap=f"imaps://localhost:{imap.port}"
            )
            receipt = me.send("bob@x.org", "Tea", "At five?")
            me.close()
        return receipt


class TestSizes:
    def test_many_uids_are_several_commands(self, face: Faced) -> None:
        """paperless-ngx#7799, ikvk/imap_tools#230, getmail6#275: "Too long argument" for a search's UIDs."""
        uids = list(range(1, 8000, 2))  # no two of them make a range
        with ManyUids() as server:
            me = face.account(
                "ada@x.org", password="x", smtp="smtps://localhost:1", imap=f"imap://localhost:{server.port}?tls=none"
            )
            with me.open() as box:
                box.inbox.messages(uids).mark(read=True)
        assert server.marked == uids
        assert max(server.lengths) < 8192

    def test_a_large_letter_that_comes_in_drips(self, face: Faced) -> None:
        """iroco-co/aioimaplib#15, #72, quentinsf/IMAPdedup#65: literals cut anywhere, "got more than N bytes"."""
        with ManyUids(size=3_000_000) as server:
            me = face.account(
                "ada@x.org", password="x", smtp="smtps://localhost:1", imap=f"imap://localhost:{server.port}?tls=none"
            )
            with me.open() as box:
                (mail,) = box.inbox.messages([5])
                assert len(mail.raw) == 3_000_000


class ManyUids:
    """A server that takes STORE and FETCH for any UIDs; what it sends comes in pieces of odd sizes."""

    def __init__(self, size: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.lengths: list[int] = []
        self.marked: list[int] = []
        self._size = size
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> ManyUids:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.join(30)
        self._listener.close()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hi\r\n")
            for line in lines:
                tag, verb, *rest = line.split()
                answer = b"%b OK [CAPABILITY IMAP4rev1] done\r\n" % tag
                if verb == b"SELECT":
                    answer = b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n" + answer
                elif rest and rest[0] == b"STORE":
                    self.lengths.append(len(line))
                    self.marked += [int(uid) for uid in rest[1].split(b",")]
                elif rest and rest[0] == b"FETCH":
                    whole = b"Subject: large\r\n\r\n".ljust(self._size, b"x")
                    answer = b"* 1 FETCH (UID 5 RFC822.SIZE 7 BODY[] {%d}\r\n%b)\r\n" % (self._size, whole) + answer
                    if b"HEADER.FIELDS" in line:
                        answer = b"* 1 FETCH (UID 5 RFC822.SIZE 7)\r\n%b OK done\r\n" % tag
                for start in range(0, len(answer), 99_991):
                    connection.sendall(answer[start : start + 99_991])
                if verb == b"LOGOUT":
                    return


@pytest.mark.parametrize(
    ("labels", "read"),
    [
        (r'("a*b" "50% off" "\\Inbox" plain)', ("a*b", "50% off", "\\Inbox", "plain")),
        (r'(a*b "say \"hi\"" "Gel&APY-scht")', ("a*b", 'say "hi"', "Gelöscht")),
    ],
)
def test_labels_with_signs_that_are_no_atoms(face: Faced, labels: str, read: tuple[str, ...]) -> None:
    """closeio PR 221, ikvk/imap_tools#174, #239: Gmail writes "*" into labels without quotes."""
    from posthouse.imap.fetch import Attribute
    from posthouse.imap.sequence import SequenceSet

    talk = f"""
        {select(2, exists=1)}
        C: P3 UID FETCH 5 (UID FLAGS)
        S: * 1 FETCH (X-GM-LABELS {labels} UID 5 FLAGS (*Seen))
        S: P3 OK done
        {bye(4)}
    """.replace("(*Seen)", r"(\Seen)")
    with ScriptedServer(script("IMAP4rev1", talk)) as server:
        client = face.imap(f"imaps://localhost:{server.port}")
        client.login("ada@x.org", "secret")
        client.select("INBOX")
        (one,) = client.uid_fetch(SequenceSet.of([5]), [Attribute.UID, Attribute.FLAGS])
        assert one.labels == read
        client.close()


def test_a_literal_that_no_memory_holds(face: Faced) -> None:
    """python/cpython#119511: the size that a server announces is not believed, but limited."""
    talk = f"{select(2, exists=1)}C: P3 UID FETCH 5 {LISTING}\nS: * 1 FETCH (UID 5 BODY[] {{99999999999}}\nWAIT"
    with (
        ScriptedServer(script("IMAP4rev1", talk)) as server,
        pytest.raises(RemoteProtocolError, match="99999999999 octets"),
        box_of(face, server) as box,
    ):
        list(box.inbox.messages([5]))


def test_a_mailbox_that_is_gone_for_good(face: Faced) -> None:
    """A connection that breaks again and again is no endless loop: the second break is told."""
    cut = script("IMAP4rev1", f"{select(2)}C: P3 UID STORE 5 *\nCLOSE")
    with (
        ScriptedServer(cut, cut) as server,
        box_of(face, server) as box,
        pytest.raises(ConnectionFailed),
    ):
        box.inbox.messages([5]).mark(read=True)


def test_a_server_that_lets_nobody_in_is_asked_once(face: Faced) -> None:
    """cole/aiosmtplib#180: no connection broke that could be made again. (A second one would get no answer.)"""
    with (
        ScriptedServer("CLOSE") as server,
        box_of(face, server) as box,
        pytest.raises(ConnectionFailed, match="closed the connection"),
    ):
        box.mailboxes()
