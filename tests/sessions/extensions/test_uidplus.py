"""UIDPLUS: RFC 4315."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


def test_expunge_example(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§2.1, example: three of those that are marked, and no other."""
    for number in range(1, 7):
        house.append(inbox, raw=letter(f"letter {number}"), flags=["\\Deleted"] if number > 1 else [])
    talk.run("""
        1: s SELECT INBOX
        1< ...
        1< s OK...
        1: A003 UID EXPUNGE 3:5
        1< * 5 EXPUNGE
        1< * 4 EXPUNGE
        1< * 3 EXPUNGE
        1< A003 OK EXPUNGE completed
        1: A004 FETCH 1:* UID
        1< * 1 FETCH (UID 1)
        1< * 2 FETCH (UID 2)
        1< * 3 FETCH (UID 6)
        1< A004 OK FETCH completed
    """)


def test_codes_example(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§3, example: APPENDUID, COPYUID in the order of the source, and nothing to copy is no error."""
    for number in range(1, 6):
        house.append(inbox, raw=letter(f"letter {number}"))
    talk.run(r"""
        1: s SELECT INBOX
        1< ...
        1< s OK...
        1: d STORE 3 +FLAGS.SILENT (\Deleted)
        1< d OK STORE completed
        1: x EXPUNGE
        1< * 3 EXPUNGE
        1< x OK EXPUNGE completed
        1: A002 CREATE meeting
        1< A002 OK...
        1: A003 APPEND saved-messages (\Seen) {3+}
        1: abc
        1< A003 NO [TRYCREATE] There is no mailbox saved-messages
        1: A003 APPEND meeting (\Seen) {3+}
        1: abc
        1< A003 OK [APPENDUID 1700000006 1] APPEND completed
        1: A004 COPY 2:4 meeting
        1< A004 OK [COPYUID 1700000006 2,4:5 2:4] COPY completed
        1: A005 UID COPY 305:310 meeting
        1< A005 OK COPY completed
        1: A006 UID COPY 5,1 meeting
        1< A006 OK [COPYUID 1700000006 1,5 5:6] COPY completed
    """)
