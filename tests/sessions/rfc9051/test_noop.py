"""NOOP: RFC 9051 §6.1.2."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


def test_news(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.1.2, example: what others did is told."""
    for number in range(1, 5):
        house.append(inbox, raw=letter(f"letter {number}"))
    talk.run(r"""
        1: s SELECT INBOX
        1< * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
        1< * 4 EXISTS
        1< * 0 RECENT
        1< * OK [UNSEEN 1] First unseen message
        1< * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)] Flags that are kept
        1< * OK [UIDVALIDITY 1700000000] UIDs are valid
        1< * OK [UIDNEXT 5] Predicted next UID
        1< * OK [HIGHESTMODSEQ 11] Last change
        1< * OK [URLMECH INTERNAL] URLs can be signed
        1< * OK [MAILBOXID (F1)] The mailbox's id
        1< s OK [READ-WRITE] INBOX selected
        2: s SELECT INBOX
        2< * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
        2< * 4 EXISTS
        2< * 0 RECENT
        2< * OK [UNSEEN 1] First unseen message
        2< * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)] Flags that are kept
        2< * OK [UIDVALIDITY 1700000000] UIDs are valid
        2< * OK [UIDNEXT 5] Predicted next UID
        2< * OK [HIGHESTMODSEQ 11] Last change
        2< * OK [URLMECH INTERNAL] URLs can be signed
        2< * OK [MAILBOXID (F1)] The mailbox's id
        2< s OK [READ-WRITE] INBOX selected
        1: a002 NOOP
        1< a002 OK NOOP completed
        2: b1 STORE 2 +FLAGS (\Deleted)
        2< * 2 FETCH (FLAGS (\Deleted))
        2< b1 OK STORE completed
        2: b2 EXPUNGE
        2< * 2 EXPUNGE
        2< b2 OK EXPUNGE completed
        2: b3 APPEND INBOX {3+}
        2: abc
        2< * 4 EXISTS
        2< * 1 RECENT
        2< b3 OK [APPENDUID 1700000000 5] APPEND completed
        1: a047 NOOP
        1< * 2 EXPUNGE
        1< * 4 EXISTS
        1< a047 OK NOOP completed
    """)
