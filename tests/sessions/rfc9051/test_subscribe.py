"""SUBSCRIBE and UNSUBSCRIBE: RFC 9051 §6.3.7, §6.3.8."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House


def test_examples(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.3.7 and §6.3.8, examples: also to a name that no mailbox has."""

    talk.run(r"""
        1: A002 SUBSCRIBE #news.comp.mail.mime
        1< A002 OK SUBSCRIBE completed
        1: A003 LSUB "" *
        1< * LSUB () "/" INBOX
        1< * LSUB (\Noselect) "/" #news.comp.mail.mime
        1< * LSUB (\Archive) "/" Archive
        1< * LSUB (\Drafts) "/" Drafts
        1< * LSUB (\Junk) "/" Junk
        1< * LSUB (\Sent) "/" Sent
        1< * LSUB (\Trash) "/" Trash
        1< A003 OK LSUB completed
        1: A004 UNSUBSCRIBE #news.comp.mail.mime
        1< A004 OK UNSUBSCRIBE completed
        1: A005 LSUB "" *
        1< * LSUB () "/" INBOX
        1< * LSUB (\Archive) "/" Archive
        1< * LSUB (\Drafts) "/" Drafts
        1< * LSUB (\Junk) "/" Junk
        1< * LSUB (\Sent) "/" Sent
        1< * LSUB (\Trash) "/" Trash
        1< A005 OK LSUB completed
    """)
