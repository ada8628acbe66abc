"""MOVE: RFC 9051 §6.4.8."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


def test_example(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.4.8, example: where they went is told before they are gone."""
    for number in range(1, 5):
        house.append(inbox, raw=letter(f"letter {number}"))
    talk.say("c CREATE foo")
    talk.say("s SELECT INBOX")
    talk.run(r"""
        1: a UID MOVE 2:3 foo
        1< * OK [COPYUID 1700000006 2:3 1:2] Moved
        1< * 3 EXPUNGE
        1< * 2 EXPUNGE
        1< a OK MOVE completed
        1: b MOVE 1 foo
        1< * OK [COPYUID 1700000006 1 3] Moved
        1< * 1 EXPUNGE
        1< b OK MOVE completed
        1: c MOVE 1 nowhere
        1< c NO [TRYCREATE] There is no mailbox nowhere
    """)
