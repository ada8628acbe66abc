"""The reader: lines, literals and chunks, however the octets arrive."""

from __future__ import annotations

import pytest

from posthouse.errors import LimitError
from posthouse.wire.reader import BareLineFeed, EndOfInput, Reader
from wire_helpers import next_or_value, read


@pytest.mark.parametrize(
    ("data", "line", "rest"),
    [
        (b"NOOP\r\n", b"NOOP", b""),
        (b"\r\n", b"", b""),
        (b"a\rb\r\nNEXT\r\n", b"a\rb", b"NEXT\r\n"),
    ],
)
def test_a_line_is_what_stands_before_cr_lf(data: bytes, line: bytes, rest: bytes) -> None:
    assert read(lambda reader: reader.read_line(100), data) == (line, rest)


def test_a_bare_lf_is_an_error_that_leaves_the_next_line_readable() -> None:
    reader = Reader()
    reader.feed(b"EHLO x\nNOOP\r\n")
    with pytest.raises(BareLineFeed, match="CR LF"):
        next(reader.read_line(100))
    assert next_or_value(reader.read_line(100)) == b"NOOP"


def test_the_limit_counts_the_line_end() -> None:
    assert read(lambda reader: reader.read_line(6), b"NOOP\r\n") == (b"NOOP", b"")
    with pytest.raises(LimitError, match="5 octets"):
        read(lambda reader: reader.read_line(5), b"NOOP\r\n")


def test_an_endless_line_is_refused_before_it_is_kept() -> None:
    reader = Reader()
    steps = reader.read_line(10)
    next(steps)
    reader.feed(b"x" * 10)
    with pytest.raises(LimitError):
        next(steps)


def test_the_rest_of_a_long_line_can_be_passed_over() -> None:
    assert read(lambda reader: reader.skip_line(100), b"x" * 40 + b"\r\nNOOP\r\n") == (None, b"NOOP\r\n")
    with pytest.raises(LimitError):
        read(lambda reader: reader.skip_line(20), b"x" * 40 + b"\r\n")


def test_a_literal_is_counted_not_searched() -> None:
    assert read(lambda reader: reader.read_exact(6), b"a\r\nb\r\nrest") == (b"a\r\nb\r\n", b"rest")


def test_the_end_of_input_inside_something_is_an_error_and_between_things_is_not() -> None:
    with pytest.raises(EndOfInput):
        read(lambda reader: reader.read_line(100), b"NOO")
    assert read(lambda reader: reader.at_eof(), b"") == (True, b"")
    assert read(lambda reader: reader.at_eof(), b"x") == (False, b"x")


def test_a_line_that_comes_octet_by_octet_is_searched_once() -> None:
    reader = Reader()
    steps = reader.read_line(1 << 20)
    next(steps)
    for _ in range(50_000):
        reader.feed(b"x")
        next(steps)
    assert reader._scanned == 50_000
