"""The envelope: whom a letter comes from and goes to, apart from what its header says (RFC 5321 §2.3.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from .dsn import Notify, Return
from .path import Mailbox

# RFC 6152 §2, RFC 3030 §3: what the client says about the letter's body.
Body: TypeAlias = Literal["7BIT", "8BITMIME", "BINARYMIME"]


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
    ``requiretls`` forbids to hand the letter on in clear text (RFC 8689).
    """

    sender: Mailbox | None
    recipients: list[Recipient] = field(default_factory=list)
    size: int | None = None
    body: Body = "7BIT"
    smtputf8: bool = False
    ret: Return | None = None
    envid: str | None = None
    requiretls: bool = False
