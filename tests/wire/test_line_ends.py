"""Line ends, whatever a program wrote, and however the octets are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.wire.line_ends import LineEnds


def through(*chunks: bytes, stuffed: bool = False) -> bytes:
    ends = LineEnds(stuffed=stuffed)
    return b"".join([*map(ends.write, chunks), ends.end()])


@pytest.mark.parametrize(
    ("wrote", "text"),
    [
        (b"a\r\nb\r\n", b"a\r\nb\r\n"),
        (b"a\nb\n", b"a\r\nb\r\n"),
        (b"a\rb\r", b"a\r\nb\r\n"),
        (b"a\r\r\nb", b"a\r\n\r\nb"),
        (b"a\n\r\nb", b"a\r\n\r\nb"),
        (b"", b""),
    ],
)
def test_bare_ends_become_whole(wrote: bytes, text: bytes) -> None:
    assert through(wrote) == text
    assert through(*(wrote[i : i + 1] for i in range(len(wrote)))) == text


@pytest.mark.parametrize(
    ("wrote", "text"),
    [
        (b"a\n..\nb", b"a\r\n.\r\nb"),
        (b"a\n...c", b"a\r\n..c"),
        (b"a\r\n..c", b"a\r\n..c"),  # behind a whole line end the machine has taken the dot away
        (b"a\r.c", b"a\r\n.c"),
    ],
)
def test_dots_doubled_behind_a_bare_lf(wrote: bytes, text: bytes) -> None:
    assert through(wrote, stuffed=True) == text
    assert through(*(wrote[i : i + 1] for i in range(len(wrote))), stuffed=True) == text


@given(st.lists(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a"]), max_size=6), max_size=4), st.booleans())
def test_the_result_does_not_depend_on_the_cuts(chunks: list[list[bytes]], stuffed: bool) -> None:
    pieces = [b"".join(chunk) for chunk in chunks]
    whole = through(b"".join(pieces), stuffed=stuffed)
    assert through(*pieces, stuffed=stuffed) == whole
    assert b"\n" not in whole.replace(b"\r\n", b"") and b"\r" not in whole.replace(b"\r\n", b"")
