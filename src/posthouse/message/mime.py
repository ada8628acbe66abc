"""The part tree of a message: one pass over the octets, nothing copied but the headers (RFC 2045, 2046).

``scan`` takes any octets and always gives a tree; what it had to repair stands in each part's ``defects``. All offsets
count from the beginning of the raw message, so ``raw[part.body:part.end]`` is a body as it came. Children lie inside
their parent's body, in order and without overlap; what is between them is boundary lines, preamble and epilogue.

A boundary belongs to the outermost multipart that has it: an inner multipart that never closes ends with its parent.
Parts behind the closing boundary are parts all the same: that is what a letter looks like whose inner multipart has the
boundary of the outer one.
Line ends are CRLF or LF, also mixed; in a message without any LF, CR is one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from mmap import mmap
from typing import Any

from . import header, parameter
from .defect import Defect
from .header import Headers

Buffer = bytes | bytearray | memoryview | mmap
# Type and subtype, or None if they are malformed, and the parameters.
ContentType = tuple[tuple[str, str] | None, Mapping[str, str]]

# Parts inside parts: Dovecot reads 100 levels as well. What lies deeper stays one opaque part.
MAX_DEPTH = 100
# Parts of one message, as in Dovecot. The rest of the multipart that exceeds it stays one opaque part.
MAX_PARTS = 10_000
# RFC 2046 §5.1.1 allows 70 characters; some programs write more. A longer one is no boundary at all.
MAX_BOUNDARY = 10_000

_BLANK_LINE = re.compile(rb"\r?\n")
_HEADER_END = re.compile(rb"\n\r?\n")
_MBOX_FROM = re.compile(rb">?From [^\n]*+\n")
# Behind a boundary: "--" if it is the last, then a blank or the line's end, then anything (RFC 2046 §5.1.1: "an exact
# match of the entire candidate line is not required"). So "--a-1" is no delimiter of the boundary "a".
_DELIMITER_END = re.compile(rb"(--)?(?:(?=[ \t\r\n])[^\n]*+\n?|\Z)")
# A header line that lost its indentation doesn't end the header if one of these follows before the blank line.
_WELL_KNOWN_FIELD = re.compile(
    rb"(?mi)^(?:received|from|to|cc|subject|date|message-id|mime-version|return-path|reply-to|sender|references"
    rb"|in-reply-to|content-(?:type|transfer-encoding|disposition))[ \t]*:"
)
# What can only be a boundary line, if nobody says which one is: the line before a part's header. RFC 2046 §5.1.1 would
# allow blanks in a boundary; no program puts any there.
_UNNAMED_BOUNDARY = re.compile(rb"(?mi)^--([^\x00-\x20]{1,200}+)[ \t]*+\r?\ncontent-[a-z-]++[ \t]*+:")
_TYPE = re.compile(r"([^/\s]+)/([^/\s]+)")
_COMMON = 100  # octets of a Content-Type that may be remembered
# In more octets than this, the next boundary is looked for in the first ones (they may hold a part's header), then in a
# way that passes quickly over base64.
_BIG, _NEAR = 65_536, 4_096
_IDENTITY = frozenset({"7bit", "8bit", "binary"})  # RFC 2045 §6.2: the body is as it is
_ENCODINGS = _IDENTITY | {"base64", "quoted-printable"}
_COMMENT = re.compile(r"\([^()]*+\)")


class Part:
    """One part, the whole message being the outermost.

    ``start``, ``body``, ``end``: where its header begins, where its body begins (behind the blank line), where it
    ends. ``lines``: line ends in the body, counted for text and nested messages only. ``type``, ``subtype``,
    ``encoding``, ``disposition``: lower case. ``params``, ``disposition_params``: names in lower case, RFC 2231
    decoded, encoded words not. ``id``, ``md5``, ``language`` ("de, en"), ``location``, ``description``: as they
    stand in the header, unfolded, or None. A multipart has at least one child, a message/rfc822 or message/global
    one (the nested message) or, if it is encoded against the rules, none.
    """

    __slots__ = (
        "_fields", "_raw", "body", "children", "defects", "description", "disposition", "disposition_params",
        "encoding", "end", "id", "language", "lines", "location", "md5", "params", "start", "subtype", "type",
    )  # fmt: skip

    def __init__(self, start: int, body: int, end: int, raw: Buffer, fields: Headers | None = None) -> None:
        self.start = start
        self.body = body
        self.end = end
        self.lines = 0
        self.type = "text"
        self.subtype = "plain"
        self.params: Mapping[str, str] = parameter.NONE
        self.encoding = "7bit"
        self.disposition = ""
        self.disposition_params: Mapping[str, str] = parameter.NONE
        self.id: str | None = None
        self.description: str | None = None
        self.md5: str | None = None
        self.language: str | None = None
        self.location: str | None = None
        self.children: list[Part] = []
        self.defects: list[Defect] = []
        self._raw = raw
        self._fields = fields

    @property
    def fields(self) -> Headers:
        """The header's fields."""
        if self._fields is None:
            self._fields = Headers(bytes(self._raw[self.start : self.body]), self.start)
        return self._fields

    @property
    def size(self) -> int:
        """Octets of the body, as it is encoded."""
        return self.end - self.body

    @property
    def media_type(self) -> str:
        """``type/subtype``, in lower case."""
        return f"{self.type}/{self.subtype}"

    def walk(self) -> Iterator[Part]:
        """This part and all below it, in the order of their octets."""
        waiting = [self]
        while waiting:
            part = waiting.pop()
            yield part
            if part.children:
                waiting += part.children[::-1]

    def __repr__(self) -> str:
        return f"<Part {self.media_type} {self.start}:{self.body}:{self.end}, {len(self.children)} children>"


