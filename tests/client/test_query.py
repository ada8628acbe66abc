"""Queries: written with `Q`, and as people type them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from posthouse.client.query import Q
from posthouse.errors import ConfigError
from posthouse.imap.encode import Literal
from posthouse.imap.search import write
from posthouse.message.query import MAX_DEPTH, MAX_TERMS


def wire(query: Q) -> str:
    """What goes to the server; literals in braces."""
    return "".join(
        piece.octets.decode().join("{}") if isinstance(piece, Literal) else piece.decode() for piece in write(query.key)
    )


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        (Q.all, "ALL"),
        (Q.unread, "NOT SEEN"),
        (~Q.unread, "SEEN"),
        (Q.unread & Q.from_("bob") & Q.since("2026-01-01"), '(NOT SEEN FROM "bob" SINCE 1-Jan-2026)'),
        (Q.flagged | Q.answered | Q.draft, "OR FLAGGED OR ANSWERED DRAFT"),
        (~(Q.to("a") & Q.cc("b")), 'NOT (TO "a" CC "b")'),
        (Q.subject('say "hi"'), 'SUBJECT "say \\"hi\\""'),
        (Q.subject("Tää"), "SUBJECT {Tää}"),
        (Q.body("x") | Q.text("y"), 'OR BODY "x" TEXT "y"'),
        (Q.header("List-Id", "dev"), 'HEADER List-Id "dev"'),
        (Q.header("List-Id"), 'HEADER List-Id ""'),
        (
            Q.before(date(2026, 1, 31)) & Q.on(datetime(2026, 1, 30, 9, tzinfo=UTC)),
            "(BEFORE 31-Jan-2026 ON 30-Jan-2026)",
        ),
        (Q.larger("5M") & Q.smaller(6_000_000), "(LARGER 5242880 SMALLER 6000000)"),
        (Q.keyword("$Forwarded"), "KEYWORD $Forwarded"),
        (Q.bcc("eve") & Q.deleted, '(BCC "eve" DELETED)'),
        (Q.imap("UNSEEN OR FROM bob FROM ann"), '(NOT SEEN OR FROM "bob" FROM "ann")'),
    ],
)
def test_what_goes_to_the_server(query: Q, sent: str) -> None:
    assert wire(query) == sent


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", Q.all),
        ("  ", Q.all),
        ("is:unread from:bob after:2026-01-01", Q.unread & Q.from_("bob") & Q.since("2026-01-01")),
        ("is:UNREAD FROM:bob since:2026-01-01", Q.unread & Q.from_("bob") & Q.since("2026-01-01")),
        ("tea", Q.text("tea")),
        ('tea "at five"', Q.text("tea") & Q.text("at five")),
        ('-subject:"out of office"', ~Q.subject("out of office")),
        ("NOT is:read", Q.unread),
        ("-is:unread", Q.read),
        ("from:bob OR from:ann is:read", Q.from_("bob") | (Q.from_("ann") & Q.read)),
        ("(from:bob OR from:ann) is:read", (Q.from_("bob") | Q.from_("ann")) & Q.read),
        ("NOT (to:a OR cc:a)", ~(Q.to("a") | Q.cc("a"))),
        ("larger:5M smaller:6000k on:2026-01-31 before:2026-02-01",
         Q.larger("5M") & Q.smaller("6000K") & Q.on("2026-01-31") & Q.before("2026-02-01")),
        ('"OR" subject:OR', Q.text("OR") & Q.subject("OR")),
        ("a-b ann@x.org", Q.text("a-b") & Q.text("ann@x.org")),
        ("keyword:$Junk bcc:eve body:x text:y", Q.keyword("$Junk") & Q.bcc("eve") & Q.body("x") & Q.text("y")),
    ],
)  # fmt: skip
def test_what_people_type(text: str, query: Q) -> None:
    assert Q.parse(text) == query


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("is:lost", "no message is lost"),
        ("form:bob", "form: is no word of a search"),
        ("http://x", "http: is no word"),
        ("after:yesterday", "'yesterday' is no day"),
        ("larger:big", "'big' is no size"),
        ("(from:bob", r"a \( without its \)"),
        ("from:bob)", r"a \) without its \("),
        ("from:bob OR", "something is missing"),
        ("OR from:bob", "something is missing"),
        ("NOT", "something is missing behind NOT"),
        ("()", "something is missing"),
        ('from:"bob', '" stands alone'),
        ('from:""', "a text on one line"),
        ("keyword:(", "stands alone|missing|without its|no word"),
        ("x " * (MAX_TERMS + 1), "more than 200 terms"),
        ("(" * (MAX_DEPTH + 1) + "x", "at most 20 deep"),
    ],
)
def test_what_makes_no_sense_is_refused_in_plain_words(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Q.parse(text)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: Q.from_(""),
        lambda: Q.subject("a\r\nb"),
        lambda: Q.subject("half a \ud800"),
        lambda: Q.header("No Name", "x"),
        lambda: Q.keyword("two words"),
        lambda: Q.since("31.1.2026"),
        lambda: Q.larger(-1),
        lambda: Q.imap("FROM"),
        lambda: Q.imap("UNSEEN)"),
        lambda: Q.imap("UNSEEN\r\nX LOGOUT"),
        lambda: Q.imap(""),
    ],
)
def test_what_cannot_be_asked(ask: object) -> None:
    with pytest.raises(ConfigError):
        ask()  # type: ignore[operator]


@settings(max_examples=200)
@given(st.text(max_size=60) | st.text(alphabet='()-": ORNTfromis', max_size=40))
@example("NOT NOT NOT x")
@example("- (x)")
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        query = Q.parse(text)
    except ConfigError:
        return
    for piece in write(query.key):
        assert isinstance(piece, Literal) or not (b"\r" in piece or b"\n" in piece)
