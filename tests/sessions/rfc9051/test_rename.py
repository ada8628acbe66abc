"""RENAME: RFC 9051 §6.3.6."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House


def test_examples(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.3.6, examples: names below go along."""
    house.fill(inbox, 2)
    talk.run(r"""
        1: A680 CREATE blurdybloop
        1< A680 OK [MAILBOXID (F7)] CREATE completed
        1: A681 CREATE foo/bar
        1< A681 OK [MAILBOXID (F9)] CREATE completed
        1: A683 RENAME blurdybloop sarasoop
        1< A683 OK RENAME completed
        1: A684 RENAME foo zowie
        1< A684 OK RENAME completed
        1: A685 LIST "" *
        1< * LIST (\HasNoChildren) "/" INBOX
        1< * LIST (\HasNoChildren \Archive) "/" Archive
        1< * LIST (\HasNoChildren \Drafts) "/" Drafts
        1< * LIST (\HasNoChildren \Junk) "/" Junk
        1< * LIST (\HasNoChildren \Sent) "/" Sent
        1< * LIST (\HasNoChildren \Trash) "/" Trash
        1< * LIST (\HasNoChildren) "/" sarasoop
        1< * LIST (\HasChildren) "/" zowie
        1< * LIST (\HasNoChildren) "/" zowie/bar
        1< A685 OK LIST completed
        1: Z431 CREATE INBOX/bar
        1< Z431 OK [MAILBOXID (F10)] CREATE completed
        1: Z433 RENAME INBOX old-mail
        1< Z433 OK RENAME completed
        1: Z434 LIST "" *
        1< * LIST (\HasChildren) "/" INBOX
        1< * LIST (\HasNoChildren) "/" INBOX/bar
        1< * LIST (\HasNoChildren \Archive) "/" Archive
        1< * LIST (\HasNoChildren \Drafts) "/" Drafts
        1< * LIST (\HasNoChildren \Junk) "/" Junk
        1< * LIST (\HasNoChildren \Sent) "/" Sent
        1< * LIST (\HasNoChildren \Trash) "/" Trash
        1< * LIST (\HasNoChildren) "/" old-mail
        1< * LIST (\HasNoChildren) "/" sarasoop
        1< * LIST (\HasChildren) "/" zowie
        1< * LIST (\HasNoChildren) "/" zowie/bar
        1< Z434 OK LIST completed
        1: Z435 STATUS INBOX (MESSAGES)
        1< * STATUS INBOX (MESSAGES 0)
        1< Z435 OK STATUS completed
        1: Z436 STATUS old-mail (MESSAGES)
        1< * STATUS old-mail (MESSAGES 2)
        1< Z436 OK STATUS completed
    """)


def test_subscriptions_stay(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.3.6, the last example: a subscription is to a name."""

    talk.run(r"""
        1: 1000 CREATE X
        1< 1000 OK [MAILBOXID (F7)] CREATE completed
        1: 1001 SUBSCRIBE X
        1< 1001 OK SUBSCRIBE completed
        1: 1002 RENAME X Y
        1< 1002 OK RENAME completed
        1: 1002a LIST (SUBSCRIBED) "" (X Y)
        1< * LIST (\NonExistent \HasNoChildren \Subscribed) "/" X
        1< 1002a OK LIST completed
        1: 1003 SUBSCRIBE Y
        1< 1003 OK SUBSCRIBE completed
        1: 1004 UNSUBSCRIBE X
        1< 1004 OK UNSUBSCRIBE completed
        1: 1005 LIST (SUBSCRIBED) "" *
        1< * LIST (\HasNoChildren \Subscribed) "/" INBOX
        1< * LIST (\HasNoChildren \Subscribed \Archive) "/" Archive
        1< * LIST (\HasNoChildren \Subscribed \Drafts) "/" Drafts
        1< * LIST (\HasNoChildren \Subscribed \Junk) "/" Junk
        1< * LIST (\HasNoChildren \Subscribed \Sent) "/" Sent
        1< * LIST (\HasNoChildren \Subscribed \Trash) "/" Trash
        1< * LIST (\HasNoChildren \Subscribed) "/" Y
        1< 1005 OK LIST completed
    """)