def scan(raw: Buffer) -> Part:
    """The part tree of a message. Never raises, for any octets.

    A memoryview is copied once, because it can't be searched; so is a message without any LF, to read its CRs as line
    ends. The offsets fit ``raw`` all the same.
    """
    octets = bytes(raw) if isinstance(raw, memoryview) else raw
    if octets.find(b"\n") < 0 and octets.find(b"\r") >= 0:
        octets = bytes(octets).replace(b"\r", b"\n")
    return _Scanner(octets).part(0, len(octets), 0)


class _Scanner:
    __slots__ = ("octets", "parts")

    def __init__(self, octets: bytes | bytearray | mmap) -> None:
        self.octets = octets
        self.parts = 0

    def part(self, start: int, end: int, depth: int, default: str = "text/plain") -> Part:
        """The part between two offsets; ``default`` is its type if its header names none."""
        self.parts += 1
        part = self._plain_header(start, end) or self._header(start, end)
        _describe(part, part.fields, default)
        if part.type == "multipart":
            self._multipart(part, depth)
        elif part.type == "message" and part.subtype in ("rfc822", "global"):
            self._nested(part, depth)
        if part.type == "text" or (part.type == "message" and part.children):
            part.lines = self._count_lines(part.body, end)
        return part

    def _plain_header(self, start: int, end: int) -> Part | None:
        """A part with a header as nearly all have it: short, without a fault, and with CRLF."""
        octets = self.octets
        blank = octets.find(b"\r\n\r\n", start, min(end, start + _NEAR))
        if blank < 0:
            return None
        fields = Headers(bytes(octets[start : blank + 2]), start)
        return Part(start, blank + 4, end, octets, fields) if fields.is_plain else None

    def _header(self, start: int, end: int) -> Part:
        """A part of which the header has yet to be read."""
        octets = self.octets
        defects: list[Defect] = []
        fields_end = _skip(header.FIELDS, octets, start, end)
        if blank := _BLANK_LINE.match(octets, fields_end, end):
            body = blank.end()
        elif fields_end == end:
            body = end
        else:
            fields_end, body = self._odd_header(start, fields_end, end, defects)
        fields = Headers(bytes(octets[start : min(fields_end, start + header.MAX_HEADER_OCTETS)]), start)
        if fields_end - start > header.MAX_HEADER_OCTETS or len(fields) >= header.MAX_FIELDS:
            defects.append(Defect.HEADER_TOO_LONG)
        part = Part(start, body, end, octets, fields)
        part.defects = defects
        return part

    def _odd_header(self, start: int, at: int, end: int, defects: list[Defect]) -> tuple[int, int]:
        """Where a header with a line that is no field ends, and where the body begins.

        An mbox separator is passed over. A line that lost its indentation is, too, if a well-known field follows.
        Any other line is the first of the body: its writer forgot the blank line.
        """
        octets = self.octets
        if at == start and (mbox := _MBOX_FROM.match(octets, at, end)):
            defects.append(Defect.MBOX_SEPARATOR)
            at = _skip(header.FIELDS, octets, mbox.end(), end)
        blank = _HEADER_END.search(octets, max(start, at - 1), end)
        header_end = blank.start() + 1 if blank else end
        if at < header_end:
            last_known = at
            for known in _WELL_KNOWN_FIELD.finditer(octets, at, header_end):
                last_known = known.start()
            if at < last_known:
                defects.append(Defect.HEADER_LINE)
                at = _skip(header.FIELDS, octets, last_known, end)
            if at < header_end:
                defects.append(Defect.NO_BLANK_LINE)
        return at, _skip(_BLANK_LINE, octets, at, end)

    def _multipart(self, part: Part, depth: int) -> None:
        boundary = part.params.get("boundary", "").encode("utf-8", "replace")
        if depth >= MAX_DEPTH:
            _make_opaque(part, Defect.TOO_DEEP)
            return
        if 0 < len(boundary) <= MAX_BOUNDARY:
            self._children(part, boundary, depth)
            if not part.children and boundary != boundary.rstrip():
                self._children(part, boundary.rstrip(), depth)
        if not part.children and (found := _UNNAMED_BOUNDARY.search(self.octets, part.body, part.end)):
            self._children(part, found[1], depth)
            part.defects.append(Defect.WRONG_BOUNDARY)
        if not part.children:
            # Nothing can be shown as its parts, so all of it is shown: as text, under the header it has.
            part.type, part.subtype = "text", "plain"
            part.defects.append(Defect.NO_BOUNDARY)

    def _children(self, part: Part, boundary: bytes, depth: int) -> None:
        default = "message/rfc822" if part.subtype == "digest" else "text/plain"  # RFC 2046 §5.1.5
        begin = -1  # of the child being read
        is_closed = False
        for line, after, is_last in self._delimiters(boundary, part.body, part.end):
            if begin >= 0:
                part.children.append(self.part(begin, max(begin, line), depth + 1, default))
            elif is_closed and not is_last and Defect.CLOSED_TOO_EARLY not in part.defects:
                part.defects.append(Defect.CLOSED_TOO_EARLY)
            is_closed |= is_last
            begin = -1 if is_last else after
            if begin >= 0 and self.parts >= MAX_PARTS:
                rest = Part(begin, begin, part.end, self.octets, Headers(b"", begin))
                _make_opaque(rest, Defect.TOO_MANY_PARTS)
                part.children.append(rest)
                return
        if begin >= 0:
            part.children.append(self.part(begin, part.end, depth + 1, default))
            part.defects.append(Defect.NO_CLOSING_BOUNDARY)

    def _delimiters(self, boundary: bytes, at: int, end: int) -> Iterator[tuple[int, int, bool]]:
        """The boundary lines between two offsets: where the part before ends, where the next begins, if it is the last.

        "The CRLF preceding the boundary delimiter line is conceptually attached to the boundary" (RFC 2046 §5.1.1).
        """
        octets = self.octets
        dashed = b"--" + boundary
        needle = b"\n" + dashed
        find = self._finder(needle)
        found = at - 1 if octets[at : min(at + len(dashed), end)] == dashed else find(at, end)
        while found >= 0:
            behind = found + len(needle)
            if match := _DELIMITER_END.match(octets, behind, end):
                part_end = found - 1 if found > at and octets[found - 1] == 13 else found
                yield part_end, match.end(), match[1] is not None
                behind = match.end() - 1  # its LF may begin the next boundary line
            found = find(behind, end)

    def _finder(self, needle: bytes) -> Callable[[int, int], int]:
        octets = self.octets
        if isinstance(octets, mmap):
            # mmap.find compares at every octet anew: with a long boundary that is quadratic. A pattern is not.
            pattern = re.compile(re.escape(needle))

            def search(at: int, end: int) -> int:
                match = pattern.search(octets, at, end)
                return match.start() if match else -1

            return search

        if len(octets) <= _BIG:
            return partial(octets.find, needle)

        def find(at: int, end: int) -> int:
            if end - at <= _BIG:
                return octets.find(needle, at, end)
            near = at + _NEAR
            found = octets.find(needle, at, near)
            if found >= 0:
                return found
            # Base64 has no "-": looking for that single octet passes over a big attachment several times as fast.
            behind = max(at, near - len(needle))
            dash = octets.find(b"-", behind, end)
            return -1 if dash < 0 else octets.find(needle, max(behind, dash - 1), end)

        return find

    def _nested(self, part: Part, depth: int) -> None:
        if part.encoding not in _IDENTITY:
            # RFC 2046 §5.2.1 forbids it. Who asks for the content gets it decoded; the tree stays with the octets.
            part.defects.append(Defect.ENCODED_MESSAGE)
        elif depth >= MAX_DEPTH or self.parts >= MAX_PARTS:
            _make_opaque(part, Defect.TOO_DEEP if depth >= MAX_DEPTH else Defect.TOO_MANY_PARTS)
        else:
            part.children.append(self.part(part.body, part.end, depth + 1))

    def _count_lines(self, start: int, end: int) -> int:
        count = 0
        for at in range(start, end, _BIG):  # in pieces: a mapped file isn't loaded as a whole for it
            lines = self.octets[at : min(at + _BIG, end)]
            count += len(lines) - len(lines.replace(b"\n", b""))  # half the time of count(), up to Python 3.12
        return count


