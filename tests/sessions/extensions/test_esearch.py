"""ESEARCH: RFC 4731."""

from __future__ import annotations

import pytest

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


@pytest.fixture
def mixed(talk: Conversation, house: House, inbox: Mailbox) -> Conversation:
    """Flagged: 2, 10, 11; drafts: 2 and 12, of which 12 changed last."""
    for number in range(1, 13):
        flags = [flag for flag, those in (("\\Flagged", (2, 10, 11)), ("\\Draft", (2, 12))) if number in those]
        house.append(inbox, raw=letter(f"letter {number}"), flags=flags)
    talk.say("s SELECT INBOX (CONDSTORE)")
    return talk


def test_examples(mixed: Conversation) -> None:
    """§3.1, examples."""
    mixed.run("""
        1: A282 SEARCH RETURN (MIN COUNT) FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"
        1< * ESEARCH (TAG "A282") MIN 2 COUNT 3
        1< A282 OK SEARCH completed
        1: A283 SEARCH RETURN () FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"
        1< * ESEARCH (TAG "A283") ALL 2,10:11
        1< A283 OK SEARCH completed
        1: A284 SEARCH RETURN (MIN) FLAGGED 3:*
        1< * ESEARCH (TAG "A284") MIN 10
        1< A284 OK SEARCH completed
        1: A285 UID SEARCH RETURN (MIN MAX) FLAGGED
        1< * ESEARCH (TAG "A285") UID MIN 2 MAX 11
        1< A285 OK SEARCH completed
        1: A286 SEARCH RETURN (COUNT) UNSEEN
        1< * ESEARCH (TAG "A286") COUNT 12
        1< A286 OK SEARCH completed
        1: A287 SEARCH RETURN (MIN MAX ALL COUNT) SUBJECT nowhere
        1< * ESEARCH (TAG "A287") COUNT 0
        1< A287 OK SEARCH completed
    """)


def test_with_modseq(mixed: Conversation) -> None:
    """§3.2, examples: the modseq of the first, of the last, the higher of both, and the highest of all."""
    numbers = [line.split("MODSEQ (")[1].rstrip(")") for line in mixed.say("f FETCH 1:* (MODSEQ)")[:-1]]
    mixed.run(rf"""
        1: a1 SEARCH RETURN (MIN) DRAFT MODSEQ "/flags/\\draft" all 1
        1< * ESEARCH (TAG "a1") MIN 2 MODSEQ {numbers[1]}
        1< a1 OK SEARCH completed
        1: a2 SEARCH RETURN (MAX) DRAFT MODSEQ 1
        1< * ESEARCH (TAG "a2") MAX 12 MODSEQ {numbers[11]}
        1< a2 OK SEARCH completed
        1: a3 SEARCH RETURN (MIN MAX) DRAFT MODSEQ 1
        1< * ESEARCH (TAG "a3") MIN 2 MAX 12 MODSEQ {numbers[11]}
        1< a3 OK SEARCH completed
        1: a4 SEARCH RETURN (MIN COUNT) DRAFT MODSEQ 1
        1< * ESEARCH (TAG "a4") MIN 2 COUNT 2 MODSEQ {numbers[11]}
        1< a4 OK SEARCH completed
    """)
