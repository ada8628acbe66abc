"""LIST-MYRIGHTS: RFC 8440."""

from __future__ import annotations

from imap_conversation import Conversation


def test_examples(talk: Conversation) -> None:
    """§4, examples: MYRIGHTS behind each line, but for a mailbox that isn't there; where LIST chooses by subscription
    not for one that is told for the sake of its children."""
    for name in ("foo", "foo/sub", "gone"):
        talk.say(f"c CREATE {name}")
        talk.say(f"u SUBSCRIBE {name}")
    talk.say("u UNSUBSCRIBE foo")
    talk.say("d DELETE gone")
    talk.run(r"""
        1: A01 LIST "" (INBOX foo) RETURN (MYRIGHTS)
        1< * LIST (\HasNoChildren) "/" INBOX
        1< * MYRIGHTS INBOX lrswipkxteacd
        1< * LIST (\HasChildren) "/" foo
        1< * MYRIGHTS foo lrswipkxteacd
        1< A01 OK LIST completed
        1: A02 LIST (SUBSCRIBED RECURSIVEMATCH) "" (INBOX foo) RETURN (MYRIGHTS)
        1< * LIST (\HasNoChildren \Subscribed) "/" INBOX
        1< * MYRIGHTS INBOX lrswipkxteacd
        1< * LIST (\HasChildren) "/" foo ("CHILDINFO" ("SUBSCRIBED"))
        1< A02 OK LIST completed
        1: A03 LIST (SUBSCRIBED) "" gone RETURN (MYRIGHTS)
        1< * LIST (\NonExistent \HasNoChildren \Subscribed) "/" gone
        1< A03 OK LIST completed
    """)
