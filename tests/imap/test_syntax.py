"""The tokens of RFC 9051 §9, read and written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.imap import encode
from posthouse.imap.encode import Literal
from posthouse.imap.syntax import (
    MAX_NUMBER,
    MAX_NUMBER64,
    Cursor,
    LiteralMissing,
    Malformed,
    Unacceptable,
)


def assembled(written: bytes) -> Cursor:
    """A cursor over what `encode` wrote: a string, perhaps a literal."""
    marker, found, octets = written.partition(b"}\r\n")
    if not found or not marker.lstrip(b"~").startswith(b"{"):
        return Cursor(written)
    return Cursor(marker + found, {len(marker + found): octets})


# -- strings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [(b"INBOX", b"INBOX"), (b"a]b", b"a]b"), (b'""', b""), (b'"a b"', b"a b"), (rb'"\"\\"', rb'"\ '[:2]),
     (b"NIL", b"NIL"), (b'"\xc3\xbc"', b"\xc3\xbc"), (b"+", b"+")],
)  # fmt: skip
def test_astring(text: bytes, value: bytes) -> None:
    for rest in (b"", b" next", b")"):
        cursor = Cursor(text + rest)
        assert cursor.astring("a name") == value
        assert cursor.text[cursor.at :] == rest


@pytest.mark.parametrize(
    "text",
    [b"", b" a", b"(", b"%", b"*", b'"a', rb'"\a"', b'"\r"', b'"\x00"', b"\xc3\xbc", b"\x7f", b"{5}", b"{-1}\r\n"],
)
def test_what_is_no_astring(text: bytes) -> None:
    with pytest.raises(Malformed, match="expected a name"):
        Cursor(text).astring("a name")


def test_a_literal_lies_beside_the_text() -> None:
    cursor = Cursor(b"{3+}\r\n ~{2}\r\n", {6: b"a\nb", 13: b"\x00)"})
    assert cursor.astring("a name") == b"a\nb"
    cursor.space()
    assert cursor.string("a name") == b"\x00)"
    cursor.end()


def test_a_literal_that_has_not_come() -> None:
    cursor = Cursor(b"{3}\r\n")
    with pytest.raises(LiteralMissing):
        cursor.astring("a name")
    assert cursor.at == 0


def test_nstring() -> None:
    assert Cursor(b"nil").nstring("a text") is None
    assert Cursor(b'"nil"').nstring("a text") == b"nil"
    with pytest.raises(Malformed):
        Cursor(b"nile").nstring("a text")


def test_utf8() -> None:
    assert Cursor('"für"'.encode()).utf8_astring("a user name") == "für"
    with pytest.raises(Malformed, match="a user name in UTF-8 at character 1"):
        Cursor(b'"f\xfcr"').utf8_astring("a user name")


@settings(max_examples=150)
@given(st.binary(max_size=40) | st.binary(min_size=1020, max_size=1030))
def test_strings_round_trip(octets: bytes) -> None:
    assert assembled(encode.string(octets)).string("a text") == octets
    assert assembled(encode.astring(octets)).astring("a text") == octets
    assert assembled(encode.nstring(octets)).nstring("a text") == octets
    assert assembled(encode.literal8(octets)).string("a text") == octets
    piece = encode.client_astring(octets)
    assert piece == Literal(octets) or (isinstance(piece, bytes) and Cursor(piece).astring("a text") == octets)


def test_strings_as_written() -> None:
    assert encode.nstring(None) == b"NIL"
    assert encode.astring(b"nil") == b'"nil"'
    assert encode.string(b'say "\\"') == b'"say \\"\\\\\\""'
    assert encode.string(b"two\r\nlines") == b"{10}\r\ntwo\r\nlines"
    assert encode.string("für".encode()) == b"{4}\r\nf\xc3\xbcr"
    assert encode.string("für".encode(), utf8=True) == b'"f\xc3\xbcr"'
    assert encode.literal8(b"\0") == b"~{1}\r\n\0"
    with pytest.raises(ValueError, match="can't hold"):
        encode.quoted(b"\n")


# -- numbers and words -----------------------------------------------------------------------------------------------


def test_numbers() -> None:
    assert Cursor(b"007").number() == 7
    assert Cursor(b"%d" % MAX_NUMBER).number() == MAX_NUMBER
    assert Cursor(b"%d" % MAX_NUMBER64).number(most=MAX_NUMBER64) == MAX_NUMBER64


@pytest.mark.parametrize("text", [b"", b"x", b"-1", b"%d" % (MAX_NUMBER + 1), b"9" * 10_000])
def test_what_is_no_number(text: bytes) -> None:
    with pytest.raises(Malformed, match="expected a number"):
        Cursor(text).number()


def test_a_least_number() -> None:
    with pytest.raises(Malformed, match="from 1 to"):
        Cursor(b"0").number(least=1)


def test_words_and_keywords() -> None:
    cursor = Cursor(b"return (Min)")
    assert not cursor.keyword(b"RETUR")
    assert cursor.keyword(b"RETURN")
    cursor.space()
    assert cursor.list_of(lambda: cursor.word("an option"), "options") == ["MIN"]


def test_lists() -> None:
    def numbers(text: bytes, least: int = 0) -> list[int]:
        cursor = Cursor(text)
        return cursor.list_of(cursor.number, "numbers", least=least)

    assert numbers(b"()") == []
    assert numbers(b"(1 2 3)") == [1, 2, 3]
    for text in (b"", b"(", b"(1", b"(1 ", b"(1  2)", b"( 1)", b"(1 )", b"1", b"(1,2)"):
        with pytest.raises(Malformed):
            numbers(text)
    with pytest.raises(Malformed):
        numbers(b"()", least=1)


def test_an_error_says_what_and_where() -> None:
    cursor = Cursor(b"SELECT")
    cursor.atom("a command")
    with pytest.raises(Malformed, match=r"^expected one space at character 7$"):
        cursor.space()
    with pytest.raises(Malformed, match=r"^expected the end of the line at character 1$"):
        Cursor(b"x").end()


# -- mailbox names ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "utf8", "name"),
    [(b"inBox", False, "INBOX"), (b"INBOX/a", False, "INBOX/a"), (b'"Entw&APw-rfe"', False, "Entwürfe"),
     (b'"A&B"', True, "A&B"), ('"Entwürfe"'.encode(), True, "Entwürfe"), ('"Entwürfe"'.encode(), False, "Entwürfe")],
)  # fmt: skip
def test_mailbox_names(text: bytes, utf8: bool, name: str) -> None:
    assert Cursor(text, utf8=utf8).mailbox() == name


@pytest.mark.parametrize("text", [b"A&B", b'"\xff"', b'"\t"', b"&AAo-"])
def test_impossible_mailbox_names(text: bytes) -> None:
    with pytest.raises(Unacceptable) as caught:
        Cursor(text).mailbox()
    assert caught.value.code == "CANNOT"


def test_patterns() -> None:
    assert Cursor(b"Entw&APw-*/%").list_mailbox() == "Entwü*/%"
    assert Cursor(b'"*"').list_mailbox() == "*"


NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30)


@settings(max_examples=100)
@given(NAMES, st.booleans())
def test_mailbox_names_round_trip(name: str, utf8: bool) -> None:
    written = encode.mailbox(name, utf8=utf8)
    assert Cursor(written, utf8=utf8).mailbox() == ("INBOX" if name.upper() == "INBOX" else name)


# -- flags -----------------------------------------------------------------------------------------------------------


def test_flags() -> None:
    assert Cursor(b"(\\sEEN $Forwarded \\Seen NonJunk)").flag_list() == ("\\Seen", "$Forwarded", "NonJunk")
    assert Cursor(b"()").flag_list() == ()


@pytest.mark.parametrize("text", [b"(\\Recent)", b"(\\Foo)", b"(\\)", b"(\\*)", b"(a\\b)", b'("a")', b"\\Seen"])
def test_what_a_client_can_not_set(text: bytes) -> None:
    with pytest.raises(Malformed, match="expected"):
        Cursor(text).flag_list()


# -- anything at all -------------------------------------------------------------------------------------------------

READERS: list[Callable[[Cursor], object]] = [
    lambda cursor: cursor.astring("x"), lambda cursor: cursor.nstring("x"), lambda cursor: cursor.mailbox(),
    lambda cursor: cursor.list_mailbox(), lambda cursor: cursor.flag_list(), lambda cursor: cursor.number(),
]  # fmt: skip


@settings(max_examples=200)
@given(
    st.sampled_from(READERS),
    st.text('{}()"\\ &-+~NILa1é\r\n\x00%*', max_size=12).map(lambda text: text.encode("latin-1")),
)
def test_garbage_is_malformed_and_nothing_else(read: Callable[[Cursor], object], text: bytes) -> None:
    cursor = Cursor(text)
    try:
        read(cursor)
    except (Malformed, Unacceptable):
        return
    assert 0 < cursor.at <= len(text)
