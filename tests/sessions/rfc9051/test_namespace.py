"""NAMESPACE: RFC 9051 §6.3.10."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House


def test_example(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.3.10, example: one's own mailboxes; those of others stand below a name of theirs."""

    talk.run(r"""
        1: A001 NAMESPACE
        1< * NAMESPACE (("" "/")) (("Other Users/" "/")) NIL
        1< A001 OK NAMESPACE completed
    """)
