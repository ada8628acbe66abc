"""Dates: RFC 9051 §9, date and date-time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.imap.date import EARLIEST, LATEST, InternalDate, read_date, read_date_time
from posthouse.imap.syntax import Cursor, Malformed


def test_the_example() -> None:
    moment = read_date_time(Cursor(b'"17-Jul-1996 02:44:25 -0700"'))
    assert moment.datetime == datetime(1996, 7, 17, 9, 44, 25, tzinfo=UTC)
    assert moment.zone == -420
    assert str(moment) == '"17-Jul-1996 02:44:25 -0700"'


def test_a_day_below_ten_is_padded_with_a_space() -> None:
    assert str(InternalDate(0, 90)) == '" 1-Jan-1970 01:30:00 +0130"'
    assert read_date_time(Cursor(b'"1-jan-1970 01:30:00 +0130"')) == InternalDate(0, 90)


def test_a_leap_second_is_the_second_before() -> None:
    assert read_date_time(Cursor(b'"31-Dec-2016 23:59:60 +0000"')) == read_date_time(
        Cursor(b'"31-Dec-2016 23:59:59 +0000"')
    )


@pytest.mark.parametrize(
    "text",
    [b"", b"17-Jul-1996 02:44:25 -0700", b'"17-Jul-1996"', b'"31-Feb-1996 02:44:25 -0700"',
     b'"17-Foo-1996 02:44:25 -0700"', b'"17-Jul-1996 24:44:25 -0700"', b'"17-Jul-1996 02:60:25 -0700"',
     b'"17-Jul-1996 02:44:61 -0700"', b'"17-Jul-1996 02:44:25 -0760"', b'"17-Jul-1996 02:44:25 -2400"',
     b'"17-Jul-0000 02:44:25 -0700"', b'" 1-Jan-0001 00:00:00 +0100"', b'"17-Jul-96 02:44:25 -0700"',
     b'"17-Jul-1996 02:44:25 -0700', b'" 117-Jul-1996 02:44:25 -0700"'],
)  # fmt: skip
def test_what_is_no_date_time(text: bytes) -> None:
    with pytest.raises(Malformed):
        read_date_time(Cursor(text))


@settings(max_examples=150)
@given(st.integers(EARLIEST, LATEST - 1), st.integers(-1439, 1439))
def test_round_trip(epoch: int, zone: int) -> None:
    moment = InternalDate(epoch, zone)
    try:
        shown = datetime(1970, 1, 1, tzinfo=timezone(timedelta(minutes=zone))) + timedelta(seconds=epoch, minutes=zone)
    except OverflowError:
        return
    assert bytes(moment).decode() == shown.strftime('"%e-%b-') + f"{shown.year:04d}" + shown.strftime(' %H:%M:%S %z"')
    assert read_date_time(Cursor(bytes(moment))) == moment


@pytest.mark.parametrize("text", [b"1-Feb-1994", b"01-FEB-1994", b'"1-feb-1994"', b"1-Feb-1994)", b"1-Feb-1994 X"])
def test_days(text: bytes) -> None:
    assert read_date(Cursor(text)) == date(1994, 2, 1)


@pytest.mark.parametrize(
    "text",
    [b"", b"1-Feb-94", b'"1-Feb-1994', b"30-Feb-1994", b"1-Feb-1994x", b"1-Feb-0000", b"1 Feb 1994", b"1-Feb-19944"],
)
def test_what_is_no_day(text: bytes) -> None:
    with pytest.raises(Malformed):
        read_date(Cursor(text))
