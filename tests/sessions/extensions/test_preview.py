"""PREVIEW: RFC 8970."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter

LONG = (
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit.\r\nCurabitur aliquam turpis et ante dictum, et pulvinar "
    "dui congue.\r\nMaecenas hendrerit, lorem non imperdiet pellentesque, nulla ligula nullam, and more than 200."
)


def test_examples(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§3.1 and §6, examples: 200 characters at the most, "" for no text, and LAZY is the same here: all are ready."""
    for body in ("Preview text!", LONG, "", "Message 4 preview"):
        house.append(inbox, raw=letter(body[:10], body=body))
    talk.run("""
        1: s SELECT INBOX
        1< ...
        1< s OK...
        1: A1 FETCH 1 (PREVIEW)
        1< * 1 FETCH (PREVIEW "Preview text!")
        1< A1 OK FETCH completed
        1: B1 FETCH 1,3:4 (UID PREVIEW (LAZY))
        1< * 1 FETCH (UID 1 PREVIEW "Preview text!")
        1< * 3 FETCH (UID 3 PREVIEW "")
        1< * 4 FETCH (UID 4 PREVIEW "Message 4 preview")
        1< B1 OK FETCH completed
        1: C2 SEARCH RETURN (SAVE) SUBJECT "Message"
        1< C2 OK SEARCH completed
        1: C3 FETCH $ (UID PREVIEW (LAZY))
        1< * 4 FETCH (UID 4 PREVIEW "Message 4 preview")
        1< C3 OK FETCH completed
        1: C4 UID FETCH 4 (PREVIEW)
        1< * 4 FETCH (UID 4 PREVIEW "Message 4 preview")
        1< C4 OK FETCH completed
    """)
    (told, _) = talk.say("A2 FETCH 2 (PREVIEW)")
    text = told.removeprefix('* 2 FETCH (PREVIEW "').removesuffix('")')
    assert text.startswith("Lorem ipsum dolor sit amet, consectetur adipiscing elit. Curabitur") and len(text) <= 200
