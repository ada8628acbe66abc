"""Promises for any octets: nothing raises, every octet is accounted for, time is linear."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linear import assert_linear
from message_promises import PIECES, UNITS, check
from posthouse.message import attachment, body, html_text, mime, summary, thread
from posthouse.message.address import parse_addresses
from posthouse.message.date import parse_date
from posthouse.message.header import Headers, decode_text, raw_text
from posthouse.message.message import ParsedMessage

MESSAGES = st.lists(st.sampled_from(PIECES) | st.binary(max_size=8), max_size=25).map(b"".join) | st.binary()


@settings(max_examples=200)
@given(MESSAGES)
def test_nothing_raises_and_nothing_is_lost(raw: bytes) -> None:
    check(raw)


# -- linear time ----------------------------------------------------------------------------------------------------


def test_a_test_of_time_can_fail() -> None:
    backtracking = re.compile(rb"a*b")
    with pytest.raises(AssertionError, match="for a sixteenth"):
        assert_linear(lambda size: backtracking.search(b"a" * (size // 4)))


DEEP = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level) for level in range(99))


@pytest.mark.parametrize(
    "before",
    [
        b"", b"Subject: ", b"To: ", b"Content-Type: a/b; ", b"References: ", b"Date: ", b"\n",
        b"Content-Transfer-Encoding: ", b"Content-Disposition: ", b"Content-Type: ", b"Content-Language: ",
        b"Content-Type: multipart/mixed; boundary=-\n\n", b"Content-Type: text/html\n\n",
        b"Content-Transfer-Encoding: base64\n\n", b"Content-Transfer-Encoding: quoted-printable\n\n",
        b"Content-Type: text/plain; format=flowed; charset=utf-7\n\n", DEEP,
    ],
)  # fmt: skip
def test_time_is_linear(before: bytes) -> None:
    for unit in UNITS:

        def run(size: int, unit: bytes = unit) -> None:
            raw = before + unit * (size // len(unit)) + b"x\nSubject: x\n\ny"
            message = ParsedMessage(raw)
            assert isinstance(message.text, str) and isinstance(message.defects, tuple)
            summary.summarize(raw)

        assert_linear(run)


@pytest.mark.parametrize(
    "function",
    [
        decode_text, raw_text, parse_addresses, parse_date, Headers, body.from_base64, body.from_quoted_printable,
        body.find_uuencoded,
        lambda octets: attachment.uuencoded(mime.scan(b""), b"", octets),
        lambda octets: html_text.to_text(octets.decode("latin-1"), links=True),
        lambda octets: thread.base_subject(octets.decode("latin-1")),
        lambda octets: thread.message_ids(octets.decode("latin-1")),
    ],
)  # fmt: skip
def test_each_step_is_linear(function: Callable[[bytes], object]) -> None:
    for unit in UNITS:
        assert_linear(lambda size, unit=unit: function(b"x" + unit * (size // len(unit)) + b"x"))
