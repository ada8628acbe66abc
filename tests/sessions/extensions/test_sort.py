"""SORT: RFC 5256 §3; ESORT: RFC 5267 §3.1."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House


def raw(subject: str, day: int, sender: str = "Ada") -> bytes:
    return (
        f"From: {sender} <a@example.org>\r\nSubject: {subject}\r\nDate: {day} Feb 2000 10:00:00 +0000\r\n\r\nx\r\n"
    ).encode()


def test_examples(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """RFC 5256, examples: by subject, by subject and the latest first, and where nothing is found."""
    for subject, day in (("pears", 1), ("Re: pears", 2), ("apples", 1), ("Fwd: apples (fwd)", 3), ("[list] apples", 2)):
        house.append(inbox, raw=raw(subject, day))
    talk.run("""
        1: s SELECT INBOX
        1< ...
        1< s OK...
        1: A282 SORT (SUBJECT) UTF-8 SINCE 1-Feb-1994
        1< * SORT 3 4 5 1 2
        1< A282 OK SORT completed
        1: A283 SORT (SUBJECT REVERSE DATE) UTF-8 ALL
        1< * SORT 4 5 3 2 1
        1< A283 OK SORT completed
        1: A284 SORT (SUBJECT) US-ASCII TEXT "not in mailbox"
        1< * SORT
        1< A284 OK SORT completed
        1: E01 UID SORT RETURN () (REVERSE DATE) UTF-8 UNDELETED
        1< * ESEARCH (TAG "E01") UID ALL 4,2,5,1,3
        1< E01 OK SORT completed
        1: E02 SORT RETURN (MIN MAX COUNT) (REVERSE DATE) UTF-8 UNDELETED
        1< * ESEARCH (TAG "E02") MIN 4 MAX 3 COUNT 5
        1< E02 OK SORT completed
    """)
