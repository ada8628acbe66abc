"""Answers and forwarded letters: the right recipients, the thread, the quoted text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from posthouse.message import reply
from posthouse.message.address import Address
from posthouse.message.reply import Original


def at(local: str) -> Address:
    return Address("", local, "x.org")


ANN, BOB, CAT, DAN, LIST, ME, ME2 = map(at, ["ann", "bob", "cat", "dan", "list", "me", "me2"])
MINE = (Address("Me Myself", "Me", "X.org"), ME2)


@pytest.mark.parametrize(
    ("original", "one", "everyone"),
    [
        (Original(from_=(ANN,), to=(ME,)), ((ANN,), ()), ((ANN,), ())),
        (Original(from_=(ANN,), to=(ME, BOB), cc=(CAT, ME2)), ((ANN,), ()), ((ANN,), (BOB, CAT))),
        (Original(from_=(ANN,), reply_to=(DAN,), to=(ME, BOB)), ((DAN,), ()), ((DAN,), (BOB,))),
        # A list that sets Reply-To to itself, and one that doesn't.
        (Original(from_=(ANN,), reply_to=(LIST,), to=(LIST,), cc=(BOB,)), ((LIST,), ()), ((LIST,), (BOB,))),
        (Original(from_=(ANN,), to=(LIST,)), ((ANN,), ()), ((ANN,), (LIST,))),
        # My own letter: its recipients once more.
        (Original(from_=(ME,), to=(ANN, BOB), cc=(CAT,)), ((ANN, BOB), ()), ((ANN, BOB), (CAT,))),
        (Original(from_=(ME,), to=(ME2,)), ((ME,), ()), ((ME,), ())),
        # Nobody twice, nobody without an address.
        (
            Original(from_=(ANN, ANN), to=(ANN, at("BOB"), BOB), cc=(BOB, Address("undisclosed"))),
            ((ANN,), ()), ((ANN,), (at("BOB"),)),
        ),
        (Original(from_=(Address("broken"),)), ((), ()), ((), ())),
        (Original(), ((), ()), ((), ())),
    ],
)  # fmt: skip
def test_recipients(original: Original, one: object, everyone: object) -> None:
    assert reply.recipients(original, MINE) == one
    assert reply.recipients(original, MINE, everyone=True) == everyone


def test_who_is_not_known_gets_a_copy() -> None:
    assert reply.recipients(Original(from_=(ANN,), to=(ME,)), everyone=True) == ((ANN,), (ME,))


def test_the_address_to_answer_from() -> None:
    assert reply.addressed_as(Original(to=(ANN, ME2)), MINE) == ME2
    assert reply.addressed_as(Original(cc=(ME,)), MINE) == MINE[0]
    assert reply.addressed_as(Original(to=(LIST,)), MINE) is None


@pytest.mark.parametrize(
    "subject",
    ["Re: a", "RE: a", "re:a", " Re : a", "Re[2]: a", "Re^3: a", "Re(4): a", "AW: a", "Antw: a", "SV: a", "Odp: a",
     "回复：a", "Отв: a", "[list] Re: a", "[a] [b] AW: a", "Vá: a", "R: a"],
)  # fmt: skip
def test_a_subject_gets_no_second_re(subject: str) -> None:
    assert reply.reply_subject(subject) == subject


@pytest.mark.parametrize(("subject", "expected"), [
    ("a", "Re: a"), ("", "Re:"), ("Regarding: a", "Re: Regarding: a"), ("Fwd: a", "Re: Fwd: a"),
    ("[list] a", "Re: [list] a"),
    ("Reply", "Re: Reply"), ("1:1", "Re: 1:1"),
])  # fmt: skip
def test_a_subject_gets_its_re(subject: str, expected: str) -> None:
    assert reply.reply_subject(subject) == expected


def test_a_forwarded_subject() -> None:
    for subject in ("Fwd: a", "FW: a", "WG: a", "Tr: a", "转发: a"):
        assert reply.forward_subject(subject) == subject
    assert reply.forward_subject("Re: a") == "Fwd: Re: a"
    assert reply.forward_subject("") == "Fwd:"


@pytest.mark.parametrize(("original", "references"), [
    (Original(message_id="<3@x>"), "<3@x>"),
    (Original(message_id="<3@x>", references=("<1@x>", "<2@x>")), "<1@x> <2@x> <3@x>"),
    (Original(message_id="<3@x>", in_reply_to=("<2@x>",)), "<2@x> <3@x>"),
    (Original(message_id="<3@x>", in_reply_to=("<1@x>", "<2@x>")), "<3@x>"),
    (Original(message_id="<3@x>", references=("<1@x>",), in_reply_to=("<9@x>",)), "<1@x> <3@x>"),
    (Original(message_id="<1@x>", references=("<1@x>", "<1@x>")), "<1@x>"),
    (Original(message_id="<1@x>", references=("<ü@x>", "<a b@x>", "<" + "x" * 950 + "@x>")), "<1@x>"),
])  # fmt: skip
def test_the_thread(original: Original, references: str) -> None:
    assert reply.thread_headers(original) == (("In-Reply-To", original.message_id), ("References", references))


def test_a_letter_without_an_id_has_no_thread() -> None:
    assert reply.thread_headers(Original(references=("<1@x>",))) == ()
    assert reply.thread_headers(Original(message_id="broken")) == ()


def test_references_are_limited() -> None:
    original = Original(message_id="<last@x>", references=tuple(f"<{number}@x>" for number in range(1000)))
    references = reply.thread_headers(original)[1][1].split()
    assert len(references) == reply.MAX_REFERENCES
    assert (references[0], references[1], references[-2:]) == ("<0@x>", "<952@x>", ["<999@x>", "<last@x>"])


def test_the_quoted_text() -> None:
    original = Original(
        from_=(Address("Ann Ö", "ann", "x.org"),),
        date=datetime(2009, 3, 16, 12, tzinfo=UTC),
        text="Hi,\r\n\r\n> older\nfine\n\n-- \nAnn\n",
    )
    assert reply.quoted_text(original) == (
        "On Mon, 16 Mar 2009 12:00:00 +0000, Ann Ö <ann@x.org> wrote:\n> Hi,\n>\n>> older\n> fine\n"
    )
    assert reply.quoted_text(Original()) == "somebody wrote:\n"


def test_the_quoted_html() -> None:
    original = Original(
        from_=(Address("<Ann>", "ann", "x.org"),), html="<html><head><title>x</title></head><BODY a=b><p>Hi</BODY>"
    )
    quoted = reply.quoted_html(original)
    assert "&lt;Ann&gt;" in quoted
    assert quoted.endswith("><p>Hi</blockquote>\n")
    assert "<b>x</b>".replace("<", "&lt;").replace(">", "&gt;") in reply.quoted_html(Original(text="<b>x</b>"))


@pytest.mark.parametrize(("html", "inner"), [
    ("<p>x", "<p>x"), ("<!DOCTYPE html><html lang=a><p>x</html>", "<p>x"), ("<body>a</body>b", "a"), ("<body>a", "a"),
    ("<head><style>s</style></head><p>x", "<p>x"), ("<head>never closed", "<head>never closed"), ("", ""),
])  # fmt: skip
def test_the_body_of_html(html: str, inner: str) -> None:
    assert reply.body_of(html) == inner


def test_the_body_of_hostile_html_takes_linear_time() -> None:
    for piece in ("<body", "<head>", "<body x", "<html ", "<!doctype"):
        reply.body_of(piece * 200_000)


def test_forwarded() -> None:
    original = Original(
        from_=(Address("Ann", "ann", "x.org"),), to=(BOB, CAT), subject="S & T", date=datetime(2009, 3, 16, tzinfo=UTC),
        text="Hi\r\n", html="<html><head><style>p{}</style></head><body class=c><p>Hi</body></html>",
    )  # fmt: skip
    assert reply.forwarded_text(original) == (
        "---------- Forwarded message ----------\nFrom: Ann <ann@x.org>\nDate: Mon, 16 Mar 2009 00:00:00 +0000\n"
        "Subject: S & T\nTo: bob@x.org, cat@x.org\n\nHi\n"
    )
    html = reply.forwarded_html(original, "<p>FYI</p>")
    assert html.startswith("<html><head><style>p{}</style></head><body class=c><p>FYI</p><p>---")
    assert "<b>From:</b> Ann &lt;ann@x.org&gt;<br>\n" in html
    assert "S &amp; T" in html
    assert html.endswith("</p>\n<p>Hi</body></html>")
    assert reply.forwarded_html(Original(text="a<b"), "").endswith("a&lt;b</div>\n")


def test_shown_pictures() -> None:
    assert reply.shown_ids("<img src=\"cid:a@b\"><p style='background:url(CID:c)'>") == {"a@b", "c"}
