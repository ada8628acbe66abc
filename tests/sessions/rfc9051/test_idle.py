"""IDLE: RFC 9051 §6.3.13."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


def test_example(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.3.13, example: new mail comes, then something is removed."""
    for number in range(1, 5):
        house.append(inbox, raw=letter(f"letter {number}"))
    talk.run(r"""
        1: A001 SELECT INBOX
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
        1< A001 OK [READ-WRITE] INBOX selected
        1: A002 IDLE
        1< + idling
        2: b1 SELECT INBOX
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
        2< b1 OK [READ-WRITE] INBOX selected
        2: b2 APPEND INBOX {3+}
        2: abc
        2< * 5 EXISTS
        2< * 1 RECENT
        2< b2 OK [APPENDUID 1700000000 5] APPEND completed
        1< * 5 EXISTS
        2: b3 STORE 2 +FLAGS (\Deleted)
        2< * 2 FETCH (FLAGS (\Deleted))
        2< b3 OK STORE completed
        1< * 2 FETCH (FLAGS (\Deleted))
        2: b4 EXPUNGE
        2< * 2 EXPUNGE
        2< b4 OK EXPUNGE completed
        1< * 2 EXPUNGE
        1: DONE
        1< A002 OK IDLE completed
        1: A003 FETCH 4 UID
        1< * 4 FETCH (UID 5)
        1< A003 OK FETCH completed
    """)


def test_something_else_than_done(talk: Conversation, inbox: Mailbox) -> None:
    """§6.3.13, Result: "OK - IDLE completed after client sent "DONE"". It ends: the client has lost its way."""
    talk.run("""
        1: A001 EXAMINE INBOX
        1< ...
        1: A002 IDLE
        1< + idling
        1: A003 NOOP
        1< A002 BAD expected DONE, which ends IDLE; it has ended
        1: A004 NOOP
        1< A004 OK NOOP completed
    """)
