"""What the big providers really say, as transcripts: shortened, and with the place where it was reported.

Nobody's servers are asked here: these are recordings.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from faced import Faced
from other_servers import LISTED, LISTING, box_of, script, select
from posthouse.client import slowed
from posthouse.errors import ConnectionFailed, ImapRefused
from scripted import ScriptedServer


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(slowed, "PAUSES", (0.0, 0.0, 0.0))
    yield


BYE = "C: P{n} LOGOUT\nS: * BYE\nS: P{n} OK bye\n"


def bye(n: int) -> str:
    return BYE.format(n=n)


GMAIL = "IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 UIDPLUS ENABLE MOVE CONDSTORE LITERAL-"
EXCHANGE = "IMAP4 IMAP4rev1 UIDPLUS MOVE ID UNSELECT CLIENTACCESSRULES CHILDREN IDLE NAMESPACE LITERAL+"
YAHOO = "IMAP4rev1 ID MOVE NAMESPACE X-ID-ACLID UIDPLUS LITERAL+ XAPPLEPUSHSERVICE XYMHIGHESTMODSEQ"


class TestGmail:
    def test_its_mailboxes_by_their_use(self, face: Faced) -> None:
        """jstedfast/MailKit#1396: localised names, [THROTTLED] behind an OK; the archive is All Mail (\\All)."""
        talk = r"""
            C: P2 LIST "" *
            S: * LIST (\HasNoChildren) "/" "INBOX"
            S: * LIST (\HasChildren \Noselect) "/" "[Gmail]"
            S: * LIST (\All \HasNoChildren) "/" "[Gmail]/Alle Nachrichten"
            S: * LIST (\Drafts \HasNoChildren) "/" "[Gmail]/Entw&APw-rfe"
            S: * LIST (\HasNoChildren \Sent) "/" "[Gmail]/Gesendet"
            S: * LIST (\HasNoChildren \Junk) "/" "[Gmail]/Spam"
            S: * LIST (\HasNoChildren \Trash) "/" "[Gmail]/Papierkorb"
            S: P2 OK Success [THROTTLED]
        """ + bye(3)
        with ScriptedServer(script(GMAIL, talk)) as server, box_of(face, server) as box:
            names = {one.name for one in box.mailboxes()}
            assert "[Gmail]/Entwürfe" in names
            assert box.trash.name() == "[Gmail]/Papierkorb"
            assert box.sent.name() == "[Gmail]/Gesendet"
            assert box.archive.name() == "[Gmail]/Alle Nachrichten"

    def test_labels_ids_and_an_envelope_of_nil_groups(self, face: Faced) -> None:
        """ikvk/imap_tools#43, pimalaya/himalaya#569: X-GM-LABELS with quoted, escaped and encoded labels."""
        told = (
            r'X-GM-LABELS ("\\Important" "\\Sent" work "Pro &- Contra") X-GM-THRID 1278455344230334865 UID 5'
            r' RFC822.SIZE 300 INTERNALDATE "17-Jul-2024 02:44:25 +0000" FLAGS (\Seen $NotPhishing) ENVELOPE ('
            r'"Wed, 17 Jul 2024" "Hi" ((NIL NIL "Friends" NIL)("Ann" NIL "ann" "x.org")(NIL NIL NIL NIL)) NIL NIL NIL'
            r' NIL NIL NIL "<1@x.org>")'
        )
        talk = rf"""
            {select(2, exists=1)}
            C: P3 UID FETCH 5 {LISTING}
            S: * 1 FETCH ({told} {LISTED} {{14}}
            S: Subject: odd
            S: )
            S: P3 OK Success
        """ + bye(4)
        with ScriptedServer(script(GMAIL, talk)) as server, box_of(face, server) as box:
            (mail,) = box.inbox.messages([5])
            assert (mail.subject, mail.size) == ("odd", 300)
            assert mail.flags == {"\\Seen", "$NotPhishing"}

    def test_auto_expunge_tells_of_messages_that_go_at_once(self, face: Faced) -> None:
        """Gmail removes what is marked \\Deleted by itself: EXPUNGE comes with STORE."""
        talk = rf"""
            {select(2)}
            C: P3 UID STORE 5 +FLAGS.SILENT (\Deleted)
            S: * 1 EXPUNGE
            S: * 2 EXISTS
            S: P3 OK Success
            C: P4 UID EXPUNGE 5
            S: P4 OK Success
        """ + bye(5)
        with ScriptedServer(script(GMAIL, talk)) as server, box_of(face, server) as box:
            box.inbox.messages([5]).delete(forever=True)

    def test_a_search_for_other_letters(self, face: Faced) -> None:
        """Gmail searches in UTF-8, and takes the text as a literal (LITERAL-: at once)."""
        talk = rf"""
            {select(2)}
            C: P3 NOOP
            S: P3 OK Success
            C: P4 UID SEARCH CHARSET UTF-8 SUBJECT {{7+}}
            C: Größe
            S: * SEARCH 7 5
            S: P4 OK SEARCH completed (Success)
        """ + bye(5)
        with ScriptedServer(script(GMAIL, talk)) as server, box_of(face, server) as box:
            assert box.inbox.search("subject:Größe").uids() == [5, 7]

    def test_too_many_connections_are_waited_for(self, face: Faced) -> None:
        """zone-eu/wildduck#35, mordak/runt#1: "a NO [ALERT] Too many simultaneous connections. (Failure)"."""
        refused = f"""
            TLS
            S: * OK Gimap ready for requests
            C: P1 CAPABILITY
            S: * CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN
            S: P1 OK done
            C: P2 AUTHENTICATE PLAIN *
            S: P2 NO [ALERT] Too many simultaneous connections. (Failure)
            {bye(3)}
        """
        talk = f"{select(2)}{bye(3)}"
        with ScriptedServer(refused, script(GMAIL, talk)) as server, box_of(face, server) as box:
            assert box.inbox.count() == 3

    def test_who_downloads_too_much_is_told_why(self, face: Faced) -> None:
        """ljmerza/ha-email-sensor#16: "[OVERQUOTA] Account exceeded command or bandwidth limits."."""
        once = f"""
            {select(2)}
            C: P3 UID FETCH 5 {LISTING}
            S: P3 NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)
            {bye(4)}
        """
        scripts = [script(GMAIL, once)] * 4
        with (
            ScriptedServer(*scripts) as server,
            box_of(face, server) as box,
            pytest.raises(ImapRefused, match="bandwidth limits") as refused,
        ):
            list(box.inbox.messages([5]))
        assert "asked 4 times" in refused.value.advice


