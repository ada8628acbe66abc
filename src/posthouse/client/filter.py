"""Whether a message meets a query, where the server can't be asked (POP3): from its header, and its text if need be."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from posthouse.errors import NotSupported
from posthouse.imap.search import (
    And,
    Dated,
    Every,
    HasFlag,
    InBody,
    InEnvelope,
    InHeader,
    InText,
    Key,
    Larger,
    Not,
    Or,
    Smaller,
    When,
    Which,
    walk,
)
from posthouse.message.date import parse_date
from posthouse.message.header import Headers

from .message import Message

KNOWN = (And, Dated, Every, HasFlag, InBody, InEnvelope, InHeader, InText, Larger, Not, Or, Smaller)


def check(key: Key) -> None:
    """`NotSupported` for what only an IMAP server could tell of a message."""
    for one in walk(key):
        if not isinstance(one, KNOWN) or (isinstance(one, Dated) and one.which is Which.SAVED):
            raise NotSupported(
                f"{type(one).__name__} can't be looked for in a POP3 mailbox",
                advice="Look for words, senders, subjects, days and sizes.",
            )


def meets(key: Key, headers: Headers, size: int, whole: Message | None = None) -> bool | None:
    """Whether a message does; None: the ``whole`` message is needed to tell.

    POP3 keeps no flags: no message has any, all of them are unread. A message arrived on the day that the last server
    on its way wrote down.
    """
    match key:
        case Every():
            return True
        case HasFlag():
            return False
        case Not(inner):
            met = meets(inner, headers, size, whole)
            return None if met is None else not met
        case And(keys):
            return _all(meets(one, headers, size, whole) for one in keys)
        case Or(keys):
            none = _all(meets(Not(one), headers, size, whole) for one in keys)
            return None if none is None else not none
        case Larger(octets):
            return size > octets
        case Smaller(octets):
            return size < octets
        case InEnvelope(field, text):
            return _within(text, headers.get_all(field))
        case InHeader(field, text):
            values = headers.get_all(field)
            return _within(text, values) if text else bool(values)
        case Dated(which, when, day):
            date = parse_date(headers.body(b"date")) if which is Which.SENT else arrived(headers)
            if date is None:
                return False
            wrote = date.date()
            return wrote < day if when is When.BEFORE else wrote == day if when is When.ON else wrote >= day
        case InBody(text) | InText(text):
            if isinstance(key, InText) and _within(text, (f"{name}: {value}" for name, value in headers)):
                return True
            return None if whole is None else _within(text, (whole.text, whole.html or ""))
    raise NotSupported(f"{type(key).__name__} can't be looked for here")


def arrived(headers: Headers) -> datetime | None:
    """When the last server on the way had it (RFC 5321 §4.4: the topmost Received), or else when it was written."""
    for trace in headers.bodies(b"received")[:1]:
        date = parse_date(trace.rpartition(b";")[2])
        if date is not None:
            return date
    return parse_date(headers.body(b"date"))


def _within(text: str, values: Iterable[str]) -> bool:
    wanted = text.casefold()
    return any(wanted in value.casefold() for value in values)


def _all(met: Iterable[bool | None]) -> bool | None:
    """False where one is; None where one can't be told and no other is False."""
    unknown = False
    for one in met:
        if one is False:
            return False
        unknown = unknown or one is None
    return None if unknown else True
