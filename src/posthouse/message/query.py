"""What people type into a search field, read: terms that are all to be met, words with a colon, OR, NOT, parentheses.

The text is what people type into the search fields of mail programs::

    query  = terms *("OR" terms)
    terms  = 1*term                                 all of them
    term   = ["-" / "NOT"] ("(" query ")" / word ":" value / value)
    value  = one word, or anything in double quotes

``is:unread from:bob after:2026-01-01 -subject:"out of office"``. A value alone is looked for in the whole message.
What each word means is the caller's `Language`: the keys of an IMAP search, or those of the store.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, TypeVar

from posthouse.errors import ConfigError

K = TypeVar("K")

# Terms of one query; a person types a few, a program that wants hundreds of Message-IDs makes several searches.
MAX_TERMS = 200
MAX_DEPTH = 20
ADVICE = 'Write it like: is:unread from:bob after:2026-01-31 -subject:"out of office"'

# "(", ")", or a term: an optional "-", an optional word with a colon, and a value, which may be quoted.
TOKEN = re.compile(r'\s*(?:([()])|(-?)(?:([A-Za-z_]+):)?(?:"([^"]*)"|([^\s()"]+)))')
SIZE = re.compile(r"(\d{1,12})([KMG]?)B?", re.IGNORECASE)
UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}


@dataclass(frozen=True, slots=True)
class Language(Generic[K]):
    """What a query becomes. ``words``: what stands before a colon; "text" is what a value alone means."""

    words: Mapping[str, Callable[[str], K]]
    all_of: Callable[[Sequence[K]], K]
    any_of: Callable[[Sequence[K]], K]
    negate: Callable[[K], K]


def parse(text: str, language: Language[K]) -> K:
    """Read a query that isn't empty. Raises `ConfigError` for what can't be asked."""
    return _Parser(text, language).query()


class _Parser(Generic[K]):
    """Reads a query, term by term."""

    def __init__(self, text: str, language: Language[K]) -> None:
        self._language = language
        self._text = text.rstrip()
        self._at = 0
        self._terms = 0
        self._depth = 0

    def query(self) -> K:
        """The whole text."""
        key = self._any()
        if self._at < len(self._text):
            raise self._wrong("there is a ) without its (")
        return key

    def _wrong(self, what: str) -> ConfigError:
        return ConfigError(
            f"{self._text[:200]!r} is no search: {what}",
            advice=ADVICE,
        )

    def _next(self) -> re.Match[str] | None:
        """The next token, unread; None at the end."""
        if self._at == len(self._text):
            return None
        token = TOKEN.match(self._text, self._at)
        if token is None:
            raise self._wrong('a " stands alone')
        return token

    def _any(self) -> K:
        keys = [self._all()]
        while (token := self._next()) and token[5] == "OR" and not token[3]:
            self._at = token.end()
            keys.append(self._all())
        return keys[0] if len(keys) == 1 else self._language.any_of(keys)

    def _all(self) -> K:
        keys: list[K] = []
        while (token := self._next()) and token[1] != ")" and not (token[5] == "OR" and not token[3]):
            keys.append(self._term(token))
        if not keys:
            raise self._wrong("something is missing")
        return keys[0] if len(keys) == 1 else self._language.all_of(keys)

    def _term(self, token: re.Match[str]) -> K:
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
            return self._language.negate(self._term(following))
        value = quoted if quoted is not None else plain
        words = self._language.words
        name = (word or "text").lower()
        if name not in words:
            raise ConfigError(f"{word}: is no word of a search", advice=f"There are {', '.join(words)}.")
        found = words[name](value)
        return self._language.negate(found) if minus else found

    def _group(self) -> K:
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


def one_line(text: str) -> str:
    """A text to look for. CR, LF and NUL are in no text of a message that could be found (RFC 9051 §4.3)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"{text[:100]!r} can't be looked for: it is no text") from None
    if not text or "\r" in text or "\n" in text or "\0" in text:
        raise ConfigError(f"{text[:100]!r} can't be looked for: a search is for a text on one line")
    return text


def read_day(day: str | date) -> date:
    """A day: ``"2026-01-31"``. Raises `ConfigError`."""
    if isinstance(day, datetime):
        return day.date()
    if isinstance(day, date):
        return day
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise ConfigError(f"{day[:100]!r} is no day", advice="Write it like 2026-01-31.") from None


def read_size(octets: int | str) -> int:
    """Octets: ``500``, ``"500K"``, ``"5M"``. Raises `ConfigError`."""
    size = SIZE.fullmatch(str(octets))
    if size is None:
        raise ConfigError(f"{octets!r} is no size", advice="Write it like 500K or 5M.")
    return int(size[1]) * UNITS[size[2].upper()]
