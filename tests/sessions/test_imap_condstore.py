"""CONDSTORE and QRESYNC: RFC 7162. ENABLE: RFC 5161."""

from __future__ import annotations

import pytest

from imap_conversation import Conversation
from posthouse.store import mail, tidy
from posthouse.store.mailbox import Mailbox
from store_helpers import Clock, House


@pytest.fixture
def full(talk: Conversation, house: House, inbox: Mailbox) -> Conversation:
    """Five messages, with the modseqs 11 to 15."""
    modseq = house.box(talk.account).highestmodseq
    house.store.run(lambda tx: tx.run("UPDATE account SET modseq = 10"))
    assert modseq < 10
    for _ in range(5):
        house.append(inbox)
    return talk


def test_mod_sequences_are_told_once_asked_for(full: Conversation) -> None:
    full.run(r"""
        1: a1 SELECT INBOX
        1< ...
        1< * OK [HIGHESTMODSEQ 15]...
        1< ...
        2: b1 SELECT INBOX (CONDSTORE)
        2< ...
        1: a2 STORE 1 +FLAGS (\Seen)
        1< * 1 FETCH (FLAGS (\Seen))
        1< a2 OK STORE completed
        2: b2 NOOP
        2< * 1 FETCH (UID 1 FLAGS (\Seen) MODSEQ (16))
        2< b2 OK NOOP completed
        2: b3 STORE 2 +FLAGS.SILENT (\Seen)
        2< * 2 FETCH (UID 2 MODSEQ (17))
        2< b3 OK STORE completed
        2: b4 FETCH 3 BODY[TEXT]<0.5>
        2< * 3 FETCH (BODY[TEXT]<0> {5}
        2< Hello UID 3 FLAGS (\Seen) MODSEQ (18))
        2< b4 OK FETCH completed
        1: a3 NOOP
        1< * 2 FETCH (FLAGS (\Seen))
        1< * 3 FETCH (FLAGS (\Seen))
        1< a3 OK NOOP completed
    """)


@pytest.mark.parametrize(
    "line",
    [
        "FETCH 1 (MODSEQ)",
        "FETCH 1 (FLAGS) (CHANGEDSINCE 11)",
        "STATUS INBOX (HIGHESTMODSEQ)",
        "SEARCH MODSEQ 99",
        "STORE 1 (UNCHANGEDSINCE 99) FLAGS.SILENT ()",
        "ENABLE CONDSTORE",
        "ENABLE QRESYNC",
    ],
)
def test_commands_that_enable(full: Conversation, line: str) -> None:
    full.say("s SELECT INBOX")
    assert full.say(f"a {line}")[0].startswith("* OK [HIGHESTMODSEQ 15]")
    assert not any("HIGHESTMODSEQ 15]" in told for told in full.say(f"a {line}"))
    full.say("s SELECT INBOX", "2")
    full.say("b STORE 5 FLAGS (\\Flagged)", "2")
    assert full.say("n NOOP")[0].startswith("* 5 FETCH (UID 5 FLAGS (\\Flagged) MODSEQ (")


def test_changed_since(full: Conversation) -> None:
    full.run(r"""
        1: a1 SELECT INBOX (CONDSTORE)
        1< ...
        1: a2 FETCH 1:4 (FLAGS) (CHANGEDSINCE 12)
        1< * 3 FETCH (MODSEQ (13) FLAGS ())
        1< * 4 FETCH (MODSEQ (14) FLAGS ())
        1< a2 OK FETCH completed
        1: a3 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 14)
        1< * 5 FETCH (UID 5 MODSEQ (15) FLAGS ())
        1< a3 OK FETCH completed
        1: a4 SEARCH MODSEQ 14
        1< * SEARCH 4 5 (MODSEQ 15)
        1< a4 OK SEARCH completed
        1: a5 SEARCH RETURN (MIN COUNT) MODSEQ 14
        1< * ESEARCH (TAG "a5") MIN 4 COUNT 2 MODSEQ 15
        1< a5 OK SEARCH completed
        1: a6 SEARCH RETURN (MIN) MODSEQ "/flags/\\draft" all 14
        1< * ESEARCH (TAG "a6") MIN 4 MODSEQ 14
        1< a6 OK SEARCH completed
        1: a7 SEARCH MODSEQ 99
        1< * SEARCH
        1< a7 OK SEARCH completed
    """)


def test_unchanged_since(full: Conversation) -> None:
    full.run(r"""
        1: a1 SELECT INBOX (CONDSTORE)
        1< ...
        1: a2 STORE 2,4 (UNCHANGEDSINCE 12) +FLAGS.SILENT (\Deleted)
        1< * 2 FETCH (UID 2 MODSEQ (16))
        1< * 4 FETCH (UID 4 FLAGS () MODSEQ (14))
        1< a2 OK [MODIFIED 4] Some of the messages have changed
        1: a3 UID STORE 1:* (UNCHANGEDSINCE 0) +FLAGS ($MDNSent)
        1< ...
        1< a3 OK [MODIFIED 1:5] Some of the messages have changed
        1: a4 STORE 2,1:2 (UNCHANGEDSINCE 16) +FLAGS (\Flagged)
        1< * 1 FETCH (UID 1 FLAGS (\Flagged) MODSEQ (18))
        1< * 2 FETCH (UID 2 FLAGS (\Deleted \Flagged) MODSEQ (18))
        1< a4 OK STORE completed
    """)


