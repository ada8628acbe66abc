"""Dot-stuffing: RFC 5321 §4.5.2, and the tricks with which letters were smuggled past it."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.wire import dot
from posthouse.wire.dot import DotReader, DotWriter
from posthouse.wire.reader import EndOfInput, Reader
from wire_helpers import read


def read_text(reader: Reader) -> Generator[None, None, bytes]:
    text = b""
    dots = DotReader(reader)
    while chunk := (yield from dots.read()):
        text += chunk
    return text


def stuffed(*chunks: bytes) -> bytes:
    writer = DotWriter()
    return b"".join([*map(writer.write, chunks), writer.end()])


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"one\r\n.\r\n", b"one\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"..one\r\n..two\r\n...\r\n.\r\n", b".one\r\n.two\r\n..\r\n"),
        (b"one\r\n\r\n.\r\n", b"one\r\n\r\n"),
    ],
)
def test_what_is_read(wire: bytes, text: bytes) -> None:
    assert read(read_text, wire + b"NOOP\r\n") == (text, b"NOOP\r\n")


@pytest.mark.parametrize(
    "trick",
    [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r\n\x00.\r\n", b"\r\r\n.\n", b"\n\n.\r\n"],
)
def test_only_cr_lf_dot_cr_lf_ends_a_letter(trick: bytes) -> None:
    """SMTP smuggling (CVE-2023-51764 and its kin): none of these may end the text."""
    smuggled = b"one" + trick + b"MAIL FROM:<x@y>\r\n"
    text, rest = read(read_text, smuggled + b".\r\nQUIT\r\n")
    assert rest == b"QUIT\r\n"
    assert b"MAIL FROM" in text


@pytest.mark.parametrize("trick", [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r"])
def test_no_trick_goes_out(trick: bytes) -> None:
    wire = stuffed(b"one" + trick + b"two")
    assert wire.endswith(b"two\r\n.\r\n")
    assert b"\r\n.\r\n" not in wire[:-5]
    assert b"\n" not in wire.replace(b"\r\n", b"")
    assert b"\r" not in wire.replace(b"\r\n", b"")


def test_the_end_of_input_inside_a_text_is_an_error() -> None:
    with pytest.raises(EndOfInput):
        read(read_text, b"one\r\ntwo\r\n")


ALPHABET = st.lists(st.sampled_from([b"\r\n", b".", b"a", b"\r", b"\n", b"..", b"\r\n."]), max_size=12)


@given(st.lists(ALPHABET, max_size=4))
def test_what_is_written_is_read_however_it_is_cut(chunks: list[list[bytes]]) -> None:
    pieces = [b"".join(chunk) for chunk in chunks]
    text, rest = read(read_text, stuffed(*pieces) + b"QUIT\r\n")
    assert rest == b"QUIT\r\n"
    whole = stuffed(b"".join(pieces))
    assert stuffed(*pieces) == whole
    normal = b"".join(pieces).replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    assert text == normal + (b"" if normal.endswith(b"\r\n") or not normal else b"\r\n")


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a", b"\0", b"\x85"])).map(b"".join))
def test_a_whole_text_is_stuffed_as_one_in_chunks(text: bytes) -> None:
    assert dot.stuffed(text) == stuffed(text)
