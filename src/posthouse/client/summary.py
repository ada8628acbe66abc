"""What a list shows of a message: fetched in one go for many, without marking any of them as read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from posthouse.imap.answer import Fetched
from posthouse.imap.fetch import Attribute, BodySection, Section, Text
from posthouse.message.address import Address, mailboxes, parse_addresses
from posthouse.message.date import parse_date
from posthouse.message.header import Headers

# Fields rather than ENVELOPE: servers have written illegal ones, and read a broken header worse than we do.
FIELDS = BodySection(Section(text=Text.FIELDS, fields=("DATE", "FROM", "SUBJECT")), peek=True)
ITEMS = (Attribute.UID, Attribute.FLAGS, Attribute.INTERNALDATE, FIELDS)
LISTED = FIELDS.label.upper()  # the key of what was fetched


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of a list. ``date`` is when it was written, or else when it arrived; None if nobody can tell."""

    uid: int
    date: datetime | None
    sender: Address | None
    subject: str
    flags: frozenset[str]

    @property
    def unread(self) -> bool:
        """Whether nobody has read it yet."""
        return "\\Seen" not in self.flags


def summary(fetched: Fetched) -> Summary:
    """What a list shows of a message that was fetched with `ITEMS`."""
    headers = Headers(fetched.sections.get(LISTED) or b"")
    authors = mailboxes(parse_addresses(headers.body(b"from") or b""))
    arrived = fetched.internal_date
    return Summary(
        uid=fetched.uid or 0,
        date=parse_date(headers.body(b"date")) or (arrived.datetime if arrived else None),
        sender=authors[0] if authors else None,
        subject=headers.get("subject") or "",
        flags=fetched.kept_flags,
    )
