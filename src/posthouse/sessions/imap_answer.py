"""How a command ends: a `Done` is the tagged OK, a `No` that is raised the tagged NO (RFC 9051 §7.1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from posthouse.errors import AlreadyExists, NotFound, OverQuota, StoreError, StoreFull, sentence


@dataclass(frozen=True, slots=True)
class Done:
    """A command did what it was asked for. ``code`` is a response code without its brackets."""

    text: str
    code: str = ""


# A command's function: it is given the session and the command, and returns None while a dialogue goes on.
Handler = Callable[[Any, Any], Awaitable[Done | None]]


class No(Exception):
    """A command can't be done. ``code`` as in `Done`; ``bad``: it should not have been asked at all (BAD)."""

    def __init__(self, text: str, code: str = "", *, bad: bool = False) -> None:
        super().__init__(text)
        self.code = code
        self.bad = bad


def refusal(error: StoreError) -> No:
    """What the client is told when the store can't do it."""
    text = sentence(error)
    match error:
        case NotFound():
            return No(text, "NONEXISTENT")
        case AlreadyExists():
            return No(text, "ALREADYEXISTS")
        case OverQuota():  # RFC 9208 §4.3.3
            return No(text, "OVERQUOTA")
        case StoreFull():
            # RFC 9208 §4.3.1; a full disk has a cause that the log tells, and is not the client's to mend.
            return No(text, "OVERQUOTA" if error.__cause__ is None else "UNAVAILABLE")
    return No(text, "CANNOT")


def no_such(name: str) -> No:
    """The answer for a mailbox that isn't there."""
    return No(f"There is no mailbox {name}", "NONEXISTENT")
