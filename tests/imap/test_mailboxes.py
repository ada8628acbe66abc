"""Commands about mailboxes: RFC 9051 §6.3, RFC 3501 §6.3; LIST-EXTENDED, SPECIAL-USE, QRESYNC and others."""

from __future__ import annotations

import pytest

from imap_session import converse, refused, said
from posthouse.imap.command import (
    Check,
    Close,
    Create,
    Delete,
    Expunge,
    List,
    Lsub,
    Namespace,
    QResync,
    Rename,
    Select,
    Status,
    StatusItem,
    Subscribe,
    Unselect,
    Unsubscribe,
)  # fmt: skip
from posthouse.imap.sequence import SequenceSet
from posthouse.imap.table import State

AUTHENTICATED = State.AUTHENTICATED


def sets(text: str) -> SequenceSet:
    return SequenceSet.parse(text.encode())


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("SELECT INBOX", Select("INBOX")),
        ('select "Inbox"', Select("INBOX")),
        ('SELECT "Sent Messages"', Select("Sent Messages")),
        ("SELECT {5+}\nC: inbox", Select("INBOX")),
        ("SELECT Entw&APw-rfe", Select("Entwürfe")),
        ("EXAMINE blurdybloop", Select("blurdybloop", read_only=True)),
        ("SELECT INBOX (CONDSTORE)", Select("INBOX", condstore=True)),
        ("SELECT INBOX (QRESYNC (67890007 20050715194045000 41,43:211,214:541))",
         Select("INBOX", False, True, QResync(67890007, 20050715194045000, sets("41,43:211,214:541")))),
        ("SELECT INBOX (QRESYNC (67890007 90060115194045000 41:211 (1,10,20 41,50,60)) CONDSTORE)",
         Select("INBOX", False, True,
                QResync(67890007, 90060115194045000, sets("41:211"), (sets("1,10,20"), sets("41,50,60"))))),
        ("EXAMINE INBOX (QRESYNC (1 2 (1 41)))",
         Select("INBOX", True, True, QResync(1, 2, None, (sets("1"), sets("41"))))),
        ("EXAMINE INBOX (QRESYNC (1 2))", Select("INBOX", True, True, QResync(1, 2))),
        ("CREATE owatagusiam/", Create("owatagusiam/")),
        ("CREATE Everything (USE (\\all \\sent))", Create("Everything", ("\\All", "\\Sent"))),
        ("CREATE x (USE ())", Create("x")),
        ("DELETE blurdybloop", Delete("blurdybloop")),
        ('RENAME foo "b a r"', Rename("foo", "b a r")),
        ("RENAME INBOX old-mail", Rename("INBOX", "old-mail")),
        ("SUBSCRIBE #news.comp.mail.mime", Subscribe("#news.comp.mail.mime")),
        ("UNSUBSCRIBE #news.comp.mail.mime", Unsubscribe("#news.comp.mail.mime")),
        ("NAMESPACE", Namespace()),
        ("STATUS blurdybloop (UIDNEXT messages UIDNEXT)",
         Status("blurdybloop", (StatusItem.UIDNEXT, StatusItem.MESSAGES))),
        ('LSUB "#news." "comp.mail.*"', Lsub("#news.", "comp.mail.*")),
        ("CHECK", Check()),
        ("CLOSE", Close()),
        ("UNSELECT", Unselect()),
        ("EXPUNGE", Expunge()),
        ("UID EXPUNGE 3000:3002", Expunge(sets("3000:3002"))),
    ],
)  # fmt: skip
def test_commands(line: str, command: object) -> None:
    assert said(line) == command


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ('LIST "" ""', List("", ("",))),
        ('LIST "" *', List("", ("*",))),
        ("LIST #news.comp.mail.misc %", List("#news.comp.mail.misc", ("%",))),
        ('LIST "" {2+}\nC: a*', List("", ("a*",))),
        ('LIST "" inbox', List("", ("INBOX",))),
        ('LIST (SUBSCRIBED) "" "*"', List("", ("*",), frozenset({"SUBSCRIBED"}), extended=True)),
        ('LIST () "" "%" RETURN (CHILDREN)', List("", ("%",), returns=frozenset({"CHILDREN"}), extended=True)),
        ('LIST (REMOTE) "" "%" RETURN ()', List("", ("%",), frozenset({"REMOTE"}), extended=True)),
        ('LIST "" ("INBOX" "Drafts" "Sent/%")', List("", ("INBOX", "Drafts", "Sent/%"), extended=True)),
        ('LIST (subscribed recursivematch) "" "%"',
         List("", ("%",), frozenset({"SUBSCRIBED", "RECURSIVEMATCH"}), extended=True)),
        ('LIST "" % RETURN (STATUS (MESSAGES UNSEEN) SPECIAL-USE)',
         List("", ("%",), frozenset(), frozenset({"STATUS", "SPECIAL-USE"}), (StatusItem.MESSAGES, StatusItem.UNSEEN),
              extended=True)),
    ],
)  # fmt: skip
def test_list(line: str, command: object) -> None:
    assert said(line, state=AUTHENTICATED) == command


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("SELECT", "BAD SELECT: expected one space at character 10"),
        ("SELECT INBOX more", 'BAD SELECT: expected "("...'),
        ("SELECT INBOX (FOO)", "BAD SELECT: expected CONDSTORE or QRESYNC at character 18"),
        ("SELECT INBOX (QRESYNC (0 1))", "BAD SELECT:..."),
        ("SELECT INBOX (QRESYNC (1 0))", "BAD SELECT:..."),
        ("SELECT INBOX (QRESYNC (1 1 x))", "BAD SELECT:..."),
        ("SELECT INBOX (QRESYNC (1 1 (1)))", "BAD SELECT:..."),
        ("SELECT A&B", "NO [CANNOT] SELECT: that can't be a mailbox name: an..."),
        ("SELECT &AAk-", "NO [CANNOT] SELECT: a mailbox name has no control characters"),
        ("SELECT {1+}\nC: \\x00", "BAD SELECT: a literal holds NUL, which only a literal8 may"),
        ("CREATE x (FOO)", "BAD CREATE: expected USE..."),
        ("CREATE x (USE (Sent))", "BAD CREATE: expected an attribute..."),
        ("DELETE", "BAD DELETE:..."),
        ("DELETE a b", "BAD DELETE: expected the end of the line at character 12"),
        ("RENAME a", "BAD RENAME:..."),
        ("STATUS a", "BAD STATUS:..."),
        ("STATUS a ()", "BAD STATUS: expected a status item..."),
        ("STATUS a (FOO)", "BAD STATUS: expected a status item (MESSAGES, RECENT..."),
        ("STATUS a MESSAGES", "BAD STATUS:..."),
        ("LIST", "BAD LIST:..."),
        ('LIST ""', "BAD LIST:..."),
        ('LIST (FOO) "" *', "BAD LIST: expected a selection option (RECURSIVEMATCH..."),
        ('LIST (RECURSIVEMATCH) "" *', "BAD LIST: RECURSIVEMATCH needs..."),
        ('LIST (REMOTE RECURSIVEMATCH) "" *', "BAD LIST: RECURSIVEMATCH needs..."),
        ('LIST "" ()', "BAD LIST:..."),
        ('LIST "" * FOO', "BAD LIST: expected RETURN..."),
        ('LIST "" * RETURN (FOO)', "BAD LIST: expected a return option..."),
        ('LIST "" * RETURN (STATUS)', "BAD LIST:..."),
        ('LIST "" (' + " ".join("a" * 101) + ")", "BAD LIST: LIST takes at most 100 patterns"),
        ("UID EXPUNGE", "BAD UID EXPUNGE:..."),
        ("UID", "BAD expected one space at character 7"),
        ("UID NOOP", "BAD there is no command UID NOOP"),
    ],
)
def test_malformed(line: str, answer: str) -> None:
    refused(line, answer)


