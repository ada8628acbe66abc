"""WITHIN: RFC 5032."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import NOW, House, letter

DAY = 86_400


def test_example(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§4, example: unseen, and at most three days old; OLDER is its counterpart."""
    for days in (5, 4, 2, 1):
        house.append(inbox, raw=letter(f"{days} days"), received=NOW - days * DAY)
    house.append(inbox, raw=letter("seen"), flags=["\\Seen"])
    talk.run("""
        1: s SELECT INBOX
        1< ...
        1< s OK...
        1: a1 SEARCH UNSEEN YOUNGER 259200
        1< * SEARCH 3 4
        1< a1 OK SEARCH completed
        1: a2 SEARCH OLDER 259200
        1< * SEARCH 1 2
        1< a2 OK SEARCH completed
        1: a3 SEARCH YOUNGER 0
        1< a3 BAD...
    """)
