"""MULTIAPPEND: RFC 3502."""

from __future__ import annotations

from imap_conversation import Conversation


def test_examples(talk: Conversation) -> None:
    """§6.3.11, example: two letters with one command; TRYCREATE comes before any octet; a last part that isn't one
    undoes all."""
    first = b"Subject: afternoon meeting\r\n\r\nHello Joe, do you think we can meet at 3:30 tomorrow?\r\n"
    second = b"Subject: Re: afternoon meeting\r\n\r\n3:30 is fine with me.\r\n"
    talk.say("c CREATE saved-messages")
    told = talk.say(
        b'A003 APPEND saved-messages (\\Seen) {%d+}\r\n%b (\\Seen) " 7-Feb-1994 22:43:04 -0800" {%d+}\r\n%b\r\n'
        % (len(first), first, len(second), second)
    )
    assert told == ["A003 OK [APPENDUID 1700000006 1:2] APPEND completed"]
    talk.run(r"""
        1: s SELECT saved-messages
        1< ...
        1< s OK...
        1: f FETCH 2 (FLAGS INTERNALDATE)
        1< * 2 FETCH (FLAGS (\Seen) INTERNALDATE " 8-Feb-1994 06:43:04 +0000")
        1< f OK FETCH completed
        1: A004 APPEND bogusname (\Flagged) {1023}
        1< A004 NO [TRYCREATE] There is no mailbox bogusname
        1: A005 STATUS saved-messages (MESSAGES)
        1< * STATUS saved-messages (MESSAGES 2)
        1< A005 OK STATUS completed
    """)
    told = talk.say(b"A006 APPEND saved-messages (\\Flagged) {%d+}\r\n%b (\\Seen) what\r\n" % (len(first), first))
    assert told[-1].startswith("A006 BAD")
    assert talk.say("A007 STATUS saved-messages (MESSAGES)")[0] == "* STATUS saved-messages (MESSAGES 2)"
