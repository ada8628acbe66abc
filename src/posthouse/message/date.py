"""Dates in header fields (RFC 5322 §3.3, §4.3) and their broken relatives.

    date-time   = [ day-of-week "," ] day month year hour ":" minute [ ":" second ] zone
    obs-year    = 2*DIGIT;  obs-zone = "UT" / "GMT" / "EST" / … / single letters

A date that can't be understood is None; none is ever invented. So day and month have to be told apart (``16.03.09`` is
nothing), and there has to be a time of day.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from . import header

_MONTHS = {
    "jan": 1, "january": 1, "feb": 2, "february": 2, "mar": 3, "march": 3, "apr": 4, "april": 4, "may": 5, "jun": 6,
    "june": 6, "jul": 7, "july": 7, "aug": 8, "august": 8, "sep": 9, "sept": 9, "september": 9, "oct": 10,
    "october": 10, "nov": 11, "november": 11, "dec": 12, "december": 12,
}  # fmt: skip
_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

# Hours east of Greenwich. RFC 5322 §4.3 names the American ones; the others are unambiguous and in use. Any other
# name means -0000: the time is UTC, the place unknown.
_ZONES = {
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7, "akst": -9, "akdt": -8,
    "hst": -10, "wet": 0, "west": 1, "cet": 1, "cest": 2, "met": 1, "mest": 2, "mez": 1, "mesz": 2, "eet": 2,
    "eest": 3, "msk": 3, "jst": 9, "kst": 9, "hkt": 8, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13,
}  # fmt: skip

_TIME = r"(?P<hour>\d{1,2})[:.](?P<minute>\d{1,2})(?:[:.](?P<second>\d{1,2})(?:[.,]\d{1,9})?)?"
_ZONE = (
    r"(?:\s*(?P<zone>[+-]\s?\d{1,2}:?\d{2}(?!\d)|[A-Za-z]{1,5}(?![A-Za-z]))(?P<offset>[+-]\d{1,2}(?::?\d{2})?(?!\d))?)?"
)
_DAY_NAME = r"(?:[A-Za-z]{2,9}\.?\s*(?:,\s*|\s))?"
_FORMS = tuple(
    re.compile(rf"\s*{form}(?![\d:])", re.ASCII)
    for form in (
        # Mon, 16 Mar 2009 12:00:00 +0100; also 16-Mar-09, no blanks round the comma, no seconds
        rf"{_DAY_NAME}(?P<day>\d{{1,2}})[\s.-]*(?P<month>[A-Za-z]{{3,9}})\.?,?[\s-]*(?P<year>\d{{2,4}}),?\s+{_TIME}{_ZONE}",
        # Mon Mar 16 12:00:00 [CET] 2009, the C library's asctime
        rf"{_DAY_NAME}(?P<month>[A-Za-z]{{3,9}})\s+(?P<day>\d{{1,2}}),?\s+{_TIME}{_ZONE}\s+(?P<year>\d{{4}})"
        r"(?:\s+(?P<late>[+-]\d{4}))?",
        # Mon, Mar 16, 2009 12:00:00 +0100
        rf"{_DAY_NAME}(?P<month>[A-Za-z]{{3,9}})\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}}),?\s+{_TIME}{_ZONE}",
        # 2009-03-16T12:00:00Z (RFC 3339), also with a blank
        rf"{_DAY_NAME}(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}})(?:T|\s+){_TIME}{_ZONE}",
    )
)
_COMMENT = re.compile(r"\([^()]*\)")
_NUMERIC_ZONE = re.compile(r"([+-])\s?(\d{1,2}):?(\d{2})?")
# Longer than any date with its comments; what is behind is not looked at.
_LONGEST = 200


def parse_date(value: str | bytes | None) -> datetime | None:
    """The moment that a Date field names, with its offset from UTC; None if it can't be told.

    Without a zone, with an unknown or an impossible one, the time is taken as UTC (RFC 5322 §4.3: such zones
    "SHOULD be considered equivalent to "-0000""). A leap second is the second before it.
    """
    if value is None:
        return None
    text = header.raw_text(value) if isinstance(value, bytes) else value
    text = text[:_LONGEST]
    if "(" in text:
        text = _COMMENT.sub(" ", text)
    for form in _FORMS:
        if match := form.match(text):
            return _moment(match)
    return None


def _moment(match: re.Match[str]) -> datetime | None:
    year_digits, month_name, day, hour, minute, second, zone, offset = match.group(
        "year", "month", "day", "hour", "minute", "second", "zone", "offset"
    )
    month = _MONTHS.get(month_name.lower(), 0) or (int(month_name) if month_name.isdecimal() else 0)
    year = int(year_digits)
    if len(year_digits) == 2:  # RFC 5322 §4.3
        year += 2000 if year < 50 else 1900
    elif len(year_digits) == 3:
        year += 1900
    if year < 1900:  # §3.3: 4*DIGIT, "1900 or later"
        return None
    if zone and zone.lower() in ("am", "pm"):  # a clock of twelve hours, which no standard has
        return None
    if offset is None and "late" in match.re.groupindex:
        offset = match["late"]
    seconds = 59 if second == "60" else int(second or 0)
    try:
        return datetime(year, month, int(day), int(hour), int(minute), seconds, tzinfo=_zone(zone, offset))
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _zone(name: str | None, offset: str | None) -> timezone:
    """``name`` may be numeric; ``offset`` is what follows a name ("GMT+1", "UTC +0100")."""
    numeric = name if name and name[0] in "+-" else offset
    if numeric and (match := _NUMERIC_ZONE.fullmatch(numeric)):
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        if minutes < 24 * 60:
            return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes)) if minutes else UTC
        return UTC
    return timezone(timedelta(hours=_ZONES.get(name.lower(), 0))) if name else UTC


def format_date(moment: datetime) -> str:
    """``moment`` as RFC 5322 §3.3 writes it: ``Mon, 16 Mar 2009 12:00:00 +0100``.

    A datetime without a zone is UTC of which the place is unknown: ``-0000`` (§3.3).
    """
    offset = moment.utcoffset()
    if offset is None:
        zone = "-0000"
    else:
        minutes = round(offset.total_seconds() / 60)
        sign = "-" if minutes < 0 else "+"
        zone = f"{sign}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
    return (
        f"{_DAY_NAMES[moment.weekday()]}, {moment.day:02d} {_MONTH_NAMES[moment.month - 1]} {moment.year:04d} "
        f"{moment.hour:02d}:{moment.minute:02d}:{moment.second:02d} {zone}"
    )
