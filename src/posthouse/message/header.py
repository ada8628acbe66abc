"""The header of a message or of a part: fields in their order, octets as they came, text when asked for.

A field is what RFC 5322 §2.2 calls one, read as widely as letters are written:

    field      = field-name *WSP ":" field-body line-end       *WSP: §4.5.8 (obs-optional)
    field-name = 1*ftext                                       and octets above 127, which some programs put there
    line-end   = [CR] LF, or the end of the octets

A line that begins with a blank belongs to the field before it, even where nothing else stands in it (obs-FWS, §4.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator

from . import charset, encoded_word

# A header longer than this is kept, but only its beginning is read as fields (Gmail takes at most 500 KB).
MAX_HEADER_OCTETS = 512 * 1024
# Fields that are read; what comes behind is kept, but not found by name.
MAX_FIELDS = 5_000

# The mark of UTF-8 that some editors put in front of a file is no part of the first field's name.
_FIELD = rb"(?:\xef\xbb\xbf)?+[^\x00-\x20\x7f:]++[ \t]*+:[^\n]*+(?:\n[ \t][^\n]*+)*+(?:\n|\Z)"
# All well-formed fields from here on, in one go. Not possessive: up to Python 3.11.4 a group that is, and whose last
# turn fails in its middle, ends there, and not where that turn began (tests/test_regexes.py). It is no slower.
FIELDS = re.compile(rb"(?:" + _FIELD + rb")*")
_ONE_FIELD = re.compile(rb"(?m)^(?:\xef\xbb\xbf)?+([^\x00-\x20\x7f:]++)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+(?:\n|\Z))")
_FOLD = re.compile(rb"\r?\n[ \t]")
_TEXT_FOLD = re.compile(r"\r?\n[ \t]")
# What no text of a header field may hold, wherever it comes from (encoded words can bring CR and LF in).
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def unfold(value: bytes) -> bytes:
    """A field body on one line (RFC 5322 §2.2.3), without the blanks around it. A tab that began a line is a space."""
    value = value.strip()
    return _FOLD.sub(b" ", value) if b"\n" in value else value


def raw_text(value: bytes) -> str:
    """A field body as text with its encoded words left alone: unfolded, raw 8-bit decoded, control characters blank."""
    try:
        text = value.decode("ascii").strip()
    except UnicodeDecodeError:
        text = ""
    else:
        if text.isprintable():  # nearly always: a folded line isn't, nor is a tab, nor an ISO-2022-JP escape
            return text
        text = _TEXT_FOLD.sub(" ", text)
        if text.isprintable():
            return text
    value = unfold(value)
    return _CONTROL.sub(" ", charset.guess(value))


def decode_text(value: bytes) -> str:
    """A field body as a person reads it: unfolded, encoded words and raw 8-bit decoded, on one line. Never raises."""
    return decode_words(raw_text(value))


def decode_words(text: str) -> str:
    """The same of what ``raw_text`` gave."""
    if "=?" in text:
        text = encoded_word.decode(text)
        if not text.isprintable():
            text = _CONTROL.sub(" ", text)
    return text


def split_fields(octets: bytes) -> Iterator[re.Match[bytes]]:
    """All fields of a header: matches of the whole field, its name [1] and what stands behind the colon [2]."""
    return _ONE_FIELD.finditer(octets)


class Field:
    """One header field. ``start`` and ``end`` are its offsets in the raw message, its line end included."""

    __slots__ = ("body", "end", "name", "start")

    def __init__(self, name: bytes, body: bytes, start: int, end: int) -> None:
        self.name = name
        self.body = body  # all that stands behind the colon, line end included
        self.start = start
        self.end = end

    def __repr__(self) -> str:
        return f"Field({self.name!r}, {self.body!r}, {self.start}, {self.end})"


class Headers:
    """The fields of one header, in their order; names are compared without regard to case.

    ``get``, ``get_all`` and iteration give text for people (see ``decode_text``); ``octets`` and ``fields`` what
    really stands there. Lines that are no fields are in ``octets`` only.
    """

    __slots__ = ("_found", "_index", "_is_plain", "_names", "body", "octets", "offset")

    def __init__(self, octets: bytes, offset: int = 0) -> None:
        self.octets = octets  # the header without the blank line that ends it
        self.offset = offset  # where it begins in the raw message
        self._found: list[tuple[bytes, bytes]] = _ONE_FIELD.findall(octets[:MAX_HEADER_OCTETS])
        if len(self._found) > MAX_FIELDS:
            del self._found[MAX_FIELDS:]
        # The first field of a name is the one that counts.
        self._index = {name.lower(): body for name, body in reversed(self._found)}
        # The octets behind the colon of the first field with a name, given in lower case; or None. Asked for so often
        # that it is the dictionary's own method.
        self.body: Callable[[bytes], bytes | None] = self._index.get
        self._names: list[bytes] | None = None
        self._is_plain: bool | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the header is nothing but fields that are read, with the colon right behind each name."""
        if self._is_plain is None:
            self._is_plain = b"".join(map(b":".join, self._found)) == self.octets
        return self._is_plain

    def whole(self, names: Container[bytes]) -> list[tuple[bytes, bytes]]:
        """The fields with these names (lower case): the name, and the octets of the field with name and line end."""
        if self.is_plain:
            return [(name, b":".join(field)) for field in self._found if (name := field[0].lower()) in names]
        return [(name, field[0]) for field in split_fields(self.octets) if (name := field[1].lower()) in names]

    def bodies(self, name: bytes) -> list[bytes]:
        """The octets behind the colon of every field with this name, which is given in lower case."""
        first = self._index.get(name)
        if first is None:
            return []
        if len(self._index) == len(self._found):  # no name stands twice
            return [first]
        if self._names is None:
            self._names = [found.lower() for found, _ in self._found]
        if self._names.count(name) == 1:
            return [first]
        return [field[1] for found, field in zip(self._names, self._found, strict=True) if found == name]

    def raw_text(self, name: bytes) -> str | None:
        """The first field with this name, which is given in lower case, as text with its encoded words left alone."""
        body = self._index.get(name)
        return None if body is None else raw_text(body)

    def get(self, name: str, default: str | None = None) -> str | None:
        """The decoded text of the first field with this name."""
        body = self._index.get(_key(name))
        return default if body is None else decode_text(body)

    def get_all(self, name: str) -> list[str]:
        """The decoded texts of all fields with this name, in their order; an empty list if there is none."""
        return [decode_text(body) for body in self.bodies(_key(name))]

    def fields(self) -> Iterator[Field]:
        """The fields with their offsets in the raw message."""
        for field in split_fields(self.octets):
            yield Field(field[1], field[2], self.offset + field.start(), self.offset + field.end())

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Pairs of name and decoded text."""
        for name, body in self._found:
            yield charset.guess(name), decode_text(body)

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._index

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        return f"<Headers of {len(self)} fields at {self.offset}>"


def _key(name: str) -> bytes:
    return name.lower().encode("utf-8", "replace")
