"""Patterns of LIST and LSUB: RFC 9051 §6.3.9."""

from __future__ import annotations

import re

# Wildcards side by side mean what one does: "*", if it is among them.
RUN = re.compile(r"[*%]{2,}")
INBOX = "INBOX"


class Pattern:
    """``*`` is any characters, ``%`` any but the separator. INBOX is compared without case, as everywhere (§5.1)."""

    def __init__(self, text: str, separator: str) -> None:
        self._separator = separator
        self._pattern = _Places(text)
        self._folded = _Places(text.upper())

    def matches(self, name: str) -> bool:
        """Whether the name is one that the pattern means."""
        if name.upper() == INBOX:
            return self._folded.lead_to_the_end(INBOX, self._separator)
        return self._pattern.lead_to_the_end(name, self._separator)


class _Places:
    """The places in a pattern as bits of a number: where each character stands, and where which wildcard.

    So a name takes some steps for each of its characters, whatever the pattern is. What goes back to try again could be
    made to do so for ever.
    """

    def __init__(self, text: str) -> None:
        text = RUN.sub(lambda run: "*" if "*" in run[0] else "%", text)
        self._bits: dict[str, int] = {}
        self._end = len(text)
        self._letters = len(text) - text.count("*") - text.count("%")
        self._prefix = text[:-1] if text.endswith("*") and self._letters == len(text) - 1 else None
        if self._prefix is None:
            for place, character in enumerate(text):
                self._bits[character] = self._bits.get(character, 0) | 1 << place
        self._any = self._bits.pop("*", 0)
        self._wild = self._any | self._bits.pop("%", 0)

    def lead_to_the_end(self, name: str, separator: str) -> bool:
        """Whether they do so for all of the name."""
        if self._prefix is not None:
            return name.startswith(self._prefix)
        if self._letters > len(name):
            return False
        reached = 1  # the places that the name read so far leads to
        for character in name:
            reached |= (reached & self._wild) << 1  # a wildcard may stand for nothing
            stays = reached & (self._any if character == separator else self._wild)
            reached = stays | (reached & self._bits.get(character, 0)) << 1
            if not reached:
                return False
        return bool((reached | (reached & self._wild) << 1) >> self._end & 1)
