"""What FETCH asks for, as values: fetch-att of RFC 9051 §9 and RFC 3501 §9, with BINARY, CONDSTORE and other rows.

Each item knows how it is asked for (`written`) and the label under which it is answered (`label`).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import encode
from .syntax import MAX_NUMBER64, Cursor

# A listing asks for ten; each costs work for every message of the set.
MAX_ITEMS = 100
# A header has some forty fields.
MAX_FIELDS = 500
# Message parts nest as deep as the message parser goes into them; no reader needs more.
MAX_PART_DEPTH = 100

NAME = re.compile(rb"[A-Za-z][A-Za-z0-9.-]*")
# RFC 5322 §3.6.8: ftext, printable US-ASCII without ":"
FIELD = re.compile(rb"[\x21-\x39\x3b-\x7e]+")


class Attribute(enum.Enum):
    """Items that are one word."""

    FLAGS = "FLAGS"
    UID = "UID"
    INTERNALDATE = "INTERNALDATE"
    SIZE = "RFC822.SIZE"
    ENVELOPE = "ENVELOPE"
    BODY = "BODY"
    BODYSTRUCTURE = "BODYSTRUCTURE"
    MODSEQ = "MODSEQ"  # RFC 7162 §3.1.5
    SAVEDATE = "SAVEDATE"  # RFC 8514 §4.2
    EMAILID = "EMAILID"  # RFC 8474 §5.1
    THREADID = "THREADID"  # RFC 8474 §5.2

    @property
    def label(self) -> bytes:
        return self.value.encode("ascii")

    written = label


class Text(enum.Enum):
    """section-text: what of a part is meant, if not its body."""

    HEADER = "HEADER"
    FIELDS = "HEADER.FIELDS"
    FIELDS_NOT = "HEADER.FIELDS.NOT"
    TEXT = "TEXT"
    MIME = "MIME"


@dataclass(frozen=True, slots=True)
class Section:
    """section-spec: ``part`` (numbers from 1; none: the message), ``text`` of it (None: its body), ``fields``."""

    part: tuple[int, ...] = ()
    text: Text | None = None
    fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.part) > MAX_PART_DEPTH or any(number < 1 for number in self.part):
            raise ValueError(f"{self.part} is no message part")
        if self.text is Text.MIME and not self.part:
            raise ValueError("only a part has a MIME header (RFC 9051 §6.4.5.1)")
        if bool(self.fields) is not (self.text in (Text.FIELDS, Text.FIELDS_NOT)):
            raise ValueError("fields belong to HEADER.FIELDS and HEADER.FIELDS.NOT, which need some")
        if not all(FIELD.fullmatch(field.encode("ascii", "replace")) and field.isascii() for field in self.fields):
            raise ValueError(f"{self.fields} are no names of header fields")

    def __bytes__(self) -> bytes:
        dotted = [b".".join(b"%d" % number for number in self.part)] if self.part else []
        if self.text is not None:
            dotted.append(self.text.value.encode("ascii"))
        spec = b".".join(dotted)
        if self.fields:
            spec += b" (" + b" ".join(encode.astring(field.encode("ascii")) for field in self.fields) + b")"
        return spec


@dataclass(frozen=True, slots=True)
class Partial:
    """``<offset.count>``: at most ``count`` octets from ``offset`` on."""

    offset: int
    count: int

    def __post_init__(self) -> None:
        if not (0 <= self.offset <= MAX_NUMBER64 and 1 <= self.count <= MAX_NUMBER64):
            raise ValueError(f"<{self.offset}.{self.count}> is no part of anything")


@dataclass(frozen=True, slots=True)
class BodySection:
    """BODY[section]<partial>: octets of the message.

    ``peek``: without setting \\Seen. ``alias``: the old name (RFC822, …) under which 4rev1 clients may ask.
    """

    section: Section = Section()
    peek: bool = False
    partial: Partial | None = None
    alias: str = ""

    @property
    def label(self) -> bytes:
        if self.alias:
            return self.alias.encode("ascii")
        return b"BODY[%b]%b" % (bytes(self.section), _offset(self.partial))

    @property
    def written(self) -> bytes:
        if self.alias:
            return self.alias.encode("ascii")
        return b"BODY%b[%b]%b" % (b".PEEK" if self.peek else b"", bytes(self.section), _range(self.partial))


@dataclass(frozen=True, slots=True)
class BinarySection:
    """BINARY[part]<partial>: a part's octets with its transfer encoding undone (RFC 9051 §6.4.5, RFC 3516 §4.2)."""

    part: tuple[int, ...]
    peek: bool = False
    partial: Partial | None = None

    @property
    def label(self) -> bytes:
        return b"BINARY[%b]%b" % (_part(self.part), _offset(self.partial))

    @property
    def written(self) -> bytes:
        return b"BINARY%b[%b]%b" % (b".PEEK" if self.peek else b"", _part(self.part), _range(self.partial))


