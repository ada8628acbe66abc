"""Conversations with a server's machine, written as transcripts.

::

    C: EHLO client.example          a line that the client sends, with CR LF
    S: 250 mx.example               a line that the server must answer with; one ending in "..." is a beginning
    C| raw octets                   sent without CR LF; \\x0a stands for an octet in both forms
    TLS                             the server wants the handshake now; it takes place
    C eof                           the client closes its side
    S closes                        the server wants to close the connection

Every transcript is run three times: block by block, octet by octet, and with everything up to the next TLS in one
piece, so that what follows a command is there before it is answered. The same must come out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from posthouse.wire.machine import Machine, Tls

E = TypeVar("E")
Handle = Callable[[E], None]
# A fresh machine and the one who answers its events.
Open = Callable[[], tuple[Machine[E], Handle[E]]]


@dataclass
class Block:
    """What the client sends in one go, and what the server answers."""

    sent: bytes = b""
    expected: list[str] = field(default_factory=list)
    eof: bool = False
    tls: bool = False
    closes: bool = False


def converse(open_machine: Open[E], text: str) -> list[E]:
    """Run a transcript in every way; return the events."""
    runs = [
        Run(open_machine).go(blocks, octets)
        for blocks, octets in (
            (list(parse(text)), False),
            (list(parse(text)), True),
            (list(joined(parse(text))), False),
        )
    ]
    assert runs[0] == runs[1], "the events depend on how the octets arrive"
    assert runs[0] == runs[2], "the events depend on what comes behind"
    return runs[0]


class Run(Generic[E]):
    """One run of a transcript."""

    def __init__(self, open_machine: Open[E]) -> None:
        self.machine, self.handle = open_machine()
        self.events: list[E] = []

    def go(self, blocks: list[Block], octets: bool) -> list[E]:
        for block in blocks:
            for piece in [block.sent[i : i + 1] for i in range(len(block.sent))] if octets else [block.sent]:
                self.machine.receive_data(piece)
                self.pump()
            if block.eof:
                self.machine.receive_eof()
                self.pump()
            check(self.machine.data_to_send(), block.expected)
            assert self.machine.closed == block.closes, "closed" if self.machine.closed else "not closed"
            assert (self.machine.tls is Tls.WANTED) == block.tls, self.machine.tls
            if block.tls:
                self.machine.tls_started()
        return merged(self.events)

    def pump(self) -> None:
        for event in self.machine.events():
            self.events.append(event)
            self.handle(event)


def merged(events: list[E]) -> list[E]:
    """The events with neighbouring chunks of data made one: where they are cut is the network's affair.

    So is how much of a text was handed over before it was aborted.
    """
    result: list[E] = []
    for event in events:
        data = getattr(event, "data", None)
        if result and type(event).__name__ == "Aborted" and type(result[-1]).__name__ == "Chunk":
            result[-1] = event
        elif result and type(event).__name__ == "Chunk" == type(result[-1]).__name__:
            result[-1] = type(event)(getattr(result[-1], "data") + data)  # noqa: B009
        else:
            result.append(event)
    return result


def check(sent: bytes, expected: list[str]) -> None:
    """Compare what the server sent with the transcript's lines."""
    assert sent.endswith(b"\r\n") or not sent, "the last line has no end"
    lines = sent.decode(errors="backslashreplace").split("\r\n")[:-1]
    for line, wanted in zip(lines, expected, strict=False):
        if wanted.endswith("..."):
            assert line.startswith(wanted[:-3])
        else:
            assert line == wanted
    assert len(lines) == len(expected), f"sent {lines}, wanted {expected}"


def parse(text: str) -> Iterator[Block]:
    """The blocks of a transcript."""
    block = Block()
    for raw in text.splitlines():
        line = raw.strip()
        if not line:
            continue
        kind, rest = line[:2], line[2:].removeprefix(" ")
        if kind in ("C:", "C|") and (block.expected or block.closes):
            yield block
            block = Block()
        if kind in ("C:", "C|"):
            block.sent += octets_of(rest) + (b"\r\n" if kind == "C:" else b"")
        elif kind == "S:":
            block.expected.append(rest)
        elif line == "C eof":
            if block.expected:
                yield block
                block = Block()
            block.eof = True
        elif line == "S closes":
            block.closes = True
        elif line == "TLS":
            block.tls = True
            yield block
            block = Block()
        else:
            raise AssertionError(f"a transcript has no such line: {line}")
    yield block


def joined(blocks: Iterator[Block]) -> Iterator[Block]:
    """The blocks, with everything up to the next TLS in one."""
    whole = Block()
    for block in blocks:
        whole.sent += block.sent
        whole.expected += block.expected
        whole.eof |= block.eof
        whole.closes |= block.closes
        if block.tls:
            whole.tls = True
            yield whole
            whole = Block()
    yield whole


def octets_of(text: str) -> bytes:
    """UTF-8, with ``\\x0a`` for octets that can't be typed."""
    return re.sub(rb"\\x([0-9a-f]{2})", lambda match: bytes.fromhex(match[1].decode()), text.encode())
