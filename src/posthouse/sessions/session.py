"""What every session is to the pump in `server/connection`."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

from posthouse.wire.machine import Machine

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, as the network tells it; ``uid``: the user, of a program that came by a socket in the
    file system."""

    address: str
    port: int
    uid: int | None = None

    @property
    def loopback(self) -> bool:
        """Whether the peer is a program on this machine."""
        return self.ip.is_loopback

    @property
    def ip(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
        """The address as a number with a family."""
        return ipaddress.ip_address(self.address)

    @property
    def network(self) -> str:
        """What one peer commands, as a network: an IPv4 address, an IPv6 /64 (RFC 6177 gives everybody one)."""
        address = self.ip
        return str(ipaddress.ip_network((address, 32 if address.version == 4 else 64), strict=False))

    @property
    def literal(self) -> str:
        """The address as SMTP writes it: ``[192.0.2.1]``, ``[IPv6:2001:db8::1]`` (RFC 5321 §4.1.3)."""
        return f"[IPv6:{self.address}]" if ":" in self.address else f"[{self.address}]"

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class BrokenOff(Exception):
    """An answer has begun, and can't be finished: whatever is said now would be taken for a part of it.

    So the connection ends, without a word.
    """


class Line(Protocol):
    """What the connection does for its session."""

    @property
    def peer(self) -> Peer: ...

    @property
    def cipher(self) -> str:
        """TLS version and cipher, as a trace line tells them; empty in clear text."""
        ...

    @property
    def bindings(self) -> Mapping[str, bytes]:
        """What this end knows of the TLS connection, for channel binding (`wire.scram.Channel`); empty: nothing."""
        ...

    @property
    def certified(self) -> tuple[str, ...]:
        """The addresses for which the client has shown a certificate that is trusted; empty: none."""
        ...

    async def flush(self) -> None:
        """Send what the machine holds, and wait until the peer has taken most of it."""
        ...

    def wake(self) -> None:
        """Have `Session.woken` called soon: something changed that the peer waits for."""
        ...


class Session(Generic[E]):
    """A conversation. Subclasses are one per protocol."""

    protocol: ClassVar[str]

    def __init__(self, machine: Machine[E], line: Line) -> None:
        self.machine = machine
        self.line = line

    def begin(self) -> None:
        """The connection stands: greet."""
        raise NotImplementedError

    def secured(self) -> None:
        """TLS began in the middle of the conversation: what the line can do has changed."""

    async def handle(self, event: E) -> None:
        """Answer one event."""
        raise NotImplementedError

    async def woken(self) -> None:
        """What `Line.wake` asked for."""

    def farewell(self, reason: str) -> None:
        """Say in the protocol's words why the server closes the connection."""
        raise NotImplementedError

    def left(self) -> None:
        """The connection is gone while something is answered; what is only read for the peer may be given up."""

    def ended(self) -> None:
        """The connection is gone: give back what is held."""

    @property
    def in_progress(self) -> bool:
        """Whether the peer is in the middle of something that a stop should let it finish."""
        return False

    @property
    def patience(self) -> float:
        """Seconds that the peer may be silent."""
        raise NotImplementedError
