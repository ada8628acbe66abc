"""A client's dialogue as a generator: it yields wishes, whoever drives it grants them, and it returns a result.

::

    def noop(conversation) -> Steps[None]:
        yield b"NOOP\\r\\n"                                              # octets: send these
        reply = yield from receive(reader, read_reply(reader), 300)    # wait for an answer
        ...

So everything that can go wrong in a dialogue is written once, is tested without a socket, and runs on a blocking
socket as well as under asyncio (client/drive.py has the two loops).
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

from posthouse.errors import ConnectionFailed

from .reader import Parse, Reader

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Receive:
    """Wait for octets, at most ``timeout`` seconds.

    The answer is the octets, ``b""`` when the peer closed the connection, or None when the time is over.
    ``goes_on``: the time began with the wish to receive before this one, and is for both.
    """

    timeout: float
    goes_on: bool = False

    def __post_init__(self) -> None:
        if not self.timeout >= 0:
            raise ValueError(f"no time to wait: {self.timeout}")


@dataclass(frozen=True, slots=True)
class StartTls:
    """Begin TLS on this connection, as its client. The peer has given its go-ahead."""


@dataclass(frozen=True, slots=True)
class ProbeTls:
    """On a second connection to the same server: begin TLS unasked.

    The answer is the first octet that the server sent in return, or ``b""``. Asked where a server keeps silent: it may
    be waiting for TLS, as we wait for its greeting.
    """


class Source(Protocol):
    """Octets that are sliced: bytes, or something that reads them from a disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, where: slice, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Read:
    """Slice octets where that may take a while; the answer is the slice."""

    source: Source
    start: int
    end: int


# Octets are a wish too: "send these".
Wish: TypeAlias = bytes | Receive | Read | StartTls | ProbeTls
Steps: TypeAlias = Generator[Wish, bytes | None, T]


def receive(reader: Reader, parse: Parse[T], timeout: float, *, whole: bool = False) -> Steps[T]:
    """Run a parser over ``reader``, and receive octets wherever it waits for more.

    ``timeout``: seconds that the peer may be silent, or, with ``whole``, take for all of it, so that an octet now and
    then doesn't keep us for ever; then `ConnectionFailed`. A peer that closes the connection meets what the parser says
    about the end of its input.
    """
    begun = False
    while True:
        try:
            next(parse)
        except StopIteration as stop:
            result: T = stop.value
            return result
        data = yield Receive(timeout, goes_on=whole and begun)
        if data is None:
            if whole and begun:
                raise ConnectionFailed(f"the server's answer was not complete after {timeout:g} seconds")
            raise ConnectionFailed(f"the server said nothing for {timeout:g} seconds")
        begun = True
        if data:
            reader.feed(data)
        else:
            reader.feed_eof()
