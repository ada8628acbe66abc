"""UID: RFC 9051 §6.4.9. Its forms of EXPUNGE, MOVE and COPY are beside these commands."""

from __future__ import annotations

import pytest

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


@pytest.fixture
def sparse(talk: Conversation, house: House, inbox: Mailbox) -> Conversation:
    """Messages with the UIDs 2, 5, 6 and 8."""
    for number in range(1, 9):
        house.append(inbox, raw=letter(f"letter {number}"), flags=["\\Seen"] if number > 4 else [])
    talk.run(r"""
        1: s SELECT INBOX
        1< ...
        1< s OK...
        1: d UID STORE 1,3:4,7 +FLAGS.SILENT (\Deleted)
        1< d OK...
        1: x EXPUNGE
        1< ...
        1< x OK...
    """)
    return talk


def test_example(sparse: Conversation) -> None:
    """§6.4.9, last example: the number is the message's, and the UID is told whether or not it was asked for."""
    sparse.run(r"""
        1: A999 UID FETCH 5:7 FLAGS
        1< * 2 FETCH (UID 5 FLAGS (\Seen))
        1< * 3 FETCH (UID 6 FLAGS (\Seen))
        1< A999 OK FETCH completed
        1: B UID STORE 2 +FLAGS (\Flagged)
        1< * 1 FETCH (UID 2 FLAGS (\Flagged))
        1< B OK STORE completed
    """)


def test_search(sparse: Conversation) -> None:
    """§6.4.9: numbers and UIDs in one search, whose answer has UIDs."""
    sparse.run(r"""
        1: e ENABLE IMAP4rev2
        1< * ENABLED IMAP4rev2
        1< e OK...
        1: a UID SEARCH 1:3 UID 4:99
        1< * ESEARCH (TAG "a") UID ALL 5:6
        1< a OK SEARCH completed
    """)


def test_what_is_not_there(sparse: Conversation) -> None:
    """§6.4.9: UIDs that aren't there are passed over without an error; 559:* has the last message in any case."""
    sparse.run(r"""
        1: a UID FETCH 3:4,7 FLAGS
        1< a OK FETCH completed
        1: b UID FETCH 559:* UID
        1< * 4 FETCH (UID 8)
        1< b OK FETCH completed
        1: c UID COPY 3:4 INBOX
        1< c OK...
        1: d UID NOOP
        1< d BAD...
    """)
