"""THREAD: RFC 5256 §3, examples of its command and its response."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House


def raw(name: str, subject: str, day: int, *parents: str) -> bytes:
    references = " ".join(f"<{parent}@x>" for parent in parents)
    return (
        f"Message-ID: <{name}@x>\r\nSubject: {subject}\r\nDate: {day} Mar 2000 10:00:00 +0000\r\n"
        + (f"References: {references}\r\n" if parents else "")
        + "\r\nx\r\n"
    ).encode()


def test_response_example(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§4, second example: 2; 3, to which 6 answers, to which there are two branches, 4 23 and 44 7 96 (here 1 to 8)."""
    tree = (("2",), ("3",), ("6", "3"), ("4", "3", "6"), ("23", "3", "6", "4"), ("44", "3", "6"), ("7", "3", "6", "44"),
            ("96", "3", "6", "44", "7"))  # fmt: skip
    for day, (name, *parents) in enumerate(tree, 1):
        house.append(inbox, raw=raw(name, "two" if name == "2" else "three", day, *parents))
    talk.run("""
        1: s SELECT INBOX
        1< ...
        1< s OK...
        1: A285 THREAD REFERENCES UTF-8 SINCE 5-MAR-2000
        1< * THREAD (1)(2 3 (4 5)(6 7 8))
        1< A285 OK THREAD completed
        1: A283 THREAD ORDEREDSUBJECT UTF-8 SINCE 5-MAR-2000
        1< * THREAD (1)(2 (3)(4)(5)(6)(7)(8))
        1< A283 OK THREAD completed
        1: A284 THREAD ORDEREDSUBJECT US-ASCII TEXT "gewp"
        1< * THREAD
        1< A284 OK THREAD completed
    """)


def test_a_parent_that_is_not_there(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§4, third example: ((3)(5)), siblings whose parent isn't in the mailbox."""
    house.append(inbox, raw=raw("3", "one", 1, "gone"))
    house.append(inbox, raw=raw("5", "other", 2, "gone"))
    talk.run("""
        1: s SELECT INBOX
        1< ...
        1< s OK...
        1: a THREAD REFERENCES UTF-8 ALL
        1< * THREAD ((1)(2))
        1< a OK THREAD completed
    """)
