"""CLOSE: RFC 9051 §6.4.1."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House


def test_example(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.4.1: what is deleted is removed, and nobody is told."""
    house.fill(inbox, 2, flags=["\\Deleted"])
    house.fill(inbox, 1)
    talk.run(r"""
        1: A340 SELECT INBOX
        1< * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
        1< * 3 EXISTS
        1< * 0 RECENT
        1< * OK [UNSEEN 1] First unseen message
        1< * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)] Flags that are kept
        1< * OK [UIDVALIDITY 1700000000] UIDs are valid
        1< * OK [UIDNEXT 4] Predicted next UID
        1< * OK [HIGHESTMODSEQ 10] Last change
        1< * OK [URLMECH INTERNAL] URLs can be signed
        1< * OK [MAILBOXID (F1)] The mailbox's id
        1< A340 OK [READ-WRITE] INBOX selected
        1: A341 CLOSE
        1< A341 OK CLOSE completed
        1: A342 FETCH 1 FLAGS
        1< A342 BAD FETCH: not possible now: you are logged in, with no mailbox selected
        1: A343 STATUS INBOX (MESSAGES)
        1< * STATUS INBOX (MESSAGES 1)
        1< A343 OK STATUS completed
    """)
