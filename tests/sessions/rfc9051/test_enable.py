"""ENABLE: RFC 9051 §6.3.1, RFC 5161 §3.1."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House


def test_examples(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """RFC 5161 §3.1, examples: what isn't known is passed over; a second time nothing is left to enable."""
    house.append(inbox)
    talk.run(r"""
        1: t1 ENABLE CONDSTORE X-GOOD-IDEA
        1< * ENABLED CONDSTORE
        1< t1 OK ENABLE completed
        1: t2 ENABLE X-UNKNOWN
        1< * ENABLED
        1< t2 OK ENABLE completed
        1: a1 ENABLE IMAP4rev2
        1< * ENABLED IMAP4rev2
        1< a1 OK ENABLE completed
        1: a2 SELECT INBOX
        1< * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
        1< * 1 EXISTS
        1< * LIST () "/" INBOX
        1< * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)] Flags that are kept
        1< * OK [UIDVALIDITY 1700000000] UIDs are valid
        1< * OK [UIDNEXT 2] Predicted next UID
        1< * OK [HIGHESTMODSEQ 8] Last change
        1< * OK [URLMECH INTERNAL] URLs can be signed
        1< * OK [MAILBOXID (F1)] The mailbox's id
        1< a2 OK [READ-WRITE] INBOX selected
    """)
