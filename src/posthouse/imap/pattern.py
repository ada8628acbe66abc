"""Patterns of LIST and LSUB: RFC 9051 §6.3.9."""

from __future__ import annotations

# A pattern of "*" and "%" alone could make a matcher try for ever; this one takes time in proportion to the lengths
# of pattern and name, whatever they are.


def matches(pattern: str, name: str, separator: str) -> bool:
    """Whether ``name`` is one that ``pattern`` means: ``*`` is any characters, ``%`` any but the separator.

    INBOX is compared without case, as everywhere (RFC 9051 §5.1).
    """
    if name.upper() == "INBOX":
        pattern, name = pattern.upper(), name.upper()
    # The places in the pattern that the name read so far leads to.
    places = _past_wildcards(pattern, {0})
    for character in name:
        places = _past_wildcards(
            pattern,
            {
                place if wild else place + 1
                for place in places
                if place < len(pattern)
                and ((wild := _takes(pattern[place], character, separator)) or pattern[place] == character)
            },
        )
        if not places:
            return False
    return len(pattern) in places


def _takes(wildcard: str, character: str, separator: str) -> bool:
    return wildcard == "*" or (wildcard == "%" and character != separator)


def _past_wildcards(pattern: str, places: set[int]) -> set[int]:
    """The same places, and those behind wildcards that stand for nothing."""
    reached = set(places)
    for place in places:
        while place < len(pattern) and pattern[place] in "*%":
            place += 1
            reached.add(place)
    return reached