def test_vanished(full: Conversation) -> None:
    full.run(r"""
        1: a1 ENABLE QRESYNC X-NOT-HERE
        1< * ENABLED QRESYNC
        1< a1 OK ENABLE completed
        1: a2 SELECT INBOX
        1< ...
        2: b1 SELECT INBOX
        2< ...
        2: b2 STORE 2,4 +FLAGS.SILENT (\Deleted)
        2< b2 OK STORE completed
        2: b3 EXPUNGE
        2< * 4 EXPUNGE
        2< * 2 EXPUNGE
        2< b3 OK EXPUNGE completed
        1: a3 NOOP
        1< * VANISHED 2,4
        1< a3 OK NOOP completed
        1: a4 STORE 3 +FLAGS.SILENT (\Deleted)
        1< * 3 FETCH (UID 5 MODSEQ (18))
        1< a4 OK STORE completed
        1: a5 EXPUNGE
        1< * VANISHED 5
        1< a5 OK [HIGHESTMODSEQ 19] EXPUNGE completed
        1: a6 EXPUNGE
        1< a6 OK EXPUNGE completed
        1: a7 UID FETCH 1:3 (FLAGS) (CHANGEDSINCE 15 VANISHED)
        1< * VANISHED (EARLIER) 2
        1< a7 OK FETCH completed
        2: b4 UID FETCH 1:3 (FLAGS) (CHANGEDSINCE 15 VANISHED)
        2< ...
        2< b4 BAD...
    """)


def test_what_came_later_and_vanished(full: Conversation, house: House, inbox: Mailbox) -> None:
    """RFC 7162 §3.2.6: all that is gone since the mod-sequence, also what came after it: the client may have seen
    it in a session whose later mod-sequences it didn't keep."""
    house.store.run(mail.store_flags, inbox.id, [(4, 4)], "add", ["\\Deleted"])
    house.store.run(mail.expunge, inbox.id)
    full.run(rf"""
        1: a1 ENABLE QRESYNC
        1< ...
        1: a2 SELECT INBOX (QRESYNC ({inbox.uidvalidity} 12 1:5))
        1< ...
        1< * VANISHED (EARLIER) 4
        1< * 3 FETCH (UID 3 FLAGS () MODSEQ (13))
        1< * 4 FETCH (UID 5 FLAGS () MODSEQ (15))
        1< a2 OK [READ-WRITE]...
        1: a3 UID FETCH 1:4 (FLAGS) (CHANGEDSINCE 12 VANISHED)
        1< * VANISHED (EARLIER) 4
        1< * 3 FETCH (UID 3 MODSEQ (13) FLAGS ())
        1< a3 OK FETCH completed
    """)


def test_what_the_client_still_counts_has_not_vanished_earlier(full: Conversation) -> None:
    """RFC 7162 §3.2.10.1: after "EARLIER" nobody counts anew, but after the removal of what was counted one must."""
    full.run(r"""
        1: a1 ENABLE QRESYNC
        1< ...
        1: a2 SELECT INBOX
        1< ...
        2: b1 SELECT INBOX
        2< ...
        2: b2 STORE 2 +FLAGS.SILENT (\Deleted)
        2< b2 OK STORE completed
        2: b3 EXPUNGE
        2< * 2 EXPUNGE
        2< b3 OK EXPUNGE completed
        1: a3 UID FETCH 1:3 (UID) (CHANGEDSINCE 12 VANISHED)
        1< * 3 FETCH (UID 3 MODSEQ (13))
        1< * VANISHED 2
        1< a3 OK FETCH completed
        1: a4 UID FETCH 1:3 (UID) (CHANGEDSINCE 12 VANISHED)
        1< * VANISHED (EARLIER) 2
        1< * 2 FETCH (UID 3 MODSEQ (13))
        1< a4 OK FETCH completed
    """)


def test_fetch_vanished_up_to_the_end(full: Conversation) -> None:
    """What is gone had the last UIDs: "*" is no message any more, and yet they are told, as Dovecot tells them."""
    full.run(r"""
        1: a1 ENABLE QRESYNC
        1< ...
        1: a2 SELECT INBOX
        1< ...
        1: a3 STORE 4:5 +FLAGS.SILENT (\Deleted)
        1< ...
        1: a4 EXPUNGE
        1< * VANISHED 4:5
        1< ...
        1: a5 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 15 VANISHED)
        1< * VANISHED (EARLIER) 4:5
        1< a5 OK FETCH completed
        1: a6 UID FETCH 5:* (FLAGS) (CHANGEDSINCE 15 VANISHED)
        1< * VANISHED (EARLIER) 4:5
        1< a6 OK FETCH completed
        1: a7 STORE 1:* +FLAGS.SILENT (\Deleted)
        1< ...
        1: a8 EXPUNGE
        1< * VANISHED 1:3
        1< ...
        1: a9 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 15 VANISHED)
        1< * VANISHED (EARLIER) 1:5
        1< a9 OK FETCH completed
    """)


