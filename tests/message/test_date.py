"""Dates of every kind: the standard's, those of real programs, and those that say nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message.date import format_date, parse_date

CET = timezone(timedelta(hours=1))
NOON = datetime(2009, 3, 16, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 16 Mar 2009 12:00:00 +0000",
        "16 Mar 2009 12:00 +0000",
        "Mon,16 Mar 2009 12:00:00 GMT",
        "Mon, 16 March 2009 12:00:00 UT",
        "mon, 16 mar 2009 12:00:00 Z",
        "Mon, 16 Mar 09 12:00:00 GMT",
        "Mon, 16 Mar 109 12:00:00 GMT",
        "Mon, 16 Mar 2009 13:00:00 +0100 (CET)",
        "Mon (Monday), 16 Mar 2009 12:00:00 +0000",
        "Mon, 16 Mar 2009 13:00:00 +01:00",
        "Mon, 16 Mar 2009 13:00:00 +100",
        "Mon, 16 Mar 2009 13:00:00+0100",
        "Mon, 16 Mar 2009 13:00:00 CET",
        "Mon, 16 Mar 2009 13:00:00 GMT+1",
        "Mon, 16 Mar 2009 13:00:00 GMT+01:00",
        "Mon, 16 Mar 2009 07:00:00 EST",
        "Mon, 16 Mar 2009 12:00:00 A",  # RFC 5322 §4.3: military zones say nothing
        "Mon, 16 Mar 2009 12:00:00 XYZ",
        "Mon, 16 Mar 2009 12:00:00 -0000",
        "Mon, 16 Mar 2009 12:00:00",
        "Mon, 16 Mar 2009 12:00:00 +9900",
        "Mon, 16 Mar 2009 12.00.00 +0000",
        "Mon, 16 Mar 2009 12:0:0 +0000",
        "Mon, 16 Mar 2009 12:00:00.123 +0000",
        "Monday, 16-Mar-09 12:00:00 GMT",
        "16-Mar-2009 12:00:00 +0000",
        "Mon Mar 16 12:00:00 2009",
        "Mon Mar 16 13:00:00 CET 2009",
        "Mon Mar 16 13:00:00 2009 +0100",
        "Mon, Mar 16, 2009 12:00:00 +0000",
        "2009-03-16T12:00:00Z",
        "2009-03-16 13:00:00 +01:00",
        "Mo, 16 Mar 2009 12:00:00 +0000",
        "Lun., 16 Mar 2009 12:00:00 +0000",
        "Tue, 16 Mar 2009 12:00:00 +0000",  # the wrong day's name
        " Mon, 16\r\n Mar 2009 12:00:00 +0000",
    ],
)
def test_noon(text: str) -> None:
    assert parse_date(text.replace("\r\n", "")) == NOON
    assert parse_date(f" {text}\r\n".encode()) == NOON


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "16.03.09", "03/16/2009 12:00:00", "16 Mar 2009", "16.03.2009 12:00:00", "12:00:00",
        "Mon, 16 Mar 2009",
        "Mon, 32 Mar 2009 12:00:00 +0000", "Mon, 31 Feb 2009 12:00:00 +0000", "Mon, 16 Mar 2009 24:00:00 +0000",
        "Mon, 16 Mar 2009 12:60:00 +0000", "Mon, 16 Mar 2009 12:00:61 +0000", "Mon, 16 Mar 0109 12:00:00 +0000",
        "Mon, 16 Marble 2009 12:00:00 +0000", "Mon, 16 Mär 2009 12:00:00 +0000", "Mon, 16 Mar 2009 01:00:00 PM",
        "Mon, 16 Mar 20090 12:00:00", "yesterday", "1237204800", "Mon, 0 Mar 2009 12:00:00 +0000",
        "2009-13-16 12:00:00",
        "((((((((", "Mon, 16 Mar 2009 \u0661\u0662:00:00 +0000" + "x" * 300,
    ],
)  # fmt: skip
def test_nothing_is_invented(text: str) -> None:
    assert parse_date(text) is None


def test_no_field_no_date() -> None:
    assert parse_date(None) is None


@pytest.mark.parametrize(
    ("year", "read"), [("00", 2000), ("49", 2049), ("50", 1950), ("99", 1999), ("100", 2000), ("123", 2023)]
)
def test_short_years(year: str, read: int) -> None:
    """RFC 5322 §4.3: two digits up to 49 are of this century, three count from 1900 (old programs' defect)."""
    found = parse_date(f"1 Jan {year} 00:00:00 +0000")
    assert found is not None and found.year == read


def test_a_leap_second_is_the_second_before() -> None:
    assert parse_date("Sat, 31 Dec 2016 23:59:60 +0000") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_the_offset_is_kept() -> None:
    found = parse_date("Mon, 16 Mar 2009 12:00:00 -0330")
    assert found is not None and found.utcoffset() == timedelta(hours=-3.5)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOON, "Mon, 16 Mar 2009 12:00:00 +0000"),
        (datetime(2009, 3, 6, 1, 2, 3, tzinfo=CET), "Fri, 06 Mar 2009 01:02:03 +0100"),
        (datetime(2009, 3, 6, 1, 2, 3, tzinfo=timezone(timedelta(hours=-3.5))), "Fri, 06 Mar 2009 01:02:03 -0330"),
        (datetime(2009, 3, 6, 1, 2, 3), "Fri, 06 Mar 2009 01:02:03 -0000"),
    ],
)
def test_format_date(moment: datetime, text: str) -> None:
    assert format_date(moment) == text


@given(
    st.datetimes(
        min_value=datetime(1900, 1, 2),
        max_value=datetime(9999, 12, 30),
        timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    )
)
def test_what_is_written_is_read(moment: datetime) -> None:
    assert parse_date(format_date(moment)) == moment.replace(microsecond=0)


@given(st.text(alphabet="Mon, 16Mar2009:+()-.TZ\x85", max_size=50))
def test_anything_is_read(text: str) -> None:
    found = parse_date(text)
    assert found is None or found.tzinfo is not None