class TestExchange:
    def test_no_charset_at_all(self, face: Faced) -> None:
        """ikvk/imap_tools#270, jstedfast/MailKit#808: "NO [BADCHARSET (US-ASCII)] The specified charset is not
        supported." The ASCII pieces are searched for, and what was found is read."""
        field = "BODY[HEADER.FIELDS (SUBJECT)]"
        right, wrong = "Subject: =?utf-8?q?Gr=C3=B6=C3=9Fe_42?=", "Subject: Gras e 42"
        talk = rf"""
            {select(2)}
            C: P3 NOOP
            S: P3 OK done
            C: P4 UID SEARCH CHARSET UTF-8 NOT SEEN SUBJECT {{10+}}
            C: Größe 42
            S: P4 NO [BADCHARSET (US-ASCII)] The specified charset is not supported.
            C: P5 UID SEARCH ALL
            S: * SEARCH 1 2 3 4
            S: P5 OK done
            C: P6 UID SEARCH NOT SEEN
            S: * SEARCH 2 3 4
            S: P6 OK done
            C: P7 UID SEARCH SUBJECT "e 42" SUBJECT "Gr"
            S: * SEARCH 1 2 3
            S: P7 OK done
            C: P8 UID FETCH 2:3 (UID {field.replace("BODY", "BODY.PEEK")})
            S: * 2 FETCH (UID 2 {field} {{{len(right) + 4}}}
            S: {right}
            S:
            S: )
            S: * 3 FETCH (UID 3 {field} {{{len(wrong) + 4}}}
            S: {wrong}
            S:
            S: )
            S: P8 OK done
        """ + bye(9)
        with ScriptedServer(script(EXCHANGE, talk)) as server, box_of(face, server) as box:
            assert box.inbox.search('is:unread subject:"Größe 42"').uids() == [2]

    def test_authenticated_but_not_connected(self, face: Faced) -> None:
        """mscdex/node-imap#523: said to who connects too often; another connection, a little later, works."""
        first = "C: P2 SELECT INBOX\nS: P2 BAD User is authenticated but not connected.\n" + bye(3)
        with (
            ScriptedServer(script(EXCHANGE, first), script(EXCHANGE, select(2) + bye(3))) as server,
            box_of(face, server) as box,
        ):
            assert box.inbox.count() == 3

    def test_server_unavailable(self, face: Faced) -> None:
        """Exchange Online under load: "BAD Server Unavailable. 15", and hangs up."""
        first = "C: P2 SELECT INBOX\nS: P2 BAD Server Unavailable. 15\nCLOSE\n"
        with (
            ScriptedServer(script(EXCHANGE, first), script(EXCHANGE, select(2) + bye(3))) as server,
            box_of(face, server) as box,
        ):
            assert box.inbox.count() == 3

    def test_a_size_that_is_wrong(self, face: Faced) -> None:
        """Exchange tells RFC822.SIZE of what it keeps, which is no message yet: what comes is what counts."""
        talk = rf"""
            {select(2, exists=1)}
            C: P3 UID FETCH 5 {LISTING}
            S: * 1 FETCH (UID 5 FLAGS () INTERNALDATE "17-Jul-2024 02:44:25 +0000" RFC822.SIZE 3 {LISTED} {{14}}
            S: Subject: odd
            S: )
            S: P3 OK FETCH completed.
            C: P4 UID FETCH 5 (UID BODY.PEEK[])
            S: * 1 FETCH (BODY[] {{20}}
            S: Subject: odd
            S:
            S: hi
            S:  UID 5)
            S: P4 OK FETCH completed.
        """ + bye(5)
        with ScriptedServer(script(EXCHANGE, talk)) as server, box_of(face, server) as box:
            (mail,) = box.inbox.messages([5])
            assert mail.text == "hi\n"

    def test_mailboxes_that_are_only_called_so(self, face: Faced) -> None:
        """Exchange marks none by its use (no SPECIAL-USE): the names are known, in the account's language."""
        talk = r"""
            C: P2 LIST "" *
            S: * LIST (\HasNoChildren) "/" Entw&APw-rfe
            S: * LIST (\HasNoChildren) "/" "Gel&APY-schte Elemente"
            S: * LIST (\HasNoChildren) "/" "Gesendete Elemente"
            S: * LIST (\Marked \HasNoChildren) "/" INBOX
            S: P2 OK LIST completed.
        """ + bye(3)
        with ScriptedServer(script(EXCHANGE, talk)) as server, box_of(face, server) as box:
            box.mailboxes()
            assert box.trash.name() == "Gelöschte Elemente"
            assert box.sent.name() == "Gesendete Elemente"
            assert box.drafts.name() == "Entwürfe"

    def test_a_name_with_an_ampersand_is_no_quoted_string(self, face: Faced) -> None:
        """moralmunky/Home-Assistant-Mail-And-Packages#1260: Office 365 hangs on "a&-b" in quotes."""
        talk = "C: P2 SELECT R&-D\nS: * 1 EXISTS\nS: * OK [UIDVALIDITY 1] ok\nS: P2 OK done\n" + bye(3)
        with ScriptedServer(script(EXCHANGE, talk)) as server, box_of(face, server) as box:
            assert box["R&D"].count() == 1


