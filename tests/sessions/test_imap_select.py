"""SELECT, EXAMINE, CLOSE, UNSELECT: RFC 9051 §6.3.2, §6.3.3, §6.4.1, §6.4.2."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House


def test_select_tells_what_the_mailbox_has(talk: Conversation, house: House, inbox: Mailbox) -> None:
    house.append(inbox, flags=["\\Seen", "Work"])
    house.append(inbox)
    talk.run(rf"""
        1: a1 SELECT inbox
        1< * FLAGS (\Answered \Flagged \Deleted \Seen \Draft Work)
        1< * 2 EXISTS
        1< * 0 RECENT
        1< * OK [UNSEEN 2]...
        1< * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft Work \*)]...
        1< * OK [UIDVALIDITY {inbox.uidvalidity}]...
        1< * OK [UIDNEXT 3]...
        1< * OK [HIGHESTMODSEQ...
        1< * OK [URLMECH INTERNAL]...
        1< * OK [MAILBOXID (F{inbox.id})]...
        1< a1 OK [READ-WRITE] INBOX selected
        1: a2 STORE 2 +FLAGS.SILENT (\Seen)
        1< a2 OK STORE completed
        1: a3 EXAMINE INBOX
        1< * OK [CLOSED]...
        1< * FLAGS (\Answered \Flagged \Deleted \Seen \Draft Work)
        1< * 2 EXISTS
        1< * 0 RECENT
        1< * OK [PERMANENTFLAGS ()]...
        1< ...
        1< a3 OK [READ-ONLY] INBOX selected
        1: a4 STORE 1 FLAGS ()
        1< a4 NO [READ-ONLY]...
    """)


def test_after_a_select_that_failed_nothing_is_selected(talk: Conversation) -> None:
    talk.run("""
        1: a1 SELECT INBOX
        1< ...
        1: a2 SELECT nowhere
        1< * OK [CLOSED]...
        1< a2 NO [NONEXISTENT] There is no mailbox nowhere
        1: a3 FETCH 1 FLAGS
        1< a3 BAD...
    """)


def test_close_expunges_silently_and_unselect_does_not(talk: Conversation, house: House, inbox: Mailbox) -> None:
    house.append(inbox, flags=["\\Deleted"])
    house.append(inbox)
    talk.run("""
        2: b1 SELECT INBOX
        2< ...
        1: a1 SELECT INBOX
        1< ...
        1: a2 UNSELECT
        1< a2 OK UNSELECT completed
        1: a3 EXAMINE INBOX
        1< ...
        1: a4 CLOSE
        1< a4 OK CLOSE completed
        2: b2 NOOP
        2< b2 OK NOOP completed
        1: a5 SELECT INBOX
        1< ...
        1: a6 CLOSE
        1< a6 OK CLOSE completed
        2: b3 NOOP
        2< * 1 EXPUNGE
        2< b3 OK NOOP completed
    """)
