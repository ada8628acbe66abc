"""LIST's wildcards: RFC 9051 §6.3.9."""

from __future__ import annotations

import pytest

from posthouse.imap.pattern import matches


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
