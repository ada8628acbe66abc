"""Encoded words (RFC 2047): those of the standard, and those of real programs."""

from __future__ import annotations

import email.header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message import encode, encoded_word
from posthouse.message.header import decode_text


@pytest.mark.parametrize(
    ("written", "text"),
    [
        # RFC 2047 §8
        ("(=?ISO-8859-1?Q?a?=)", "(a)"),
        ("(=?ISO-8859-1?Q?a?= b)", "(a b)"),
        ("(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"),
        ("(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)"),
        ("(=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=)", "(ab)"),
        ("(=?ISO-8859-1?Q?a_b?=)", "(a b)"),
        ("(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"),
        ("=?US-ASCII*EN?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"),  # RFC 2231 §5
        # a character split over two words
        ("=?utf-8?B?w6?= =?UTF-8?Q?=A9?=", "é"),
        ("=?utf-8?Q?=E2=82?=\r\n =?utf-8?Q?=AC!?=", "€!"),
        # found in letters
        ("=?utf-8?Q?what??=", "what?"),
        ("=?utf-8?Q?a b?=", "a b"),
        ("=?utf-8?Q?a=?=", "a="),
        ("=?utf-8?Q?a==3D?=", "a=="),
        ("=?utf-8?B?Z3LDvG4?=", "grün"),
        ("=?utf-8?B?Z3LDvG4=====?=", "grün"),
        ("=?utf-8?B?Z3LDv?=", "gr\ufffd"),
        ("=?utf-8?B?Z3 LDvG4=?=", "grün"),
        ("=?cp-850?Q?gr=81n?=", "grün"),
        ("=?unknown-8bit?Q?gr=FCn?=", "grün"),
        ("Re:=?utf-8?Q?gr=C3=BCn?=er", "Re:grüner"),
        ("=?utf-8?Q?abc =?utf-8?Q?def?=", "=?utf-8?Q?abc def"),
        ("=?utf-8?Q?a?= x =?utf-8?Q?b?=", "a x b"),
        ("=?utf-8?Q?unfinished", "=?utf-8?Q?unfinished"),
        ("=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
        ("=??Q?abc?=", "=??Q?abc?="),
        ("=?utf-8?Q??=", ""),
    ],
)
def test_decode(written: str, text: str) -> None:
    assert encoded_word.decode(written) == text


def test_no_line_break_comes_out_of_an_encoded_word_in_a_header() -> None:
    assert decode_text(b" =?utf-8?Q?a=0D=0ABcc:_b=00?=") == "a  Bcc: b "


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=120))
def test_what_we_encode_is_decoded(text: str) -> None:
    field = encode.text_field("Subject", text)
    assert decode_text(field.partition(b":")[2]) == text


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=60))
def test_what_the_standard_library_encodes_is_decoded(text: str) -> None:
    written = email.header.Header(text, "utf-8").encode()
    assert decode_text(written.encode("ascii")) == text
