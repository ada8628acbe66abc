"""Faults on demand: what a server does wrong, at which command, and how often."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass

from posthouse.errors import ConfigError, RemoteProtocolError
from posthouse.sessions.house import House
from posthouse.sessions.session import Line
from posthouse.sessions.smtp import SmtpSession
from posthouse.smtp import event
from posthouse.smtp.event import Event
from posthouse.smtp.reply import Reply, read_reply
from posthouse.smtp.role import Role
from posthouse.wire.reader import Reader

from .inbox import Arrivals, make_room

# What can fail: SMTP's commands, and the end of a letter ("LETTER"), after which it would have been taken.
COMMANDS: dict[str, type[Event]] = {
    "EHLO": event.Hello, "STARTTLS": event.StartTls, "AUTH": event.Authenticate, "MAIL": event.MailFrom,
    "RCPT": event.RcptTo, "DATA": event.Data, "LETTER": event.End,
}  # fmt: skip
GARBAGE = b"\xff\xfe no protocol has this \x00\r\n"


@dataclass(slots=True)
class Fault:
    """Something that goes wrong ``times`` times: a wait, then a refusal, nonsense or a cut line, or nothing else."""

    at: type[Event]
    times: int
    delay: float
    reply: Reply | None
    drop: bool
    garbage: bool


class Faults:
    """The faults that are still to come. Set by a test's thread, taken by the server's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, at: str, times: int, delay: float, reply: str, *, drop: bool, garbage: bool) -> None:
        """See `MailServer.fail`."""
        kind = COMMANDS.get(at.upper())
        if kind is None:
            raise ConfigError(f"nothing can fail at {at}", advice=f"There are {', '.join(COMMANDS)}.")
        parsed = _reply(reply) if reply else None
        if reply and (parsed is None or parsed.code < 400):
            raise ConfigError(f"{reply!r} refuses nothing", advice='Write a refusal: "450 4.2.1 Try again later".')
        if not (delay or parsed or drop or garbage):
            raise ConfigError("say what goes wrong", advice="delay=…, reply=…, drop=True or garbage=True.")
        with self._lock:
            self._waiting.append(Fault(kind, times, delay, parsed, drop, garbage))

    def clear(self) -> None:
        """Nothing goes wrong any longer."""
        with self._lock:
            self._waiting.clear()

    def take(self, happened: Event) -> Fault | None:
        """The fault for an event, if there is one."""
        with self._lock:
            for fault in self._waiting:
                if isinstance(happened, fault.at):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._waiting.remove(fault)
                    return fault
        return None


def _reply(text: str) -> Reply | None:
    """A reply as it is written on the wire; None for what is none."""
    reader = Reader()
    reader.feed(text.encode() + b"\r\n")
    try:
        next(read_reply(reader))
    except StopIteration as stop:
        return stop.value if isinstance(stop.value, Reply) else None
    except RemoteProtocolError:
        pass
    return None


class ObligingSession(SmtpSession):
    """An SMTP conversation in which everybody may be written to, and that fails as it is told."""

    def __init__(self, faults: Faults, arrivals: Arrivals, house: House, role: Role, line: Line, *, tls: bool) -> None:
        super().__init__(house, role, line, tls=tls)
        self._faults = faults
        self._arrivals = arrivals
        self._store = house.store

    async def handle(self, event: Event) -> None:
        fault = self._faults.take(event)
        if fault is not None and await self._fail(fault):
            return
        if isinstance(event, COMMANDS["RCPT"]):
            await self._store.write(make_room, event.recipient.mailbox)  # type: ignore[union-attr]
        await super().handle(event)
        if isinstance(event, COMMANDS["LETTER"]):
            self._arrivals.tell()

    async def _fail(self, fault: Fault) -> bool:
        """Do something wrong; True if that was all."""
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.garbage:
            self.machine._send(GARBAGE)  # which no other way of its leads to
        if fault.garbage or fault.drop:
            self.machine.closed = True
            return True
        if fault.reply is not None:
            self._server.reply(fault.reply)
            if fault.at is event.End:
                self._discard()
            return True
        return False
