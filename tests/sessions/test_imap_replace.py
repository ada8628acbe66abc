"""REPLACE: RFC 8508."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store import quota
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter

NEW = b"Subject: happy new year !!\r\n\r\nJust saw the best fireworks show.\r\n"


def replace(tag: str, number: str, mailbox: str, octets: bytes = NEW) -> bytes:
    return f"{tag} {number} {mailbox} (\\Seen \\Draft) {{{len(octets)}+}}\r\n".encode() + octets + b"\r\n"


def test_by_number(talk: Conversation, house: House) -> None:
    """The example of §3.2: the new UID, then what vanished and what came, then OK."""
    drafts = house.box(talk.account, "Drafts")
    house.fill(drafts, 4)
    talk.run("""
        1: a1 SELECT Drafts
        1< ...
        1< a1 OK...
        2: b1 SELECT Drafts
        2< ...
        2< b1 OK...
    """)
    assert talk.say(replace("A003", "REPLACE 4", "Drafts")) == [
        f"* OK [APPENDUID {drafts.uidvalidity} 5] The replacement is there",
        "* 4 EXPUNGE",
        "* 4 EXISTS",
        "* 1 RECENT",
        "A003 OK REPLACE completed",
    ]
    talk.run(r"""
        2: b2 NOOP
        2< * 4 EXPUNGE
        2< * 4 EXISTS
        2< b2 OK NOOP completed
        2: b3 FETCH 4 (UID FLAGS)
        2< * 4 FETCH (UID 5 FLAGS (\Draft \Seen))
        2< b3 OK FETCH completed
    """)


def test_into_another_mailbox_by_uid(talk: Conversation, house: House) -> None:
    house.fill(house.box(talk.account, "Drafts"), 3)
    sent = house.box(talk.account, "Sent")
    talk.run("""
        1: a1 ENABLE QRESYNC
        1< ...
        1< a1 OK...
        1: a2 SELECT Drafts
        1< ...
        1< a2 OK...
    """)
    assert talk.say(replace("a3", "UID REPLACE 2", "Sent")) == [
        f"* OK [APPENDUID {sent.uidvalidity} 1] The replacement is there",
        "* VANISHED 2",
        "a3 OK REPLACE completed",
    ]


def test_only_the_difference_counts_against_the_quota(talk: Conversation, house: House) -> None:
    """§3.4."""
    house.append(house.box(talk.account, "Drafts"), raw=letter(body="x" * 3000))
    house.store.run(quota.set_limits, talk.account.id, size=4096, messages=1)
    talk.say("a1 SELECT Drafts")
    assert talk.say(replace("a2", "REPLACE *", "Drafts"))[-1] == "a2 OK REPLACE completed"
    assert "[OVERQUOTA]" in talk.say(replace("a3", "REPLACE 1", "Drafts", b"x" * 5000))[-1]
    assert talk.say("a4 UID SEARCH ALL")[0] == "* SEARCH 2", "what could not be replaced is still there"


def test_what_can_not_be_replaced(talk: Conversation, inbox: Mailbox, house: House) -> None:
    house.fill(inbox, 2)
    talk.run("""
        1: a1 REPLACE 1 INBOX {5}
        1< a1 BAD REPLACE: not possible now...
        1: a2 EXAMINE INBOX
        1< ...
        1< a2 OK...
        1: a3 REPLACE 1 INBOX {5}
        1< a3 NO [READ-ONLY]...
        1: a4 SELECT INBOX
        1< ...
        1< a4 OK...
        1: a5 REPLACE 3 INBOX {5}
        1< a5 BAD...
        1: a6 UID REPLACE 3 INBOX {5}
        1< a6 NO [NONEXISTENT]...
        1: a7 REPLACE 1 nowhere {5}
        1< a7 NO [TRYCREATE]...
    """)


def test_what_somebody_else_removed_meanwhile(talk: Conversation, inbox: Mailbox, house: House) -> None:
    """Nothing comes in its place."""
    house.fill(inbox, 2, flags=["\\Deleted"])
    talk.say("a1 SELECT INBOX")
    assert talk.say(b"a2 REPLACE 1 INBOX {%d}\r\n" % len(NEW)) == ["+ go on"]
    talk.say("b1 SELECT INBOX", "2")
    talk.say("b2 UID EXPUNGE 1", "2")
    assert talk.say(NEW + b"\r\n") == ["* 1 EXPUNGE", "a2 NO [EXPUNGEISSUED] The message to replace no longer exists"]
    assert talk.say("a3 STATUS INBOX (MESSAGES)")[0] == "* STATUS INBOX (MESSAGES 1)"
