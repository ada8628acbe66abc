"""UIDONLY (RFC 9586): messages have UIDs, and no numbers."""

from __future__ import annotations

import pytest

from imap_conversation import Conversation
from posthouse.store import mail
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


@pytest.fixture
def full(talk: Conversation, house: House, inbox: Mailbox) -> Conversation:
    """Four messages with the UIDs 2 to 5; client 1 has enabled UIDONLY."""
    for number in range(1, 6):
        house.append(inbox, raw=letter(f"letter {number}"))
    house.store.run(mail.remove, inbox.id, [(1, 1)])
    talk.run("""
        1: e ENABLE UIDONLY
        1< * ENABLED UIDONLY
        1< e OK ENABLE completed
        1: s SELECT INBOX
        1< ...
        1< * 4 EXISTS
        1< ...
        1< s OK...
    """)
    return talk


@pytest.mark.parametrize(
    "line",
    [
        "FETCH 1 FLAGS", "STORE 1 +FLAGS (\\Seen)", "COPY 1 Other", "MOVE 1 Other", "SEARCH ALL",
        "SORT (DATE) UTF-8 ALL", "THREAD REFERENCES UTF-8 ALL", "UID SEARCH 1", "UID SEARCH NOT (OR SEEN 2:*)",
        "UID SORT (DATE) UTF-8 1:2", "UID THREAD REFS UTF-8 1", "REPLACE 1 INBOX {3+}\r\nabc",
    ],
)  # fmt: skip
def test_numbers_are_refused(full: Conversation, line: str) -> None:
    told = full.say(f"a {line}")
    assert len(told) == 1 and told[0].startswith("a BAD [UIDREQUIRED] "), told
    assert full.say("b UID SEARCH ALL") == ["* SEARCH 2 3 4 5", "b OK SEARCH completed"]


def test_sequence_match_data_is_refused(full: Conversation) -> None:
    """§3.6: the fourth parameter of QRESYNC speaks of numbers."""
    full.say("e ENABLE QRESYNC")
    (told,) = full.say("a SELECT INBOX (QRESYNC (1 5 1:5 (1:3 2:4)))")
    assert told.startswith("a BAD [UIDREQUIRED]")
    assert full.say("a SELECT INBOX (QRESYNC (1 5 1:5))")[-1].startswith("a OK")


def test_what_is_told(full: Conversation) -> None:
    full.run(r"""
        1: a1 UID FETCH 2:3 (FLAGS)
        1< * 2 UIDFETCH (FLAGS ())
        1< * 3 UIDFETCH (FLAGS ())
        1< a1 OK FETCH completed
        1: a2 UID FETCH 3 (UID FLAGS)
        1< * 3 UIDFETCH (UID 3 FLAGS ())
        1< a2 OK FETCH completed
        1: a3 UID FETCH 4 (BODY[HEADER.FIELDS (SUBJECT)])
        1< * 4 UIDFETCH (BODY[HEADER.FIELDS (SUBJECT)] {21}
        1< Subject: letter 4
        1<
        1<  FLAGS (\Seen))
        1< a3 OK FETCH completed
        1: a4 UID STORE 3,5 +FLAGS (\Deleted)
        1< * 3 UIDFETCH (FLAGS (\Deleted))
        1< * 5 UIDFETCH (FLAGS (\Deleted))
        1< a4 OK STORE completed
        1: a5 UID EXPUNGE 3
        1< * VANISHED 3
        1< a5 OK EXPUNGE completed
        1: a6 UID SEARCH RETURN (MIN MAX COUNT ALL) ALL
        1< * ESEARCH (TAG "a6") UID MIN 2 MAX 5 COUNT 3 ALL 2,4:5
        1< a6 OK SEARCH completed
        1: a7 UID SEARCH RETURN (SAVE) DELETED
        1< a7 OK SEARCH completed
        1: a8 UID FETCH $ FLAGS
        1< * 5 UIDFETCH (FLAGS (\Deleted))
        1< a8 OK FETCH completed
        1: a9 EXPUNGE
        1< * VANISHED 5
        1< a9 OK EXPUNGE completed
        1: a10 CREATE Other
        1< a10 OK...
        1: a11 UID MOVE 4 Other
        1< * OK [COPYUID...
        1< * VANISHED 4
        1< a11 OK...
    """)


def test_what_others_do(full: Conversation) -> None:
    """The other one counts messages; both are told of the same, each in its way."""
    full.run(r"""
        2: s SELECT INBOX
        2< ...
        2: b1 STORE 2 +FLAGS (\Flagged \Deleted)
        2< * 2 FETCH (FLAGS (\Deleted \Flagged))
        2< b1 OK STORE completed
        1: a1 NOOP
        1< * 3 UIDFETCH (FLAGS (\Deleted \Flagged))
        1< a1 OK NOOP completed
        1: a2 UID STORE 4 +FLAGS.SILENT (\Answered)
        1< a2 OK STORE completed
        2: b2 EXPUNGE
        2< * 2 EXPUNGE
        2< * 2 FETCH (FLAGS (\Answered))
        2< b2 OK EXPUNGE completed
        2: b3 APPEND INBOX {3+}
        2: abc
        2< * 4 EXISTS
        2< * 1 RECENT
        2< b3 OK...
        1: a3 NOOP
        1< * VANISHED 3
        1< * 4 EXISTS
        1< a3 OK NOOP completed
        1: a4 UID FETCH 6 RFC822.SIZE
        1< * 6 UIDFETCH (RFC822.SIZE 3)
        1< a4 OK FETCH completed
    """)


def test_with_condstore_and_qresync(full: Conversation) -> None:
    full.run(r"""
        1: e ENABLE QRESYNC
        1< * OK [HIGHESTMODSEQ...
        1< * ENABLED QRESYNC
        1< e OK...
        1: a1 UID STORE 2 +FLAGS.SILENT (\Flagged)
        1< * 2 UIDFETCH (MODSEQ (14))
        1< a1 OK STORE completed
        1: a2 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)
        1< ...
        1< * 2 UIDFETCH (MODSEQ (14) FLAGS (\Flagged))
        1< ...
        1< a2 OK FETCH completed
    """)


def test_it_ends_with_the_login(full: Conversation) -> None:
    """UNAUTHENTICATE switches extensions off (RFC 8437 §2)."""
    assert full.client("1").session.server.uid_only
    assert full.say("u UNAUTHENTICATE")[-1].startswith("u OK")
    assert not full.client("1").session.server.uid_only
