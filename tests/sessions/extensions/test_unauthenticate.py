"""UNAUTHENTICATE: RFC 8437 §2, §3 (it has no example beyond the command)."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House


def test_what_is_forgotten(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§3: the selected mailbox, what was enabled, what was saved, what was to be told; no messages are expunged."""
    house.fill(inbox, 2, flags=["\\Deleted"])
    told = talk.say("c CAPABILITY")[0].split()
    assert "UNAUTHENTICATE" in told
    talk.run("""
        1: a1 ENABLE CONDSTORE UIDONLY
        1< ...
        1< a1 OK...
        1: a2 SELECT INBOX
        1< ...
        1< a2 OK...
        1: a3 UID SEARCH RETURN (SAVE) ALL
        1< a3 OK...
        1: a4 NOTIFY SET (PERSONAL (MailboxName))
        1< a4 OK...
        1: a5 UNAUTHENTICATE
        1< a5 OK [CAPABILITY...
        2: b1 CREATE unseen
        2< b1 OK...
        1: a6 NOOP
        1< a6 OK NOOP completed
        1: a7 SELECT INBOX
        1< a7 BAD...
        1: a8 CAPABILITY
        1< * CAPABILITY IMAP4rev1...
        1< a8 OK CAPABILITY completed
        2: b2 STATUS INBOX (MESSAGES)
        2< * STATUS INBOX (MESSAGES 2)
        2< b2 OK...
    """)
    assert "UNAUTHENTICATE" not in talk.say("c CAPABILITY")[0].split(), "it is a command of who is logged in"


def test_pipelined(talk: Conversation) -> None:
    """§5: what follows is the next user's, and waits."""
    told = talk.say(b"a1 SELECT INBOX\r\na2 UNAUTHENTICATE\r\na3 LOGIN nobody@example.org wrong\r\na4 NOOP\r\n")
    tagged = [line[:6] for line in told if not line.startswith("* ")]
    assert tagged == ["a1 OK ", "a2 OK ", "a3 NO ", "a4 OK "]


def test_before_anybody(talk: Conversation) -> None:
    """§2: only in the authenticated or the selected state."""
    talk.run("""
        1: a1 UNAUTHENTICATE
        1< a1 OK...
        1: a2 UNAUTHENTICATE
        1< a2 BAD...
    """)
