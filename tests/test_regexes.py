"""Patterns that mean the same in every Python that we run on.

Up to 3.11.4 (Debian 12 has 3.11.2) a possessive repeat of a group, ``(…)*+``, whose last turn fails in its middle, ends
where the last repeat within it began, and not where that turn did: of "a:b:cde" ``(?:[a-z]++ *+:)*+`` matches all seven
octets, and not four.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

# Nothing public tells what a pattern is made of.
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import posthouse

REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
# Where one alternative fails in its middle, the last one takes the character that it began with.
HARMLESS = {"posthouse.message.html_text._TAG"}


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    for module in pkgutil.walk_packages(posthouse.__path__, "posthouse."):
        if module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, re.Pattern) and value.pattern:
                yield f"{module.name}.{name}", value


def differs(pattern: Any, flags: int = 0) -> bool:
    """Whether a possessive group in it can fail behind something that it repeats."""
    return any(_differs(item) for item in parser.parse(pattern, flags))


def _differs(item: Any) -> bool:
    operator, argument = item
    if operator is sre.POSSESSIVE_REPEAT and not _simple(argument[2]) and _fails_late(argument[2]):
        return True
    return any(_differs(inner) for sequence in _inside(operator, argument) for inner in sequence)


def _inside(operator: Any, argument: Any) -> list[Any]:
    """The sequences that an item is made of."""
    if operator in REPEATS:
        return [argument[2]]
    if operator is sre.BRANCH:
        return list(argument[1])
    if operator is sre.SUBPATTERN:
        return [argument[3]]
    if operator in (sre.ASSERT, sre.ASSERT_NOT):
        return [argument[1]]
    return []


def _simple(sequence: Any) -> bool:
    """Whether it is one character: such a repeat is another one, and right."""
    return len(sequence) == 1 and sequence[0][0] in (sre.LITERAL, sre.NOT_LITERAL, sre.IN, sre.ANY)


def _fails_late(sequence: Any) -> bool:
    moved = False
    for operator, argument in sequence:
        if moved and not (operator in REPEATS and argument[0] == 0):
            return True
        moved = moved or operator in REPEATS
        if any(_fails_late(inner) for inner in _inside(operator, argument) if operator not in REPEATS):
            return True
    return False


def test_no_pattern_meets_it() -> None:
    found = [name for name, pattern in patterns() if differs(pattern.pattern, pattern.flags & ~re.UNICODE)]
    assert set(found) == HARMLESS, found
    assert len(dict(patterns())) > 100


def test_what_meets_it_is_found() -> None:
    assert differs("(?:[a-z]++:)*+")
    assert differs(r"x(?:\[[a-z]{1,80}\])?+")
    assert not differs(r"(?:\n[ \t][^\n]*+)*+") and not differs("[a-z]++:") and not differs("(?:[a-z]++:)*")
