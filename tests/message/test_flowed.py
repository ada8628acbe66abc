"""format=flowed (RFC 3676)."""

from __future__ import annotations

import pytest

from posthouse.message.flowed import unflow


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("", ""),
        ("one\ntwo\n", "one\ntwo\n"),
        ("one \ntwo\nthree", "one two\nthree"),
        ("one \ntwo \nthree \n", "one two three "),
        (" stuffed\n  twice\n>not a quote\n", "stuffed\n twice\n>not a quote\n"),
        ("> a \n> b\n> c\n", "> a b\n> c\n"),
        (">> a \n>> b\n> c", ">> a b\n> c"),
        ("> a \nb \nc", "> a \nb c"),  # §4.5: another quoting depth ends a paragraph
        ("text \n-- \nAnn\n", "text \n-- \nAnn\n"),  # §4.3
        (" From here \non", "From here on"),
        ("ends flowing ", "ends flowing "),
    ],
)
def test_unflow(written: str, text: str) -> None:
    assert unflow(written) == text


def test_delsp() -> None:
    """§4.1: with DelSp=yes the blank is no part of the text (for scripts without blanks)."""
    assert unflow("長い \n文 \n字\n", delsp=True) == "長い文字\n"
