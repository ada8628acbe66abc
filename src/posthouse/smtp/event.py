"""What happens in a server's conversation: the session's input. Each event says how it is answered.

*Answered*: the session must answer before the next event, or the machine raises `LocalProtocolError`. *Told*: the
machine has its own answer; the session may give another, a refusal for example. *Silent*: nothing is answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from .envelope import Envelope, Recipient
from .path import Mailbox


@dataclass(frozen=True, slots=True)
class Hello:
    """EHLO (``extended``), HELO or LHLO; any transaction is over. Told: the machine lists what it can do.

    ``domain`` is what the client calls itself: up to 255 printable characters, and nothing else is certain.
    """

    domain: str
    extended: bool


@dataclass(frozen=True, slots=True)
class StartTls:
    """STARTTLS. Told: the machine gives the go-ahead (220), and the handshake follows.

    After the handshake the client is a stranger again: a new `Hello` comes, and nothing said before counts.
    """


@dataclass(frozen=True, slots=True)
class Authenticate:
    """AUTH. Answered with ``challenge(data)``, ``authenticated()`` or ``reply(refusal)``.

    ``mechanism`` is one of those that the machine offers; ``initial`` the initial response, or None without one.
    """

    mechanism: str
    initial: bytes | None


@dataclass(frozen=True, slots=True)
class AuthResponse:
    """The client's response to a challenge. Answered like `Authenticate`.

    ``data`` is None when the exchange is over without result (the client cancelled it, or sent what is no base64);
    then the machine answers.
    """

    data: bytes | None


@dataclass(frozen=True, slots=True)
class MailFrom:
    """MAIL: a transaction begins, if this is accepted. Answered with ``reply``."""

    envelope: Envelope

    @property
    def sender(self) -> Mailbox | None:
        return self.envelope.sender


@dataclass(frozen=True, slots=True)
class RcptTo:
    """RCPT: one more recipient, if this is accepted. Answered with ``reply``."""

    recipient: Recipient


@dataclass(frozen=True, slots=True)
class Data:
    """DATA, or the first BDAT (``counted``): the letter is announced. Answered with ``reply``: 354 lets it come.

    After BDAT the client sends without being asked: it doesn't hear the 354, and hears a refusal after its chunk.
    """

    counted: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next octets of the letter, with the dots of the wire taken away. Silent."""

    data: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The letter is complete: ``size`` octets. Answered with ``reply``; in LMTP once for each recipient, in order."""

    size: int


@dataclass(frozen=True, slots=True)
class Aborted:
    """The letter that was begun will not come to its end (too big, connection lost): throw it away. Silent."""


@dataclass(frozen=True, slots=True)
class Reset:
    """RSET: the transaction, if there is one, is over. Silent."""


@dataclass(frozen=True, slots=True)
class Verify:
    """VRFY. Told: the machine says that it doesn't verify (252)."""

    text: str


@dataclass(frozen=True, slots=True)
class Expand:
    """EXPN. Told: the machine says that lists are not expanded (502)."""

    text: str


@dataclass(frozen=True, slots=True)
class Quit:
    """QUIT: the client is done. Silent: the machine says goodbye and closes."""


Event: TypeAlias = (
    Hello
    | StartTls
    | Authenticate
    | AuthResponse
    | MailFrom
    | RcptTo
    | Data
    | Chunk
    | End
    | Aborted
    | Reset
    | Verify
    | Expand
    | Quit
)
