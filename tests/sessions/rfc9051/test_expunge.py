"""EXPUNGE and UID EXPUNGE: RFC 9051 §6.4.3, §6.4.9."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House


def test_example(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.4.3, example: messages 3, 4, 7 and 11 are deleted."""
    house.fill(inbox, 12)
    talk.say("s SELECT INBOX")
    talk.say("d STORE 3,4,7,11 +FLAGS.SILENT (\\Deleted)")
    talk.run(r"""
        1: A202 EXPUNGE
        1< * 11 EXPUNGE
        1< * 7 EXPUNGE
        1< * 4 EXPUNGE
        1< * 3 EXPUNGE
        1< A202 OK EXPUNGE completed
    """)


def test_by_uid(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.4.9, example: only those that are deleted, and named."""
    house.fill(inbox, 6)
    talk.say("s SELECT INBOX")
    talk.say("d STORE 1,3,5 +FLAGS.SILENT (\\Deleted)")
    talk.run(r"""
        1: A003 UID EXPUNGE 3:4
        1< * 3 EXPUNGE
        1< A003 OK EXPUNGE completed
    """)
