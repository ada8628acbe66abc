"""STATUS=SIZE: RFC 8438."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


def test_example(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§3.1, §3.2, examples: SIZE is the sum of what RFC822.SIZE says of each."""
    raws = [letter(f"letter {number}", body="x" * 100 * number) for number in range(1, 9)]
    for raw in raws:
        house.append(inbox, raw=raw)
    talk.run(f"""
        1: A01 STATUS INBOX (MESSAGES SIZE UIDNEXT)
        1< * STATUS INBOX (MESSAGES 8 SIZE {sum(map(len, raws))} UIDNEXT 9)
        1< A01 OK STATUS completed
        1: A02 SELECT "INBOX"
        1< ...
        1< A02 OK [READ-WRITE] INBOX selected
    """)
    told = talk.say("A03 FETCH 1:* (RFC822.SIZE)")
    assert told[:-1] == [f"* {number} FETCH (RFC822.SIZE {len(raw)})" for number, raw in enumerate(raws, 1)]
