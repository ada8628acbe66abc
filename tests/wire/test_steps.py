"""Dialogues as generators: wishes, and parsers that ask for octets."""

from __future__ import annotations

import pytest

from posthouse.errors import ConnectionFailed
from posthouse.wire.reader import EndOfInput, Reader
from posthouse.wire.steps import Receive, Steps, receive


def test_a_parser_gets_octets_until_it_is_done() -> None:
    reader = Reader()
    steps = receive(reader, reader.read_line(100), 7)
    assert next(steps) == Receive(7)
    assert steps.send(b"220 he") == Receive(7)
    with pytest.raises(StopIteration) as stop:
        steps.send(b"llo\r\nmore")
    assert stop.value.value == b"220 hello"
    assert len(reader) == 4


def test_what_is_already_there_needs_no_wish() -> None:
    reader = Reader()
    reader.feed(b"250 ok\r\n")
    steps: Steps[bytes] = receive(reader, reader.read_line(100), 7)
    with pytest.raises(StopIteration) as stop:
        next(steps)
    assert stop.value.value == b"250 ok"


def test_silence_is_a_failed_connection() -> None:
    reader = Reader()
    steps = receive(reader, reader.read_line(100), 7)
    next(steps)
    with pytest.raises(ConnectionFailed, match="nothing for 7 seconds"):
        steps.send(None)


def test_a_closed_connection_is_what_the_parser_makes_of_it() -> None:
    reader = Reader()
    steps = receive(reader, reader.read_line(100), 7)
    next(steps)
    with pytest.raises(EndOfInput):
        steps.send(b"")


def test_a_time_to_wait_is_not_negative() -> None:
    with pytest.raises(ValueError, match="no time"):
        Receive(-1)
    with pytest.raises(ValueError, match="no time"):
        Receive(float("nan"))
