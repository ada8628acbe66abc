"""Feeding machines and readers in every way a network may: whole, octet by octet, and with more behind."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

from posthouse.wire.reader import Reader

T = TypeVar("T")


def read(parser: Callable[[Reader], Generator[None, None, T]], data: bytes) -> tuple[T, bytes]:
    """Run a parser over ``data`` in every way, demand the same result each time; return it and what was left unread."""
    results: list[tuple[T, bytes]] = []
    for pieces in ([data], [data[i : i + 1] for i in range(len(data))]):
        reader = Reader()
        steps = parser(reader)
        feed: Iterator[bytes] = iter(pieces)
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                rest = b"".join(feed)
                waiting = len(reader)
                reader.feed(rest)
                left = next_or_value(reader.read_exact(waiting + len(rest)))
                results.append((stop.value, left))
                break
            piece = next(feed, None)
            if piece is None:
                reader.feed_eof()
            else:
                reader.feed(piece)
    assert results[0] == results[1], "the result depends on how the octets arrive"
    return results[0]


def next_or_value(steps: Generator[None, None, T]) -> T:
    """The value of a parser that must not wait."""
    try:
        next(steps)
    except StopIteration as stop:
        value: T = stop.value
        return value
    raise AssertionError("the parser waits for more octets")
