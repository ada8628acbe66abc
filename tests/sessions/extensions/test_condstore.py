"""CONDSTORE: RFC 7162 §3.1."""

from __future__ import annotations

import re

import pytest

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


@pytest.fixture
def twelve(talk: Conversation, house: House, inbox: Mailbox) -> Conversation:
    """Twelve messages, appended one after the other, so their mod-sequences ascend."""
    for number in range(1, 13):
        house.append(inbox, raw=letter(f"letter {number}"))
    return talk


def modseqs(talk: Conversation, client: str = "1") -> list[int]:
    return [
        int(found[1])
        for line in talk.say("q FETCH 1:* (MODSEQ)", client)[:-1]
        if (found := re.search(r"MODSEQ \((\d+)\)", line))
    ]


def test_select_and_status(twelve: Conversation) -> None:
    """§3.1.2.1, §3.1.7, §3.1.8, examples: HIGHESTMODSEQ is told, and (CONDSTORE) enables it."""
    twelve.run("""
        1: A042 STATUS INBOX (UIDNEXT MESSAGES HIGHESTMODSEQ)
        1< * STATUS INBOX (UIDNEXT 13 MESSAGES 12 HIGHESTMODSEQ 19)
        1< A042 OK STATUS completed
        1: A142 SELECT INBOX (CONDSTORE)
        1< ...
        1< * OK [HIGHESTMODSEQ 19] Last change
        1< ...
        1< A142 OK [READ-WRITE] INBOX selected
        1: a FETCH 1:3 (MODSEQ)
        1< * 1 FETCH (MODSEQ (8))
        1< * 2 FETCH (MODSEQ (9))
        1< * 3 FETCH (MODSEQ (10))
        1< a OK FETCH completed
    """)


def test_conditional_store(twelve: Conversation) -> None:
    """§3.1.3, examples 3 and 4: none has changed since; a silent STORE tells the new mod-sequence, too."""
    twelve.run(r"""
        1: s SELECT INBOX (CONDSTORE)
        1< ...
        1< s OK...
        1: a103 UID STORE 6,4,8 (UNCHANGEDSINCE 19) +FLAGS.SILENT (\Deleted)
        1< * 4 FETCH (UID 4 MODSEQ (20))
        1< * 6 FETCH (UID 6 MODSEQ (20))
        1< * 8 FETCH (UID 8 MODSEQ (20))
        1< a103 OK STORE completed
        1: c101 STORE 12 (UNCHANGEDSINCE 19) +FLAGS.SILENT ($Processed)
        1< * 12 FETCH (UID 12 MODSEQ (21))
        1< c101 OK STORE completed
    """)


def test_modified(twelve: Conversation) -> None:
    """§3.1.3, example 5: another client was quicker with two of three; example 7: UNCHANGEDSINCE 0 never holds."""
    twelve.run(r"""
        1: s SELECT INBOX (CONDSTORE)
        1< ...
        1< s OK...
        2: s SELECT INBOX
        2< ...
        2< s OK...
        2: t STORE 7 +FLAGS.SILENT (\Seen \Deleted)
        2< t OK STORE completed
        2: u STORE 9 +FLAGS.SILENT (\Answered)
        2< u OK STORE completed
        1: d105 STORE 7,5,9 (UNCHANGEDSINCE 19) +FLAGS.SILENT (\Deleted)
        1< * 5 FETCH (UID 5 MODSEQ (22))
        1< * 7 FETCH (UID 7 FLAGS (\Deleted \Seen) MODSEQ (20))
        1< * 9 FETCH (UID 9 FLAGS (\Answered) MODSEQ (21))
        1< ...
        1< d105 OK [MODIFIED 7,9]...
        1: a102 STORE 12 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($MDNSent)
        1< * 12 FETCH (UID 12 FLAGS () MODSEQ (19))
        1< a102 OK [MODIFIED 12]...
    """)


def test_try_again(twelve: Conversation) -> None:
    """§3.1.3, example 10: one of a range is refused; the client learns its flags, and tries again for it."""
    twelve.run(r"""
        1: s SELECT INBOX (CONDSTORE)
        1< ...
        1< s OK...
        2: s SELECT INBOX
        2< ...
        2< s OK...
        2: t STORE 11 +FLAGS.SILENT (\Deleted \Answered)
        2< t OK STORE completed
        1: a106 STORE 10:12 (UNCHANGEDSINCE 19) +FLAGS.SILENT ($Processed)
        1< * 10 FETCH (UID 10 MODSEQ (21))
        1< * 12 FETCH (UID 12 MODSEQ (21))
        1< * 11 FETCH (UID 11 FLAGS (\Answered \Deleted) MODSEQ (20))
        1< ...
        1< a106 OK [MODIFIED 11]...
        1: b108 STORE 11 (UNCHANGEDSINCE 20) +FLAGS.SILENT ($Processed)
        1< * 11 FETCH (UID 11 MODSEQ (22))
        1< b108 OK STORE completed
    """)


