"""What the store keeps of a message."""

from __future__ import annotations

import pytest

from parenthesized import read
from posthouse.message import mime, structure, summary
from posthouse.message.mime import scan
from posthouse.message.summary import search_text, summarize

RAW = b"""\
From: =?utf-8?Q?J=C3=BCrgen?= <j@x.org>
To: "Doe, Ann" <ann@x.org>, friends: bob@x.org;
Cc: carl@xn--mller-kva.example
Subject: [list] Re: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=
Date: Mon, 16 Mar 2009 13:00:00 +0100
Message-ID: <m@x.org>
In-Reply-To: <b@x.org>
References: <a@x.org> <b@x.org>
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: text/plain; charset=utf-8

> quoted
Hello   there,
second line
--m
Content-Type: application/pdf

x
--m--
"""


def test_everything() -> None:
    found = summarize(RAW)
    tree = scan(RAW)
    assert (found.envelope, found.body, found.bodystructure) == (
        structure.envelope(tree), structure.body(tree), structure.bodystructure(tree),
    )  # fmt: skip
    assert found.tree == mime.pack(tree)
    assert RAW[: found.header_size].endswith(b"boundary=m\n\n")
    assert (found.subject, found.base_subject) == ("[list] Re: Grüße", "Grüße")
    assert (found.from_, found.bcc, found.reply_to) == ("Jürgen <j@x.org>", "", "")
    assert found.to == '"Doe, Ann" <ann@x.org>, friends: bob@x.org;'
    assert found.cc == "carl@müller.example"
    assert (found.message_id, found.in_reply_to) == ("<m@x.org>", ("<b@x.org>",))
    assert found.references == ("<a@x.org>", "<b@x.org>")
    assert found.date == 1_237_204_800
    assert found.preview == "Hello there, second line"
    assert found.has_attachment


def test_nothing() -> None:
    found = summarize(b"")
    assert (found.subject, found.from_, found.date, found.preview, found.header_size) == ("", "", None, "", 0)
    assert not found.has_attachment
    assert read(found.bodystructure) == [
        b"text", b"plain", [b"charset", b"us-ascii"], None, None, b"7bit", 0, 0, None, None, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "preview"),
    [
        ("\n\n> only\n> quoted\n", "> only > quoted"),
        ("Content-Type: text/html\n\n<style>p {}</style><p>Hello&nbsp;<b>there</b></p><p>x", "Hello there x"),
        ("Content-Type: text/html\n\n<p>a&zwnj;&nbsp;&zwnj;&nbsp;&#847;&nbsp;\u200b b", "a b"),
        ("Content-Type: text/plain\n\nنمی\u200cخواهم", "نمی\u200cخواهم"),  # here a joiner has a meaning
        ("Content-Type: text/plain\n\na\x01b\tc", "a b c"),
        ("Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\naGVsbG8=", "hello"),
        ("Content-Type: application/pdf\n\nx", ""),
        ("\n\n" + "word " * 100, ("word " * 40).strip()),
        ("\n\n" + "grün " * 10_000, ("grün " * 40).strip()),
        (
            "Content-Type: multipart/alternative; boundary=b\n\n--b\n\n\n--b\nContent-Type: text/html\n\nhtml\n--b--",
            "html",
        ),
    ],
)
def test_previews(raw: str, preview: str) -> None:
    found = summarize(raw.encode()).preview
    assert found == preview
    assert len(found) <= summary.PREVIEW_LENGTH


def test_a_preview_of_a_long_part_has_no_half_characters() -> None:
    for encoding, body in (("8bit", "grün\n" * 9_000), ("base64", "Z3LDvG4K" * 9_000)):
        raw = f"Content-Type: text/plain\nContent-Transfer-Encoding: {encoding}\n\n{body}".encode()
        assert summarize(raw).preview == ("grün " * 40).strip()


def test_inline_pictures_are_no_attachments() -> None:
    raw = "Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\nx\n--b\n{}\n\nx\n--b--\n"
    shown, file = "Content-Type: image/png\nContent-ID: <c>", "Content-Type: image/png"
    assert not summarize(raw.format(shown).encode()).has_attachment
    assert summarize(raw.format(file).encode()).has_attachment


def test_columns_have_a_limit() -> None:
    raw = b"To: " + b"somebody@example.org,\r\n " * 9_000 + b"last@x.org\r\nSubject: " + b"x" * 200_000 + b"\r\n\r\n"
    found = summarize(raw)
    assert len(found.to) == len(found.subject) == summary.MAX_COLUMN


def test_search_text() -> None:
    raw = b"""\
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: text/plain; charset=iso-8859-1

gr\xfcn
--m
Content-Type: text/html

<p>bl<b>au</b></p><script>hidden</script>
--m
Content-Type: text/csv; name=x.csv
Content-Transfer-Encoding: base64

YSxi
--m
Content-Type: message/rfc822

Subject: inner =?utf-8?Q?gr=C3=BCn?=
From: Ann <ann@x.org>

inside
--m
Content-Type: message/rfc822
Content-Transfer-Encoding: base64

U3ViamVjdDogZW5jb2RlZAoKZGVlcCBpbnNpZGU=
--m
Content-Type: message/delivery-status

Status: 5.1.1
--m
Content-Type: image/png

picture
--m--
"""
    assert list(search_text(raw, scan(raw))) == [
        "grün", "blau", "a,b", "inner grün\nAnn <ann@x.org>", "inside", "encoded", "deep inside", "Status: 5.1.1",
    ]  # fmt: skip


def test_messages_in_messages_in_messages_are_searched_to_a_depth() -> None:
    import base64

    raw = b"Subject: innermost\n\ntext"
    for level in range(summary._MAX_UNPACKED + 3):
        head = b"Subject: %d\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" % level
        raw = head + base64.encodebytes(raw)
    assert len(list(search_text(raw, scan(raw)))) == summary._MAX_UNPACKED