def test_names_once_utf8_is_enabled() -> None:
    events = converse(
        """
        C: a SELECT "A&-B"
        S: a OK...
        C: b ENABLE IMAP4rev2
        S: * ENABLED IMAP4REV2
        S: b OK...
        C: c SELECT "A&-Bü"
        S: c OK...
        """
    )
    assert [getattr(event, "command", None) for event in events[::2]] == [Select("A&B"), Select("A&-Bü")]


@pytest.mark.parametrize(
    "line", ["CHECK", "CLOSE", "EXPUNGE", "FETCH 1 FLAGS", "SEARCH ALL", "COPY 1 x", "UID COPY 1 x"]
)
def test_commands_that_need_a_selected_mailbox(line: str) -> None:
    name = line[: 8 if line.startswith("UID") else None].split(" 1")[0].split(" ALL")[0]
    refused(
        line, f"BAD {name}: not possible now: you are logged in, with no mailbox selected", state=AUTHENTICATED
    )  # fmt: skip


@pytest.mark.parametrize("line", ["SELECT INBOX", "LIST {1+}\nC: x", "APPEND x {3+}\nC: abc", "FETCH 1 FLAGS", "IDLE"])
def test_commands_that_need_a_login(line: str) -> None:
    refused(line, f"BAD {line.split()[0]}: not possible now: you are not logged in", state=State.NOT_AUTHENTICATED)


def test_commands_that_come_too_late() -> None:
    for line in ("LOGIN a b", "AUTHENTICATE PLAIN", "STARTTLS"):
        refused(line, f"BAD {line.split()[0]}: not possible now: you are logged in...")


def test_commands_that_are_not_offered_are_unknown() -> None:
    refused("MOVE 1 x", "BAD there is no command MOVE", offers=())
    refused("UID EXPUNGE 1", "BAD there is no command UID EXPUNGE", offers=())
    refused("FROBNICATE", "BAD there is no command FROBNICATE")
