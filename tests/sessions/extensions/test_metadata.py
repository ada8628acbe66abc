"""METADATA: RFC 5464 §4, example by example."""

from __future__ import annotations

import pytest

from imap_conversation import Conversation
from posthouse.store import annotation
from store_helpers import House


def test_getmetadata(talk: Conversation) -> None:
    """§4.2: the server's, a mailbox's, several at once."""
    talk.run("""
        1: s SETMETADATA INBOX (/shared/comment "Shared comment" /private/comment "My own comment")
        1< s OK...
        1: s SETMETADATA "" (/private/comment "My own server")
        1< s OK...
        1: a GETMETADATA "" /shared/comment
        1< a OK GETMETADATA completed
        1: a GETMETADATA "" /private/comment
        1< * METADATA "" (/private/comment "My own server")
        1< a OK GETMETADATA completed
        1: a GETMETADATA "INBOX" /private/comment
        1< * METADATA INBOX (/private/comment "My own comment")
        1< a OK GETMETADATA completed
        1: a GETMETADATA "INBOX" (/shared/comment /private/comment)
        1< * METADATA INBOX (/shared/comment "Shared comment" /private/comment "My own comment")
        1< a OK GETMETADATA completed
    """)


def test_maxsize(talk: Conversation) -> None:
    """§4.2.1: what is longer isn't told; how long the longest is, is."""
    value = "x" * 2199
    talk.say(f'a SETMETADATA INBOX (/shared/comment "{value}" /private/comment "My own comment")')
    talk.run("""
        1: a GETMETADATA "INBOX" (MAXSIZE 1024) (/shared/comment /private/comment)
        1< * METADATA INBOX (/private/comment "My own comment")
        1< a OK [METADATA LONGENTRIES 2199]...
        1: a GETMETADATA (MAXSIZE 1024) "INBOX" (/shared/comment /private/comment)
        1< * METADATA INBOX (/private/comment "My own comment")
        1< a OK [METADATA LONGENTRIES 2199]...
    """)


def test_depth(talk: Conversation) -> None:
    """§4.2.2."""
    talk.run(r"""
        1: s SETMETADATA INBOX (/private/filters/values/small "SMALLER 5000" /private/filters/values/boss "FROM \"boss@example.com\"")
        1< s OK...
        1: a GETMETADATA "INBOX" (DEPTH 1) (/private/filters/values)
        1< * METADATA INBOX (/private/filters/values/boss "FROM \"boss@example.com\"" /private/filters/values/small "SMALLER 5000")
        1< a OK GETMETADATA completed
        1: a GETMETADATA "INBOX" (DEPTH 1) (/private/filters)
        1< a OK GETMETADATA completed
    """)  # noqa: E501


def test_setmetadata(talk: Conversation) -> None:
    """§4.3: a literal of two lines; NIL removes; several at once."""
    assert talk.say(b"a SETMETADATA INBOX (/private/comment {33}\r\n") == ["+ go on"]
    assert talk.say(b"My new comment across\r\ntwo lines.)\r\n") == ["a OK SETMETADATA completed"]
    told = talk.say('a GETMETADATA "INBOX" /private/comment')
    assert told[:2] == ["* METADATA INBOX (/private/comment {33}", "My new comment across"]
    talk.run("""
        1: a SETMETADATA INBOX (/private/comment NIL)
        1< a OK SETMETADATA completed
        1: a GETMETADATA "INBOX" /private/comment
        1< a OK GETMETADATA completed
        1: a SETMETADATA INBOX (/private/comment "My new comment" /shared/comment "This one is for you!")
        1< a OK SETMETADATA completed
        1: a GETMETADATA "INBOX" (/private/comment /shared/comment)
        1< * METADATA INBOX (/private/comment "My new comment" /shared/comment "This one is for you!")
        1< a OK GETMETADATA completed
    """)


def test_too_many(talk: Conversation, monkeypatch: pytest.MonkeyPatch) -> None:
    """§4.3: [METADATA TOOMANY]; and a value that is too long."""
    monkeypatch.setattr(annotation, "MAX_ENTRIES", 1)
    talk.run("""
        1: a SETMETADATA INBOX (/private/other "x")
        1< a OK...
        1: a SETMETADATA INBOX (/private/comment "My new comment")
        1< a NO [METADATA TOOMANY]...
    """)


def test_names(talk: Conversation) -> None:
    r"""§3.1: no "*", "%", no two slashes, none at the end, nothing beyond ASCII; and /private or /shared."""
    for name in ("/private//x", "/private/x/", "/private/a*", "/private/a%", "/other/x", "comment", '"/private/\xfc"'):
        assert talk.say(f"a SETMETADATA INBOX ({name} x)")[-1].startswith("a BAD"), name


def test_told_without_asking(talk: Conversation, house: House) -> None:
    """§4.4.2, both examples: names without values."""
    talk.run("""
        1: e ENABLE METADATA
        1< * ENABLED METADATA
        1< e OK...
        2: b SETMETADATA "" (/private/comment "x")
        2< b OK...
        1: a NOOP
        1< * METADATA "" /private/comment
        1< a OK NOOP completed
        2: b SETMETADATA INBOX (/shared/comment "x" /private/comment "y")
        2< b OK...
        1: a NOOP
        1< * METADATA INBOX /private/comment /shared/comment
        1< a OK NOOP completed
    """)
