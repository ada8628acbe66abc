"""LIST: RFC 9051 §6.3.9."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House


def test_separator(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.3.9.8, the first examples: an empty name asks for the separator."""

    talk.run(r"""
        1: A101 LIST "" ""
        1< * LIST (\Noselect) "/" ""
        1< A101 OK LIST completed
        1: A102 LIST #news.comp.mail.misc ""
        1< * LIST (\Noselect) "/" ""
        1< A102 OK LIST completed
        1: A103 LIST /usr/staff/jones ""
        1< * LIST (\Noselect) "/" ""
        1< A103 OK LIST completed
    """)


def test_subscribed(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.3.9.8, examples 1 to 3."""
    for name in ("Fruit/Apple", "Fruit/Banana", "Tofu", "Vegetable/Broccoli", "Vegetable/Corn"):
        talk.say(f"c CREATE {name}")
    for name in ("INBOX", "Fruit/Banana", "Fruit/Peach", "Vegetable", "Vegetable/Broccoli"):
        talk.say(f"s SUBSCRIBE {name}")
    talk.run(r"""
        1: A01 LIST "" "*"
        1< * LIST (\HasNoChildren) "/" INBOX
        1< * LIST (\HasNoChildren \Archive) "/" Archive
        1< * LIST (\HasNoChildren \Drafts) "/" Drafts
        1< * LIST (\HasChildren) "/" Fruit
        1< * LIST (\HasNoChildren) "/" Fruit/Apple
        1< * LIST (\HasNoChildren) "/" Fruit/Banana
        1< * LIST (\HasNoChildren \Junk) "/" Junk
        1< * LIST (\HasNoChildren \Sent) "/" Sent
        1< * LIST (\HasNoChildren) "/" Tofu
        1< * LIST (\HasNoChildren \Trash) "/" Trash
        1< * LIST (\HasChildren) "/" Vegetable
        1< * LIST (\HasNoChildren) "/" Vegetable/Broccoli
        1< * LIST (\HasNoChildren) "/" Vegetable/Corn
        1< A01 OK LIST completed
        1: A02 LIST (SUBSCRIBED) "" "*"
        1< * LIST (\HasNoChildren \Subscribed) "/" INBOX
        1< * LIST (\HasNoChildren \Subscribed \Archive) "/" Archive
        1< * LIST (\HasNoChildren \Subscribed \Drafts) "/" Drafts
        1< * LIST (\HasNoChildren \Subscribed) "/" Fruit/Banana
        1< * LIST (\HasNoChildren \Subscribed \Junk) "/" Junk
        1< * LIST (\HasNoChildren \Subscribed \Sent) "/" Sent
        1< * LIST (\HasNoChildren \Subscribed \Trash) "/" Trash
        1< * LIST (\HasChildren \Subscribed) "/" Vegetable
        1< * LIST (\HasNoChildren \Subscribed) "/" Vegetable/Broccoli
        1< * LIST (\NonExistent \HasNoChildren \Subscribed) "/" Fruit/Peach
        1< A02 OK LIST completed
        1: A03 LIST () "" "%" RETURN (CHILDREN)
        1< * LIST (\HasNoChildren) "/" INBOX
        1< * LIST (\HasNoChildren \Archive) "/" Archive
        1< * LIST (\HasNoChildren \Drafts) "/" Drafts
        1< * LIST (\HasChildren) "/" Fruit
        1< * LIST (\HasNoChildren \Junk) "/" Junk
        1< * LIST (\HasNoChildren \Sent) "/" Sent
        1< * LIST (\HasNoChildren) "/" Tofu
        1< * LIST (\HasNoChildren \Trash) "/" Trash
        1< * LIST (\HasChildren) "/" Vegetable
        1< A03 OK LIST completed
        1: A04 LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"
        1< * LIST (\HasNoChildren \Subscribed) "/" INBOX
        1< * LIST (\HasNoChildren \Subscribed \Archive) "/" Archive
        1< * LIST (\HasNoChildren \Subscribed \Drafts) "/" Drafts
        1< * LIST (\HasChildren) "/" Fruit ("CHILDINFO" ("SUBSCRIBED"))
        1< * LIST (\HasNoChildren \Subscribed \Junk) "/" Junk
        1< * LIST (\HasNoChildren \Subscribed \Sent) "/" Sent
        1< * LIST (\HasNoChildren \Subscribed \Trash) "/" Trash
        1< * LIST (\HasChildren \Subscribed) "/" Vegetable ("CHILDINFO" ("SUBSCRIBED"))
        1< A04 OK LIST completed
    """)


def test_children(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.3.9.8, examples 6 to 8: what matches only because of what is below it."""
    for name in ("Foo/Bar", "Foo/Baz", "Moo"):
        talk.say(f"c CREATE {name}")
    talk.say("s SUBSCRIBE Foo/Baz")
    talk.run(r"""
        1: C01 LIST "" "*"
        1< * LIST (\HasNoChildren) "/" INBOX
        1< * LIST (\HasNoChildren \Archive) "/" Archive
        1< * LIST (\HasNoChildren \Drafts) "/" Drafts
        1< * LIST (\HasChildren) "/" Foo
        1< * LIST (\HasNoChildren) "/" Foo/Bar
        1< * LIST (\HasNoChildren) "/" Foo/Baz
        1< * LIST (\HasNoChildren \Junk) "/" Junk
        1< * LIST (\HasNoChildren) "/" Moo
        1< * LIST (\HasNoChildren \Sent) "/" Sent
        1< * LIST (\HasNoChildren \Trash) "/" Trash
        1< C01 OK LIST completed
        1: CA3 LIST "" "%" RETURN (CHILDREN)
        1< * LIST (\HasNoChildren) "/" INBOX
        1< * LIST (\HasNoChildren \Archive) "/" Archive
        1< * LIST (\HasNoChildren \Drafts) "/" Drafts
        1< * LIST (\HasChildren) "/" Foo
        1< * LIST (\HasNoChildren \Junk) "/" Junk
        1< * LIST (\HasNoChildren) "/" Moo
        1< * LIST (\HasNoChildren \Sent) "/" Sent
        1< * LIST (\HasNoChildren \Trash) "/" Trash
        1< CA3 OK LIST completed
        1: C02 LIST (SUBSCRIBED) "" "*"
        1< * LIST (\HasNoChildren \Subscribed) "/" INBOX
        1< * LIST (\HasNoChildren \Subscribed \Archive) "/" Archive
        1< * LIST (\HasNoChildren \Subscribed \Drafts) "/" Drafts
        1< * LIST (\HasNoChildren \Subscribed) "/" Foo/Baz
        1< * LIST (\HasNoChildren \Subscribed \Junk) "/" Junk
        1< * LIST (\HasNoChildren \Subscribed \Sent) "/" Sent
        1< * LIST (\HasNoChildren \Subscribed \Trash) "/" Trash
        1< C02 OK LIST completed
        1: C03 LIST (SUBSCRIBED) "" "%"
        1< * LIST (\HasNoChildren \Subscribed) "/" INBOX
        1< * LIST (\HasNoChildren \Subscribed \Archive) "/" Archive
        1< * LIST (\HasNoChildren \Subscribed \Drafts) "/" Drafts
        1< * LIST (\HasNoChildren \Subscribed \Junk) "/" Junk
        1< * LIST (\HasNoChildren \Subscribed \Sent) "/" Sent
        1< * LIST (\HasNoChildren \Subscribed \Trash) "/" Trash
        1< C03 OK LIST completed
        1: C04 LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"
        1< * LIST (\HasNoChildren \Subscribed) "/" INBOX
        1< * LIST (\HasNoChildren \Subscribed \Archive) "/" Archive
        1< * LIST (\HasNoChildren \Subscribed \Drafts) "/" Drafts
        1< * LIST (\HasChildren) "/" Foo ("CHILDINFO" ("SUBSCRIBED"))
        1< * LIST (\HasNoChildren \Subscribed \Junk) "/" Junk
        1< * LIST (\HasNoChildren \Subscribed \Sent) "/" Sent
        1< * LIST (\HasNoChildren \Subscribed \Trash) "/" Trash
        1< C04 OK LIST completed
        1: C05 LIST (RECURSIVEMATCH) "" "%"
        1< C05 BAD LIST: RECURSIVEMATCH needs another selection option beside it (RFC 9051 section 6.3.9.1)
    """)


def test_status(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.3.9.8, example 13."""
    house.fill(inbox, 17)
    talk.say("c CREATE foo")
    house.fill(house.box(talk.account, "foo"), 3)
    talk.run(r"""
        1: A01 LIST "" % RETURN (STATUS (MESSAGES UNSEEN))
        1< * LIST (\HasNoChildren) "/" INBOX
        1< * STATUS INBOX (MESSAGES 17 UNSEEN 17)
        1< * LIST (\HasNoChildren \Archive) "/" Archive
        1< * STATUS Archive (MESSAGES 0 UNSEEN 0)
        1< * LIST (\HasNoChildren \Drafts) "/" Drafts
        1< * STATUS Drafts (MESSAGES 0 UNSEEN 0)
        1< * LIST (\HasNoChildren \Junk) "/" Junk
        1< * STATUS Junk (MESSAGES 0 UNSEEN 0)
        1< * LIST (\HasNoChildren \Sent) "/" Sent
        1< * STATUS Sent (MESSAGES 0 UNSEEN 0)
        1< * LIST (\HasNoChildren \Trash) "/" Trash
        1< * STATUS Trash (MESSAGES 0 UNSEEN 0)
        1< * LIST (\HasNoChildren) "/" foo
        1< * STATUS foo (MESSAGES 3 UNSEEN 3)
        1< A01 OK LIST completed
    """)
