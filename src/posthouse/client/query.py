"""What to look for in a mailbox: `Q`, and the same as a line of text.

The text is what people type into the search fields of mail programs::

    query  = terms *("OR" terms)
    terms  = 1*term                                 all of them
    term   = ["-" / "NOT"] ("(" query ")" / word ":" value / value)
    value  = one word, or anything in double quotes

``is:unread from:bob after:2026-01-01 -subject:"out of office"``. A value alone is looked for in the whole message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
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

# Terms of one query; a person types a few, a program that wants hundreds of Message-IDs makes several searches.
MAX_TERMS = 200
MAX_DEPTH = 20

# "(", ")", or a term: an optional "-", an optional word with a colon, and a value, which may be quoted.
TOKEN = re.compile(r'\s*(?:([()])|(-?)(?:([A-Za-z_]+):)?(?:"([^"]*)"|([^\s()"]+)))')
SIZE = re.compile(r"(\d{1,12})([KMG]?)B?", re.IGNORECASE)
UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}


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
        return cls(InEnvelope("FROM", _one_line(text)))

    @classmethod
    def to(cls, text: str) -> Q:
        """A recipient in To."""
        return cls(InEnvelope("TO", _one_line(text)))

    @classmethod
    def cc(cls, text: str) -> Q:
        """A recipient in Cc."""
        return cls(InEnvelope("CC", _one_line(text)))

    @classmethod
    def bcc(cls, text: str) -> Q:
        """A recipient in Bcc, in letters of one's own."""
        return cls(InEnvelope("BCC", _one_line(text)))

    @classmethod
    def subject(cls, text: str) -> Q:
        """A part of the subject."""
        return cls(InEnvelope("SUBJECT", _one_line(text)))

    @classmethod
    def body(cls, text: str) -> Q:
        """A part of the body."""
        return cls(InBody(_one_line(text)))

    @classmethod
    def text(cls, text: str) -> Q:
        """A part of header or body."""
        return cls(InText(_one_line(text)))

    @classmethod
    def header(cls, name: str, text: str = "") -> Q:
        """A part of the header field ``name``; without a text, that there is one."""
        try:
            return cls(InHeader(name, _one_line(text) if text else ""))
        except ValueError as error:
            raise ConfigError(f"{name!r} is no name of a header field") from error

    @classmethod
    def since(cls, day: str | date) -> Q:
        """Arrived on that day (``"2026-01-31"``) or later."""
        return cls(Dated(Which.INTERNAL, When.SINCE, _day(day)))

    @classmethod
    def before(cls, day: str | date) -> Q:
        """Arrived before that day."""
        return cls(Dated(Which.INTERNAL, When.BEFORE, _day(day)))

    @classmethod
    def on(cls, day: str | date) -> Q:
        """Arrived on that day."""
        return cls(Dated(Which.INTERNAL, When.ON, _day(day)))

    @classmethod
    def larger(cls, octets: int | str) -> Q:
        """Larger than so many octets (``"5M"``)."""
        return cls(Larger(_size(octets)))

    @classmethod
    def smaller(cls, octets: int | str) -> Q:
        """Smaller than so many octets."""
        return cls(Smaller(_size(octets)))

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
        """Read a line as people type it; see the head of this module. An empty one means all."""
        return cls(_Parser(text).query()) if text.strip() else cls.all


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


class _Parser:
    """Reads a query, term by term."""

    def __init__(self, text: str) -> None:
        self._text = text.rstrip()
        self._at = 0
        self._terms = 0
        self._depth = 0

    def query(self) -> Key:
        """The whole text."""
        key = self._any()
        if self._at < len(self._text):
            raise self._wrong("there is a ) without its (")
        return key

    def _wrong(self, what: str) -> ConfigError:
        return ConfigError(
            f"{self._text[:200]!r} is no search: {what}",
            advice='Write it like: is:unread from:bob after:2026-01-31 -subject:"out of office"',
        )

    def _next(self) -> re.Match[str] | None:
        """The next token, unread; None at the end."""
        if self._at == len(self._text):
            return None
        token = TOKEN.match(self._text, self._at)
        if token is None:
            raise self._wrong('a " stands alone')
        return token

    def _any(self) -> Key:
        keys = [self._all()]
        while (token := self._next()) and token[5] == "OR" and not token[3]:
            self._at = token.end()
            keys.append(self._all())
        return any_of(keys)

    def _all(self) -> Key:
        keys: list[Key] = []
        while (token := self._next()) and token[1] != ")" and not (token[5] == "OR" and not token[3]):
            keys.append(self._term(token))
        if not keys:
            raise self._wrong("something is missing")
        return all_of(keys)

    def _term(self, token: re.Match[str]) -> Key:
        self._at = token.end()
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise self._wrong(f"it has more than {MAX_TERMS} terms")
        parenthesis, minus, word, quoted, plain = token.groups()
        if parenthesis:
            return self._group()
        if plain == "NOT" and not word and not minus:
            following = self._next()
            if following is None or following[1] == ")":
                raise self._wrong("something is missing behind NOT")
            return (~Q(self._term(following))).key
        value = quoted if quoted is not None else plain
        name = (word or "text").lower()
        if name not in WORDS:
            raise ConfigError(f"{word}: is no word of a search", advice=f"There are {', '.join(WORDS)}.")
        found = WORDS[name](value)
        return (~found if minus else found).key

    def _group(self) -> Key:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._wrong(f"parentheses are at most {MAX_DEPTH} deep")
        key = self._any()
        closing = self._next()
        if closing is None:
            raise self._wrong("there is a ( without its )")
        self._at = closing.end()
        self._depth -= 1
        return key


def _one_line(text: str) -> str:
    """A text to look for. CR, LF and NUL are in no text of a message that could be found (RFC 9051 §4.3)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"{text[:100]!r} can't be looked for: it is no text") from None
    if not text or "\r" in text or "\n" in text or "\0" in text:
        raise ConfigError(f"{text[:100]!r} can't be looked for: a search is for a text on one line")
    return text


def _day(day: str | date) -> date:
    if isinstance(day, datetime):
        return day.date()
    if isinstance(day, date):
        return day
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise ConfigError(f"{day[:100]!r} is no day", advice="Write it like 2026-01-31.") from None


def _size(octets: int | str) -> int:
    size = SIZE.fullmatch(str(octets))
    if size is None:
        raise ConfigError(f"{octets!r} is no size", advice="Write it like 500K or 5M.")
    return int(size[1]) * UNITS[size[2].upper()]
