"""A letter for a server that takes nothing but ASCII: what it decodes to stays."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.errors import InvalidMessage
from posthouse.message import body, mime
from posthouse.message.header import Headers
from posthouse.message.seven_bit import PIECE, seven_bit


def converted(raw: bytes, *, bodies: bool = True) -> bytes:
    return b"".join(seven_bit(raw, bodies=bodies))


def contents(raw: bytes) -> list[bytes]:
    root = mime.scan(raw)
    return [body.content(part, raw) for part in root.walk() if not part.children]


MIXED = (
    "From: Änne <a@x.example>\r\nTo: Bob <b@x.example>\r\nSubject: Grüße an alle\r\nX-Odd: ü\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/mixed; boundary="b"\r\nContent-Transfer-Encoding: 8bit\r\n\r\npreamble ü\r\n'
    "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nÄ Grüße  \r\n"
    "--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n"
    '--b\r\nContent-Type: application/x; name="ü.bin"\r\nContent-Transfer-Encoding: binary\r\n'
    'Content-Disposition: attachment; filename="ü.bin"\r\n\r\n'
).encode()
MIXED += bytes(range(128, 256)) * 10
MIXED += "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: ö\r\n\r\nö\r\n--b--\r\n".encode()


def test_every_part_keeps_what_it_is() -> None:
    there = converted(MIXED)
    assert there.isascii()
    assert contents(there) == contents(MIXED)
    assert b"\r\nContent-Transfer-Encoding: 7bit\r\n" in there and b"8bit" not in there and b"binary\r\n" not in there
    fields = Headers(there[: there.index(b"\r\n\r\n")])
    assert (fields.get("subject"), fields.get("x-odd")) == ("Grüße an alle", "ü")
    assert b"\r\nTo: Bob <b@x.example>\r\n" in there, "what is ASCII stays as it came"
    parsed = email.message_from_bytes(there, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    assert parsed["from"] == "Änne <a@x.example>"
    assert [part.get_filename() for part in parsed.iter_attachments()][1] == "ü.bin"


def test_the_header_alone() -> None:
    there = converted(MIXED, bodies=False)
    end = there.index(b"\r\n\r\n")
    assert there[:end].isascii() and contents(there) == contents(MIXED)
    assert b"\r\nContent-Transfer-Encoding: 8bit\r\n" in there[: end + 2]


def test_ascii_is_left_alone() -> None:
    raw = b"From: a@x.example\nContent-Transfer-Encoding: 8bit\n\nbare\nfeeds\n"
    assert converted(raw) == raw


def test_without_mime() -> None:
    there = converted("Subject: x\r\n\r\nGrüße\r\n".encode())
    assert there.isascii() and b"\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" in there
    assert contents(there) == ["Grüße\r\n".encode()]


def test_large_texts_and_files() -> None:
    for kind in ("text/plain; charset=utf-8", "application/pdf"):
        raw = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n".encode() + "ü\r\n".encode() * PIECE
        there = converted(raw)
        assert there.isascii() and contents(there) == contents(raw)


def test_what_is_signed_is_not_broken() -> None:
    signed = (
        'Content-Type: multipart/mixed; boundary="o"\r\n\r\n--o\r\n'
        'Content-Type: multipart/signed; boundary="b"; protocol="application/pgp-signature"\r\n\r\n--b\r\n'
        "Content-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\n%s\r\n--b\r\n"
        "Content-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n--o--\r\n"
    )
    with pytest.raises(InvalidMessage, match="signed"):
        converted((signed % "ü").encode())
    quiet = (signed % "u").replace("--o--\r\n", "--o\r\n\r\nü\r\n--o--\r\n").encode()
    there = converted(quiet)
    inside = quiet[quiet.index(b"--b\r\n") : quiet.index(b"--b--")]
    assert there.isascii() and inside in there


def test_an_address_that_only_utf8_can_write() -> None:
    with pytest.raises(InvalidMessage, match="jürgen@x"):
        converted("From: jürgen@x.example\r\n\r\nx\r\n".encode(), bodies=False)
    there = converted("From: ann@bücher.example\r\n\r\nx\r\n".encode(), bodies=False)
    assert there.startswith(b"From: ann@xn--bcher-kva.example\r\n")


@given(st.binary(max_size=300))
def test_anything_becomes_ascii(octets: bytes) -> None:
    for raw in (octets, b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + octets, b"\r\n" + octets):
        try:
            assert converted(raw).isascii()
        except InvalidMessage:
            continue
