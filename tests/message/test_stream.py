"""Decoded in pieces, a body is what it is decoded as a whole."""

from __future__ import annotations

import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message import body
from posthouse.message.stream import Decoder

FILE = bytes(range(256)) * 3
BROKEN = [
    b"aGVsbG8=\r\naGVsbG8=\r\n", b"aGVsbG8", b"aGVs!bG8=", b"aGVsbG8=\r\n____\r\nThe list's footer, see here\r\n",
    b"never was base64, plain words these are", b"=C3=BC=\r\n=G1 = =\r\n==", b"a=\n\nb",
]  # fmt: skip


def in_pieces(octets: bytes, encoding: str, size: int) -> bytes:
    decoder = Decoder(encoding)
    pieces = [decoder.write(octets[at : at + size]) for at in range(0, len(octets), size)]
    return b"".join([*pieces, decoder.end()])


@pytest.mark.parametrize("size", [1, 3, 7, 76, 10_000])
def test_sound(size: int) -> None:
    assert in_pieces(base64.encodebytes(FILE), "base64", size) == FILE
    assert in_pieces(quopri.encodestring(FILE), "quoted-printable", size) == FILE
    assert in_pieces(FILE, "8bit", size) == FILE


@pytest.mark.parametrize("octets", BROKEN)
@pytest.mark.parametrize("encoding", ["quoted-printable", "x-uuencode", "unheard-of"])
@pytest.mark.parametrize("size", [4, 1000])
def test_broken(octets: bytes, encoding: str, size: int) -> None:
    assert in_pieces(octets, encoding, size) == body.decode(octets, encoding)[0]


@pytest.mark.parametrize("octets", BROKEN)
def test_broken_base64(octets: bytes) -> None:
    assert in_pieces(octets, "base64", 1000) == body.decode(octets, "base64")[0]


@given(st.binary(), st.integers(1, 20))
def test_base64_of_anything(octets: bytes, size: int) -> None:
    assert in_pieces(base64.encodebytes(octets), "base64", size) == octets
