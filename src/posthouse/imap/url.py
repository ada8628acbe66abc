"""URLs of messages and their parts: RFC 5092, with the authorization of RFC 4467.

::

    imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred:internal:91354a47…
    /Drafts;UIDVALIDITY=385759045/;UID=20/;section=1.MIME        relative to a server
    ;UID=20                                                      relative to the selected mailbox
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, unquote_to_bytes

from .fetch import Section, read_section
from .syntax import MAX_NUMBER, Cursor, Malformed

# A mailbox's name has 1,000 octets at most, each of which may be written as three; the rest is short.
MAX_URL = 8_192

# achar and bchar (RFC 5092 §11): neither ";" nor "?" nor "#".
ACHAR = r"(?:[A-Za-z0-9\-._~!$'()*+,&=]|%[0-9A-Fa-f]{2})"
BCHAR = r"(?:[A-Za-z0-9\-._~!$'()*+,&=:@/]|%[0-9A-Fa-f]{2})"
SERVER = rf"imap://(?:(?P<user>{ACHAR}+)?(?:;AUTH={ACHAR}+)?@)?(?P<host>[^/@;:?#\[\]]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?/"
PART = (
    rf"(?:(?P<mailbox>{BCHAR}+?)(?:;UIDVALIDITY=(?P<uidvalidity>[1-9][0-9]*))?/)?;UID=(?P<uid>[1-9][0-9]*)"
    rf"(?:/;SECTION=(?P<section>{BCHAR}+?))?(?:/;PARTIAL=(?P<offset>[0-9]+)(?:\.(?P<count>[1-9][0-9]*))?)?"
)
ACCESS = rf"(?P<access>(?:submit|user)\+{ACHAR}+|authuser|anonymous)"
AUTHORIZATION = (
    rf"(?:;EXPIRE=(?P<expire>[0-9T:.Z+\-]+))?;URLAUTH={ACCESS}(?P<verifier>:(?P<mechanism>[A-Za-z0-9\-.]+):"
    r"(?P<token>[0-9A-Fa-f]{32,}))?"
)
ABSOLUTE = re.compile(SERVER + PART + rf"(?:{AUTHORIZATION})?", re.IGNORECASE)
RELATIVE = re.compile("(?P<root>/)?(?!/)" + PART, re.IGNORECASE)
# What may stand in a response code as it is; "]" would end it (RFC 4469 §5).
SHOWN = re.compile(r"[^\x21-\x7e]|\]")


@dataclass(frozen=True, slots=True)
class Authorization:
    """Who may use a URL and until when (RFC 4467 §3). Without `token` it is still to be signed.

    ``access``: ``authuser`` or ``anonymous``, or ``user`` or ``submit`` with ``userid``. ``rump``: what the token
    signs. ``expire``: seconds since 1970.
    """

    access: str
    userid: str
    rump: str
    expire: float | None = None
    mechanism: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class MessageUrl:
    """A message, or a part of one. ``user`` is empty in a relative URL, ``mailbox`` where it is the selected one.

    ``count`` is None for everything behind ``offset``.
    """

    mailbox: str
    uid: int
    uidvalidity: int | None = None
    section: Section = Section()
    offset: int = 0
    count: int | None = None
    user: str = ""
    host: str = ""
    authorization: Authorization | None = None


def relative(text: str) -> MessageUrl:
    """A URL without a server, as CATENATE takes it (RFC 4469 §3). `Malformed` for anything else."""
    match = RELATIVE.fullmatch(text) if len(text) <= MAX_URL else None
    if match is None or (match["root"] and match["mailbox"] is None):
        raise Malformed("that is no relative URL of a message")
    return _message(match)


def absolute(text: str) -> MessageUrl:
    """A URL with its server, as URLAUTH takes it. `Malformed` for anything else."""
    match = ABSOLUTE.fullmatch(text) if len(text) <= MAX_URL else None
    if match is None or match["mailbox"] is None:
        raise Malformed("that is no URL of a message")
    authorization = None
    if match["access"] is not None:
        access, _, userid = match["access"].partition("+")
        authorization = Authorization(
            access.lower(), _decoded(userid), text.removesuffix(match["verifier"] or ""), _moment(match["expire"]),
            (match["mechanism"] or "").upper(), (match["token"] or "").lower(),
        )  # fmt: skip
    return _message(match, _decoded(match["user"] or ""), match["host"], authorization)


def _message(
    match: re.Match[str], user: str = "", host: str = "", authorization: Authorization | None = None
) -> MessageUrl:
    mailbox = _decoded(match["mailbox"] or "")
    uidvalidity = None if match["uidvalidity"] is None else _number(match["uidvalidity"])
    section = _section(match["section"])
    offset = _number(match["offset"] or "0")
    count = None if match["count"] is None else _number(match["count"])
    return MessageUrl(mailbox, _number(match["uid"]), uidvalidity, section, offset, count, user, host, authorization)


def _decoded(text: str) -> str:
    """Percent signs undone; what isn't UTF-8 then is no name (RFC 5092 §8)."""
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("the URL is not in UTF-8") from None


def _number(digits: str) -> int:
    if len(digits) > 10 or int(digits) > MAX_NUMBER:
        raise Malformed("the URL has a number that is too large")
    return int(digits)


def _section(text: str | None) -> Section:
    """enc-section: %-encoded section-spec"""
    if text is None:
        return Section()
    cursor = Cursor(b"[" + unquote_to_bytes(text) + b"]")
    section = read_section(cursor)
    cursor.end()
    return section


def _moment(text: str | None) -> float | None:
    """expire = ";EXPIRE=" date-time (RFC 3339)"""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise Malformed("the URL expires at no date and time (RFC 3339)") from None
    if moment.tzinfo is None:
        raise Malformed("the URL expires at a time without a zone (RFC 3339)")
    return moment.timestamp()


def shown(text: str) -> str:
    """The URL as a response code may hold it."""
    return SHOWN.sub(lambda found: quote(found[0], safe=""), text[:MAX_URL]) or "%20"