@dataclass(frozen=True, slots=True)
class BinarySize:
    """BINARY.SIZE[part]: how many octets BINARY[part] has."""

    part: tuple[int, ...]

    @property
    def label(self) -> bytes:
        return b"BINARY.SIZE[%b]" % _part(self.part)

    written = label


@dataclass(frozen=True, slots=True)
class Preview:
    """PREVIEW: the first words of the text (RFC 8970 §3.1). ``lazy``: only if they are at hand."""

    lazy: bool = False

    @property
    def label(self) -> bytes:
        return b"PREVIEW"

    @property
    def written(self) -> bytes:
        return b"PREVIEW (LAZY)" if self.lazy else b"PREVIEW"


Item = Attribute | BodySection | BinarySection | BinarySize | Preview

FAST = (Attribute.FLAGS, Attribute.INTERNALDATE, Attribute.SIZE)
# RFC 9051 §6.4.5: a macro stands alone.
MACROS: Mapping[bytes, tuple[Item, ...]] = {
    b"FAST": FAST,
    b"ALL": (*FAST, Attribute.ENVELOPE),
    b"FULL": (*FAST, Attribute.ENVELOPE, Attribute.BODY),
}


def _part(part: tuple[int, ...]) -> bytes:
    return b".".join(b"%d" % number for number in part)


def _offset(partial: Partial | None) -> bytes:
    return b"<%d>" % partial.offset if partial else b""


def _range(partial: Partial | None) -> bytes:
    return b"<%d.%d>" % (partial.offset, partial.count) if partial else b""


# -- parsers ---------------------------------------------------------------------------------------------------------


def read_items(cursor: Cursor) -> tuple[Item, ...]:
    """``"ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")"``; each item once."""
    for word, items in MACROS.items():
        if cursor.keyword(word):
            return items
    if not cursor.at_any(b"("):
        return (read_item(cursor),)
    return read_listed_items(cursor)


def read_listed_items(cursor: Cursor) -> tuple[Item, ...]:
    """``"(" fetch-att *(SP fetch-att) ")"``; each item once."""
    items = tuple(dict.fromkeys(cursor.list_of(lambda: read_item(cursor), "what to fetch", least=1)))
    if len(items) > MAX_ITEMS:
        raise cursor.expected(f"at most {MAX_ITEMS} items to fetch, which ended")
    return items


def read_item(cursor: Cursor) -> Item:
    """fetch-att."""
    start = cursor.at
    name = cursor.match(NAME, "what to fetch")[0].upper().decode("ascii")
    # "BODY" and "BODY[" are two items (RFC 9051 §6.4.5).
    reader = SECTIONS.get(name) if cursor.at_any(b"[") else WORDS.get(name)
    if reader is None:
        cursor.at = start
        raise cursor.expected(f"a known item to fetch, not {name[:40]}")
    return reader(cursor)