def _skip(pattern: re.Pattern[bytes], octets: Buffer, at: int, end: int) -> int:
    """The offset behind what ``pattern`` matches at ``at``; ``at`` if it matches nothing."""
    match = pattern.match(octets, at, end)
    return match.end() if match else at


def _make_opaque(part: Part, defect: Defect) -> None:
    part.type, part.subtype = "application", "octet-stream"
    part.defects.append(defect)


def _describe(part: Part, fields: Headers, default: str) -> None:
    """Set what the part's header says about its body."""
    body_of = fields.body
    value = body_of(b"content-type")
    if value is None:
        part.type, _, part.subtype = default.partition("/")
    else:
        kind, part.params = _content_type(value)
        if kind:
            part.type, part.subtype = kind
        else:  # RFC 2045 §5.2: text/plain is recommended "when a syntactically invalid Content-Type … is encountered"
            part.type, _, part.subtype = default.partition("/")
            part.defects.append(Defect.CONTENT_TYPE)
    if (value := body_of(b"content-transfer-encoding")) is not None:
        part.encoding = _remembered_encoding(value) if len(value) <= _COMMON else _read_encoding(value)
    if (value := body_of(b"content-disposition")) is not None:
        part.disposition, part.disposition_params = parameter.parse(header.raw_text(value))
    if (value := body_of(b"content-id")) is not None:
        part.id = header.raw_text(value)
    if (value := body_of(b"content-description")) is not None:
        part.description = header.raw_text(value)
    if (value := body_of(b"content-md5")) is not None:
        part.md5 = header.raw_text(value)
    if (value := body_of(b"content-language")) is not None:
        part.language = header.raw_text(value)
    if (value := body_of(b"content-location")) is not None:
        part.location = header.raw_text(value)


