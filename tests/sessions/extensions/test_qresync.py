"""QRESYNC: RFC 7162 §3.2."""

from __future__ import annotations

import pytest

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


@pytest.fixture
def gone(talk: Conversation, house: House, inbox: Mailbox) -> Conversation:
    """Of ten messages 3, 4 and 8 are removed, and 5 and 9 have changed since modseq 17, which a client remembers."""
    for number in range(1, 11):
        house.append(inbox, raw=letter(f"letter {number}"))
    talk.run(r"""
        2: s SELECT INBOX
        2< ...
        2< s OK...
        2: a STORE 3:4,8 +FLAGS.SILENT (\Deleted)
        2< a OK...
        2: b EXPUNGE
        2< ...
        2< b OK...
        2: c UID STORE 5 +FLAGS.SILENT (\Seen \Answered)
        2< c OK...
        2: d UID STORE 9 +FLAGS.SILENT (\Draft $MDNSent)
        2< d OK...
        1: e ENABLE QRESYNC
        1< * ENABLED QRESYNC
        1< e OK...
    """)
    return talk


def test_uidvalidity_mismatch(gone: Conversation) -> None:
    """§3.2.5.1, example 24: nothing of the past is told."""
    gone.run("""
        1: A02 SELECT INBOX (QRESYNC (67890007 17 41,43:211,214:541))
        1< * FLAGS...
        1< * 7 EXISTS
        1< * 0 RECENT
        1< * OK [UNSEEN 1]...
        1< * OK [PERMANENTFLAGS...
        1< * OK [UIDVALIDITY 1700000000]...
        1< * OK [UIDNEXT 11]...
        1< * OK [HIGHESTMODSEQ 21]...
        1< * OK [URLMECH INTERNAL]...
        1< * OK [MAILBOXID (F1)]...
        1< A02 OK [READ-WRITE]...
    """)


def test_select(gone: Conversation) -> None:
    """§3.2.5.2, example 25: [CLOSED] for the mailbox before, then what vanished and what changed, of these UIDs."""
    gone.run(r"""
        1: c CREATE before
        1< c OK...
        1: s SELECT before
        1< ...
        1< s OK...
        1: A03 SELECT INBOX (QRESYNC (1700000000 17 1:4,8:99))
        1< * OK [CLOSED]...
        1< * FLAGS...
        1< * 7 EXISTS
        1< ...
        1< * VANISHED (EARLIER) 3:4,8
        1< * 6 FETCH (UID 9 FLAGS (\Draft $MDNSent) MODSEQ (21))
        1< A03 OK [READ-WRITE]...
    """)


def test_select_with_numbers_that_match(gone: Conversation) -> None:
    """§3.2.5.3, example 26: what the client knows up to message 2, it needn't be told of."""
    gone.run(r"""
        1: B04 SELECT INBOX (QRESYNC (1700000000 17 1:10 (1,2,5 1,2,5)))
        1< * FLAGS...
        1< ...
        1< * VANISHED (EARLIER) ...
        1< ...
        1< * 6 FETCH (UID 9 FLAGS (\Draft $MDNSent) MODSEQ (21))
        1< B04 OK [READ-WRITE]...
    """)


def test_fetch_vanished(gone: Conversation) -> None:
    """§3.2.6, examples 27: without VANISHED the removed ones aren't told, with it they are."""
    gone.run(r"""
        1: s SELECT INBOX
        1< ...
        1< s OK...
        1: s100 UID FETCH 4:500 (FLAGS) (CHANGEDSINCE 17)
        1< * 3 FETCH (UID 5 MODSEQ (20) FLAGS (\Answered \Seen))
        1< * 6 FETCH (UID 9 MODSEQ (21) FLAGS (\Draft $MDNSent))
        1< s100 OK FETCH completed
        1: s101 UID SEARCH UID 4:500
        1< * SEARCH 5 6 7 9 10
        1< s101 OK SEARCH completed
        1: s102 UID FETCH 4:500 (FLAGS) (CHANGEDSINCE 17 VANISHED)
        1< * VANISHED (EARLIER) 4,8
        1< * 3 FETCH (UID 5 MODSEQ (20) FLAGS (\Answered \Seen))
        1< * 6 FETCH (UID 9 MODSEQ (21) FLAGS (\Draft $MDNSent))
        1< s102 OK FETCH completed
    """)


def test_expunge(gone: Conversation) -> None:
    """§3.2.7 to §3.2.10, examples 29 to 31: VANISHED instead of EXPUNGE, with the mod-sequence; others too."""
    gone.run(r"""
        1: s SELECT INBOX
        1< ...
        1< s OK...
        1: t STORE 1,3 +FLAGS.SILENT (\Deleted)
        1< * 1 FETCH (UID 1 MODSEQ (22))
        1< * 3 FETCH (UID 5 MODSEQ (22))
        1< t OK STORE completed
        1: A202 EXPUNGE
        1< * VANISHED 1,5
        1< A202 OK [HIGHESTMODSEQ 23] EXPUNGE completed
        2: n NOOP
        2< * 3 EXPUNGE
        2< * 1 EXPUNGE
        2< n OK NOOP completed
        2: u STORE 1 +FLAGS.SILENT (\Deleted)
        2< u OK...
        2: v EXPUNGE
        2< * 1 EXPUNGE
        2< v OK...
        1: A210 NOOP
        1< * VANISHED 2
        1< A210 OK NOOP completed
    """)


def test_close(gone: Conversation) -> None:
    """§3.2.8, example: CLOSE removes without a word, also of the mod-sequence, so that no client misses one."""
    gone.run(r"""
        1: s SELECT INBOX
        1< ...
        1< s OK...
        1: t STORE 1 +FLAGS.SILENT (\Deleted)
        1< * 1 FETCH (UID 1 MODSEQ (22))
        1< t OK...
        1: A202 CLOSE
        1< A202 OK CLOSE completed
        1: u STATUS INBOX (HIGHESTMODSEQ)
        1< * STATUS INBOX (HIGHESTMODSEQ 23)
        1< u OK...
    """)
