"""FETCH: RFC 9051 §6.4.5, §7.5.2."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


def test_example(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.4.5.1, example: flags, dates and fields; the body's octets; a part of them."""
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
        1: A654 FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])
        1< * 2 FETCH (FLAGS (\Seen) BODY[HEADER.FIELDS (DATE FROM)] {64}
        1< From: ada@example.org
        1< Date: Wed, 14 Nov 2023 22:13:20 +0000
        1<
        1< )
        1< * 3 FETCH (FLAGS (\Seen) BODY[HEADER.FIELDS (DATE FROM)] {64}
        1< From: ada@example.org
        1< Date: Wed, 14 Nov 2023 22:13:20 +0000
        1<
        1< )
        1< * 4 FETCH (FLAGS (\Seen) BODY[HEADER.FIELDS (DATE FROM)] {64}
        1< From: ada@example.org
        1< Date: Wed, 14 Nov 2023 22:13:20 +0000
        1<
        1< )
        1< A654 OK FETCH completed
        1: A655 FETCH 1 FAST
        1< * 1 FETCH (FLAGS () INTERNALDATE "14-Nov-2023 22:13:20 +0000" RFC822.SIZE 241)
        1< A655 OK FETCH completed
        1: A656 FETCH 1 (RFC822.SIZE ENVELOPE)
        1< * 1 FETCH (RFC822.SIZE 241 ENVELOPE ("Wed, 14 Nov 2023 22:13:20 +0000" "letter 1" ((NIL NIL "ada" "example.org")) ((NIL NIL "ada" "example.org")) ((NIL NIL "ada" "example.org")) ((NIL NIL "bob" "example.org")) NIL NIL NIL "<af560dc7@example.org>"))
        1< A656 OK FETCH completed
        1: A657 FETCH 1 (BODY BODYSTRUCTURE)
        1< * 1 FETCH (BODY ("text" "plain" ("charset" "utf-8") NIL NIL "8bit" 8 1) BODYSTRUCTURE ("text" "plain" ("charset" "utf-8") NIL NIL "8bit" 8 1 NIL NIL NIL NIL))
        1< A657 OK FETCH completed
        1: A658 FETCH 1 BODY[TEXT]<0.3>
        1< * 1 FETCH (BODY[TEXT]<0> {3}
        1< Hel FLAGS (\Seen))
        1< A658 OK FETCH completed
        1: A659 FETCH 5 FLAGS
        1< A659 BAD There is no message 5; the mailbox has 4
        1: A660 UID FETCH 3:9 FLAGS
        1< * 3 FETCH (UID 3 FLAGS (\Seen))
        1< * 4 FETCH (UID 4 FLAGS (\Seen))
        1< A660 OK FETCH completed
    """)  # noqa: E501
