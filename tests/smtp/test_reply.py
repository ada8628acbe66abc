"""Replies: what goes out is what RFC 5321 §4.2 allows, and what real servers send is understood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.errors import LimitError, LocalProtocolError, RemoteProtocolError
from posthouse.smtp import reply as replies
from posthouse.smtp.reply import MAX_LINES, MAX_SENT_LINE, Reply, read_reply, take_reply
from posthouse.wire.reader import Reader
from wire_helpers import read


@pytest.mark.parametrize(
    ("reply", "wire"),
    [
        (Reply(250, "2.1.5", "Recipient OK"), b"250 2.1.5 Recipient OK\r\n"),
        (Reply(334, "", ""), b"334 \r\n"),  # RFC 4954 §4: the space stays
        (Reply(250, "", "mx.example", "SIZE 10", "HELP"), b"250-mx.example\r\n250-SIZE 10\r\n250 HELP\r\n"),
        (Reply(550, "5.1.1", "one", "two"), b"550-5.1.1 one\r\n550 5.1.1 two\r\n"),
    ],
)
def test_how_a_reply_goes_out_and_comes_back(reply: Reply, wire: bytes) -> None:
    assert bytes(reply) == wire
    assert read(read_reply, wire + b"250 next\r\n") == (reply, b"250 next\r\n")


@pytest.mark.parametrize(
    ("wire", "reply"),
    [
        (b"250\r\n", Reply(250, "", "")),
        (b"250-\r\n250\r\n", Reply(250, "", "", "")),
        (b"220 2.0.0\r\n", Reply(220, "2.0.0", "")),
        (b"550-5.1.1   one\r\n550-two\r\n550 5.7.1 three\r\n", Reply(550, "5.1.1", "one", "two", "5.7.1 three")),
        (b"550 4.1.1 odd\r\n", Reply(550, "", "4.1.1 odd")),
        (b"550 5.1.1234 odd\r\n", Reply(550, "", "5.1.1234 odd")),
        (b"290 odd\r\n", Reply(290, "", "odd")),
        (b"250 \xc3\xbc \xff \x00 \x1b[31m a\rb\ttab\r\n", Reply(250, "", "ü � � �[31m a�b\ttab")),
    ],
)
def test_what_servers_send_is_read_leniently(wire: bytes, reply: Reply) -> None:
    assert read(read_reply, wire) == (reply, b"")


@pytest.mark.parametrize(
    "wire",
    [b"\r\n", b"25\r\n", b"hello\r\n", b"250x\r\n", b"150 x\r\n", b"650 x\r\n", b"250-a\r\n251 b\r\n", b"250 a\n"],
)
def test_what_is_no_reply_is_the_servers_fault(wire: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        read(read_reply, wire)


def test_a_reply_has_limits() -> None:
    with pytest.raises(LimitError):
        read(read_reply, b"250 " + b"x" * 5000 + b"\r\n")
    with pytest.raises(LimitError):
        read(read_reply, b"250-x\r\n" * (MAX_LINES + 1))


@pytest.mark.parametrize(
    "parts",
    [
        (199, "", "x"),
        (600, "", "x"),
        (250, "5.0.0", "x"),
        (250, "2.0", "x"),
        (334, "3.0.0", "x"),
        (250, ""),
        (250, "", "a\r\nb"),
        (250, "", "a\x00"),
        (250, "", "a", "b\x1b"),
    ],
)
def test_a_reply_that_can_not_go_out_can_not_be_made(parts: tuple[int, str, str]) -> None:
    with pytest.raises(LocalProtocolError):
        Reply(*parts)


def test_a_line_never_gets_too_long_for_the_wire() -> None:
    words = Reply(550, "5.7.1", "word " * 300)
    lines = bytes(words).split(b"\r\n")
    assert all(len(line) + 2 <= MAX_SENT_LINE and line[4:].startswith(b"5.7.1 word") for line in lines[:-1])
    assert read(read_reply, bytes(words))[0].text.split() == ["word"] * 300
    unbroken = Reply(550, "", "ж" * 300)
    assert all(len(line) + 2 <= MAX_SENT_LINE for line in bytes(unbroken).split(b"\r\n"))
    assert read(read_reply, bytes(unbroken))[0].text.replace(" ", "") == r"\u0436" * 300


def test_what_a_reply_means() -> None:
    ok, go_on, later, no = Reply(250, "", "x"), Reply(354, "", "x"), Reply(451, "", "x"), Reply(550, "5.1.1", "a", "b")
    assert [reply.positive for reply in (ok, go_on, later, no)] == [True, True, False, False]
    assert [reply.temporary for reply in (ok, go_on, later, no)] == [False, False, True, False]
    assert [reply.permanent for reply in (ok, go_on, later, no)] == [False, False, False, True]
    assert (no.text, str(no), str(go_on)) == ("a b", "550 5.1.1 a b", "354 x")


def test_the_named_replies_carry_the_code_that_rfc_2034_demands() -> None:
    named = [value for value in vars(replies).values() if isinstance(value, Reply)]
    assert len(named) > 20
    for reply in named:
        assert bool(reply.enhanced) == (reply.code // 100 != 3), reply
        assert len(bytes(reply).splitlines()) == 1, reply


TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126) | st.just(" "), max_size=60).map(str.strip)


@given(st.integers(200, 599), st.lists(TEXT, min_size=1, max_size=5), st.booleans())
def test_what_is_written_is_read(code: int, lines: list[str], enhanced: bool) -> None:
    status = f"{code // 100}.1.20" if enhanced and code // 100 != 3 else ""
    reply = Reply(code, status, *(f"x{line}" for line in lines))
    assert read(read_reply, bytes(reply) + b"2") == (reply, b"2")


@given(st.lists(st.sampled_from([b"250", b"-", b" ", b"\r\n", b"5.1.1", b"550", b"\xff", b"\n"]), max_size=12))
def test_any_octets_give_a_reply_or_a_protocol_error(pieces: list[bytes]) -> None:
    wire = b"".join(pieces)
    try:
        reply, rest = read(read_reply, wire)
    except RemoteProtocolError:
        reply = None
    assert reply is None or reply.code in (250, 550)
    reader = Reader()
    reader.feed(wire)
    try:
        taken = take_reply(reader)
    except RemoteProtocolError:
        assert reply is None
    else:
        assert taken is None or (taken, len(reader)) == (reply, len(rest)), "a shorter way to the same"
        assert taken is not None or len(reader) == len(wire)


def test_a_whole_line_is_a_reply_at_once() -> None:
    reader = Reader()
    reader.feed(b"250 2.1.0 OK\r\n250-more\r\n")
    assert take_reply(reader) == Reply(250, "2.1.0", "OK")
    assert take_reply(reader) is None and len(reader) == len(b"250-more\r\n")
