"""What isn't offered isn't understood by halves: it is refused."""

from __future__ import annotations

import pytest

from imap_session import EVERYTHING, refused, said
from posthouse.imap.capability import Offer

# A server that offers little.
LITTLE = (Offer("IMAP4rev1"), Offer("UIDPLUS"), Offer("MOVE"))


@pytest.mark.parametrize(
    ("line", "what", "capability"),
    [
        ("SELECT x (CONDSTORE)", "CONDSTORE", "CONDSTORE"),
        ("EXAMINE x (QRESYNC (1 2))", "QRESYNC", "QRESYNC"),
        ("CREATE x (USE (\\Sent))", "USE", "CREATE-SPECIAL-USE"),
        ('LIST (SUBSCRIBED) "" *', "extended LIST", "LIST-EXTENDED"),
        ('LIST "" ("a" "b")', "extended LIST", "LIST-EXTENDED"),
        ("STATUS x (SIZE)", "SIZE", "STATUS=SIZE"),
        ("STATUS x (HIGHESTMODSEQ)", "HIGHESTMODSEQ", "CONDSTORE"),
        ("STATUS x (DELETED-STORAGE)", "DELETED-STORAGE", "QUOTA=RES-STORAGE"),
        ("SEARCH RETURN (COUNT) ALL", "RETURN", "ESEARCH"),
        ("SEARCH $", '"$"', "SEARCHRES"),
        ("SEARCH NOT (SEEN UID $)", '"$"', "SEARCHRES"),
        ("SEARCH OR SEEN YOUNGER 5", "YOUNGER", "WITHIN"),
        ("SEARCH MODSEQ 5", "MODSEQ", "CONDSTORE"),
        ("SEARCH SAVEDON 1-Feb-1994", "a save date", "SAVEDATE"),
        ("FETCH 1 (FLAGS MODSEQ)", "MODSEQ", "CONDSTORE"),
        ("FETCH 1 FLAGS (CHANGEDSINCE 5)", "CHANGEDSINCE", "CONDSTORE"),
        ("FETCH 1 BINARY.PEEK[1]", "BINARY", "BINARY"),
        ("FETCH 1 PREVIEW", "PREVIEW", "PREVIEW"),
        ("FETCH 1 EMAILID", "EMAILID", "OBJECTID"),
        ("FETCH $ FLAGS", '"$"', "SEARCHRES"),
        ("STORE 1 (UNCHANGEDSINCE 5) FLAGS ()", "UNCHANGEDSINCE", "CONDSTORE"),
        ("COPY $ x", '"$"', "SEARCHRES"),
        ("UID MOVE $ x", '"$"', "SEARCHRES"),
        ("UID EXPUNGE $", '"$"', "SEARCHRES"),
    ],
)
def test_one_capability_is_enough_and_needed(line: str, what: str, capability: str) -> None:
    name = " ".join(line.split()[: 2 if line.startswith("UID") else 1])
    refused(line, f"BAD {name}: {what} is not offered here", offers=LITTLE)
    said(line, offers=(*LITTLE, Offer(capability)))


@pytest.mark.parametrize(
    ("line", "what", "without"),
    [
        ("UID FETCH 1 FLAGS (CHANGEDSINCE 5 VANISHED)", "UID FETCH: VANISHED", "QRESYNC"),
        ('LIST "" * RETURN (STATUS (UNSEEN))', "LIST: STATUS", "LIST-STATUS"),
        ('LIST (SPECIAL-USE) "" *', "LIST: SPECIAL-USE", "SPECIAL-USE"),
        ("SEARCH RETURN (SAVE) ALL", "SEARCH: SAVE", "SEARCHRES"),
        ("SEARCH RETURN (UPDATE) ALL", "SEARCH: UPDATE or CONTEXT", "CONTEXT=SEARCH"),
        ("SEARCH RETURN (PARTIAL -1:-5) ALL", "SEARCH: PARTIAL", "PARTIAL"),
        ("UID FETCH 1 FLAGS (PARTIAL 1:5)", "UID FETCH: PARTIAL", "PARTIAL"),
        ("SORT RETURN (COUNT) (DATE) UTF-8 ALL", "SORT: RETURN", "ESORT"),
        ("SORT (DISPLAYTO) UTF-8 ALL", "SORT: DISPLAYTO", "SORT=DISPLAY"),
        ("THREAD REFS UTF-8 ALL", "THREAD: REFS", "THREAD=REFS"),
        ("ESEARCH IN (INBOXES) RETURN (SAVE) ALL", "ESEARCH: SAVE", "SEARCHRES"),
        ("APPEND x ~{5}", "APPEND: a literal8", "BINARY"),
        ("APPEND x UTF8 (~{5}", "APPEND: UTF8", "UTF8=ACCEPT"),
    ],
)
def test_what_one_capability_less_takes_away(line: str, what: str, without: str) -> None:
    refused(
        line,
        f"BAD {what} is not offered here",
        offers=tuple(o for o in EVERYTHING if o.name not in (without, "IMAP4rev2")),
    )


def test_4rev2_has_much_of_it_built_in() -> None:
    for line in ("SEARCH RETURN (COUNT SAVE) $", "FETCH 1 BINARY[1]", "STATUS x (SIZE DELETED)", 'LIST () "" *'):
        said(line, offers=(Offer("IMAP4rev2"),))