class TestYahoo:
    def test_a_batch_that_it_refuses_is_asked_again(self, face: Faced) -> None:
        """imapsync/imapsync#119, ikvk/imap_tools#229: "NO [UNAVAILABLE] UID FETCH Server error while fetching"."""
        first = f"""
            {select(2)}
            C: P3 UID FETCH 5 {LISTING}
            S: P3 NO [UNAVAILABLE] UID FETCH Server error while fetching messages
            {bye(4)}
        """
        second = rf"""
            {select(2)}
            C: P3 UID FETCH 5 {LISTING}
            S: * 1 FETCH (UID 5 FLAGS ($NotJunk) INTERNALDATE "17-Jul-2024 02:44:25 +0000" RFC822.SIZE 3 {LISTED} NIL)
            S: P3 OK UID FETCH completed
            {bye(4)}
        """
        with ScriptedServer(script(YAHOO, first), script(YAHOO, second)) as server, box_of(face, server) as box:
            (mail,) = box.inbox.messages([5])
            assert (mail.subject, mail.flags) == ("", {"$NotJunk"})

    def test_or_without_parentheses(self, face: Faced) -> None:
        talk = f"""
            {select(2)}
            C: P3 NOOP
            S: P3 OK NOOP completed
            C: P4 UID SEARCH OR FROM "bob" FROM "ann"
            S: * SEARCH
            S: P4 OK UID SEARCH completed
            {bye(5)}
        """
        with ScriptedServer(script(YAHOO, talk)) as server, box_of(face, server) as box:
            assert box.inbox.search("from:bob OR from:ann").uids() == []


