"""A letter's octets: the structure mail programs expect, read without a defect by the standard library."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage

import pytest

from posthouse.errors import InvalidMessage
from posthouse.message.address import Address
from posthouse.message.compose import Attachment, Letter, compose

DATE = datetime(2009, 3, 16, 12, 0, tzinfo=timezone(timedelta(hours=1)))
ID = "<1@example.org>"
ANN = Address("Ann Ö", "ann", "example.org")
BOB = Address("", "bob", "example.org")
PDF = Attachment("report.pdf", "application/pdf", bytes(range(256)))
LOGO = Attachment("logo.png", "image/png", b"\x89PNG", cid="logo", inline=True)
CALENDAR = "BEGIN:VCALENDAR\r\nMETHOD:request\r\nEND:VCALENDAR\r\n"


def render(eight_bit: bool = False, raw: bool = False, **fields: object) -> bytes:
    letter = Letter(**{"from_": (ANN,), "to": (BOB,), **fields})  # type: ignore[arg-type]
    return compose(letter, date=DATE, message_id=ID, eight_bit=eight_bit, raw=raw)


def read(octets: bytes) -> EmailMessage:
    """Parsed by the standard library, which must find nothing wrong with it."""
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert octets.count(b"MIME-Version: 1.0\r\n") == 1
    assert octets.count(b"\n") == octets.count(b"\r\n") == octets.count(b"\r")
    assert all(len(line) <= 998 for line in octets.split(b"\r\n"))
    for part in message.walk():
        assert not part.defects
        for name, value in part.items():
            # An encoded word within quotes is what old programs need as the name of a Content-Type.
            # It knows raw UTF-8 (RFC 6532), and calls it a defect all the same.
            assert not value.defects or name == "Content-Type" or not octets.isascii()
    return message


def text_of(part: EmailMessage | None) -> str:
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def tree(message: EmailMessage) -> object:
    if message.is_multipart() and message.get_content_maintype() == "multipart":
        return {message.get_content_subtype(): [tree(part) for part in message.iter_parts()]}  # type: ignore[arg-type]
    return message.get_content_type()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"text": "t"}, "text/plain"),
        ({}, "text/plain"),
        ({"html": "h"}, "text/html"),
        ({"text": "t", "html": "h"}, {"alternative": ["text/plain", "text/html"]}),
        ({"html": "h", "attachments": (LOGO,)}, {"related": ["text/html", "image/png"]}),
        (
            {"text": "t", "html": "h", "attachments": (LOGO,)},
            {"related": [{"alternative": ["text/plain", "text/html"]}, "image/png"]},
        ),
        ({"text": "t", "attachments": (PDF,)}, {"mixed": ["text/plain", "application/pdf"]}),
        ({"attachments": (PDF,)}, {"mixed": ["application/pdf"]}),
        ({"text": "t", "attachments": (LOGO,)}, {"mixed": ["text/plain", "image/png"]}),
        ({"text": "t", "calendar": CALENDAR}, {"alternative": ["text/plain", "text/calendar"]}),
        (
            {"text": "t", "html": "h", "calendar": CALENDAR, "attachments": (PDF, LOGO)},
            {
                "mixed": [
                    {"related": [{"alternative": ["text/plain", "text/html", "text/calendar"]}, "image/png"]},
                    "application/pdf",
                ]
            },
        ),
    ],
)
def test_structure(fields: dict[str, object], expected: object) -> None:
    assert tree(read(render(**fields))) == expected


def test_one_letter_whole() -> None:
    octets = render(text="Grüße,\nAnn\n", html="日本語", subject="Über uns", attachments=(PDF,), cc=(ANN,))
    boundary = re.search(rb'"=_m(_[0-9a-f]{24})"', octets)
    assert boundary is not None
    assert octets.replace(boundary[1], b"") == (
        b"From: =?utf-8?b?QW5uIMOW?= <ann@example.org>\r\n"
        b"To: bob@example.org\r\n"
        b"Cc: =?utf-8?b?QW5uIMOW?= <ann@example.org>\r\n"
        b"Subject: =?utf-8?b?w5xiZXI=?= uns\r\n"
        b"Date: Mon, 16 Mar 2009 12:00:00 +0100\r\n"
        b"Message-ID: <1@example.org>\r\n"
        b"MIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed;\r\n boundary="=_m"\r\n'
        b"\r\n--=_m\r\n"
        b'Content-Type: multipart/alternative;\r\n boundary="=_a"\r\n'
        b"\r\n--=_a\r\n"
        b'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
        b"Gr=C3=BC=C3=9Fe,\r\nAnn\r\n"
        b"\r\n--=_a\r\n"
        b'Content-Type: text/html; charset="utf-8"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        b"5pel5pys6KqeDQo=\r\n"
        b"\r\n--=_a--\r\n"
        b"\r\n--=_m\r\n"
        b'Content-Type: application/pdf; name="report.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
        b'Content-Disposition: attachment; filename="report.pdf"\r\n\r\n'
        + PDF.octets.partition(b"\r\n\r\n")[2]
        + b"\r\n"
        b"--=_m--\r\n"
    )


def test_contents_come_back() -> None:
    text, html = "Grüße,\n\nFrom here  \n.\n" + "long " * 300 + "\n", "<p>日本語</p>\n"
    message = read(render(text=text, html=html, subject="Über \t uns", attachments=(PDF, LOGO), calendar=CALENDAR))
    plain, related_html, calendar, picture, file = [part for part in message.walk() if not part.is_multipart()]
    assert message["Subject"] == "Über \t uns"
    assert text_of(plain) == text
    assert text_of(related_html) == html
    assert picture.get_content() == b"\x89PNG"
    assert (picture["Content-ID"], picture.get_content_disposition()) == ("<logo>", "inline")
    assert calendar.get_param("method") == "REQUEST"
    assert text_of(calendar) == CALENDAR.replace("\r\n", "\n")
    assert (file.get_filename(), file.get_content()) == ("report.pdf", bytes(range(256)))


@pytest.mark.parametrize(
    "filename", ["Bericht über März.pdf", "報告書.xlsx", "תרשים.svg", 'a b;c"d.txt', "x" * 200 + ".pdf", ""]
)
def test_filenames_in_any_script(filename: str) -> None:
    (part,) = read(render(attachments=(Attachment(filename, "application/pdf", b"x"),))).iter_attachments()
    assert (part.get_filename() or "") == filename
    assert part.get_content() == b"x"


def test_the_same_letter_gives_the_same_octets_and_another_id_other_boundaries() -> None:
    letter = Letter(from_=(ANN,), to=(BOB,), text="t", html="h")
    first = compose(letter, date=DATE, message_id=ID)
    assert first == compose(letter, date=DATE, message_id=ID)
    other = compose(letter, date=DATE, message_id="<2@example.org>")
    assert set(re.findall(rb"=_a_\w+", first)).isdisjoint(re.findall(rb"=_a_\w+", other))


def test_a_boundary_that_stands_in_a_part_is_not_taken() -> None:
    """A letter that quotes its own boundary, as it would be after a look at the octets."""
    boundary = re.search(rb"=_a_\w+", render(text="t", html="h"))
    assert boundary is not None
    text = f"--{boundary[0].decode()}--\n"
    message = read(render(text=text, html="h"))
    assert tree(message) == {"alternative": ["text/plain", "text/html"]}
    assert text_of(message.get_body(("plain",))) == text


def test_recipients() -> None:
    octets = compose(Letter(from_=(ANN,), bcc=(BOB,)), date=DATE, message_id=ID)
    assert b"To: undisclosed-recipients:;\r\n" in octets
    assert b"bob" not in octets
    octets = compose(Letter(from_=(ANN,), cc=(ANN,), bcc=(BOB,)), date=DATE, message_id=ID, bcc=True)
    assert b"\r\nBcc: bob@example.org\r\n" in octets
    assert b"undisclosed" not in octets


def test_several_authors_have_a_sender() -> None:
    assert b"\r\nSender: =?utf-8?b?QW5uIMOW?= <ann@example.org>\r\n" in render(from_=(ANN, BOB))
    octets = render(from_=(ANN, BOB), headers=(("Sender", '"Böb" <bob@example.org>'),))
    assert octets.count(b"Sender:") == 1
    assert read(octets)["Sender"].address.display_name == "Böb"


def test_international_addresses() -> None:
    domain, local = Address("", "ann", "müller.example"), Address("", "jürgen", "example.org")
    assert b"From: ann@xn--mller-kva.example\r\n" in render(from_=(domain,))
    assert not Letter(from_=(domain,)).needs_smtputf8
    assert Letter(bcc=(local,)).needs_smtputf8
    assert "To: jürgen@example.org\r\n".encode() in render(to=(local,))


def test_8bit_and_raw_headers_only_where_asked_for() -> None:
    fields = {"subject": "Über", "text": "Grüße\n", "html": "<p>ö", "attachments": (PDF,)}
    assert render(**fields).isascii()  # type: ignore[arg-type]
    octets = render(eight_bit=True, raw=True, **fields)  # type: ignore[arg-type]
    assert "Subject: Über\r\n".encode() in octets
    assert 'From: "Ann Ö" <ann@example.org>\r\n'.encode() in octets
    # RFC 2045 §6.4: what contains 8-bit parts says so, too.
    assert octets.count(b"Content-Transfer-Encoding: 8bit\r\n") == 4
    assert text_of(read(octets).get_body(("plain",))) == "Grüße\n"


@pytest.mark.parametrize(
    ("content", "media", "encoding"),
    [
        (b"Subject: s\r\n\r\nHi\r\n", "message/rfc822", "7bit"),
        ("Subject: s\n\nGrüße\n".encode(), "message/rfc822", "8bit"),
        (b"Subject: s\r\n\r\n" + b"x" * 2000, "application/octet-stream", "base64"),
        (b"Subject: s\r\n\r\nNUL \0\r\n", "application/octet-stream", "base64"),
    ],
)
def test_letters_in_letters_are_not_encoded(content: bytes, media: str, encoding: str) -> None:
    """RFC 2046 §5.2.1: only 7bit and 8bit may be used for message/rfc822."""
    attachment = Attachment("s.eml", "message/rfc822", content)
    assert attachment.encoding == encoding
    assert Letter(attachments=(attachment,)).needs_8bitmime == (encoding == "8bit")
    (part,) = read(render(text="t", attachments=(attachment,))).iter_attachments()
    assert (part.get_content_type(), part["Content-Transfer-Encoding"]) == (media, encoding)
    inner = part.get_content()
    if encoding == "base64":
        assert inner == content
    else:
        assert inner["Subject"] == "s"


def test_a_multipart_attachment_is_an_opaque_file() -> None:
    (part,) = read(render(attachments=(Attachment("x", "multipart/mixed", b"x"),))).iter_attachments()
    assert part.get_content_type() == "application/octet-stream"


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": "a\r\nBcc: victim@example.org"}, {"subject": "a\0"}, {"headers": (("X-A", "b\nc"),)},
        {"headers": (("X A", "b"),)}, {"headers": (("X-Ä", "b"),)}, {"headers": (("X:", "b"),)},
        {"headers": (("", "b"),)},
        {"headers": (("Bcc", "b@x.org"),)}, {"headers": (("subject", "b"),)}, {"headers": (("Content-Type", "b"),)},
        {"headers": (("MIME-Version", "1.0"),)}, {"headers": (("Sender", "nobody"),)}, {"to": (Address("name only"),)},
    ],
)  # fmt: skip
def test_what_would_break_a_header_is_refused(fields: dict[str, object]) -> None:
    """Header injection, and fields that would be there twice."""
    with pytest.raises(InvalidMessage):
        Letter(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields",
    [
        {"filename": "a\r\nX: y"}, {"type": "text/plain\r\nX: y"}, {"type": "text"}, {"cid": "a>\r\nX: y"},
        {"cid": "a b"}, {"cid": "ü"}, {"cid": "<logo>"},
    ],
)  # fmt: skip
def test_attachments_that_would_break_a_header_are_refused(fields: dict[str, str]) -> None:
    with pytest.raises(InvalidMessage):
        Attachment(**{"filename": "a.txt", "type": "text/plain", "content": b"", **fields})  # type: ignore[arg-type]


def test_further_headers() -> None:
    octets = render(
        headers=(
            ("References", " ".join(f"<{number}@a-rather-long-name.example.org>" for number in range(5))),
            ("X-Note", "schön"),
            ("List-Unsubscribe", "<https://example.org/" + "x" * 100 + ">"),
        )
    )
    message = read(octets)
    assert message["References"].count("@") == 5
    assert message["X-Note"] == "schön"
    assert message["List-Unsubscribe"] == "<https://example.org/" + "x" * 100 + ">"
    assert max(len(line) for line in octets.split(b"\r\n") if b"a-rather" in line) <= 76


def test_a_date_with_its_zone() -> None:
    letter = Letter(from_=(ANN,))
    assert b"\r\nDate: Mon, 16 Mar 2009 11:00:00 +0000\r\n" in compose(letter, date=DATE.astimezone(UTC), message_id=ID)
