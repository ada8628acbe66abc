"""Why a letter waits, in words for who runs the server, from what the other side said."""

from __future__ import annotations

import re

# The code of RFC 3463 in a reply, without its class; and where there is none, the reply code of RFC 5321.
ENHANCED = re.compile(r"\b[45]\.(\d{1,3}\.\d{1,3})\b")
CODE = re.compile(r"(?:^| said: )([45]\d\d)(?=[ -])")

REASONS = {
    "1.8": "They can't check the sender's domain at the moment.",
    "2.1": "The mailbox takes no letters at the moment.",
    "2.2": "The mailbox is full.",
    "3.1": "Their server has no room.",
    "3.2": "Their server takes no letters at the moment.",
    "4.1": "Nobody answers there.",
    "4.2": "The connection broke.",
    "4.3": "Their server can't look up what it needs.",
    "4.5": "Their server is overloaded.",
    "5.3": "The letter has more recipients than they take at a time.",
    "7.0": "They want to see the letter again later (greylisting, or too much from here).",
    "7.1": "They want to see the letter again later (greylisting, or a rule of theirs).",
    "7.5": "The line can't be made as safe as it has to be.",
    "7.25": "This server's address has no name in the DNS (PTR).",
    "7.28": "Too many letters came from here.",
}
CODES = {
    "421": "Their server takes no letters at the moment.",
    "450": "They want to see the letter again later (greylisting), or the mailbox can't be reached.",
    "451": "Their server has a problem, or wants to see the letter again later (greylisting).",
    "452": "Their server or the mailbox has no room.",
    "454": "Their server can't begin TLS, or check a login.",
}


def in_words(said: str) -> str:
    """What the last word of the other side means; empty where it says it itself, or is our own."""
    if enhanced := ENHANCED.search(said):
        return REASONS.get(enhanced[1], "")
    code = CODE.search(said)
    return CODES.get(code[1], "") if code else ""