def test_changed_since(twelve: Conversation) -> None:
    """§3.1.4.1, example 13: what changed later, whatever UIDs were asked for; MODSEQ comes without being asked."""
    twelve.run(r"""
        1: s SELECT INBOX
        1< ...
        1< s OK...
        1: t STORE 4 +FLAGS.SILENT ($NoJunk)
        1< t OK STORE completed
        1: s100 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 17)
        1< * OK [HIGHESTMODSEQ 20]...
        1< * 4 FETCH (UID 4 MODSEQ (20) FLAGS ($NoJunk))
        1< * 11 FETCH (UID 11 MODSEQ (18) FLAGS ())
        1< * 12 FETCH (UID 12 MODSEQ (19) FLAGS ())
        1< s100 OK FETCH completed
    """)


def test_three_sessions(twelve: Conversation) -> None:
    r"""§3.1.4.2, example 15: whoever has enabled CONDSTORE hears mod-sequences, also of what it changed silently."""
    twelve.run(r"""
        1: A142 SELECT INBOX (CONDSTORE)
        1< ...
        1< A142 OK...
        2: B142 SELECT INBOX (CONDSTORE)
        2< ...
        2< B142 OK...
        3: C142 SELECT INBOX
        3< ...
        3< C142 OK...
        1: A160 STORE 7 +FLAGS.SILENT (\Deleted)
        1< * 7 FETCH (UID 7 MODSEQ (20))
        1< A160 OK STORE completed
        2: C180 NOOP
        2< * 7 FETCH (UID 7 FLAGS (\Deleted) MODSEQ (20))
        2< C180 OK NOOP completed
        3: D210 NOOP
        3< * 7 FETCH (FLAGS (\Deleted))
        3< D210 OK NOOP completed
        1: A240 STORE 7 -FLAGS.SILENT (\Answered \Seen)
        1< * 7 FETCH (UID 7 MODSEQ (20))
        1< A240 OK STORE completed
        2: C270 NOOP
        2< C270 OK NOOP completed
    """)


def test_search(twelve: Conversation) -> None:
    r"""§3.1.5, examples 16 and 17; §3.1.10 and §3.1.11, with ESEARCH and ESORT."""
    twelve.run(r"""
        1: s SELECT INBOX (CONDSTORE)
        1< ...
        1< s OK...
        1: a SEARCH MODSEQ "/flags/\\draft" all 17
        1< * SEARCH 10 11 12 (MODSEQ 19)
        1< a OK SEARCH completed
        1: t SEARCH OR NOT MODSEQ 5 LARGER 50000
        1< * SEARCH
        1< t OK SEARCH completed
        1: b SEARCH RETURN (ALL) MODSEQ 15
        1< * ESEARCH (TAG "b") MODSEQ 19 ALL 8:12
        1< b OK SEARCH completed
        1: c SORT RETURN (ALL) (ARRIVAL) UTF-8 MODSEQ 17
        1< * ESEARCH (TAG "c") MODSEQ 19 ALL 10:12
        1< c OK SORT completed
        1: d SORT (DATE) UTF-8 MODSEQ 17
        1< * SORT 10 11 12 (MODSEQ 19)
        1< d OK SORT completed
    """)


def test_removed_meanwhile(twelve: Conversation) -> None:
    """§3.1.3, example 12: another client has removed some; the others are changed, and NO says it."""
    twelve.run(r"""
        1: s SELECT INBOX (CONDSTORE)
        1< ...
        1< s OK...
        2: s SELECT INBOX
        2< ...
        2< s OK...
        2: t STORE 4:7 +FLAGS.SILENT (\Deleted)
        2< t OK STORE completed
        2: x EXPUNGE
        2< ...
        2< x OK EXPUNGE completed
        1: B001 STORE 1:7 (UNCHANGEDSINCE 19) +FLAGS (\Seen)
        1< * 1 FETCH (UID 1 FLAGS (\Seen) MODSEQ (22))
        1< * 2 FETCH (UID 2 FLAGS (\Seen) MODSEQ (22))
        1< * 3 FETCH (UID 3 FLAGS (\Seen) MODSEQ (22))
        1< B001 NO...
        1: B002 NOOP
        1< * 7 EXPUNGE
        1< * 6 EXPUNGE
        1< * 5 EXPUNGE
        1< * 4 EXPUNGE
        1< B002 OK NOOP completed
    """)
    assert modseqs(twelve)[:3] == [22, 22, 22]
