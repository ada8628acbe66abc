"""Dates of IMAP: the day that SEARCH compares with, and the date-time of INTERNALDATE (RFC 9051 §9)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

from .syntax import Cursor

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTH = {name.lower().encode(): number for number, name in enumerate(MONTHS, 1)}

# date            = date-text / DQUOTE date-text DQUOTE          date-text = date-day "-" date-month "-" date-year
DATE = re.compile(rb'("?)([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})\1(?![^ )\r\n])')
# date-time       = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
# date-day-fixed  = (SP DIGIT) / 2DIGIT    (a lone digit is read too: some clients forget the space)
DATE_TIME = re.compile(rb'" ?([0-9]{1,2}-[A-Za-z]{3}-[0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-][0-9]{4})"')

EPOCH = date(1970, 1, 1).toordinal()
DAY = 86_400
# The years that four digits and `datetime` can write, a day inside so that every zone can show them.
EARLIEST = (date(1, 1, 2).toordinal() - EPOCH) * DAY
LATEST = (date(9999, 12, 31).toordinal() - EPOCH) * DAY


@dataclass(frozen=True, slots=True)
class InternalDate:
    """A moment, and the zone in which it was told: ``epoch`` in seconds since 1970, ``zone`` in minutes east of UTC."""

    epoch: int
    zone: int = 0

    def __post_init__(self) -> None:
        if not EARLIEST <= self.epoch < LATEST:
            raise ValueError(f"{self.epoch} is outside the years 1 to 9999")
        if not -DAY // 60 < self.zone < DAY // 60:
            raise ValueError(f"no zone is {self.zone} minutes from UTC")

    def __bytes__(self) -> bytes:
        return internal_date(self.epoch, self.zone)

    def __str__(self) -> str:
        return bytes(self).decode("ascii")

    @property
    def datetime(self) -> datetime:
        """The same as an aware `datetime`."""
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=self.epoch)
        return moment.astimezone(timezone(timedelta(minutes=self.zone)))


def internal_date(epoch: int, zone: int) -> bytes:
    """date-time as INTERNALDATE is answered: ``"17-Jul-1996 02:44:25 -0700"`` with its quotes."""
    days, seconds = divmod(epoch + zone * 60, DAY)
    minutes, second = divmod(seconds, 60)
    return b"%b%b%02d%b" % (_day(days), _minute(minutes), second, _zone(zone))


@lru_cache(maxsize=4096)  # ten years of mail; a listing asks for the same days again and again
def _day(days: int) -> bytes:
    day = date.fromordinal(EPOCH + days)
    return f'"{day.day:2d}-{MONTHS[day.month - 1]}-{day.year:04d} '.encode()


@lru_cache(maxsize=DAY // 60)
def _minute(minutes: int) -> bytes:
    return b"%02d:%02d:" % divmod(minutes, 60)


@lru_cache(maxsize=64)
def _zone(zone: int) -> bytes:
    return b' %b%02d%02d"' % (b"-" if zone < 0 else b"+", *divmod(abs(zone), 60))


@lru_cache(maxsize=4096)  # as many as `_day` keeps, for the same lists
def _days(text: bytes) -> int:
    day, month, year = text.split(b"-")
    return date(int(year), MONTH[month.lower()], int(day)).toordinal() - EPOCH


@lru_cache(maxsize=64)
def _zone_minutes(text: bytes) -> int:
    """Minutes east of UTC."""
    minutes = int(text[1:3]) * 60 + int(text[3:])
    if int(text[3:]) > 59:
        raise ValueError("no such zone")
    return -minutes if text[:1] == b"-" else minutes


def read_date(cursor: Cursor) -> date:
    """The day of a search key."""
    start = cursor.at
    match = cursor.match(DATE, 'a date, such as "1-Feb-1994"')
    try:
        return date(int(match[4]), MONTH[match[3].lower()], int(match[2]))
    except (KeyError, ValueError):
        cursor.at = start
        raise cursor.expected('a date that exists, such as "1-Feb-1994"') from None


def read_date_time(cursor: Cursor) -> InternalDate:
    """The date-time of an APPEND, or of an INTERNALDATE that a server answers."""
    start = cursor.at
    match = cursor.match(DATE_TIME, 'a date and time, such as "17-Jul-1996 02:44:25 -0700" in quotes')
    day, hours, minutes, seconds, zone_text = match.groups()
    hour, minute, second = int(hours), int(minutes), int(seconds)
    try:
        # A leap second (":60", RFC 5322 §3.3) has no number of its own in epoch seconds.
        if hour > 23 or minute > 59 or second > 60:
            raise ValueError("no such time of day")
        zone = _zone_minutes(zone_text)
        return InternalDate(_days(day) * DAY + hour * 3600 + (minute - zone) * 60 + min(second, 59), zone)
    except (KeyError, ValueError):
        cursor.at = start
        raise cursor.expected('a date and time that exist, such as "17-Jul-1996 02:44:25 -0700"') from None
