"""The quick way of reading what lists are made of: it says what the thorough way says, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.imap.answer import Fetched
from posthouse.imap.listed import read_listed
from posthouse.imap.parse import ResponseLimits, read_response
from posthouse.wire.reader import Reader

MOST = 1000
SECTION = b"BODY[HEADER.FIELDS (DATE FROM)] {%d}\r\n%b"
PLAIN = rb'* 7 FETCH (UID 12 FLAGS (\Seen $Forwarded) INTERNALDATE " 1-Jul-2024 02:44:25 -0730" RFC822.SIZE 99 '


def quickly(data: bytes) -> tuple[Fetched | None, int]:
    reader = Reader()
    reader.feed(data)
    return read_listed(reader, MOST), len(reader)


def thoroughly(data: bytes) -> object:
    reader = Reader()
    reader.feed(data)
    parse = read_response(reader, ResponseLimits())
    try:
        next(parse)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it isn't all there")


WHOLE = PLAIN + SECTION % (4, b"a)\r\n") + b")\r\n"


def test_a_list() -> None:
    found, left = quickly(WHOLE + b"* 8 FETCH")
    assert found == thoroughly(WHOLE)
    assert found is not None and found.uid == 12
    assert found.flags == {"\\Seen", "$Forwarded"}
    assert found.sections == {b"BODY[HEADER.FIELDS (DATE FROM)]": b"a)\r\n"}
    assert left == len(b"* 8 FETCH")


def test_flags_alone() -> None:
    line = b"* 8 FETCH (FLAGS (\\SEEN \\flagged) UID 4 MODSEQ (624140003))\r\n"
    found, _ = quickly(line)
    assert found == thoroughly(line) == Fetched(8, 4, frozenset({"\\Seen", "\\Flagged"}), modseq=624140003)


@pytest.mark.parametrize("end", range(len(WHOLE)))
def test_what_is_not_all_there_waits(end: int) -> None:
    assert quickly(WHOLE[:end]) == (None, end)


@pytest.mark.parametrize(
    "line",
    [
        b"* OK hello\r\n",
        b"* 7 EXISTS\r\n",
        b"P1 OK done\r\n",
        b"* 7 FETCH (UID 12 FLAGS (NIL))\r\n",
        b'* 7 FETCH (UID 12 INTERNALDATE "41-Jul-2024 02:44:25 -0730")\r\n',
        b"* 7 FETCH (UID 99999999999)\r\n",
        b"* 7 FETCH (UID 12 BODY[HEADER] NIL)\r\n",
        b'* 7 FETCH (UID 12 BODY[HEADER] "x")\r\n',
        b"* 7 FETCH (UID 12 BODY[] {2}\r\nxx BODY[TEXT] {1}\r\nx)\r\n",
        b"* 7 FETCH (UID 12 BODY[] {2000}\r\n" + b"x" * 2000 + b")\r\n",
        b"* 7 FETCH (UID 12 BODYSTRUCTURE NIL)\r\n",
    ],
)
def test_what_is_left_to_the_thorough_way(line: bytes) -> None:
    assert quickly(line) == (None, len(line))


ITEMS = st.sampled_from(
    [b"UID 3", b"FLAGS ()", b"FLAGS (\\Seen)", b"FLAGS (nil)", b"FLAGS ( \\Draft  a)", b"RFC822.SIZE 10",
     b"MODSEQ (1)", b"MODSEQ ()", b'INTERNALDATE "01-Jan-2020 00:00:60 +0000"', b"BODY[] {1}\r\n)", b"X-GM-MSGID 1",
     b'INTERNALDATE "01-Jan-2020 00:00:00 +2400"', b"BODY[1.MIME]<0> {1}\r\nx", b"BODY[TEXT] NIL", b" "]
)  # fmt: skip


@given(st.lists(ITEMS, max_size=6), st.sampled_from([b" ", b"  ", b""]))
def test_both_ways_say_the_same(items: list[bytes], between: bytes) -> None:
    line = b"* 5 FETCH (" + between.join(items) + b")\r\n"
    found, left = quickly(line)
    assert found is None or (found == thoroughly(line) and left == 0)