class TestICloud:
    def test_a_section_that_is_answered_under_another_name(self, face: Faced) -> None:
        """iCloud writes the names of fields in quotes, and in its own case."""
        written = LISTED.replace(
            "(DATE FROM TO CC SUBJECT MESSAGE-ID)", '("Date" "From" "To" "Cc" "Subject" "Message-Id")'
        )
        talk = f"""
            {select(2, exists=1)}
            C: P3 UID FETCH 5 {LISTING}
            S: * 1 FETCH (UID 5 FLAGS () {written} {{14}}
            S: Subject: odd
            S: )
            S: P3 OK FETCH completed
            {bye(4)}
        """
        with ScriptedServer(script("IMAP4rev1 UIDPLUS MOVE", talk)) as server, box_of(face, server) as box:
            (mail,) = box.inbox.messages([5])
            assert mail.subject == "odd"


class TestDovecot:
    def test_connections_of_one_address_are_counted(self, face: Faced) -> None:
        """mscdex/node-imap#606: "NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded"."""
        refused = f"""
            TLS
            S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] Dovecot ready.
            C: P1 AUTHENTICATE PLAIN *
            S: P1 NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)
            {bye(2)}
        """
        with (
            ScriptedServer(*[refused] * 4) as server,
            box_of(face, server) as box,
            pytest.raises(ImapRefused, match="Maximum number of connections") as error,
        ):
            box.inbox.count()
        assert "Close other mail programs" in error.value.advice or "few minutes" in error.value.advice

    def test_a_server_that_shuts_down_in_the_middle(self, face: Faced) -> None:
        first = f"{select(2)}C: P3 UID STORE 5 +FLAGS.SILENT (*Seen)\nS: * BYE Server shutting down.\nCLOSE\n"
        second = f"{select(2)}C: P3 UID STORE 5 +FLAGS.SILENT (*Seen)\nS: P3 OK done\n{bye(4)}"
        with (
            ScriptedServer(script("IMAP4rev1", first), script("IMAP4rev1", second)) as server,
            box_of(face, server) as box,
        ):
            box.inbox.messages([5]).mark(read=True)

    def test_nothing_is_copied_twice_by_a_server_that_goes(self, face: Faced) -> None:
        first = f"{select(2)}C: P3 UID COPY 5 Old\nS: * BYE Server shutting down; try again later\nCLOSE\n"
        with (
            ScriptedServer(script("IMAP4rev1", first)) as server,
            box_of(face, server) as box,
            pytest.raises(ConnectionFailed),
        ):
            box.inbox.messages([5]).copy("Old")


class TestNames:
    """Names that are no modified UTF-7, as old Cyrus, Courier and Exchange servers let people make them."""

    @pytest.mark.parametrize(
        ("raw", "name", "again"),
        [('"Q&A"', "Q&A", "Q&A"), ("&AOQ", "&AOQ", "&AOQ"), ('"R&-D"', "R&D", "R&-D"), ('"a b&"', "a b&", '"a b&"')],
    )
    def test_they_go_back_as_they_came(self, face: Faced, raw: str, name: str, again: str) -> None:
        talk = f"""
            C: P2 LIST "" *
            S: * LIST () "/" {raw}
            S: P2 OK done
            C: P3 SELECT {again}
            S: * 2 EXISTS
            S: P3 OK done
            {bye(4)}
        """
        with ScriptedServer(script("IMAP4rev1", talk)) as server, box_of(face, server) as box:
            assert [one.name for one in box.mailboxes()] == [name]
            assert box[name].count() == 2

    def test_utf8(self, face: Faced) -> None:
        talk = f"""
            C: P2 LIST "" *
            S: * LIST () "/" "Entwürfe"
            S: P2 OK done
            C: P3 SELECT {{9+}}
            C: Entwürfe
            S: * 2 EXISTS
            S: P3 OK done
            {bye(4)}
        """
        with ScriptedServer(script("IMAP4rev1 LITERAL+", talk)) as server, box_of(face, server) as box:
            assert [one.name for one in box.mailboxes()] == ["Entwürfe"]
            assert box["Entwürfe"].count() == 2

    def test_a_name_that_nobody_has_listed_yet(self, face: Faced) -> None:
        talk = f"""
            C: P2 SELECT Q&-A
            S: P2 NO [NONEXISTENT] no such mailbox
            C: P3 LIST "" *
            S: * LIST () "/" "Q&A"
            S: P3 OK done
            C: P4 SELECT Q&A
            S: * 2 EXISTS
            S: P4 OK done
            C: P5 UID STORE 5 +FLAGS.SILENT (*Seen)
            S: P5 OK done
            {bye(6)}
        """
        with ScriptedServer(script("IMAP4rev1", talk)) as server, box_of(face, server) as box:
            box["Q&A"].messages([5]).mark(read=True)
