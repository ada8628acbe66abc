"""What to look for in a mailbox: `Q`, and the same as a line of text (its grammar: `message.query`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from posthouse.errors import ConfigError
from posthouse.imap import search
from posthouse.imap.search import (
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
    Smaller,
    When,
    Which,
    all_of,
    any_of,
)
from posthouse.imap.syntax import Cursor, Malformed
from posthouse.message.query import Language, one_line, parse, read_day, read_size


@dataclass(frozen=True, slots=True)
class Q:
    """A condition that messages meet or don't: ``Q.unread & Q.from_("bob") & ~Q.subject("spam")``.

    ``&`` is and, ``|`` or, ``~`` not. Texts are looked for anywhere in a field, in whatever case. Days are those on
    which a message arrived, as the server's clock has it. Raises `ConfigError` for what can't be asked.
    """

    key: Key

    all: ClassVar[Q]
    unread: ClassVar[Q]
    read: ClassVar[Q]
    flagged: ClassVar[Q]
    answered: ClassVar[Q]
    draft: ClassVar[Q]
    deleted: ClassVar[Q]

    def __and__(self, other: Q) -> Q:
        return Q(all_of((self.key, other.key)))

    def __or__(self, other: Q) -> Q:
        return Q(any_of((self.key, other.key)))

    def __invert__(self) -> Q:
        return Q(self.key.key if isinstance(self.key, Not) else Not(self.key))

    @classmethod
    def from_(cls, text: str) -> Q:
        """Who wrote it: a part of the name or the address."""
        return cls(InEnvelope("FROM", one_line(text)))

    @classmethod
    def to(cls, text: str) -> Q:
        """A recipient in To."""
        return cls(InEnvelope("TO", one_line(text)))

    @classmethod
    def cc(cls, text: str) -> Q:
        """A recipient in Cc."""
        return cls(InEnvelope("CC", one_line(text)))

    @classmethod
    def bcc(cls, text: str) -> Q:
        """A recipient in Bcc, in letters of one's own."""
        return cls(InEnvelope("BCC", one_line(text)))

    @classmethod
    def subject(cls, text: str) -> Q:
        """A part of the subject."""
        return cls(InEnvelope("SUBJECT", one_line(text)))

    @classmethod
    def body(cls, text: str) -> Q:
        """A part of the body."""
        return cls(InBody(one_line(text)))

    @classmethod
    def text(cls, text: str) -> Q:
        """A part of header or body."""
        return cls(InText(one_line(text)))

    @classmethod
    def header(cls, name: str, text: str = "") -> Q:
        """A part of the header field ``name``; without a text, that there is one."""
        try:
            return cls(InHeader(name, one_line(text) if text else ""))
        except ValueError as error:
            raise ConfigError(f"{name!r} is no name of a header field") from error

    @classmethod
    def since(cls, day: str | date) -> Q:
        """Arrived on that day (``"2026-01-31"``) or later."""
        return cls(Dated(Which.INTERNAL, When.SINCE, read_day(day)))

    @classmethod
    def before(cls, day: str | date) -> Q:
        """Arrived before that day."""
        return cls(Dated(Which.INTERNAL, When.BEFORE, read_day(day)))

    @classmethod
    def on(cls, day: str | date) -> Q:
        """Arrived on that day."""
        return cls(Dated(Which.INTERNAL, When.ON, read_day(day)))

    @classmethod
    def larger(cls, octets: int | str) -> Q:
        """Larger than so many octets (``"5M"``)."""
        return cls(Larger(read_size(octets)))

    @classmethod
    def smaller(cls, octets: int | str) -> Q:
        """Smaller than so many octets."""
        return cls(Smaller(read_size(octets)))

    @classmethod
    def keyword(cls, flag: str) -> Q:
        """Has this keyword (``$Forwarded``)."""
        try:
            return cls(HasFlag(flag))
        except ValueError as error:
            raise ConfigError(f"{flag!r} is no keyword") from error

    @classmethod
    def imap(cls, criteria: str) -> Q:
        """What IMAP's SEARCH calls it: ``UNSEEN OR FROM bob FROM ann`` (RFC 9051 §6.4.4)."""
        cursor = Cursor(criteria.encode("utf-8", "replace"), utf8=True)
        try:
            key = search.read_keys(cursor)
            if not cursor.at_end:
                raise cursor.expected("the end")
        except Malformed as error:
            raise ConfigError(f"{criteria!r} is no IMAP search: {error}") from error
        return cls(key)

    @classmethod
    def parse(cls, text: str) -> Q:
        """Read a line as people type it; its grammar stands in `message.query`. An empty one means all."""
        return parse(text, LANGUAGE) if text.strip() else cls.all


Q.all = Q(Every())
Q.read = Q(HasFlag("\\Seen"))
Q.unread = ~Q.read
Q.flagged = Q(HasFlag("\\Flagged"))
Q.answered = Q(HasFlag("\\Answered"))
Q.draft = Q(HasFlag("\\Draft"))
Q.deleted = Q(HasFlag("\\Deleted"))

# is:…
STATES: Mapping[str, Q] = {
    "unread": Q.unread, "unseen": Q.unread, "read": Q.read, "seen": Q.read, "flagged": Q.flagged,
    "starred": Q.flagged, "answered": Q.answered, "replied": Q.answered, "draft": Q.draft, "deleted": Q.deleted,
}  # fmt: skip


def as_query(query: Q | str) -> Q:
    """What a caller gave: a `Q`, or a line of text."""
    return query if isinstance(query, Q) else Q.parse(query)


def _state(value: str) -> Q:
    try:
        return STATES[value.lower()]
    except KeyError:
        raise ConfigError(f"no message is {value}", advice=f"There are is:{', is:'.join(STATES)}.") from None


WORDS: Mapping[str, Callable[[str], Q]] = {
    "is": _state, "from": Q.from_, "to": Q.to, "cc": Q.cc, "bcc": Q.bcc, "subject": Q.subject, "body": Q.body,
    "text": Q.text, "since": Q.since, "after": Q.since, "before": Q.before, "on": Q.on, "larger": Q.larger,
    "smaller": Q.smaller, "keyword": Q.keyword,
}  # fmt: skip

LANGUAGE = Language(
    WORDS,
    all_of=lambda queries: Q(all_of([one.key for one in queries])),
    any_of=lambda queries: Q(any_of([one.key for one in queries])),
    negate=lambda query: ~query,
)
