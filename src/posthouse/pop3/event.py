"""What happens in a server's conversation: the session's input. Each event says how it is answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Login:
    """USER and PASS. Answered with ``authenticated(maildrop)`` or ``refuse(reply)``."""

    user: str
    password: str = field(repr=False)  # it must not get into a log by accident


@dataclass(frozen=True, slots=True)
class Authenticate:
    """AUTH. Answered with ``challenge(data)``, ``authenticated(maildrop)`` or ``refuse(reply)``.

    ``mechanism`` is one of those that the machine offers; ``initial`` the initial response, or None without one.
    """

    mechanism: str
    initial: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuthResponse:
    """The client's response to a challenge. Answered like `Authenticate`.

    ``data`` is None when the exchange is over without result (the client cancelled it, or sent what is no base64);
    then the machine answers.
    """

    data: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Retrieve:
    """RETR, or TOP with so many ``lines`` of the body.

    Answered with ``begin_text(…)``, ``text(octets)`` as long as it returns True, and ``end_text()``; or with
    ``refuse(reply)``. ``place`` is the message's place in the maildrop, which begins at 0.
    """

    place: int
    lines: int | None

    @property
    def number(self) -> int:
        """The message's number, as the client says it."""
        return self.place + 1


@dataclass(frozen=True, slots=True)
class Update:
    """QUIT after a login: the marked messages of the maildrop are to be removed now, all or none.

    Answered with ``updated()`` or ``refuse(reply)``; the machine closes after either.
    """


@dataclass(frozen=True, slots=True)
class Said:
    """The machine has answered a command by itself, or a part of it: a moment to send what waits. Silent.

    It comes once for each command, and once for each part of a long list, so that neither a hundred thousand pipelined
    commands nor a list of as many messages hold up others or gather in memory.
    """

    verb: str


Event: TypeAlias = Login | Authenticate | AuthResponse | Retrieve | Update | Said