def test_what_the_client_knows_is_numbers(talk: Conversation) -> None:
    """§7: known-uids and the sets of seq-match-data: "* is not allowed"."""
    talk.run(r"""
        1: a1 ENABLE QRESYNC
        1< ...
        1: a2 SELECT INBOX (QRESYNC (1 1 1:*))
        1< a2 BAD SELECT: expected numbers that the client knows, without "*" and "$" at character 31
        1: a3 SELECT INBOX (QRESYNC (1 1 1:2 (1:* 1:2)))
        1< a3 BAD...
        1: a4 SELECT INBOX (QRESYNC (1 1 $))
        1< a4 BAD...
    """)


def test_move_tells_the_new_mod_sequence(full: Conversation) -> None:
    """RFC 6851 §4.4."""
    full.run(r"""
        1: a1 ENABLE QRESYNC
        1< ...
        1: a2 SELECT INBOX
        1< ...
        1: a3 MOVE 2:3 Archive
        1< * OK [COPYUID...
        1< * VANISHED 2:3
        1< a3 OK [HIGHESTMODSEQ 16] MOVE completed
        1: a4 UID MOVE 2 Archive
        1< a4 OK MOVE completed
    """)


def test_what_vanished_is_not_lost_behind_later_changes(full: Conversation) -> None:
    """§6: as long as VANISHED waits, HIGHESTMODSEQ stays below it."""
    full.run(r"""
        1: a1 ENABLE QRESYNC
        1< ...
        1: a2 SELECT INBOX
        1< ...
        2: b1 SELECT INBOX
        2< ...
        2: b2 STORE 2 +FLAGS.SILENT (\Deleted)
        2< b2 OK STORE completed
        2: b3 EXPUNGE
        2< ...
        2: b4 STORE 1 +FLAGS.SILENT (\Seen)
        2< b4 OK STORE completed
        1: a3 FETCH 5 (UID)
        1< * 5 FETCH (UID 5)
        1< * OK [HIGHESTMODSEQ 16]...
        1< * 1 FETCH (UID 1 FLAGS (\Seen) MODSEQ (18))
        1< a3 OK FETCH completed
        1: a4 NOOP
        1< * VANISHED 2
        1< a4 OK NOOP completed
    """)


@pytest.mark.parametrize("forgotten", [False, True])
def test_coming_back(full: Conversation, house: House, inbox: Mailbox, clock: Clock, forgotten: bool) -> None:
    """Also where the store has forgotten what was removed."""
    house.store.run(mail.store_flags, inbox.id, [(2, 2), (4, 4)], "add", ["\\Deleted"])
    house.store.run(mail.expunge, inbox.id)
    house.store.run(mail.store_flags, inbox.id, [(3, 3)], "add", ["\\Seen"])
    house.append(inbox)
    if forgotten:
        clock.now += tidy.MEMORY
        assert house.store.run(tidy.forget_removals)
    full.run(rf"""
        1: a0 SELECT INBOX (QRESYNC ({inbox.uidvalidity} 15))
        1< a0 BAD...
        1: a1 ENABLE QRESYNC
        1< ...
        1: a2 SELECT INBOX (QRESYNC ({inbox.uidvalidity} 15))
        1< ...
        1< * 4 EXISTS
        1< ...
        1< * OK [HIGHESTMODSEQ 19]...
        1< * OK [URLMECH INTERNAL]...
        1< * OK [MAILBOXID...
        1< * VANISHED (EARLIER) 2,4
        1< * 2 FETCH (UID 3 FLAGS (\Seen) MODSEQ (18))
        1< * 4 FETCH (UID 6 FLAGS () MODSEQ (19))
        1< a2 OK [READ-WRITE]...
        1: a3 SELECT INBOX (QRESYNC ({inbox.uidvalidity} 15 1:3 (1:2 1:2)))
        1< ...
        1< * OK [URLMECH INTERNAL]...
        1< * OK [MAILBOXID...
        1< * VANISHED (EARLIER) 2
        1< * 2 FETCH (UID 3 FLAGS (\Seen) MODSEQ (18))
        1< a3 OK [READ-WRITE]...
        1: a4 SELECT INBOX (QRESYNC ({inbox.uidvalidity + 1} 15))
        1< ...
        1< * OK [URLMECH INTERNAL]...
        1< * OK [MAILBOXID...
        1< a4 OK [READ-WRITE]...
    """)
