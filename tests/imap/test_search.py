"""SEARCH: RFC 9051 §6.4.4, RFC 3501 §6.4.4, with ESEARCH, SEARCHRES, WITHIN, CONDSTORE, OBJECTID, SAVEDATE."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imap_session import refused, said
from posthouse.imap import search
from posthouse.imap.command import Search, SearchOptions
from posthouse.imap.encode import Literal
from posthouse.imap.search import (
    And,
    Dated,
    EmailId,
    Every,
    HasFlag,
    InBody,
    InEnvelope,
    InHeader,
    InText,
    Key,
    Larger,
    ModSeq,
    Not,
    Numbers,
    Older,
    Or,
    SaveDateSupported,
    Smaller,
    ThreadId,
    Uids,
    When,
    Which,
    Younger,
)  # fmt: skip
from posthouse.imap.sequence import EVERY, SAVED, SequenceSet
from posthouse.imap.syntax import Cursor

FEB = date(1994, 2, 1)
SEEN = HasFlag("\\Seen")


def key(text: str) -> Key:
    command = said(f"SEARCH {text}")
    assert isinstance(command, Search)
    return command.key


def test_the_examples() -> None:
    assert said('SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"') == Search(
        False,
        And((HasFlag("\\Flagged"), Dated(Which.INTERNAL, When.SINCE, FEB), Not(InEnvelope("FROM", "Smith")))),
    )
    assert said('SEARCH TEXT "string not in mailbox"') == Search(False, InText("string not in mailbox"))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("ALL", Every()),
        ("answered", HasFlag("\\Answered")),
        ("UNDELETED", Not(HasFlag("\\Deleted"))),
        ("RECENT", HasFlag("\\Recent")),
        ("NEW", And((HasFlag("\\Recent"), Not(SEEN)))),
        ("OLD", Not(HasFlag("\\Recent"))),
        ("KEYWORD $Forwarded", HasFlag("$Forwarded")),
        ("UNKEYWORD $Forwarded", Not(HasFlag("$Forwarded"))),
        ("BCC a", InEnvelope("BCC", "a")),
        ('SUBJECT "Python"', InEnvelope("SUBJECT", "Python")),
        ('HEADER Message-ID ""', InHeader("Message-ID", "")),
        ("BODY a", InBody("a")),
        ("BEFORE 1-Feb-1994", Dated(Which.INTERNAL, When.BEFORE, FEB)),
        ('ON "1-Feb-1994"', Dated(Which.INTERNAL, When.ON, FEB)),
        ("SENTSINCE 01-feb-1994", Dated(Which.SENT, When.SINCE, FEB)),
        ("SAVEDON 1-Feb-1994", Dated(Which.SAVED, When.ON, FEB)),
        ("SAVEDATESUPPORTED", SaveDateSupported()),
        ("LARGER 0", Larger(0)),
        ("SMALLER 9223372036854775807", Smaller(2**63 - 1)),
        ("YOUNGER 259200", Younger(259200)),
        ("OLDER 1", Older(1)),
        ("MODSEQ 620162338", ModSeq(620162338)),
        ('MODSEQ "/flags/\\\\draft" all 620162338', ModSeq(620162338)),
        ("EMAILID M6d99", EmailId("M6d99")),
        ("THREADID T64b", ThreadId("T64b")),
        ("UID 1:*", Uids(EVERY)),
        ("2,4:5", Numbers(SequenceSet(((2, 2), (4, 5))))),
        ("*", Numbers(SequenceSet.parse(b"*"))),
        ("$", Numbers(SAVED)),
        ("UID $", Uids(SAVED)),
        ("NOT NOT SEEN", Not(Not(SEEN))),
        ("OR SEEN ALL", Or((SEEN, Every()))),
        ("OR $ 1,3000:3021", Or((Numbers(SAVED), Numbers(SequenceSet.parse(b"1,3000:3021"))))),
        ("OR SEEN OR ALL OR NEW OLD", Or((SEEN, Every(), key_of_new := And((HasFlag("\\Recent"), Not(SEEN))),
                                          Not(HasFlag("\\Recent"))))),
        ("OR OR SEEN ALL NEW", Or((SEEN, Every(), key_of_new))),
        ("(SEEN)", SEEN),
        ("((SEEN) (ALL SEEN))", And((SEEN, Every(), SEEN))),
        ("(OR SEEN (ALL SEEN)) ALL", And((Or((SEEN, And((Every(), SEEN)))), Every()))),
        ("TO für", InEnvelope("TO", "für")),
    ],
)  # fmt: skip
def test_keys(text: str, meant: Key) -> None:
    text = text.replace("für", '"für"')
    assert key(text) == meant
    assert key(f"CHARSET UTF-8 {text}") == meant


def test_a_text_in_a_literal() -> None:
    assert said("SEARCH CHARSET UTF-8 TEXT {8+}\nC: мать") == Search(False, InText("мать"))
    assert said('SEARCH CHARSET "us-ascii" (SUBJECT {3+}\nC| a)b SEEN)\\x0d\\x0a') == Search(
        False, And((InEnvelope("SUBJECT", "a)b"), SEEN))
    )


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", None),
        ("RETURN () ", SearchOptions(every=True)),
        ("RETURN (MIN COUNT) ", SearchOptions(minimum=True, count=True)),
        ("return (max all save) ", SearchOptions(maximum=True, every=True, save=True)),
        ("RETURN (SAVE) ", SearchOptions(save=True)),
        ("RETURN (PARTIAL 500:401) ", SearchOptions(partial=(401, 500))),
        ("RETURN (UPDATE CONTEXT) ", SearchOptions(update=True, context=True)),
    ],
)
def test_options(text: str, options: SearchOptions | None) -> None:
    assert said(f"SEARCH {text}CHARSET UTF-8 SEEN") == Search(False, SEEN, options)
    assert said(f"UID SEARCH {text}SEEN") == Search(True, SEEN, options)


@pytest.mark.parametrize(
    "text",
    ["", "FOO", "SEEN  ALL", "(SEEN", "()", "SEEN)", "NOT", "OR SEEN", "OR SEEN  ALL", "SUBJECT", "SUBJECT (a)",
     "HEADER a", "HEADER (a) b", 'HEADER "a b" c', "BEFORE 1994", "BEFORE 30-Feb-1994", "LARGER x", "LARGER -1",
     "YOUNGER 0", "KEYWORD", "KEYWORD \\Seen", "UID", "UID x", "0", "1,", "CHARSET UTF-8", "CHARSET", "MODSEQ x",
     'MODSEQ "a" foo 1', "RETURN (MIN)", "RETURN (FOO) ALL", "RETURN MIN ALL", "RETURN (PARTIAL 0:1) ALL",
     "SEEN CHARSET UTF-8", "RETURN () RETURN () ALL"],
)  # fmt: skip
def test_malformed(text: str) -> None:
    refused(f"SEARCH {text}", "BAD SEARCH:...")


def test_charsets() -> None:
    answer = "NO [BADCHARSET (US-ASCII UTF-8)] SEARCH:..."
    refused("SEARCH CHARSET KOI8-R ALL", answer)
    refused("SEARCH CHARSET UTF-8 SUBJECT {1+}\nC: \\xfc", answer)
    refused("SEARCH SUBJECT {1+}\nC: \\xfc", answer)


def test_depth_and_breadth_are_limited() -> None:
    assert key("NOT " * 50 + "ALL")
    refused("SEARCH " + "NOT " * 51 + "ALL", "BAD SEARCH: search keys are at most 50 levels deep")
    refused("SEARCH " + "(" * 51 + "ALL" + ")" * 51, "BAD SEARCH: search keys are at most 50...")
    refused("SEARCH " + "OR " * 51 + "ALL " * 51 + "ALL", "BAD SEARCH: search keys are at most 50...")
    assert key("OR ALL " * 1000 + "ALL") == Or((Every(),) * 1001)
    assert key(" ".join(["ALL"] * 2000))
    refused("SEARCH " + " ".join(["ALL"] * 2001), "BAD SEARCH: a search has at most 2000 keys")
    assert key("TEXT " + "x" * 4000)
    refused("SEARCH TEXT " + "x" * 4001, "NO [LIMIT] SEARCH: a text to look for has at most 4000 octets")


def test_no_wrong_key_can_be_made() -> None:
    for wrong in (
        lambda: And((SEEN,)), lambda: Or((SEEN,)), lambda: And((SEEN, And((SEEN, SEEN)))), lambda: HasFlag("\\Foo"),
        lambda: HasFlag("a b"), lambda: InEnvelope("DATE", ""), lambda: InHeader("a b", ""), lambda: EmailId("a b"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"."):
            wrong()


# -- written and read ------------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)
LEAVES: st.SearchStrategy[Key] = st.one_of(
    st.just(Every()),
    st.sampled_from(["\\Seen", "\\Recent", "$Junk", "seen"]).map(HasFlag),
    st.builds(InEnvelope, st.sampled_from(["BCC", "CC", "FROM", "SUBJECT", "TO"]), TEXTS),
    st.builds(InHeader, st.sampled_from(["Subject", "X]", "NIL", '"']), TEXTS),
    st.builds(InBody, TEXTS),
    st.builds(InText, TEXTS),
    st.builds(Dated, st.sampled_from(Which), st.sampled_from(When), st.dates()),
    st.sampled_from([Larger, Smaller, ModSeq]).flatmap(lambda kind: st.integers(0, 2**63 - 1).map(kind)),
    st.sampled_from([Younger, Older]).flatmap(lambda kind: st.integers(1, 2**63 - 1).map(kind)),
    st.sampled_from([Numbers, Uids]).flatmap(
        lambda kind: st.sampled_from([EVERY, SAVED, SequenceSet(((1, 5),))]).map(kind)
    ),
    st.sampled_from([EmailId("M1"), ThreadId("T_-")]),
    st.just(SaveDateSupported()),
)
KEYS = st.recursive(
    LEAVES,
    lambda keys: st.one_of(
        st.lists(keys, min_size=2, max_size=4).map(search.all_of),
        st.lists(keys, min_size=2, max_size=4).map(search.any_of),
        keys.map(Not),
    ),
    max_leaves=12,
)


@settings(max_examples=200)
@given(KEYS)
def test_round_trip(wanted: Key) -> None:
    text = b""
    literals: dict[int, bytes] = {}
    for piece in search.write(wanted):
        if isinstance(piece, Literal):
            text += b"{%d}\r\n" % len(piece.octets)
            literals[len(text)] = piece.octets
        else:
            text += piece
    cursor = Cursor(text, literals)
    assert search.read_program(cursor) == wanted
    cursor.end()


def test_when_a_charset_is_needed() -> None:
    assert not search.needs_charset(And((InEnvelope("TO", "a"), SEEN)))
    assert search.needs_charset(Or((SEEN, Not(InHeader("To", "für")))))
