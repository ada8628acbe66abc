"""Binary messages as text: RFC 3030 §3."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from posthouse.message import body, mime
from posthouse.message.encode import fits_lines
from posthouse.message.textual import textual

OCTETS = bytes(range(256)) * 300 + b"\n.\n\r\n.\r\n"


def multipart(content: bytes, encoding: bytes = b"binary") -> bytes:
    return (
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
        b"--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding:\r\n " + encoding + b"\r\nContent-ID: <x>\r\n\r\n"
        + content + b"\r\n--b--\r\nThe end\r\n"
    )  # fmt: skip


def test_a_binary_part_becomes_base64_and_nothing_else_changes() -> None:
    text = b"".join(textual(multipart(OCTETS)))
    assert fits_lines(text)
    root = mime.scan(text)
    assert root.encoding == "8bit"
    hello, picture = root.children
    assert text[hello.body : hello.end] == b"Hello"
    assert picture.encoding == "base64"
    assert text[picture.start : picture.body] == (
        b"Content-Type: image/png\r\nContent-ID: <x>\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    assert body.content(picture, text) == OCTETS
    assert text.endswith(b"--b--\r\nThe end\r\n")


def test_what_is_text_already_stays() -> None:
    letter = b"Subject: x\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"
    assert b"".join(textual(letter)) == letter


def test_what_calls_itself_text_and_is_none() -> None:
    text = b"".join(textual(b"Subject: x\r\n\r\none\ntwo\x00"))
    assert text == b"Subject: x\r\nContent-Transfer-Encoding: base64\r\n\r\nb25lCnR3bwA=\r\n"


def test_a_letter_inside_a_letter() -> None:
    inner = multipart(OCTETS)
    letter = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: binary\r\n\r\n" + inner
    text = b"".join(textual(letter))
    assert fits_lines(text)
    outer = mime.scan(text)
    assert outer.encoding == "8bit"
    (nested,) = outer.children
    assert body.content(nested.children[1], text) == OCTETS


@given(st.binary(max_size=400))
def test_any_content_survives(content: bytes) -> None:
    text = b"".join(textual(b"Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n" + content))
    assert body.content(mime.scan(text), text) == content


@given(st.binary(max_size=400))
def test_any_octets_give_something(octets: bytes) -> None:
    assert isinstance(b"".join(textual(octets)), bytes)
