"""Names of character sets as letters have them, and octets that don't keep their promise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message import charset


@pytest.mark.parametrize(
    ("name", "octets", "text"),
    [
        ("utf-8", "grün".encode(), "grün"),
        ("UTF8", "grün".encode(), "grün"),
        ("'utf-8'", "grün".encode(), "grün"),
        ("utf-8*en", "grün".encode(), "grün"),
        ("utf-8 euao6y69zh2w", "grün".encode(), "grün"),
        ("cp-850", b"gr\x81n", "grün"),
        ("ibm850", b"gr\x81n", "grün"),
        ("dos-862", b"\x99\x8c\x85\x8d", "שלום"),
        ("windows-874", b"\xe4\xb7\xc2", "ไทย"),
        ("tis-620", b"\xe4\xb7\xc2", "ไทย"),
        ("x-gbk", "你好".encode("gbk"), "你好"),
        ("gb2312", "镕".encode("gbk"), "镕"),  # not in GB 2312, but in what programs mean by it
        ("ks_c_5601-1987", "안녕".encode("cp949"), "안녕"),
        ("euc-kr", "안녕".encode("cp949"), "안녕"),
        ("big5", "你好".encode("big5"), "你好"),
        ("shift_jis", "こんにちは".encode("cp932"), "こんにちは"),
        ("iso-2022-jp", "こんにちは".encode("iso2022_jp"), "こんにちは"),
        ("utf-7", b"Gr+APw-n", "Grün"),
        ("iso-8859-1", b"\x93gr\xfcn\x94", "“grün”"),  # windows-1252 in truth
        ("ISO_8859-1:1987", b"gr\xfcn", "grün"),
        ("iso-8859-8-i", b"\xf9\xec\xe5\xed", "שלום"),
        ("iso-8859-15", b"\xa4", "€"),
        ("koi8-r", b"\xf0\xd2\xc9\xd7\xc5\xd4", "Привет"),
        ("x-mac-cyrillic", b"\x8f\xf0\xe8\xe2\xe5\xf2", "Привет"),
        ("us-ascii", "grün".encode(), "grün"),
        ("", b"gr\xfcn", "grün"),
        ("unknown-8bit", b"gr\xfcn", "grün"),
        ("unknown", "grün".encode(), "grün"),
        ("binary", b"gr\xfcn", "grün"),
        ("utf-8", b"gr\xfcn", "gr\ufffdn"),
        ("us-ascii", b"\x1b$B$3\x1b(B", "こ"),
        ("utf-8", b"\xef\xbb\xbfgr", "gr"),
        ("koi8-r", b"", ""),
    ],
)
def test_decode(name: str, octets: bytes, text: str) -> None:
    assert charset.decode(octets, name) == text


@pytest.mark.parametrize(
    "name", ["punycode", "idna", "unicode_escape", "raw_unicode_escape", "rot13", "hex", "zlib", "base64", "undefined"]
)
def test_codecs_that_are_no_character_sets_are_not_used(name: str) -> None:
    assert charset.codec_for(name) is None
    assert charset.decode(rb"a\x41-b", name) == r"a\x41-b"


def test_every_codec_of_the_table_exists() -> None:
    codecs = {*charset._LABELS.values(), *(f"cp{page:03d}" for page in charset._CODE_PAGES)}
    for codec in codecs:
        b"abcd".decode(codec, "replace")  # raises LookupError if there is none
    for part in (*range(1, 12), *range(13, 17)):
        assert charset.codec_for(f"iso-8859-{part}")
    assert charset.codec_for("iso-8859-12") is None
    assert charset.codec_for("iso-8859-17") is None


@pytest.mark.parametrize(
    ("name", "known"), [("US-ASCII", True), ("cp-850", True), ("unknown-8bit", False), ("", False)]
)
def test_is_known(name: str, known: bool) -> None:
    assert charset.is_known(name) is known


@given(st.binary(max_size=200), st.sampled_from([*sorted(charset._LABELS), "", "unknown-8bit", "cp437", "iso-8859-16"]))
def test_any_octets_in_any_charset_are_text_that_can_be_written_again(octets: bytes, name: str) -> None:
    charset.decode(octets, name).encode("utf-8")


@given(st.text(max_size=100))
def test_any_name_is_looked_up(name: str) -> None:
    assert charset.decode(b"text", name) is not None