def _content_type(value: bytes) -> ContentType:
    """What a Content-Type field says.

    But for boundaries it is nearly always one of a few things, so these are remembered.
    """
    if len(value) <= _COMMON and b"oundary" not in value:
        return _remembered_content_type(value)
    return _read_content_type(value)


def _read_content_type(value: bytes) -> ContentType:
    kind, params = parameter.parse(header.raw_text(value))
    match = _TYPE.fullmatch(kind.strip("\"'"))
    return (match[1], match[2]) if match else None, params


_remembered_content_type = lru_cache(maxsize=512)(_read_content_type)


def _read_encoding(value: bytes) -> str:
    """What a Content-Transfer-Encoding field says."""
    encoding = header.raw_text(value).lower()
    return encoding if encoding in _ENCODINGS else _COMMENT.sub("", encoding).strip("\"'; ") or "7bit"


_remembered_encoding = lru_cache(maxsize=64)(_read_encoding)


# -- the tree as a value to store -----------------------------------------------------------------------------------

_encode = json.JSONEncoder(separators=(",", ":")).encode


def pack(part: Part) -> bytes:
    """The tree as compact bytes: a JSON array a part. Defects aren't kept, they are for the reader of the message."""
    return _packed(part).encode("ascii")


def _packed(part: Part) -> str:
    row = [
        f"{part.start},{part.body},{part.end},{part.lines}",
        _encode(part.type),
        _encode(part.subtype),
        _encode(part.encoding),
    ]
    more = [
        part.disposition, part.disposition_params, part.id, part.description, part.md5, part.language, part.location,
    ]  # fmt: skip
    while more and not more[-1]:  # what is unset at the end is left out
        more.pop()
    if part.params or part.children or more:
        row.append(_packed_parameters(part.params))
    if part.children or more:
        row.append(f"[{','.join(map(_packed, part.children))}]")
    row += [_packed_parameters(value) if isinstance(value, Mapping) else _encode(value) for value in more]
    return f"[{','.join(row)}]"


def _packed_parameters(params: Mapping[str, str]) -> str:
    # Encoding a text is one call to C; for a dict the encoder would be made anew.
    return "{" + ",".join([f"{_encode(name)}:{_encode(value)}" for name, value in params.items()]) + "}"


def unpack(packed: bytes, raw: Buffer = b"") -> Part:
    """The tree that ``pack`` made. Its ``fields`` are read from ``raw``, and empty without it."""
    return _unpacked(json.loads(packed), raw)


def _unpacked(row: list[Any], raw: Buffer) -> Part:
    part = Part(row[0], row[1], row[2], raw)
    row += [None] * (16 - len(row))
    part.lines, part.type, part.subtype, part.encoding = row[3:7]
    part.params = row[7] or parameter.NONE
    part.children = [_unpacked(child, raw) for child in row[8] or ()]
    part.disposition = row[9] or ""
    part.disposition_params = row[10] or parameter.NONE
    part.id, part.description, part.md5, part.language, part.location = row[11:16]
    return part
