"""What became of a letter for one recipient, in one attempt."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from posthouse.errors import (
    ConnectionFailed,
    NoRoute,
    NotFound,
    OverQuota,
    PosthouseError,
    SmtpRefused,
    StoreError,
)
from posthouse.smtp.reply import Reply

from .recipient import Found


class Outcome(enum.Enum):
    """The words of RFC 3464 §2.3.3."""

    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"
    DELAYED = "delayed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``status`` is a code of RFC 3463 ("5.1.1"); ``text`` what was said, on one line, by ``host`` or, where that is
    empty, by ourselves; ``reply``: whether ``text`` is a server's reply. ``advice``: what the sender may do.
    ``offered``: the extensions of the server that took the letter; with DSN, it reports on what follows.
    """

    outcome: Outcome
    status: str
    text: str
    host: str = ""
    reply: bool = False
    advice: str = ""
    offered: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.host} said: {self.text}" if self.reply else self.text


def of_reply(reply: Reply, host: str, *, asked: bool = True) -> Verdict:
    """What a refusal means. What is neither 4yz nor 5yz makes no sense here, and may another time.

    ``asked``: whether the server said it. Else reports may not give it as its words, nor the server as who reported it:
    RFC 3464 §2.3.5, §2.3.6.
    """
    outcome = Outcome.FAILED if reply.permanent else Outcome.DELAYED
    text = str(reply) if asked else f"{host} was not asked: {reply.text}"
    return Verdict(outcome, reply.enhanced or _status(outcome), text, host, reply=asked)


def of_error(error: PosthouseError, host: str = "") -> Verdict:
    """What it means that no letter could be handed over at all."""
    outcome, status = Outcome.DELAYED, "4.4.2"
    if isinstance(error, NoRoute):
        outcome = Outcome.DELAYED if error.temporary else Outcome.FAILED
        status = error.enhanced
    elif isinstance(error, SmtpRefused):
        outcome = Outcome.DELAYED if error.temporary else Outcome.FAILED
        status = error.enhanced or _status(outcome)
    elif isinstance(error, ConnectionFailed):
        status = "4.4.1"
    return Verdict(outcome, status, str(error), host, advice=error.advice if outcome is Outcome.FAILED else "")


def of_place(error: StoreError | None, found: Found | None = None) -> Verdict:
    """What it means that a letter was put where the recipient's letters go (``found``), or wasn't."""
    if error is None and found is not None and found.targets:
        if found.goes_on:  # RFC 3461 §5.2.7.2: who gets it next reports, as one who was handed it
            return Verdict(Outcome.RELAYED, "2.1.5", "the letter goes on", offered=frozenset({"DSN", "DELIVERBY"}))
        return Verdict(Outcome.EXPANDED, "2.1.5", "the letter goes on to those behind this address")
    if error is None:
        return Verdict(Outcome.DELIVERED, "2.1.5", "the letter is in the mailbox")
    if isinstance(error, NotFound):
        return Verdict(Outcome.FAILED, "5.1.1", "there is no such mailbox here")
    if isinstance(error, OverQuota):
        outcome, status = (Outcome.FAILED, "5.2.2") if error.never else (Outcome.DELAYED, "4.2.2")
        return Verdict(outcome, status, "the mailbox is full")
    return Verdict(Outcome.DELAYED, "4.3.0", str(error))


def _status(outcome: Outcome) -> str:
    return "5.0.0" if outcome is Outcome.FAILED else "4.0.0"
