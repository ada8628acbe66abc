"""LIST-STATUS: RFC 5819; STATUS=SIZE in it: RFC 8438 §3.3."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


def test_examples(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§3, examples: a STATUS behind each LIST line, and none for what can't be selected, or is told for the sake of
    its children."""
    house.append(inbox, raw=letter("one"), flags=["\\Seen"])
    house.append(inbox, raw=letter("two"))
    for name in ("foo", "foo/sub", "gone"):
        talk.say(f"c CREATE {name}")
        talk.say(f"u SUBSCRIBE {name}")
    talk.say("u UNSUBSCRIBE foo")
    talk.say("d DELETE gone")
    talk.run(r"""
        1: A01 LIST "" (INBOX foo) RETURN (STATUS (MESSAGES UNSEEN))
        1< * LIST (\HasNoChildren) "/" INBOX
        1< * STATUS INBOX (MESSAGES 2 UNSEEN 1)
        1< * LIST (\HasChildren) "/" foo
        1< * STATUS foo (MESSAGES 0 UNSEEN 0)
        1< A01 OK LIST completed
        1: A02 LIST (SUBSCRIBED RECURSIVEMATCH) "" (INBOX foo) RETURN (STATUS (MESSAGES))
        1< * LIST (\HasNoChildren \Subscribed) "/" INBOX
        1< * STATUS INBOX (MESSAGES 2)
        1< * LIST (\HasChildren) "/" foo ("CHILDINFO" ("SUBSCRIBED"))
        1< A02 OK LIST completed
        1: A03 LIST (SUBSCRIBED) "" gone RETURN (STATUS (MESSAGES))
        1< * LIST (\NonExistent \HasNoChildren \Subscribed) "/" gone
        1< A03 OK LIST completed
        1: A04 LIST "" foo RETURN (STATUS (MESSAGES SIZE))
        1< * LIST (\HasChildren) "/" foo
        1< * STATUS foo (MESSAGES 0 SIZE 0)
        1< A04 OK LIST completed
    """)
