"""SEARCHRES: RFC 5182."""

from __future__ import annotations

import pytest

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


@pytest.fixture
def mixed(talk: Conversation, house: House, inbox: Mailbox) -> Conversation:
    """Five messages: 2 and 4 are flagged, 5 is junk and long."""
    for number in range(1, 6):
        flags = {2: ["\\Flagged"], 4: ["\\Flagged"], 5: ["$Junk"]}.get(number, [])
        house.append(inbox, raw=letter(f"letter {number}", body="x" * (5_000 if number == 5 else 5)), flags=flags)
    talk.say("s SELECT INBOX")
    return talk


def test_saved(mixed: Conversation) -> None:
    """§2.4, examples 1 and 3: SAVE alone is answered by OK alone; then $ stands for what was found."""
    mixed.run(r"""
        1: A282 SEARCH RETURN (SAVE) FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"
        1< A282 OK SEARCH completed
        1: A283 FETCH $ (UID FLAGS)
        1< * 2 FETCH (UID 2 FLAGS (\Flagged))
        1< * 4 FETCH (UID 4 FLAGS (\Flagged))
        1< A283 OK FETCH completed
        1: A300 SEARCH RETURN (SAVE) SINCE 1-Jan-2004
        1< A300 OK SEARCH completed
        1: A301 UID SEARCH UID $ SMALLER 4096
        1< * SEARCH 1 2 3 4
        1< A301 OK SEARCH completed
        1: A302 UID SEARCH $ SMALLER 4096
        1< * SEARCH 1 2 3 4
        1< A302 OK SEARCH completed
    """)


def test_in_a_search(mixed: Conversation) -> None:
    """§2.4, example 4: $ within other keys, and beside a set."""
    mixed.run("""
        1: P282 SEARCH RETURN (SAVE) FLAGGED
        1< P282 OK SEARCH completed
        1: P283 SEARCH CHARSET UTF-8 (OR $ 1,5:21) TEXT {6+}
        1: letter
        1< * SEARCH 1 2 4 5
        1< P283 OK SEARCH completed
    """)


def test_a_charset_that_is_not_known(mixed: Conversation) -> None:
    """§2.4, example 5: NO [BADCHARSET], and what was saved stays."""
    mixed.run("""
        1: B282 SEARCH RETURN (SAVE) FLAGGED
        1< B282 OK SEARCH completed
        1: B283 SEARCH CHARSET X-UNKNOWN (OR $ 1,5:21) TEXT {4+}
        1: XXXX
        1< B283 NO [BADCHARSET...
        1: B284 SEARCH $
        1< * SEARCH 2 4
        1< B284 OK SEARCH completed
    """)


@pytest.mark.parametrize(
    "refused",
    [
        "SEARCH RETURN (SAVE) CHARSET X-UNKNOWN ALL",
        "UID SORT RETURN (COUNT SAVE) (DATE) X-UNKNOWN ALL",
        "ESEARCH RETURN (SAVE) CHARSET X-UNKNOWN ALL",
    ],
)
def test_to_be_saved_and_refused(mixed: Conversation, refused: str) -> None:
    """§2.1: after NO the result is the empty sequence, after BAD it is what it was."""
    mixed.run(f"""
        1: a1 SEARCH RETURN (SAVE) FLAGGED
        1< a1 OK SEARCH completed
        1: a2 SEARCH RETURN (SAVE) NOSUCHKEY
        1< a2 BAD...
        1: a3 SEARCH $
        1< * SEARCH 2 4
        1< a3 OK SEARCH completed
        1: a4 {refused}
        1< a4 NO [BADCHARSET...
        1: a5 SEARCH $
        1< * SEARCH
        1< a5 OK SEARCH completed
    """)


def test_nothing_was_found(mixed: Conversation) -> None:
    """§2.4, example 6: an empty result is no error where it is used."""
    mixed.run("""
        1: c CREATE "Other Messages"
        1< c OK...
        1: E282 SEARCH RETURN (SAVE) SINCE 28-Oct-2099 NOT FROM "Eric"
        1< E282 OK SEARCH completed
        1: E283 COPY $ "Other Messages"
        1< E283 OK COPY completed
    """)


def test_a_chain(mixed: Conversation) -> None:
    """§2.4, example 7, sent at once."""
    mixed.run(r"""
        1: c CREATE Junk2
        1< c OK...
        1: F282 SEARCH RETURN (SAVE) KEYWORD $Junk
        1< F282 OK SEARCH completed
        1: F283 COPY $ "Junk2"
        1< F283 OK [COPYUID 1700000006 5 1] COPY completed
        1: F284 STORE $ +FLAGS.Silent (\Deleted)
        1< F284 OK STORE completed
        1: F285 SEARCH DELETED
        1< * SEARCH 5
        1< F285 OK SEARCH completed
    """)


def test_the_last_one_counts(mixed: Conversation) -> None:
    """§2.4, examples 8 and 9: a search that saves nothing leaves $ alone; one that saves replaces it."""
    mixed.run("""
        1: G282 SEARCH RETURN (SAVE) KEYWORD $Junk
        1< G282 OK SEARCH completed
        1: G283 SEARCH RETURN (ALL) FLAGGED
        1< * ESEARCH (TAG "G283") ALL 2,4
        1< G283 OK SEARCH completed
        1: G284 SEARCH $
        1< * SEARCH 5
        1< G284 OK SEARCH completed
        1: H283 SEARCH RETURN (SAVE) FLAGGED
        1< H283 OK SEARCH completed
        1: H284 SEARCH $
        1< * SEARCH 2 4
        1< H284 OK SEARCH completed
    """)


@pytest.mark.parametrize(
    ("options", "told", "saved"),
    [
        ("ALL SAVE", "ALL 2,4:5", "2 4 5"),
        ("SAVE MIN", "MIN 2", "2"),
        ("MAX SAVE MIN", "MIN 2 MAX 5", "2 5"),
        ("MAX SAVE MIN COUNT", "MIN 2 MAX 5 COUNT 3", "2 4 5"),
        ("ALL SAVE MIN", "MIN 2 ALL 2,4:5", "2 4 5"),
    ],
)
def test_with_other_options(mixed: Conversation, options: str, told: str, saved: str) -> None:
    """§2.4, table and examples at its end: MIN and MAX alone save just these."""
    mixed.run(f"""
        1: C283 SEARCH RETURN ({options}) OR FLAGGED KEYWORD $Junk
        1< * ESEARCH (TAG "C283") {told}
        1< C283 OK SEARCH completed
        1: C284 SEARCH $
        1< * SEARCH {saved}
        1< C284 OK SEARCH completed
    """)
