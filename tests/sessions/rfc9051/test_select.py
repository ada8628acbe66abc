"""SELECT: RFC 9051 §6.3.2."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House


def test_example(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.3.2, example: the one that was selected is closed first."""
    house.fill(inbox, 3)
    talk.say("c CREATE Drafts")
    talk.run(r"""
        1: A141 ENABLE IMAP4rev2
        1< * ENABLED IMAP4rev2
        1< A141 OK ENABLE completed
        1: A142 SELECT INBOX
        1< * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
        1< * 3 EXISTS
        1< * LIST () "/" INBOX
        1< * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)] Flags that are kept
        1< * OK [UIDVALIDITY 1700000000] UIDs are valid
        1< * OK [UIDNEXT 4] Predicted next UID
        1< * OK [HIGHESTMODSEQ 10] Last change
        1< * OK [URLMECH INTERNAL] URLs can be signed
        1< * OK [MAILBOXID (F1)] The mailbox's id
        1< A142 OK [READ-WRITE] INBOX selected
        1: A143 SELECT Drafts
        1< * OK [CLOSED] What follows is about another mailbox
        1< * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
        1< * 0 EXISTS
        1< * LIST () "/" Drafts
        1< * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)] Flags that are kept
        1< * OK [UIDVALIDITY 1700000001] UIDs are valid
        1< * OK [UIDNEXT 1] Predicted next UID
        1< * OK [HIGHESTMODSEQ 3] Last change
        1< * OK [URLMECH INTERNAL] URLs can be signed
        1< * OK [MAILBOXID (F2)] The mailbox's id
        1< A143 OK [READ-WRITE] Drafts selected
        1: A144 SELECT nowhere
        1< * OK [CLOSED] What follows is about another mailbox
        1< A144 NO [NONEXISTENT] There is no mailbox nowhere
    """)
