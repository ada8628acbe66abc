"""SASLprep: RFC 4013, with its own examples (§3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.errors import LoginRefused
from posthouse.wire.saslprep import saslprep


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b\u3000c", "a b c"),
        ("pa\u0308ss", "p\u00e4ss"),
        ("\u0627\u0031\u0628", "\u0627\u0031\u0628"),
        ("e\u0340", "\u00e8"),  # prohibited, but gone after NFKC
        ("\N{GRINNING FACE}", "\N{GRINNING FACE}"),
    ],
)
def test_what_becomes_of_a_name(text: str, prepared: str) -> None:
    assert saslprep(text) == prepared


@pytest.mark.parametrize(
    "text", ["", "\u00ad", "\u0007", "a\u007f", "\u0627\u0031", "\u0627a\u0628", "\ue000", "\ufffd", "\u202e", "\udc80"]
)
def test_what_can_not_be_a_name(text: str) -> None:
    with pytest.raises(LoginRefused):
        saslprep(text)


@given(st.text(max_size=10))
def test_what_is_prepared_stays_so(text: str) -> None:
    try:
        prepared = saslprep(text)
    except LoginRefused:
        return
    assert saslprep(prepared) == prepared
