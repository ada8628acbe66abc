"""SEARCH: RFC 9051 §6.4.4."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


def test_examples(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.4.4.4, examples, with messages that they find."""
    house.append(inbox, raw=letter("one", sender="Smith <smith@example.org>"), flags=["\\Flagged"])
    house.append(inbox, raw=letter("two"), flags=["\\Deleted"])
    house.append(inbox, raw=letter("three", sender="smith@example.net"), flags=["\\Flagged", "\\Seen"])
    talk.say("s SELECT INBOX")
    talk.run(r"""
        1: A282 SEARCH RETURN (MIN COUNT) FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"
        1< * ESEARCH (TAG "A282") COUNT 0
        1< A282 OK SEARCH completed
        1: A283 SEARCH RETURN () FLAGGED SINCE 1-Feb-1994 FROM "Smith"
        1< * ESEARCH (TAG "A283") ALL 1,3
        1< A283 OK SEARCH completed
        1: A284 SEARCH RETURN (MIN MAX COUNT) TEXT "string not in mailbox"
        1< * ESEARCH (TAG "A284") COUNT 0
        1< A284 OK SEARCH completed
        1: A285 SEARCH RETURN (MIN COUNT) FLAGGED SINCE 1-Feb-1994
        1< * ESEARCH (TAG "A285") MIN 1 COUNT 2
        1< A285 OK SEARCH completed
        1: A286 SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM "Zorro"
        1< * SEARCH 1 3
        1< A286 OK SEARCH completed
        1: A287 SEARCH CHARSET UTF-8 TEXT {6+}
        1: XXXXXX
        1< * SEARCH
        1< A287 OK SEARCH completed
    """)


def test_saved(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.4.4.4, examples of $."""
    for flags in (["\\Flagged"], [], ["\\Flagged"], ["\\Deleted"]):
        house.append(inbox, flags=flags)
    talk.say("s SELECT INBOX")
    talk.run(r"""
        1: A300 SEARCH RETURN (SAVE) FLAGGED
        1< A300 OK SEARCH completed
        1: A301 UID SEARCH RETURN (COUNT) UID $ SMALLER 4096
        1< * ESEARCH (TAG "A301") UID COUNT 2
        1< A301 OK SEARCH completed
        1: A302 FETCH $ FLAGS
        1< * 1 FETCH (FLAGS (\Flagged))
        1< * 3 FETCH (FLAGS (\Flagged))
        1< A302 OK FETCH completed
        1: A303 SEARCH RETURN (SAVE COUNT) NOT $
        1< * ESEARCH (TAG "A303") COUNT 2
        1< A303 OK SEARCH completed
        1: A304 STORE $ +FLAGS.SILENT (\Answered)
        1< A304 OK STORE completed
    """)
