"""CREATE: RFC 9051 §6.3.4."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House


def test_example(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.3.4, example: a trailing separator says that names will be below."""

    talk.run(r"""
        1: A003 CREATE owatagusiam/
        1< A003 OK [MAILBOXID (F7)] CREATE completed
        1: A004 CREATE owatagusiam/blurdybloop
        1< A004 OK [MAILBOXID (F8)] CREATE completed
        1: A005 LIST "" owata*
        1< * LIST (\HasChildren) "/" owatagusiam
        1< * LIST (\HasNoChildren) "/" owatagusiam/blurdybloop
        1< A005 OK LIST completed
        1: A006 CREATE owatagusiam
        1< A006 NO [ALREADYEXISTS] There is a mailbox owatagusiam already
        1: A007 CREATE INBOX
        1< A007 NO [ALREADYEXISTS] There is a mailbox INBOX already
    """)
