"""The envelope: whom a letter comes from and goes to, apart from what its header says (RFC 5321 §2.3.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from .dsn import Notify, Return
from .path import Mailbox

# RFC 6152 §2, RFC 3030 §3: what the client says about the letter's body.
Body: TypeAlias = Literal["7BIT", "8BITMIME", "BINARYMIME"]


@dataclass(frozen=True, slots=True)
class DeliverBy:
    """RFC 2852 §4: ``seconds`` from the MAIL command on; negative: the time is over. ``mode``: return the letter then,
    or notify the sender and go on; ``trace``: report each relaying too.
    """

    seconds: int
    mode: Literal["R", "N"]
    trace: bool = False

    def __str__(self) -> str:
        return f"{self.seconds};{self.mode}{'T' if self.trace else ''}"


@dataclass(frozen=True, slots=True)
class Hold:
    """RFC 4865 §3: don't let the letter go for so many ``seconds``, or ``until`` a time in UTC; the other is None."""

    seconds: int | None = None
    until: datetime | None = None

    def __str__(self) -> str:
        """As a report tells it: §5.1.2."""
        return f"for;{self.seconds}" if self.until is None else f"until;{self.until:%Y-%m-%dT%H:%M:%SZ}"


@dataclass(slots=True)
class Recipient:
    """One RCPT command: the mailbox, and what was asked for it.

    ``notify``: when the sender wants a report (RFC 3461 §4.1), empty when it didn't say; ``orcpt``: whom it wrote to
    first, in the form of §4.2 ("rfc822;ada@example.org"), or None.
    """

    mailbox: Mailbox
    notify: frozenset[Notify] = frozenset()
    orcpt: str | None = None

    def __str__(self) -> str:
        return str(self.mailbox)


@dataclass(slots=True)
class Envelope:
    """One mail transaction: what MAIL said, and the recipients that were accepted.

    ``sender`` is None for the null reverse-path ``<>``; ``size`` the octets that the client declared (RFC 1870), or
    None; ``ret`` and ``envid`` what reports should contain (RFC 3461 §4.3, §4.4; ``envid`` is xtext), or None;
    ``requiretls`` forbids to hand the letter on in clear text (RFC 8689); ``deliver_by``, ``hold``: when it should have
    arrived, and before when it shouldn't leave; ``priority``: -9 to 9, the higher the sooner (RFC 6710).
    """

    sender: Mailbox | None
    recipients: list[Recipient] = field(default_factory=list)
    size: int | None = None
    body: Body = "7BIT"
    smtputf8: bool = False
    ret: Return | None = None
    envid: str | None = None
    requiretls: bool = False
    deliver_by: DeliverBy | None = None
    hold: Hold | None = None
    priority: int = 0
