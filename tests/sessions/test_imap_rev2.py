"""ENABLE IMAP4rev2: RFC 9051, as it differs from RFC 3501."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House


def test_what_is_obsolete_is_not_said(talk: Conversation, house: House, inbox: Mailbox) -> None:
    house.fill(inbox, 2)
    talk.run(rf"""
        1: a1 ENABLE IMAP4rev2
        1< * ENABLED IMAP4rev2
        1< a1 OK ENABLE completed
        1: a2 SELECT INBOX
        1< * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
        1< * 2 EXISTS
        1< * LIST () "/" INBOX
        1< * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)]...
        1< * OK [UIDVALIDITY {inbox.uidvalidity}]...
        1< * OK [UIDNEXT 3]...
        1< * OK [HIGHESTMODSEQ...
        1< * OK [URLMECH INTERNAL]...
        1< * OK [MAILBOXID...
        1< a2 OK [READ-WRITE] INBOX selected
        1: a3 SEARCH ALL
        1< * ESEARCH (TAG "a3") ALL 1:2
        1< a3 OK SEARCH completed
        1: a4 UID SEARCH SEEN
        1< * ESEARCH (TAG "a4") UID
        1< a4 OK SEARCH completed
        2: b1 SELECT INBOX
        2< ...
        2: b2 STORE 1 +FLAGS.SILENT (\Seen)
        2< b2 OK STORE completed
        1: a5 NOOP
        1< * 1 FETCH (UID 1 FLAGS (\Seen))
        1< a5 OK NOOP completed
    """)


def test_names_are_utf8(talk: Conversation) -> None:
    talk.run(r"""
        1: a1 ENABLE IMAP4rev2
        1< ...
        1: a2 CREATE "日本語"
        1< a2 OK...
        1: a3 LIST "" "日*"
        1< * LIST (\HasNoChildren) "/" "日本語"
        1< a3 OK LIST completed
        2: b1 LIST "" "&ZeVnLIqe-"
        2< * LIST (\HasNoChildren) "/" &ZeVnLIqe-
        2< b1 OK LIST completed
        1: a4 SELECT inbox/x
        1< a4 NO [NONEXISTENT]...
        1: a5 CREATE INBOX/x
        1< ...
        1: a6 SELECT inbox/x
        1< ...
        1< * LIST () "/" INBOX/x ("OLDNAME" (inbox/x))
        1< ...
    """)
