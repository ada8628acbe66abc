"""One name server that is asked: over UDP, many questions over a socket at a time; over TCP what is too long for that.

A socket is kept as long as somebody waits for an answer on it, and then closed: the next question has another port, as
RFC 5452 §9.2 wants it. Where there is always somebody, it has had its time after some questions.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from dataclasses import dataclass, field

from posthouse.errors import ProtocolError

from . import dns_wire
from .dns_wire import Question

# Questions for one socket.
MAX_QUESTIONS = 64
# RFC 1035 §4.2.1 says 512; who sends more has not been asked to, and is understood all the same.
DATAGRAM = 4096
# Answers that are read at a time, before others get their turn.
AT_ONCE = 32


class Nameserver:
    """For one event loop at a time."""

    def __init__(self, address: str, port: int = 53) -> None:
        self.address = address
        self.port = port
        self.here = ipaddress.ip_address(address.partition("%")[0]).is_loopback
        self._line: _Line | None = None

    async def answer(self, question: Question, seconds: float) -> bytes:
        """The octets of the answer. Errors: TimeoutError, OSError, ProtocolError."""
        until = asyncio.get_running_loop().time() + seconds
        octets = await self._by_datagram(question, until)
        if octets is None or dns_wire.truncated(octets):
            async with asyncio.timeout_at(until):
                octets = await self._by_stream(question)
        return octets

    async def _by_datagram(self, question: Question, until: float) -> bytes | None:
        """None where it is better asked over TCP."""
        line = self._line
        if line is None or not line.has_room_for(question):
            line = self._line = _Line(self.address, self.port)
        try:
            return await line.ask(question, until)
        finally:
            if line is self._line and line.closed:
                self._line = None

    async def _by_stream(self, question: Question) -> bytes:
        reader, writer = await asyncio.open_connection(self.address, self.port)
        try:
            writer.write(len(question.octets).to_bytes(2) + question.octets)
            octets = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
        except asyncio.IncompleteReadError as error:
            raise ProtocolError(f"{self.address} ended the connection without an answer") from error
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        if question.check(octets) is False:
            raise ProtocolError(f"{self.address} answered another question")
        return octets


@dataclass(slots=True)
class _Waiting:
    """A question that is out. ``answer``: None where it came in the wrong case."""

    question: Question
    answer: asyncio.Future[bytes | None]

    def give_up(self) -> None:
        """The time is over."""
        if not self.answer.done():
            self.answer.set_exception(TimeoutError())


@dataclass(slots=True)
class _Line:
    """A socket on a port of chance, connected: the system drops what comes from elsewhere."""

    address: str
    port: int
    closed: bool = False
    _asked: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _waiting: dict[int, _Waiting] = field(default_factory=dict)
    _socket: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        family, kind, protocol, _, to = socket.getaddrinfo(
            self.address, self.port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
        )[0]
        self._socket = socket.socket(family, kind, protocol)
        try:
            self._socket.setblocking(False)
            self._socket.connect(to)
            self._loop.add_reader(self._socket.fileno(), self._read)
        except BaseException:
            self._socket.close()
            raise

    def has_room_for(self, question: Question) -> bool:
        return (
            not self.closed
            and self._asked < MAX_QUESTIONS
            and question.id not in self._waiting
            and self._loop is asyncio.get_running_loop()
        )

    async def ask(self, question: Question, until: float) -> bytes | None:
        """Errors: TimeoutError, where there is no answer at that time of the loop; OSError."""
        waiting = _Waiting(question, self._loop.create_future())
        self._waiting[question.id] = waiting
        self._asked += 1
        timer = self._loop.call_at(until, waiting.give_up)  # half as dear as `asyncio.timeout`
        try:
            self._socket.send(question.octets)
            return await waiting.answer
        finally:
            timer.cancel()
            del self._waiting[question.id]
            if not self._waiting:
                self._close()

    def _read(self) -> None:
        for _ in range(AT_ONCE):
            try:
                octets = self._socket.recv(DATAGRAM)
            except BlockingIOError:
                return
            except OSError as error:  # nothing listens there
                for one in self._waiting.values():
                    if not one.answer.done():
                        one.answer.set_exception(ConnectionError(str(error)))
                return
            waiting = self._waiting.get(int.from_bytes(octets[:2]))
            if waiting is None or waiting.answer.done():
                continue
            fits = waiting.question.check(octets)
            if fits is not False:
                waiting.answer.set_result(octets if fits else None)

    def _close(self) -> None:
        self.closed = True
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
