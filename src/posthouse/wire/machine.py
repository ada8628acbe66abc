"""The shape of every machine: four verbs that the code between machine and network (the pump) calls.

::

    machine.receive_data(data)           # or receive_eof()
    for event in machine.events():       # lazily: the next event is parsed when this one has been answered
        ...                              # answer it: machine.reply(...), whatever the protocol's words are
    write(machine.data_to_send())

A server's machine parses one command, yields its event, and waits: what comes next may depend on the answer (after
DATA a letter or the next command, after STARTTLS a handshake). So pipelined commands are taken one by one, and their
replies go out together.

`Machine.tls` and `Machine.closed` tell the pump what it has to do after each event: begin TLS, or close.
"""

from __future__ import annotations

import enum
from collections.abc import Generator, Iterator
from typing import Generic, TypeVar

from posthouse.errors import LocalProtocolError, RemoteProtocolError

from .reader import Reader

E = TypeVar("E")
# What a machine's parser does: it yields an event, or None for "more octets, please".
Events = Generator[E | None, None, None]


class Tls(enum.Enum):
    """How far the connection is on its way to TLS."""

    NONE = "clear text"
    WANTED = "the go-ahead for TLS is given; the handshake is next"
    ACTIVE = "encrypted"


class Machine(Generic[E]):
    """Bytes in, events out; octets to send gather until the pump takes them."""

    def __init__(self, *, tls: bool = False) -> None:
        self.reader = Reader()
        self.tls = Tls.ACTIVE if tls else Tls.NONE
        self.closed = False  # nothing more will be read; the pump sends what waits, then closes
        self.output_size = 0  # octets that wait to be sent
        self.interrupted = (
            False  # the events that have come are more than there were: `events` goes on when asked again
        )
        self._out: list[bytes] = []
        self._steps = self._converse()

    def _converse(self) -> Events[E]:
        """The conversation, written as one generator by each protocol."""
        raise NotImplementedError

    def _failed(self, error: RemoteProtocolError) -> None:
        """The peer broke the rules beyond repair: the protocol's last words. The connection closes."""

    @property
    def unread(self) -> int:
        """The number of octets that came and aren't parsed yet."""
        return len(self.reader)

    # -- called by the pump --------------------------------------------------------------------------------------

    def receive_data(self, data: bytes) -> None:
        """Octets came from the network. Afterwards: run through `events`."""
        if not self.closed:
            self.reader.feed(data)

    def receive_eof(self) -> None:
        """The peer closed its side. Afterwards: run through `events`."""
        self.reader.feed_eof()

    def events(self) -> Iterator[E]:
        """What the octets received so far mean. Lazy: an event must be answered before the next is asked for."""
        while not self.closed and self.tls is not Tls.WANTED:
            try:
                event = next(self._steps)
            except StopIteration:
                self.closed = True
            except RemoteProtocolError as error:
                self._failed(error)
                self.closed = True
            else:
                if event is None:
                    return
                yield event

    def data_to_send(self) -> bytes:
        """The octets that wait to be sent; they are handed out once."""
        if not self._out:
            return b""
        data = b"".join(self._out)
        self._out.clear()
        self.output_size = 0
        return data

    def tls_started(self) -> None:
        """The handshake begins; octets that are fed from now on came encrypted.

        What came before is forgotten (RFC 3207 §4.2: command injection).
        """
        if self.tls is not Tls.WANTED:
            raise LocalProtocolError("TLS began without the protocol's go-ahead")
        self.tls = Tls.ACTIVE
        self.reader.clear()

    # -- called by the protocol ----------------------------------------------------------------------------------

    def _send(self, data: bytes) -> None:
        self._out.append(data)
        self.output_size += len(data)
