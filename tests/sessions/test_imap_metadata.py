"""METADATA: RFC 5464."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.annotation import MAX_ENTRIES, MAX_VALUE
from store_helpers import House

BOB = "bob@example.org"


def test_the_examples(talk: Conversation) -> None:
    """§4.2 and §4.3."""
    talk.run("""
        1: a1 SETMETADATA INBOX (/private/comment "My new comment" /shared/comment "This one is for you!")
        1< a1 OK SETMETADATA completed
        1: a2 GETMETADATA "INBOX" /private/comment
        1< * METADATA INBOX (/private/comment "My new comment")
        1< a2 OK GETMETADATA completed
        1: a3 GETMETADATA "INBOX" (/shared/comment /private/comment /private/none)
        1< * METADATA INBOX (/shared/comment "This one is for you!" /private/comment "My new comment")
        1< a3 OK GETMETADATA completed
        1: a4 SETMETADATA INBOX (/private/comment NIL /private/Never NIL)
        1< a4 OK SETMETADATA completed
        1: a5 GETMETADATA "INBOX" /private/comment
        1< a5 OK GETMETADATA completed
        1: a6 SETMETADATA "" (/private/vendor/x "mine")
        1< a6 OK SETMETADATA completed
        1: a7 GETMETADATA "" /PRIVATE/VENDOR/X
        1< * METADATA "" (/private/vendor/x "mine")
        1< a7 OK GETMETADATA completed
        1: a8 GETMETADATA nowhere /private/comment
        1< a8 NO [NONEXISTENT]...
        1: a9 SETMETADATA "" (/shared/comment "for all")
        1< a9 NO [NOPERM]...
    """)


def test_depth(talk: Conversation) -> None:
    """§4.2.2."""
    talk.run("""
        1: a1 SETMETADATA INBOX (/private/f "0" /private/f/v/small "SMALLER 5000" /private/f/v "1" /private/fv "x")
        1< a1 OK...
        1: a2 GETMETADATA INBOX (DEPTH 1) /private/f
        1< * METADATA INBOX (/private/f "0" /private/f/v "1")
        1< a2 OK...
        1: a3 GETMETADATA INBOX (DEPTH infinity) /private/f/v
        1< * METADATA INBOX (/private/f/v "1" /private/f/v/small "SMALLER 5000")
        1< a3 OK...
        1: a4 GETMETADATA INBOX (DEPTH 0) /private/f
        1< * METADATA INBOX (/private/f "0")
        1< a4 OK...
    """)


def test_sizes(talk: Conversation) -> None:
    """§4.2.1 and the limits of §4.3; what is refused changes nothing."""
    talk.run("""
        1: a1 SETMETADATA INBOX (/shared/comment "a longer comment" /private/comment "short")
        1< a1 OK...
        1: a2 GETMETADATA "INBOX" (MAXSIZE 10) (/shared/comment /private/comment)
        1< * METADATA INBOX (/private/comment "short")
        1< a2 OK [METADATA LONGENTRIES 16]...
    """)
    told = talk.say(b"a3 SETMETADATA INBOX (/private/comment {1+}\r\nx /private/big {%d+}\r\n%b)\r\n" % (
        MAX_VALUE + 1, b"x" * (MAX_VALUE + 1)))  # fmt: skip
    assert told == [f"a3 NO [METADATA MAXSIZE {MAX_VALUE}] a value has {MAX_VALUE} octets at most"]
    assert talk.say("a4 GETMETADATA INBOX /private/comment")[0] == '* METADATA INBOX (/private/comment "short")'
    nul = b"a5 SETMETADATA INBOX (/private/octets ~{3+}\r\na\0b)\r\n"
    assert talk.say(nul) == ["a5 OK SETMETADATA completed"]
    assert talk.say("a6 GETMETADATA INBOX /private/octets")[:2] == [
        "* METADATA INBOX (/private/octets ~{3}", "a\0b)",
    ]  # fmt: skip


def test_there_is_an_end_to_them(talk: Conversation) -> None:
    for number in range(MAX_ENTRIES):
        assert talk.say(f'a SETMETADATA "" (/private/{number} "x")') == ["a OK SETMETADATA completed"]
    assert talk.say('b SETMETADATA "" (/private/more "x")')[0].startswith("b NO [METADATA TOOMANY]")
    talk.say('c SETMETADATA "" (/private/7 NIL)')
    assert talk.say('d SETMETADATA "" (/private/more "x")') == ["d OK SETMETADATA completed"]


def test_others_read_what_is_shared_and_keep_their_own(talk: Conversation, house: House) -> None:
    talk.guests["2"] = house.account(BOB)
    inbox = "Other Users/ada@example.org/INBOX"
    talk.run(f"""
        1: a1 SETMETADATA INBOX (/private/comment "Ada's" /shared/comment "everybody's")
        1< a1 OK...
        1: a2 SETACL INBOX {BOB} lr
        1< a2 OK...
        2: b1 GETMETADATA "{inbox}" (/private/comment /shared/comment)
        2< * METADATA "{inbox}" (/shared/comment "everybody's")
        2< b1 OK...
        2: b2 SETMETADATA "{inbox}" (/private/comment "Bob's")
        2< b2 OK...
        2: b3 SETMETADATA "{inbox}" (/shared/comment "changed")
        2< b3 NO [NOPERM]...
        2: b4 GETMETADATA "{inbox}" /private/comment
        2< * METADATA "{inbox}" (/private/comment "Bob's")
        2< b4 OK...
        1: a3 GETMETADATA INBOX /private/comment
        1< * METADATA INBOX (/private/comment "Ada's")
        1< a3 OK...
    """)


def test_changes_are_told_who_wants_it(talk: Conversation) -> None:
    """§4.4: names, no values, and not to who changed them."""
    talk.run("""
        1: a1 ENABLE METADATA
        1< * ENABLED METADATA
        1< a1 OK...
        2: b1 SETMETADATA INBOX (/shared/comment "x" /private/comment "y")
        2< b1 OK...
        1: a2 SETMETADATA Sent (/private/comment "z")
        1< * METADATA INBOX /private/comment /shared/comment
        1< a2 OK...
        2: b2 SETMETADATA INBOX (/shared/comment NIL)
        2< b2 OK...
        2: b3 SETMETADATA "" (/private/comment "x")
        2< b3 OK...
        1: a3 NOOP
        1< * METADATA INBOX /shared/comment
        1< * METADATA "" /private/comment
        1< a3 OK...
        1: a4 NOOP
        1< a4 OK...
    """)


def test_they_go_with_the_mailbox(talk: Conversation) -> None:
    talk.run("""
        1: a1 CREATE a
        1< a1 OK...
        1: a2 SETMETADATA a (/private/comment "x")
        1< a2 OK...
        1: a3 RENAME a b
        1< a3 OK...
        1: a4 GETMETADATA b /private/comment
        1< * METADATA b (/private/comment "x")
        1< a4 OK...
        1: a5 DELETE b
        1< a5 OK...
        1: a6 CREATE b
        1< a6 OK...
        1: a7 GETMETADATA b /private/comment
        1< a7 OK...
    """)
