"""APPEND: RFC 9051 §6.3.12."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House


def test_example(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.3.12, example, with a literal that doesn't wait."""
    talk.say("c CREATE saved-messages")
    talk.run(r"""
        1: A003 APPEND saved-messages (\Seen) {326+}
        1: Date: Mon, 7 Feb 1994 21:52:25 -0800 (PST)
        1: From: Fred Foobar <foobar@Blurdybloop.example>
        1: Subject: afternoon meeting
        1: To: mooch@owatagu.siam.edu.example
        1: Message-Id: <B27397-0100000@Blurdybloop.example>
        1: MIME-Version: 1.0
        1: Content-Type: TEXT/PLAIN; CHARSET=US-ASCII
        1:
        1: Hello Joe, do you think we can meet at 3:30 tomorrow?
        1:
        1< A003 OK [APPENDUID 1700000006 1] APPEND completed
        1: A004 APPEND nowhere {3+}
        1: abc
        1< A004 NO [TRYCREATE] There is no mailbox nowhere
    """)
