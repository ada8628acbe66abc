"""STORE: RFC 9051 §6.4.6."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


def test_example(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.4.6, example, and the other ways."""
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
        1: A003 STORE 2:4 +FLAGS (\Deleted)
        1< * 2 FETCH (FLAGS (\Deleted))
        1< * 3 FETCH (FLAGS (\Deleted))
        1< * 4 FETCH (FLAGS (\Deleted))
        1< A003 OK STORE completed
        1: A004 STORE 2 FLAGS (\Seen $Forwarded)
        1< * 2 FETCH (FLAGS (\Seen $Forwarded))
        1< A004 OK STORE completed
        1: A005 STORE 2 -FLAGS.SILENT (\Seen)
        1< A005 OK STORE completed
        1: A006 FETCH 2 FLAGS
        1< * 2 FETCH (FLAGS ($Forwarded))
        1< A006 OK FETCH completed
        1: A007 UID STORE 3 +FLAGS (\Answered)
        1< * 3 FETCH (UID 3 FLAGS (\Answered \Deleted))
        1< A007 OK STORE completed
    """)
