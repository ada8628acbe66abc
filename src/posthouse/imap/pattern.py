"""Patterns of LIST and LSUB: RFC 9051 §6.3.9."""

from __future__ import annotations

import re
import unicodedata

# Wildcards side by side mean what one does: "*", if it is among them.
RUN = re.compile(r"[*%]{2,}")
INBOX = "INBOX"
# Letters of a pattern, without its wildcards: more than any name has that a person may know a mailbox by.
MAX_LETTERS = 2_000


class Pattern:
    """``*`` is any characters, ``%`` any but the separator.

    A pattern is understood as names are (§5.1): it is brought to NFC, and the level INBOX, where names begin, is
    compared without case.
    """

    def __init__(self, text: str, separator: str) -> None:
        self._separator = separator
        self._places = _Places(unicodedata.normalize("NFC", text))

    def matches(self, name: str, start: int = 0) -> bool:
        """Whether the name is one that the pattern means. ``start``: where a person's own name for the mailbox begins,
        behind whose it is.
        """
        end = start + len(INBOX)
        if name.startswith(INBOX, start) and name[end : end + 1] in ("", self._separator):
            return self._places.lead_to_the_end(name, self._separator, slice(start, end))
        return self._places.lead_to_the_end(name, self._separator)


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
        if self._prefix is None and self._letters <= MAX_LETTERS:
            for place, character in enumerate(text):
                self._bits[character] = self._bits.get(character, 0) | 1 << place
        self._folded: dict[str, int] = {}  # of capital letters, in either case
        for character, bits in self._bits.items():
            self._folded[character.upper()] = self._folded.get(character.upper(), 0) | bits
        self._any = self._bits.pop("*", 0)
        self._wild = self._any | self._bits.pop("%", 0)

    def lead_to_the_end(self, name: str, separator: str, folded: slice | None = None) -> bool:
        """Whether they do so for all of the name. ``folded``: capital letters in it that are compared without case."""
        if self._prefix is not None:
            prefix = self._prefix
            if folded is not None:
                prefix = prefix[: folded.start] + prefix[folded].upper() + prefix[folded.stop :]
            return name.startswith(prefix)
        if self._letters > min(len(name), MAX_LETTERS):
            return False
        reached = 1  # the places that the name read so far leads to
        if folded is not None:
            reached = self._read(reached, name[: folded.start], separator, self._bits)
            reached = self._read(reached, name[folded], separator, self._folded)
            name = name[folded.stop :]
        reached = self._read(reached, name, separator, self._bits)
        return bool((reached | (reached & self._wild) << 1) >> self._end & 1)

    def _read(self, reached: int, characters: str, separator: str, bits: dict[str, int]) -> int:
        """The places that these characters lead to, from those."""
        for character in characters:
            reached |= (reached & self._wild) << 1  # a wildcard may stand for nothing
            stays = reached & (self._any if character == separator else self._wild)
            reached = stays | (reached & bits.get(character, 0)) << 1
            if not reached:
                break
        return reached
