"""IMAP operations against transcripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from dialogue import converse
from posthouse.client import imap, imap_mailbox, imap_search
from posthouse.client.imap import Conversation
from posthouse.client.login import LoggedIn
from posthouse.client.query import Q
from posthouse.client.special import special_mailbox
from posthouse.client.url import Protocol, Server
from posthouse.errors import (
    ConnectionFailed,
    ImapRefused,
    LimitError,
    LocalProtocolError,
    LoginRefused,
    PosthouseError,
    RemoteProtocolError,
    TlsError,
)
from posthouse.imap.answer import Listed
from posthouse.imap.client import ClientState
from posthouse.imap.fetch import Attribute, BodySection, Section, Text
from posthouse.imap.sequence import SequenceSet
from posthouse.wire.sasl import Credentials
from posthouse.wire.steps import Steps

T = TypeVar("T")

STARTTLS = Server.parse("imap://mail.example.org", Protocol.IMAP)
IMPLICIT = Server.parse("imaps://mail.example.org", Protocol.IMAP)
CLEAR = Server.parse("imap://mail.example.org?tls=none", Protocol.IMAP)
ADA = Credentials("ada@example.org", "secret")


def conversation(
    capabilities: str = "IMAP4REV1", *, server: Server = IMPLICIT, loggedin: bool = True, loopback: bool = False
) -> Conversation:
    """A conversation that stands, with a server that has announced ``capabilities``."""
    one = Conversation(server, loopback=loopback)
    one.capabilities = frozenset(capabilities.split())
    one.state = ClientState.AUTHENTICATED if loggedin else ClientState.NOT_AUTHENTICATED
    one.tls = server.tls is not CLEAR.tls
    return one


def talk_with(operation: Callable[[Conversation], Steps[T]], transcript: str, capabilities: str = "IMAP4REV1") -> T:
    return converse(lambda: operation(conversation(capabilities)), transcript)


class TestConnect:
    def connect(self, server: Server) -> Callable[[], Steps[Conversation]]:
        def operation() -> Steps[Conversation]:
            one = Conversation(server)
            yield from imap.connect(one)
            return one

        return operation

    def test_starttls_forgets_what_was_said_before(self) -> None:
        talk = "S: * OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=EVIL] hi\nC: P1 STARTTLS\nS: P1 OK go\nTLS"
        one = converse(self.connect(STARTTLS), talk)
        assert one.tls
        assert one.capabilities == frozenset()

    def test_capabilities_are_asked_for_where_they_were_not_told(self) -> None:
        talk = """
            S: * OK hi
            C: P1 CAPABILITY
            S: * CAPABILITY IMAP4rev1 STARTTLS
            S: P1 OK done
            C: P2 STARTTLS
            S: P2 OK go
            TLS
        """
        converse(self.connect(STARTTLS), talk)

    def test_implicit_tls_comes_before_the_greeting(self) -> None:
        assert converse(self.connect(IMPLICIT), "TLS\nS: * OK hi").tls

    def test_no_tls_offered_and_none_is_used(self) -> None:
        talk = "S: * OK [CAPABILITY IMAP4rev1] hi"
        with pytest.raises(TlsError, match=r"offers no encryption") as refused:
            converse(self.connect(STARTTLS), talk)
        assert "993" in refused.value.advice
        assert not converse(self.connect(CLEAR), talk).tls

    def test_a_login_before_tls_is_somebody_in_the_middle(self) -> None:
        with pytest.raises(TlsError, match=r"offers no encryption"):
            converse(self.connect(STARTTLS), "S: * PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] welcome")

    def test_the_offer_of_tls_is_withdrawn(self) -> None:
        talk = "S: * OK [CAPABILITY STARTTLS] hi\nC: P1 STARTTLS\nS: P1 NO not now"
        with pytest.raises(TlsError, match=r"can't begin it: not now"):
            converse(self.connect(STARTTLS), talk)

    @pytest.mark.parametrize(
        ("talk", "sentence"),
        [
            ("S: * BYE too many connections", "no connection now: too many connections"),
            ("S: 220 mail.example.org ESMTP", "does not speak IMAP"),
            ("S: * 3 EXISTS", "does not speak IMAP"),
            ("CLOSE", "without a word"),
            ("SILENCE\nPROBE -\nSILENCE", "said nothing for 60 seconds"),
        ],
    )
    def test_what_is_no_welcome(self, talk: str, sentence: str) -> None:
        with pytest.raises(ConnectionFailed, match=sentence) as refused:
            converse(self.connect(CLEAR), talk)
        assert refused.value.advice

    def test_a_port_that_waits_for_tls_is_found_out(self) -> None:
        with pytest.raises(TlsError, match=r"expects TLS from the first octet"):
            converse(self.connect(STARTTLS), "SILENCE\nPROBE 15")


class TestLogin:
    def login(self, capabilities: str, credentials: Credentials = ADA) -> Callable[[], Steps[Conversation]]:
        def operation() -> Steps[Conversation]:
            one = conversation(capabilities, loggedin=False)
            yield from imap.login(one, credentials)
            return one

        return operation

    def test_plain_with_its_response_at_once(self) -> None:
        talk = "C: P1 AUTHENTICATE PLAIN AGFkYUBleGFtcGxlLm9yZwBzZWNyZXQ=\nS: P1 OK [CAPABILITY IMAP4rev1 IDLE] hi"
        one = converse(self.login("AUTH=PLAIN AUTH=LOGIN SASL-IR"), talk)
        assert one.state is ClientState.AUTHENTICATED
        assert one.capabilities == {"IMAP4REV1", "IDLE"}

    def test_plain_when_asked(self) -> None:
        talk = "C: P1 AUTHENTICATE PLAIN\nS: +\nC: AGFkYUBleGFtcGxlLm9yZwBzZWNyZXQ=\nS: P1 OK hi"
        assert converse(self.login("AUTH=PLAIN"), talk).capabilities == frozenset()

    def test_the_mechanism_login(self) -> None:
        talk = """
            C: P1 AUTHENTICATE LOGIN
            S: + VXNlcm5hbWU6
            C: YWRhQGV4YW1wbGUub3Jn
            S: + UGFzc3dvcmQ6
            C: c2VjcmV0
            S: P1 OK hi
        """
        converse(self.login("AUTH=LOGIN LOGINDISABLED"), talk)

    def test_the_command_login(self) -> None:
        converse(self.login("IMAP4REV1"), 'C: P1 LOGIN ada@example.org "secret"\nS: P1 OK hi')

    def test_a_password_that_needs_a_literal(self) -> None:
        talk = "C: P1 LOGIN ada {7}\nS: + go\nC: ecretß\nS: P1 OK hi"
        converse(self.login("IMAP4REV1", Credentials("ada", "ecretß")), talk)

    def test_a_literal_is_refused(self) -> None:
        with pytest.raises(LoginRefused, match=r"no literals here"):
            converse(
                self.login("IMAP4REV1", Credentials("ada", "ecretß")), "C: P1 LOGIN ada {7}\nS: P1 BAD no literals here"
            )

    def test_never_in_clear_text(self) -> None:
        for server, loopback in ((CLEAR, False), (STARTTLS, True)):
            one = conversation("AUTH=PLAIN", server=server, loggedin=False, loopback=loopback)
            one.tls = False
            with pytest.raises(TlsError, match=r"clear text"):
                converse(lambda one=one: imap.login(one, ADA), "")  # type: ignore[misc]

    def test_in_clear_text_within_this_computer_if_asked_for(self) -> None:
        def operation() -> Steps[LoggedIn]:
            return imap.login(conversation("IMAP4REV1", server=CLEAR, loggedin=False, loopback=True), ADA)

        converse(operation, 'C: P1 LOGIN ada@example.org "secret"\nS: P1 OK hi')

    def test_a_wrong_password(self) -> None:
        talk = 'C: P1 LOGIN ada@example.org "secret"\nS: P1 NO [AUTHENTICATIONFAILED] wrong'
        with pytest.raises(
            LoginRefused, match=r"mail\.example\.org refused the login of ada@example\.org: wrong"
        ) as no:
            converse(self.login("IMAP4REV1"), talk)
        assert no.value.advice
        assert "secret" not in str(no.value)

    def test_not_the_passwords_fault(self) -> None:
        talk = 'C: P1 LOGIN ada@example.org "secret"\nS: P1 NO [UNAVAILABLE] backend is down'
        with pytest.raises(ImapRefused, match=r"backend is down") as no:
            converse(self.login("IMAP4REV1"), talk)
        assert no.value.code == "UNAVAILABLE"
        assert no.value.advice == "Try again in a few minutes."

    def test_no_way_to_log_in(self) -> None:
        with pytest.raises(LoginRefused, match=r"takes no password here"):
            converse(self.login("LOGINDISABLED AUTH=XOAUTH2"), "")

    def test_no_way_to_log_in_without_tls(self) -> None:
        clear = conversation("LOGINDISABLED STARTTLS", server=CLEAR, loggedin=False, loopback=True)
        with pytest.raises(LoginRefused, match=r"takes no password here") as no:
            converse(lambda: imap.login(clear, ADA), "")
        assert "tls=none" in no.value.advice

    def test_a_server_that_asks_on_and_on(self) -> None:
        talk = "C: P1 AUTHENTICATE PLAIN\nS: +\nC: AGFkYUBleGFtcGxlLm9yZwBzZWNyZXQ=\nS: + bW9yZQ==\n"
        talk += "C: *\nS: P1 BAD cancelled"
        with pytest.raises(LoginRefused, match=r"cancelled"):
            converse(self.login("AUTH=PLAIN"), talk)

    def test_only_once(self) -> None:
        with pytest.raises(LocalProtocolError):
            converse(lambda: imap.login(conversation(), ADA), "")


class TestMailboxes:
    def test_list(self) -> None:
        talk = r"""
            C: P1 LIST "" "*"
            S: * LIST (\HasNoChildren) "/" INBOX
            S: * LIST (\Sent) "/" "Entw&APw-rfe"
            S: P1 OK done
        """
        listed = talk_with(imap.list_mailboxes, talk)
        assert [(one.name, one.delimiter) for one in listed] == [("INBOX", "/"), ("Entwürfe", "/")]

    def test_select(self) -> None:
        talk = """
            C: P1 EXAMINE Inbox
            S: * 17 EXISTS
            S: * OK [UIDVALIDITY 3857529045] ok
            S: * OK [UIDNEXT 4392] ok
            S: P1 OK [READ-ONLY] done
        """
        selected = talk_with(lambda one: imap.select(one, "Inbox", read_only=True), talk)
        assert (selected.exists, selected.uidvalidity, selected.uidnext) == (17, 3857529045, 4392)
        assert selected.read_only

    def test_a_mailbox_that_is_not_there(self) -> None:
        talk = "C: P1 SELECT Nowhere\nS: P1 NO [NONEXISTENT] Unknown mailbox"
        with pytest.raises(ImapRefused, match=r"opening the mailbox Nowhere was refused by the server: Unknown") as no:
            talk_with(lambda one: imap.select(one, "Nowhere"), talk)
        assert no.value.condition == "NO"
        assert "name of the mailbox" in no.value.advice

    def test_a_name_that_can_be_none(self) -> None:
        with pytest.raises(LocalProtocolError):
            talk_with(lambda one: imap.select(one, "half a \ud800"), "")


class TestMessages:
    def test_search(self) -> None:
        talk = "C: P1 UID SEARCH ANSWERED\nS: * SEARCH 9 7\nS: * SEARCH 11\nS: P1 OK done"
        assert talk_with(lambda one: imap_search.uid_search(one, Q.answered.key), talk) == [7, 9, 11]

    def test_search_answered_in_the_new_way(self) -> None:
        talk = 'C: P1 UID SEARCH ALL\nS: * ESEARCH (TAG "P1") UID ALL 2:4,9\nS: P1 OK done'
        assert talk_with(lambda one: imap_search.uid_search(one, Q.all.key), talk) == [2, 3, 4, 9]

    def test_charset_is_said_only_where_it_is_needed(self) -> None:
        talk = "C: P1 UID SEARCH FROM bob NOT SEEN\nS: * SEARCH\nS: P1 OK".replace("bob", '"bob"')
        assert talk_with(lambda one: imap_search.uid_search(one, (Q.from_("bob") & Q.unread).key), talk) == []
        talk = "C: P1 UID SEARCH CHARSET UTF-8 SUBJECT {3}\nS: + go\nC: Tä\nS: * SEARCH 4\nS: P1 OK"
        assert talk_with(lambda one: imap_search.uid_search(one, Q.subject("Tä").key), talk) == [4]

    def test_a_server_that_knows_ascii_only(self) -> None:
        talk = """
            C: P1 UID SEARCH CHARSET UTF-8 OR NOT BODY {3}
            S: P1 NO [BADCHARSET (US-ASCII)] what?
            C: P2 UID SEARCH ALL
            S: * SEARCH 1 2
            S: P2 OK
            C: P3 UID SEARCH BODY "T"
            S: * SEARCH 2
            S: P3 OK
            C: P4 UID FETCH 2 (UID BODY.PEEK[])
            S: * 2 FETCH (UID 2 BODY[] NIL)
            S: P4 OK
        """
        wanted = (~Q.body("Tä") | Q.read).key
        assert sorted(talk_with(lambda one: imap_search.uid_search(one, wanted), talk)) == [1, 2]

    def test_what_would_be_too_much_to_read(self) -> None:
        talk = """
            C: P1 UID SEARCH CHARSET UTF-8 TEXT {2}
            S: P1 BAD CHARSET is not known here
            C: P2 UID SEARCH ALL
            S: * ESEARCH (TAG "P2") UID ALL 1:501
            S: P2 OK
        """
        with pytest.raises(ImapRefused, match="501 messages would have to be read") as no:
            talk_with(lambda one: imap_search.uid_search(one, Q.text("ä").key), talk)
        assert "Narrow" in no.value.advice

    def test_nobody_makes_us_count_to_four_thousand_million(self) -> None:
        talk = 'C: P1 UID SEARCH ALL\nS: * ESEARCH (TAG "P1") UID ALL 1:4294967295\nS: P1 OK done'
        with pytest.raises(LimitError):
            talk_with(lambda one: imap_search.uid_search(one, Q.all.key), talk)

    def test_fetch(self) -> None:
        talk = r"""
            C: P1 FETCH 2:3 (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])
            S: * 2 FETCH (UID 12 FLAGS (\Seen) BODY[HEADER.FIELDS (SUBJECT)] {14}
            S: Subject: two
            S: )
            S: * 3 FETCH (FLAGS () UID 13 BODY[HEADER.FIELDS ("SUBJECT")] "Subject: three")
            S: * 1 FETCH (FLAGS (\Seen))
            S: P1 OK done
        """
        subject = BodySection(Section(text=Text.FIELDS, fields=("SUBJECT",)), peek=True)
        items = (Attribute.UID, Attribute.FLAGS, subject)
        two, three = talk_with(lambda one: imap.fetch(one, SequenceSet(((2, 3),)), items), talk)
        assert (two.uid, two.flags, two.section(subject)) == (12, {"\\Seen"}, b"Subject: two\r\n")
        assert (three.uid, three.flags, three.section(subject)) == (13, frozenset(), b"Subject: three")

    def test_an_answer_in_two_pieces(self) -> None:
        talk = r"""
            C: P1 UID FETCH 12 (UID FLAGS RFC822.SIZE)
            S: * 2 FETCH (UID 12 RFC822.SIZE 99)
            S: * 2 FETCH (UID 12 FLAGS (\Flagged))
            S: P1 OK done
        """
        items = (Attribute.UID, Attribute.FLAGS, Attribute.SIZE)
        (one,) = talk_with(lambda one: imap.uid_fetch(one, SequenceSet(((12, 12),)), items), talk)
        assert (one.size, one.flags) == (99, {"\\Flagged"})

    def test_long_sets_are_several_commands(self) -> None:
        numbers = SequenceSet.of(range(1, 4000, 2))
        parts = [str(part) for part in numbers.split(imap.MAX_SET)]
        assert len(parts) == 3
        asked = [f"C: P{n} UID FETCH {part} (UID)" for n, part in enumerate(parts, 1)]
        lines = [*asked[:2], "S: P1 OK done", asked[2], "S: P2 OK done", "S: P3 OK done"]
        assert talk_with(lambda one: imap.uid_fetch(one, numbers, [Attribute.UID]), "\n".join(lines)) == []


class TestAskingAhead:
    """A FETCH is sent before its answer is wanted, and does no harm when that never comes."""

    ONE, TWO = SequenceSet(((1, 1),)), SequenceSet(((2, 2),))

    def test_the_server_works_meanwhile(self) -> None:
        def operation(one: Conversation) -> Steps[list[int | None]]:
            first = yield from imap.fetch(one, self.TWO, [Attribute.UID], following=self.ONE)
            second = yield from imap.fetch(one, self.ONE, [Attribute.UID])
            return [one.uid for one in (*first, *second)]

        talk = """
            C: P1 FETCH 2 (UID)
            C: P2 FETCH 1 (UID)
            S: * 2 FETCH (UID 12)
            S: P1 OK done
            S: * 1 FETCH (UID 11)
            S: P2 OK done
        """
        assert talk_with(operation, talk) == [12, 11]

    @pytest.mark.parametrize("answer", ["S: * 1 FETCH (UID 11)\nS: P2 OK done", "S: P2 NO what?"])
    def test_something_else_comes_in_between(self, answer: str) -> None:
        def operation(one: Conversation) -> Steps[list[int | None]]:
            yield from imap.fetch(one, self.TWO, [Attribute.UID], following=self.ONE)
            yield from imap.noop(one)
            return [one.uid for one in (yield from imap.fetch(one, self.ONE, [Attribute.UID]))]

        talk = f"""
            C: P1 FETCH 2 (UID)
            C: P2 FETCH 1 (UID)
            S: P1 OK done
            {answer}
            C: P3 NOOP
            S: * 1 EXPUNGE
            S: P3 OK done
            C: P4 FETCH 1 (UID)
            S: * 1 FETCH (UID 22)
            S: P4 OK done
        """
        assert talk_with(operation, talk) == [22]

    def test_other_messages_are_asked_for(self) -> None:
        def operation(one: Conversation) -> Steps[int]:
            yield from imap.fetch(one, self.TWO, [Attribute.UID], following=self.ONE)
            return len((yield from imap.fetch(one, self.ONE, [Attribute.FLAGS])))

        talk = """
            C: P1 FETCH 2 (UID)
            C: P2 FETCH 1 (UID)
            S: P1 OK done
            S: P2 OK done
            C: P3 FETCH 1 (FLAGS)
            S: P3 OK done
        """
        assert talk_with(operation, talk) == 0


class TestAppend:
    def test_a_literal_that_waits(self) -> None:
        talk = r"""
            C: P1 APPEND Sent (\Seen) {11}
            S: + go on
            C: a: b
            C:
            C: c
            C:
            S: P1 OK [APPENDUID 38505 3955] done
        """
        assert talk_with(lambda one: imap.append(one, "Sent", b"a: b\n\nc\n", ["\\Seen"]), talk) == 3955

    def test_a_literal_that_need_not_wait(self) -> None:
        talk = "C: P1 APPEND Sent () {3+}\nC: a\nC:\nS: P1 OK done"
        assert talk_with(lambda one: imap.append(one, "Sent", b"a\n"), talk, "IMAP4REV1 LITERAL+") is None

    def test_there_is_no_such_mailbox(self) -> None:
        talk = "C: P1 APPEND Sent () {3}\nS: P1 NO [TRYCREATE] what?"
        with pytest.raises(ImapRefused, match=r"keeping a message in Sent was refused") as no:
            talk_with(lambda one: imap.append(one, "Sent", b"a\n"), talk)
        assert "create it first" in no.value.advice


class TestRename:
    """RFC 9051 §6.3.6, last example: SUBSCRIBE the new name, UNSUBSCRIBE the old one."""

    def test_subscriptions_come_along(self) -> None:
        talk = """
            C: P1 LSUB "" "Plan*"
            S: * LSUB () "/" Plan
            S: * LSUB () "/" Plan/B
            S: * LSUB () "/" Plans
            S: P1 OK done
            C: P2 RENAME Plan Old
            S: P2 OK done
            C: P3 SUBSCRIBE Old
            S: P3 OK done
            C: P4 UNSUBSCRIBE Plan
            S: P4 OK done
            C: P5 SUBSCRIBE Old/B
            S: P5 NO not that
        """
        talk_with(lambda one: imap_mailbox.rename(one, "Plan", "Old"), talk, "IMAP4REV1")

    def test_nobody_is_subscribed(self) -> None:
        talk = """
            C: P1 LIST (SUBSCRIBED) "" "Plan*"
            S: P1 OK done
            C: P2 RENAME Plan Old
            S: P2 OK done
        """
        talk_with(lambda one: imap_mailbox.rename(one, "Plan", "Old"), talk, "IMAP4REV2")

    def test_inbox_stays(self) -> None:
        talk = """
            C: P1 LSUB "" "INBOX*"
            S: * LSUB () "/" INBOX
            S: * LSUB () "/" INBOX/below
            S: P1 OK done
            C: P2 RENAME INBOX Old
            S: P2 OK done
            C: P3 SUBSCRIBE Old
            S: P3 OK done
        """
        talk_with(lambda one: imap_mailbox.rename(one, "INBOX", "Old"), talk)

    def test_a_server_without_subscriptions(self) -> None:
        talk = """
            C: P1 LSUB "" "Plan*"
            S: P1 BAD what?
            C: P2 RENAME Plan Old
            S: P2 OK done
        """
        talk_with(lambda one: imap_mailbox.rename(one, "Plan", "Old"), talk)


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ([("Sent", ""), ("Gesendet", "\\Sent")], "Gesendet"),
        ([("INBOX", ""), ("INBOX.Sent Items", "")], "INBOX.Sent Items"),
        ([("Gesendet", ""), ("Sent", "")], "Sent"),
        ([("Sent", "\\Noselect"), ("INBOX", "")], None),
        ([], None),
    ],
)
def test_the_mailbox_for_sent_letters(listed: list[tuple[str, str]], found: str | None) -> None:
    mailboxes = [Listed(name, name.encode(), ".", frozenset(flags.split())) for name, flags in listed]
    sent = special_mailbox(mailboxes, "\\Sent")
    assert (sent.name if sent else None) == found


class TestOddServers:
    def fetch(self, answer: str) -> object:
        talk = f"C: P1 FETCH 1 (UID)\n{answer}"
        return talk_with(lambda one: imap.fetch(one, SequenceSet(((1, 1),)), [Attribute.UID]), talk)

    @pytest.mark.parametrize(
        ("answer", "error", "sentence"),
        [
            ("S: P1 BAD what?", ImapRefused, "fetching messages was refused by the server: what?"),
            ("S: P1 NO", ImapRefused, "NO"),
            ("S: P7 OK done", RemoteProtocolError, "answered P7, which was not asked"),
            ("S: + go on", RemoteProtocolError, "wants more of FETCH than there is"),
            ("S: * BYE shutting down", ConnectionFailed, "closes the connection: shutting down"),
            ("CLOSE", ConnectionFailed, "mail.example.org closed the connection"),
            ("S: * 1 FETCH (UI\nCLOSE", ConnectionFailed, "closed the connection"),
            ("SILENCE", ConnectionFailed, "did not answer for 180 seconds"),
            ("S: nonsense", RemoteProtocolError, "no IMAP response"),
            ("S: * 1 FETCH (BODY[] {99999999999}", LimitError, "99999999999 octets"),
        ],
    )
    def test_clean_errors(self, answer: str, error: type[PosthouseError], sentence: str) -> None:
        with pytest.raises(error, match=sentence):
            self.fetch(answer)

    def test_a_server_that_never_stops(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(imap, "MAX_RESPONSES", 3)
        with pytest.raises(LimitError, match=r"more than 3 responses"):
            self.fetch("S: * 1 EXISTS\n" * 4)
        monkeypatch.setattr(imap, "MAX_ANSWER", 20)
        with pytest.raises(LimitError, match=r"more than 20 octets"):
            self.fetch("S: * OK aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")

    def test_what_is_not_known_is_passed_over(self) -> None:
        assert self.fetch("S: * XFUTURE (a b)\nS: * OK [XCODE] x\nS: P1 OK done") == []


@pytest.mark.parametrize("answer", ["S: * BYE bye", "S: P1 OK", "CLOSE", "SILENCE", "S: nonsense"])
def test_leaving_never_fails(answer: str) -> None:
    def operation() -> Steps[None]:
        return imap.logout(conversation())

    converse(operation, f"C: P1 LOGOUT\n{answer}")
