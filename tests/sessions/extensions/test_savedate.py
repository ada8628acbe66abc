"""SAVEDATE: RFC 8514."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import NOW, Clock, House, letter

DAY = 86_400


def test_examples(talk: Conversation, house: House, inbox: Mailbox, clock: Clock) -> None:
    """§4.2, §4.3, examples: when it came into this mailbox, whatever its other dates are; a copy has its own."""
    for number in range(4):
        clock.now = NOW + number * DAY
        house.append(inbox, raw=letter(f"letter {number}"), received=0)
    talk.run("""
        1: s SELECT INBOX
        1< ...
        1< s OK...
        1: A101 FETCH 2 (SAVEDATE)
        1< * 2 FETCH (SAVEDATE "15-Nov-2023 22:13:20 +0000")
        1< A101 OK FETCH completed
        1: A102 SEARCH SAVEDON 15-Nov-2023
        1< * SEARCH 2
        1< A102 OK SEARCH completed
        1: A103 SEARCH SAVEDSINCE 15-Nov-2023
        1< * SEARCH 2 3 4
        1< A103 OK SEARCH completed
        1: A104 SEARCH SAVEDBEFORE 15-Nov-2023
        1< * SEARCH 1
        1< A104 OK SEARCH completed
        1: A105 SEARCH SAVEDATESUPPORTED
        1< * SEARCH 1 2 3 4
        1< A105 OK SEARCH completed
        1: c COPY 1 INBOX
        1< ...
        1< c OK...
        1: A106 FETCH 5 (SAVEDATE)
        1< * 5 FETCH (SAVEDATE "17-Nov-2023 22:13:20 +0000")
        1< A106 OK FETCH completed
    """)
