"""STATUS: RFC 9051 §6.3.11."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House


def test_example(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.3.11, example."""
    talk.say("c CREATE blurdybloop")
    house.fill(house.box(talk.account, "blurdybloop"), 3)
    talk.run(r"""
        1: A042 STATUS blurdybloop (UIDNEXT MESSAGES)
        1< * STATUS blurdybloop (UIDNEXT 4 MESSAGES 3)
        1< A042 OK STATUS completed
        1: A043 STATUS blurdybloop (UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE)
        1< * STATUS blurdybloop (UIDNEXT 4 UIDVALIDITY 1700000006 UNSEEN 3 DELETED 0 SIZE 717)
        1< A043 OK STATUS completed
        1: A044 STATUS nowhere (MESSAGES)
        1< A044 NO [NONEXISTENT] There is no mailbox nowhere
    """)
