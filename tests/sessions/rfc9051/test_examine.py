"""EXAMINE: RFC 9051 §6.3.3."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House


def test_example(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.3.3, example: nothing can be changed."""
    talk.say("c CREATE blurdybloop")
    house.fill(house.box(talk.account, "blurdybloop"), 2)
    talk.run(r"""
        1: A931 ENABLE IMAP4rev2
        1< * ENABLED IMAP4rev2
        1< A931 OK ENABLE completed
        1: A932 EXAMINE blurdybloop
        1< * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
        1< * 2 EXISTS
        1< * LIST () "/" blurdybloop
        1< * OK [PERMANENTFLAGS ()] Flags that are kept
        1< * OK [UIDVALIDITY 1700000006] UIDs are valid
        1< * OK [UIDNEXT 3] Predicted next UID
        1< * OK [HIGHESTMODSEQ 10] Last change
        1< * OK [URLMECH INTERNAL] URLs can be signed
        1< * OK [MAILBOXID (F7)] The mailbox's id
        1< A932 OK [READ-ONLY] blurdybloop selected
        1: A933 STORE 1 +FLAGS (\Seen)
        1< A933 NO [READ-ONLY] The mailbox is selected read-only
        1: A934 FETCH 1 (BODY[HEADER.FIELDS (SUBJECT)])
        1< * 1 FETCH (BODY[HEADER.FIELDS (SUBJECT)] {19}
        1< Subject: A test
        1<
        1< )
        1< A934 OK FETCH completed
        1: A935 FETCH 1 FLAGS
        1< * 1 FETCH (FLAGS ())
        1< A935 OK FETCH completed
        1: A936 EXPUNGE
        1< A936 NO [READ-ONLY] The mailbox is selected read-only
    """)
