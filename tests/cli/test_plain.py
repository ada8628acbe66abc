"""What strangers wrote, on a terminal."""

from __future__ import annotations

import pytest

from posthouse.cli.plain import plain, plain_line

# Not printable by str.isprintable(), and needed.
USED = {
    "Japanese": "件名\u3000全角",
    "French": "Qu\N{LATIN SMALL LETTER E WITH CIRCUMFLEX}te\u202f: 5\u00a0€",
    "Persian": "می\u200cخواهم",
    "Hebrew": "שלום\u200f!",
    "a family": "👨\u200d👩\u200d👧",
    "a long word": "Donau\u00addampf",
}


@pytest.mark.parametrize("text", USED.values(), ids=USED)
def test_scripts_keep_their_spaces_and_joiners(text: str) -> None:
    assert plain(text) == plain_line(text) == text


@pytest.mark.parametrize("sign", ["\x1b", "\x9b", "\x07", "\r", "\x7f", "\u202e", "\u2066", "\u2028", "\ud800"])
def test_no_commands_and_nothing_turned_round(sign: str) -> None:
    assert plain(f"a{sign}b") == plain_line(f"a{sign}b") == "a\N{REPLACEMENT CHARACTER}b"


def test_a_line_is_one_line() -> None:
    assert plain("a\tb\nc") == "a\tb\nc"
    assert plain_line("a\tb\nc") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"
