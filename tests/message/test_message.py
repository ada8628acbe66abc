"""ParsedMessage: a message as a person or a program reads it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from posthouse.message.address import Address
from posthouse.message.defect import Defect
from posthouse.message.message import ParsedMessage

RAW = b"""\
From: =?utf-8?Q?J=C3=BCrgen?= <j@x.org>
Sender: office@x.org
To: Ann <ann@x.org>, friends: bob@x.org;
To: carl@x.org
Cc: undisclosed-recipients:;
Bcc: eve@x.org
Reply-To: list@x.org
Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=
Date: Mon, 16 Mar 2009 12:00:00 +0000
Message-ID: <m@x.org>
In-Reply-To: <b@x.org>
References: <a@x.org> <b@x.org>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain; charset=utf-8; format=flowed

Hello \nthere
--a
Content-Type: text/html; charset=utf-8

<p>Hello <b>there</b>
--a--
--m
Content-Type: image/png
Content-Transfer-Encoding: base64
Content-Disposition: inline; filename="../logo.png"
Content-ID: <logo@x.org>

aGVsbG8=
--m
Content-Type: text/plain

-- \nThe list
--m--
""".replace(b"\n", b"\r\n").replace(b"\\n", b"\r\n")


def test_everything() -> None:
    message = ParsedMessage(RAW)
    assert message.subject == "Grüße"
    assert message.from_ == (Address("Jürgen", "j", "x.org"),)
    assert message.sender == (Address("", "office", "x.org"),)
    assert [one.addr for one in message.to] == ["ann@x.org", "bob@x.org", "carl@x.org"]
    assert message.cc == ()
    assert [one.addr for one in message.bcc + message.reply_to] == ["eve@x.org", "list@x.org"]
    assert message.date == datetime(2009, 3, 16, 12, tzinfo=UTC)
    assert (message.message_id, message.in_reply_to) == ("<m@x.org>", ("<b@x.org>",))
    assert message.references == ("<a@x.org>", "<b@x.org>")
    assert message.text == "Hello there\n-- \nThe list"
    assert message.html == "<p>Hello <b>there</b>"
    [picture] = message.attachments
    assert (picture.filename, picture.type, picture.size, picture.content) == ("logo.png", "image/png", 5, b"hello")
    assert (picture.inline, picture.cid) == (True, "logo@x.org")
    assert message.headers.get("mime-version") == "1.0"
    assert message.envelope.startswith(b'("Mon, 16 Mar 2009')
    assert message.bodystructure.startswith(b'((("text" "plain"')
    assert message.defects == (Defect.REPEATED_FIELD, Defect.FILE_NAME)
    assert message.raw is RAW


def test_properties_are_computed_once() -> None:
    message = ParsedMessage(RAW)
    assert message.attachments is message.attachments
    assert message.tree is message.tree


def test_an_empty_message() -> None:
    message = ParsedMessage(b"")
    assert (message.subject, message.text, message.html, message.date, message.message_id) == ("", "", None, None, "")
    assert (message.from_, message.references, message.attachments, message.defects) == ((), (), (), ())


def test_text_is_made_from_html_if_there_is_no_other() -> None:
    message = ParsedMessage(b'Content-Type: text/html\n\n<p>See <a href="https://x.org">here</a>')
    assert message.text == "See here <https://x.org>"
    blank = (
        b"Content-Type: multipart/alternative; boundary=b\n\n--b\n\n \n--b\nContent-Type: text/html\n\n<p>x\n--b--\n"
    )
    assert ParsedMessage(blank).text == "x"


def test_uuencoded_files_are_attachments() -> None:
    raw = b"Subject: x\n\nbefore\nbegin 644 ../hello.txt\n%:&5L;&\\\n`\nend\nafter\n"
    message = ParsedMessage(raw)
    assert message.text == "before\nafter\n"
    [file] = message.attachments
    assert (file.filename, file.type, file.content, file.size) == ("hello.txt", "application/octet-stream", b"hello", 5)
    assert not file.inline and not file.cid


@pytest.mark.parametrize(
    ("raw", "defects"),
    [
        (b"Subject: x\n\nx", ()),
        (b"Date: yesterday\n\nx", (Defect.DATE,)),
        (b"Content-Type: text/plain; charset=unknown-8bit\n\nx", (Defect.CHARSET,)),
        (b"Content-Type: text/plain; charset=us-ascii\n\nx", ()),
        (b"Content-Transfer-Encoding: base64\n\nx", (Defect.BASE64,)),
        (b"Content-Transfer-Encoding: rot13\n\nx", (Defect.ENCODING,)),
        (b"Content-Transfer-Encoding: quoted-printable\n\na==b", (Defect.QUOTED_PRINTABLE,)),
        (b"Content-Transfer-Encoding: x-uuencode\n\na", (Defect.UUENCODE,)),
        (b"Subject: x\nno blank line", (Defect.NO_BLANK_LINE,)),
        (
            b"Content-Type: multipart/mixed; boundary=b\n\n--b\nx\n--b\ny",
            (Defect.NO_CLOSING_BOUNDARY, Defect.NO_BLANK_LINE),
        ),
    ],
)
def test_defects(raw: bytes, defects: tuple[Defect, ...]) -> None:
    assert ParsedMessage(raw).defects == defects


def test_every_defect_is_a_sentence() -> None:
    assert all(len(defect) > 15 and not defect.endswith(".") for defect in Defect)
