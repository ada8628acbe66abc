"""The log: lines of one turn of the event loop are written together, and none is lost."""

from __future__ import annotations

import asyncio
import io
import logging
import threading

import pytest

from posthouse.server.log import Gathering, Stamping


class Counted(io.StringIO):
    """A stream that knows how often it was written to."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


@pytest.fixture
def handler() -> Gathering:
    made = Gathering()
    made.setStream(Counted())
    return made


def record(text: str, level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord("posthouse", level, __file__, 1, text, (), None)


def test_lines_of_a_turn_are_one_write(handler: Gathering) -> None:
    async def turn() -> None:
        for number in range(3):
            handler.handle(record(str(number)))
        assert handler.stream.getvalue() == ""
        await asyncio.sleep(0)
        assert handler.stream.getvalue() == "0\n1\n2\n"
        handler.handle(record("3"))
        await asyncio.sleep(0)

    asyncio.run(turn())
    assert (handler.stream.getvalue(), handler.stream.writes) == ("0\n1\n2\n3\n", 2)


def test_what_is_not_on_a_loop_is_written_at_once(handler: Gathering) -> None:
    handler.handle(record("alone"))
    assert handler.stream.getvalue() == "alone\n"


def test_errors_and_other_threads_do_not_wait_and_keep_the_order(handler: Gathering) -> None:
    async def turn() -> None:
        handler.handle(record("first"))
        handler.handle(record("second", logging.ERROR))
        assert handler.stream.getvalue() == "first\nsecond\n"
        handler.handle(record("third"))
        thread = threading.Thread(target=handler.handle, args=(record("fourth"),))
        thread.start()
        thread.join()
        assert handler.stream.getvalue() == "first\nsecond\nthird\nfourth\n"

    asyncio.run(turn())


def test_what_a_loop_left_is_written_by_the_next_or_at_the_end(handler: Gathering) -> None:
    async def last_words(text: str) -> None:
        handler.handle(record(text))

    for number in range(2):
        loop = asyncio.new_event_loop()
        task = loop.create_task(last_words(str(number)))
        loop.run_until_complete(task)
        loop.close()
    handler.flush()
    assert handler.stream.getvalue() == "0\n1\n"


def test_a_stamp_is_what_the_library_makes() -> None:
    """Each line its own time, also in the same second, and in one before."""
    ours, theirs = Stamping("%(asctime)s %(message)s"), logging.Formatter("%(asctime)s %(message)s")
    for created in (1_800_000_000.0, 1_800_000_000.25, 1_800_000_001.999, 1_800_000_000.5):
        line = record("a letter")
        line.created, line.msecs = created, created % 1 * 1000
        assert ours.format(line) == theirs.format(line)
