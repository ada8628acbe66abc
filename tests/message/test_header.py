"""Header fields: order, names, folding, text, offsets."""

from __future__ import annotations

import pytest

from posthouse.message import header, mime
from posthouse.message.header import Headers, decode_text, raw_text

RAW = (
    b"Received: one\r\n\tand more\r\n"
    b"Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"received: two\r\n"
    b"X-Empty:\r\n"
    b"Subject : second\r\n"
)


def test_fields_in_their_order() -> None:
    assert list(Headers(RAW)) == [
        ("Received", "one and more"),
        ("Subject", "Grüße"),
        ("received", "two"),
        ("X-Empty", ""),
        ("Subject", "second"),
    ]


def test_names_have_no_case_and_the_first_counts() -> None:
    headers = Headers(RAW)
    assert headers.get("SUBJECT") == "Grüße"
    assert headers.get_all("Received") == ["one and more", "two"]
    assert headers.get("To") is None
    assert headers.get("To", "nobody") == "nobody"
    assert headers.get_all("To") == []
    assert "x-empty" in headers and "to" not in headers and "\udcff" not in headers
    assert len(headers) == 5
    assert headers.body(b"received") == b" one\r\n\tand more\r\n"


def test_fields_know_where_they_are() -> None:
    raw = b"From x\r\nA: 1\r\nno field\r\nSubject: x\r\n y\r\n\r\nbody"
    part = mime.scan(raw)
    assert [(field.name, raw[field.start : field.end]) for field in part.fields.fields()] == [
        (b"A", b"A: 1\r\n"),
        (b"Subject", b"Subject: x\r\n y\r\n"),
    ]
    nested = mime.scan(b"Content-Type: message/rfc822\n\nB: 2\n\n").children[0]
    [field] = nested.fields.fields()
    assert (field.start, field.end, field.body) == (30, 35, b" 2\n")


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b" plain \r\n", "plain"),
        (b" folded\r\n with space\n\tand tab\r\n", "folded with space and tab"),
        (b"\r\n on the next line\r\n", "on the next line"),
        (b" two\r\n  spaces stay\r\n", "two  spaces stay"),
        (b" tab\there\r\n", "tab here"),
        (b" bare\rCR and NUL\0 end\r\n", "bare CR and NUL  end"),
        ("raw UTF-8: größer\r\n".encode(), "raw UTF-8: größer"),
        (b"raw Latin-1: gr\xf6\xdfer\r\n", "raw Latin-1: größer"),
        (b"raw JIS: \x1b$B$3\x1b(B\r\n", "raw JIS: こ"),
        (b"folded\r\n gr\xc3\xb6\xc3\x9fer\r\n", "folded größer"),
        (b"half =?utf-8?Q?gr=C3=BCn?= and gr\xc3\xbcn\r\n", "half grün and grün"),
        (b"", ""),
        (b" \r\n \r\n", ""),
    ],
)
def test_decode_text(octets: bytes, text: str) -> None:
    assert decode_text(octets) == text


def test_raw_text_leaves_encoded_words() -> None:
    assert raw_text(b" =?utf-8?Q?a?=\r\n b\r\n") == "=?utf-8?Q?a?= b"


def test_a_blank_line_in_a_folded_field_is_part_of_it() -> None:
    """obs-FWS, RFC 5322 §4.2: CRLF, white space, CRLF doesn't end the header."""
    part = mime.scan(b"Subject: a\r\n \r\n b\r\nTo: c\r\n\r\nbody")
    assert part.fields.get("subject") == "a  b"
    assert part.fields.get("to") == "c"


def test_limits() -> None:
    many = Headers(b"A: b\r\n" * (header.MAX_FIELDS + 7))
    assert len(many) == header.MAX_FIELDS
    long = Headers(b"A: " + b"x" * header.MAX_HEADER_OCTETS + b"\r\nB: c\r\n")
    assert "B" not in long


def test_the_mark_of_utf8_is_no_part_of_the_first_name() -> None:
    raw = b"\xef\xbb\xbfSubject: x\n\n"
    headers = mime.scan(raw).fields
    assert list(headers) == [("Subject", "x")]
    assert [(field.name, field.start, field.end) for field in headers.fields()] == [(b"Subject", 0, 14)]
