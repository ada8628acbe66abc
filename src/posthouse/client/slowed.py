"""Servers that are too busy for this account, for now: what they say, and how long to wait before asking again."""

from __future__ import annotations

import re

from posthouse.errors import ConnectionFailed, ImapRefused, PosthouseError

# Seconds before the same is asked again, each time; after the last one the person is told.
PAUSES = (2.0, 10.0, 30.0)
# RFC 5530 §3, and what Gmail and Yahoo say.
CODES = frozenset({"UNAVAILABLE", "INUSE", "SERVERBUG", "THROTTLED"})
WORDS = re.compile(
    r"too many (?:simultaneous |concurrent )?(?:connections|requests|commands|sessions)"  # Gmail, with [ALERT]
    r"|maximum number of connections"  # Dovecot, with [UNAVAILABLE] or without
    r"|(?:bandwidth|command) limits"  # Gmail, with [OVERQUOTA]: it isn't the mailbox that is full
    r"|authenticated but not connected"  # Exchange Online, with BAD, when it has had enough of an account
    r"|server unavailable"  # Exchange Online: "BAD Server Unavailable. 15"
    r"|rate limit|throttl|try again later|temporar(?:y|ily)",
    re.IGNORECASE,
)


def said_slowly(text: str) -> bool:
    """Whether these words of a server mean: not now."""
    return WORDS.search(text) is not None


def slowed(error: PosthouseError) -> bool:
    """Whether the server did nothing because it is busy, so that the same may work soon."""
    if isinstance(error, ImapRefused):
        return error.code in CODES or said_slowly(str(error))
    return isinstance(error, ConnectionFailed) and said_slowly(str(error))


def explain(error: PosthouseError, seconds: float) -> None:
    """Say to the person that we have asked again and again, for so long."""
    error.advice = (
        f"The server slows this account down; it was asked {len(PAUSES) + 1} times within {seconds:.0f} seconds."
        f" {error.advice or 'Close other mail programs, and try again in some minutes.'}"
    )
