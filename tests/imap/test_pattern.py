"""LIST's wildcards: RFC 9051 §6.3.9."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.imap.pattern import Pattern


def matches(pattern: str, name: str, separator: str) -> bool:
    return Pattern(pattern, separator).matches(name)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*", "Work/2026/March", True),
        ("%", "Work", True),
        ("%", "Work/2026", False),
        ("Work/%", "Work/2026", True),
        ("Work/%", "Work/2026/March", False),
        ("Work/*", "Work/2026/March", True),
        ("Work*", "Work", True),
        ("W%k", "Work", True),
        ("*/March", "Work/2026/March", True),
        ("%/%/March", "Work/2026/March", True),
        ("inbox", "INBOX", True),
        ("inb%", "INBOX", True),
        ("work", "Work", False),
        ("", "Work", False),
        ("**%%", "", True),
        ("Wörk*", "Wörk/ü", True),
        ("a.c", "abc", False),
    ],
)
def test_what_a_pattern_means(pattern: str, name: str, expected: bool) -> None:
    assert matches(pattern, name, "/") is expected


def test_a_hostile_pattern_takes_no_time() -> None:
    assert not matches("*a" * 500 + "b", "a" * 1000, "/")
    assert matches("*" * 100_000, "Work/2026", "/")
    assert not matches("%*" * 100_000 + "x", "a" * 1000, "/")


@given(st.text("ab/*%", max_size=9), st.text("ab/", max_size=9))
def test_every_pattern(pattern: str, name: str) -> None:
    """As a regular expression says it, which goes back to try again."""
    said = "".join({"*": "(?:.*)", "%": "(?:[^/]*)"}.get(one, re.escape(one)) for one in pattern)
    assert matches(pattern, name, "/") is (re.fullmatch(said, name) is not None)
