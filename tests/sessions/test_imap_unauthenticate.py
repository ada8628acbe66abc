"""UNAUTHENTICATE: RFC 8437."""

from __future__ import annotations

from imap_conversation import Conversation


def test_a_connection_like_a_new_one(talk: Conversation) -> None:
    talk.run("""
        1: a1 ENABLE QRESYNC UTF8=ACCEPT
        1< ...
        1< a1 OK...
        1: a2 SELECT INBOX
        1< ...
        1< a2 OK...
        1: a3 UNAUTHENTICATE
        1< a3 OK [CAPABILITY...
        1: a4 STATUS INBOX (MESSAGES)
        1< a4 BAD STATUS: not possible now: you are not logged in
        1: a5 UNAUTHENTICATE
        1< a5 BAD...
        1: a6 LOGIN nobody@example.org wrong
        1< a6 NO [AUTHENTICATIONFAILED]...
    """)


def test_nothing_is_told_any_more(talk: Conversation) -> None:
    talk.say("a1 SELECT INBOX")
    talk.say("a2 UNAUTHENTICATE")
    talk.say("b1 APPEND INBOX {5+}\r\nhello", "2")
    assert talk.say("a3 NOOP") == ["a3 OK NOOP completed"]