def read_section(cursor: Cursor) -> Section:
    """section = "[" [section-spec] "]"

    section-spec    = section-msgtext / (section-part ["." section-text])
    section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"
    section-text    = section-msgtext / "MIME"
    """
    cursor.expect(b"[")
    part: tuple[int, ...] = ()
    if cursor.at_any(b"0123456789"):
        part = _read_part(cursor)
        if not cursor.at_any(b"]") and not cursor.text.startswith(b".", cursor.at - 1):
            raise cursor.expected('"." or "]" behind a part\'s number')
    text: Text | None = None
    fields: list[str] = []
    if not cursor.at_any(b"]"):
        start = cursor.at
        name = cursor.match(NAME, "HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, TEXT, MIME or a part's number")[0]
        try:
            text = Text(name.upper().decode("ascii"))
        except ValueError:
            text = None
        if text is None or (text is Text.MIME and not part):
            cursor.at = start
            raise cursor.expected("HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, TEXT, or MIME behind a part's number")
        if text in (Text.FIELDS, Text.FIELDS_NOT):
            cursor.space()
            fields = cursor.list_of(lambda: read_field(cursor), "names of header fields", least=1)
            if len(fields) > MAX_FIELDS:
                raise cursor.expected(f"at most {MAX_FIELDS} names of header fields, which ended")
    cursor.expect(b"]")
    return Section(part, text, tuple(fields))


def read_field(cursor: Cursor) -> str:
    """header-fld-name = astring"""
    start = cursor.at
    name = cursor.astring("the name of a header field")
    if not FIELD.fullmatch(name):
        cursor.at = start
        raise cursor.expected("the name of a header field")
    return name.decode("ascii")


def _read_part(cursor: Cursor) -> tuple[int, ...]:
    """section-part = nz-number *("." nz-number); a "." that begins section-text is passed over too."""
    part = [cursor.number("a part's number", least=1)]
    while cursor.skip(b"."):
        if not cursor.at_any(b"0123456789"):
            if cursor.at_any(b"]") or cursor.at_end:
                raise cursor.expected("a part's number, HEADER, TEXT or MIME")
            break
        part.append(cursor.number("a part's number", least=1))
        if len(part) > MAX_PART_DEPTH:
            raise cursor.expected(f"at most {MAX_PART_DEPTH} levels of parts, which ended")
    return tuple(part)


def _read_binary_part(cursor: Cursor) -> tuple[int, ...]:
    """section-binary = "[" [section-part] "]" """
    start = cursor.at
    section = read_section(cursor)
    if section.text is not None:
        cursor.at = start
        raise cursor.expected("a part's number in brackets")
    return section.part


def _read_partial(cursor: Cursor) -> Partial | None:
    """partial = "<" number64 "." nz-number64 ">" """
    if not cursor.skip(b"<"):
        return None
    offset = cursor.number("an offset", most=MAX_NUMBER64)
    cursor.expect(b".")
    count = cursor.number("a count of octets", least=1, most=MAX_NUMBER64)
    cursor.expect(b">")
    return Partial(offset, count)


def _read_preview(cursor: Cursor) -> Preview:
    """RFC 8970 §6: fetch-att =/ "PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"]; preview-mod = "LAZY" """
    if not cursor.skip(b" ("):
        return Preview()
    while True:
        if not cursor.keyword(b"LAZY"):
            raise cursor.expected("LAZY")
        if cursor.skip(b")"):
            return Preview(lazy=True)
        cursor.space()


def _word(item: Item) -> Callable[[Cursor], Item]:
    return lambda cursor: item


WORDS: Mapping[str, Callable[[Cursor], Item]] = {
    **{attribute.value: _word(attribute) for attribute in Attribute},
    # RFC 3501 §6.4.5: equivalents of sections, answered under the old name.
    "RFC822": _word(BodySection(Section(), alias="RFC822")),
    "RFC822.HEADER": _word(BodySection(Section(text=Text.HEADER), peek=True, alias="RFC822.HEADER")),
    "RFC822.TEXT": _word(BodySection(Section(text=Text.TEXT), alias="RFC822.TEXT")),
    "PREVIEW": _read_preview,
}

SECTIONS: Mapping[str, Callable[[Cursor], Item]] = {
    "BODY": lambda cursor: BodySection(read_section(cursor), False, _read_partial(cursor)),
    "BODY.PEEK": lambda cursor: BodySection(read_section(cursor), True, _read_partial(cursor)),
    "BINARY": lambda cursor: BinarySection(_read_binary_part(cursor), False, _read_partial(cursor)),
    "BINARY.PEEK": lambda cursor: BinarySection(_read_binary_part(cursor), True, _read_partial(cursor)),
    "BINARY.SIZE": lambda cursor: BinarySize(_read_binary_part(cursor)),
}
