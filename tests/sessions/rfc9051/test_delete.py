"""DELETE: RFC 9051 §6.3.5."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House


def test_example(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.3.5, example: a name with others below it can't be deleted."""

    talk.run(r"""
        1: A680 CREATE blurdybloop
        1< A680 OK [MAILBOXID (F7)] CREATE completed
        1: A681 CREATE foo/bar
        1< A681 OK [MAILBOXID (F9)] CREATE completed
        1: A682 LIST "" *
        1< * LIST (\HasNoChildren) "/" INBOX
        1< * LIST (\HasNoChildren \Archive) "/" Archive
        1< * LIST (\HasNoChildren \Drafts) "/" Drafts
        1< * LIST (\HasNoChildren \Junk) "/" Junk
        1< * LIST (\HasNoChildren \Sent) "/" Sent
        1< * LIST (\HasNoChildren \Trash) "/" Trash
        1< * LIST (\HasNoChildren) "/" blurdybloop
        1< * LIST (\HasChildren) "/" foo
        1< * LIST (\HasNoChildren) "/" foo/bar
        1< A682 OK LIST completed
        1: A683 DELETE blurdybloop
        1< A683 OK DELETE completed
        1: A684 DELETE foo
        1< A684 NO [HASCHILDREN] foo has mailboxes below it; delete them first
        1: A685 DELETE foo/bar
        1< A685 OK DELETE completed
        1: A686 LIST "" *
        1< * LIST (\HasNoChildren) "/" INBOX
        1< * LIST (\HasNoChildren \Archive) "/" Archive
        1< * LIST (\HasNoChildren \Drafts) "/" Drafts
        1< * LIST (\HasNoChildren \Junk) "/" Junk
        1< * LIST (\HasNoChildren \Sent) "/" Sent
        1< * LIST (\HasNoChildren \Trash) "/" Trash
        1< * LIST (\HasNoChildren) "/" foo
        1< A686 OK LIST completed
        1: A687 DELETE foo
        1< A687 OK DELETE completed
        1: A688 DELETE INBOX
        1< A688 NO [CANNOT] INBOX can't be deleted
        1: A689 DELETE nowhere
        1< A689 NO [NONEXISTENT] There is no mailbox nowhere
    """)
