"""LIST's wildcards: RFC 9051 §6.3.9."""

from __future__ import annotations

import itertools
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
        ("inbox/s1", "INBOX/s1", True),
        ("inbox/S1", "INBOX/s1", False),
        ("inbox/%", "INBOX/s1", True),
        ("Inbox/*", "INBOX/s1/deep", True),
        ("i%", "INBOX", True),
        ("i%", "INBOX/s1", False),
        ("*box/s1", "INBOX/s1", True),
        ("inboxes", "INBOXES", False),
        ("inbox*", "INBOXES", False),
        ("a/inbox", "a/INBOX", False),
        ("e\u0301*", "\xe9-x", True),
        ("e\u0301-x", "\xe9-x", True),
        ("", "Work", False),
        ("**%%", "", True),
        ("Wörk*", "Wörk/ü", True),
        ("a.c", "abc", False),
    ],
)
def test_what_a_pattern_means(pattern: str, name: str, expected: bool) -> None:
    assert matches(pattern, name, "/") is expected


def test_where_a_persons_own_names_begin() -> None:
    assert Pattern("Others/ada/inbox/%", "/").matches("Others/ada/INBOX/s1", len("Others/ada/"))
    assert Pattern("others/ada/inbox/*", "/").matches("Others/ada/INBOX/s1", len("Others/ada/")) is False


def test_a_hostile_pattern_takes_no_time() -> None:
    assert not matches("*a" * 500 + "b", "a" * 1000, "/")
    assert matches("*" * 100_000, "Work/2026", "/")
    assert not matches("%*" * 100_000 + "x", "a" * 1000, "/")


@given(st.text("ab/*%", max_size=9), st.text("ab/", max_size=9))
def test_every_pattern(pattern: str, name: str) -> None:
    """As a regular expression says it, which goes back to try again."""
    said = "".join({"*": "(?:.*)", "%": "(?:[^/]*)"}.get(one, re.escape(one)) for one in pattern)
    assert matches(pattern, name, "/") is (re.fullmatch(said, name) is not None)


@given(st.lists(st.sampled_from(["in", "IN", "n", "box", "OX", "inbox", "a", "/", "*", "%"]), max_size=7),
       st.text("aA/", max_size=4))  # fmt: skip
def test_every_pattern_for_inbox(pieces: list[str], below: str) -> None:
    """INBOX, in any case, is the beginning of its names."""
    name = f"INBOX/{below}" if below else "INBOX"
    said = "".join({"*": "(?:.*)", "%": "(?:[^/]*)"}.get(one, re.escape(one)) for one in pieces)
    spellings = [
        "".join(letters) + name[len("INBOX") :] for letters in itertools.product(*zip("INBOX", "inbox", strict=True))
    ]
    expected = any(re.fullmatch(said, spelling) for spelling in spellings)
    assert matches("".join(pieces), name, "/") is expected


def test_a_pattern_that_no_name_is_long_enough_for() -> None:
    """A megabyte of it once held the server up for seconds."""
    for wanted in ("*a" * 500_000 + "*b", "ab%" * 300_000, "x" * 1_000_000 + "%"):
        assert not Pattern(wanted, "/").matches("a" * 1_000)
    assert Pattern("a*" * 700, "/").matches("a" * 1_000)
