"""COPY: RFC 9051 §6.4.7."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


def test_example(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.4.7, example: UIDs there, and flags go along."""
    for number in range(1, 5):
        house.append(inbox, raw=letter(f"letter {number}"))
    talk.say("s SELECT INBOX")
    talk.run(r"""
        1: A002 STORE 2 +FLAGS.SILENT (\Flagged)
        1< A002 OK STORE completed
        1: A003 COPY 2:4 MEETING
        1< A003 NO [TRYCREATE] There is no mailbox MEETING
        1: A004 CREATE MEETING
        1< A004 OK [MAILBOXID (F7)] CREATE completed
        1: A005 COPY 2:4 MEETING
        1< A005 OK [COPYUID 1700000006 2:4 1:3] COPY completed
        1: A006 SELECT MEETING
        1< * OK [CLOSED] What follows is about another mailbox
        1< * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
        1< * 3 EXISTS
        1< * 0 RECENT
        1< * OK [UNSEEN 1] First unseen message
        1< * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)] Flags that are kept
        1< * OK [UIDVALIDITY 1700000006] UIDs are valid
        1< * OK [UIDNEXT 4] Predicted next UID
        1< * OK [HIGHESTMODSEQ 14] Last change
        1< * OK [URLMECH INTERNAL] URLs can be signed
        1< * OK [MAILBOXID (F7)] The mailbox's id
        1< A006 OK [READ-WRITE] MEETING selected
        1: A007 FETCH 1:* (UID FLAGS)
        1< * 1 FETCH (UID 1 FLAGS (\Flagged))
        1< * 2 FETCH (UID 2 FLAGS ())
        1< * 3 FETCH (UID 3 FLAGS ())
        1< A007 OK FETCH completed
    """)
