"""A server's responses read: framed by `read_response`, understood by `parse_response` (RFC 9051 §7).

Lenient where nothing depends on it: a response or an item that can't be read becomes `Unknown` or is noted as illegal;
only what breaks the framing ends the conversation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from posthouse.errors import LimitError, RemoteProtocolError
from posthouse.wire.reader import Parse, Reader

from . import utf7
from .answer import (
    Capabilities,
    Code,
    Condition,
    Continue,
    Enabled,
    ESearch,
    Exists,
    Expunge,
    Fetched,
    Flags,
    Found,
    Listed,
    MailboxStatus,
    Namespace,
    Namespaces,
    Recent,
    Response,
    ServerId,
    Tagged,
    Unknown,
    Untagged,
    Vanished,
)  # fmt: skip
from .date import read_date_time
from .fetch import BinarySection, BinarySize, BodySection, Partial, read_section
from .sequence import SequenceSet
from .structure import body_structure, envelope
from .syntax import MAX_NUMBER64, SYSTEM_FLAGS, Cursor, Malformed
from .value import Value, as_bytes, as_list, as_number, as_text, read_value

# SEARCH answers come in one line: a mailbox of a million messages gives 8 MB.
MAX_LINE = 16 * 1024 * 1024
# The largest message that is taken into memory; providers stop at 150 MB.
MAX_LITERAL = 512 * 1024 * 1024
# All literals of one response together.
MAX_RESPONSE = 1024 * 1024 * 1024
# A FETCH response has a literal for each item, an ENVELOPE some tens in addresses.
MAX_LITERALS = 10_000

MARKER = re.compile(rb"~?\{([0-9]+)\}$")
# Lines that end in text for people, where "{5}" is only text.
TEXT_LINE = re.compile(rb"(?!\* )|\* (?:OK|NO|BAD|BYE|PREAUTH)\b", re.IGNORECASE)
TAG = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\+]+")
CONDITION = re.compile(rb"(OK|NO|BAD|BYE|PREAUTH)(?: |$)", re.IGNORECASE)
# resp-text = ["[" resp-text-code "]" SP] [text]
CODE = re.compile(rb'\[([^\] ]+)(?: +((?:"[^"\\]*(?:\\.[^"\\]*)*"|[^\]"])*))?\] ?')
FETCH_NAME = re.compile(rb"[^\[\]<> ()\"\r\n]+")
SPACES = re.compile(rb" *")
PLAIN_SECTION = re.compile(rb"\[[A-Za-z0-9. ()_-]*\](?:<[0-9]+>)?")
ITEM_REST = re.compile(rb"(?:\[[^\]]*\])?(?:<[^>]*>)? *")


@dataclass(frozen=True, slots=True)
class ResponseLimits:
    """What a server may make its client hold, in octets; and how many literals in a response."""

    line: int = MAX_LINE
    literal: int = MAX_LITERAL
    response: int = MAX_RESPONSE
    literals: int = MAX_LITERALS


def read_response(reader: Reader, limits: ResponseLimits, *, utf8: bool = False) -> Parse[Response]:
    """Read one response. `LimitError` beyond a limit, `RemoteProtocolError` for what is no response."""
    lines: list[bytes] = []
    literals: dict[int, bytes] = {}
    position = size = 0
    while True:
        line = yield from reader.read_line(limits.line)
        lines.append(line)
        size += len(line)
        marker = MARKER.search(line) if line.endswith(b"}") else None
        if marker is None or TEXT_LINE.match(lines[0]):
            break
        octets = int(marker[1]) if len(marker[1]) <= 19 else limits.literal + 1
        size += octets
        if octets > limits.literal or size > limits.response or len(literals) == limits.literals:
            raise LimitError(f"the server announced {octets} octets, more than this program takes at once")
        lines.append(b"\r\n")
        position += len(line) + 2
        literals[position] = yield from reader.read_exact(octets)
    return parse_response(Cursor(b"".join(lines), literals, utf8=utf8))


def parse_response(cursor: Cursor) -> Response:
    """Understand one assembled response."""
    if cursor.skip(b"+"):
        cursor.skip(b" ")
        return Continue(cursor.text[cursor.at :])
    if cursor.skip(b"* "):
        return _untagged(cursor)
    try:
        tag = cursor.match(TAG, "a tag")[0].decode("ascii")
        cursor.space()
        return Tagged(tag, *_condition(cursor))
    except Malformed as error:
        raise RemoteProtocolError(f"the server sent what is no IMAP response: {cursor.text[:80]!r}") from error


def _untagged(cursor: Cursor) -> Untagged:
    start = cursor.at
    try:
        if CONDITION.match(cursor.text, start):
            return Condition(*_condition(cursor))
        if cursor.at_any(b"0123456789"):
            number = cursor.number()
            cursor.space()
            reader = NUMBERED.get(cursor.word("a response's name"))
            if reader is not None:
                return reader(cursor, number)
        else:
            plain = RESPONSES.get(cursor.word("a response's name"))
            if plain is not None:
                cursor.match(SPACES, "")
                return plain(cursor)
    except Malformed:
        pass  # read again as something unknown: nothing in it may end the conversation
    cursor.at = start
    return Unknown(tuple(_values(cursor)))


def _condition(cursor: Cursor) -> tuple[str, Code | None, str]:
    """resp-cond-state = ("OK" / "NO" / "BAD") SP resp-text; the text may be missing."""
    condition = cursor.match(CONDITION, "OK, NO or BAD")[1].upper().decode("ascii")
    found = CODE.match(cursor.text, cursor.at)
    code = None
    if found is not None:
        code = Code(found[1].decode("utf-8", "replace").upper(), found[2] or b"")
        cursor.at = found.end()
    return condition, code, cursor.text[cursor.at :].decode("utf-8", "replace")


def _values(cursor: Cursor) -> list[Value]:
    """All that can be read of the rest of the line."""
    values: list[Value] = []
    while not cursor.at_end:
        start = cursor.at
        try:
            values.append(read_value(cursor))
        except Malformed:
            values.append(cursor.text[start:])
            break
        cursor.match(SPACES, "")
    return values


def _words(cursor: Cursor) -> frozenset[str]:
    return frozenset(as_text(value).upper() for value in _values(cursor))


def _flags(value: Value) -> frozenset[str]:
    texts = map(as_text, as_list(value))
    return frozenset(SYSTEM_FLAGS.get(text.lower(), text) for text in texts)


def _name(octets: bytes, cursor: Cursor) -> str:
    """A mailbox's name; what is no valid name is kept as it is written."""
    try:
        name = octets.decode("utf-8") if cursor.utf8 or not octets.isascii() else utf7.decode(octets)
    except ValueError:
        name = octets.decode("utf-8", "replace")
    return "INBOX" if name.upper() == "INBOX" else name


# -- responses that begin with a word --------------------------------------------------------------------------------


def _capabilities(cursor: Cursor) -> Capabilities:
    return Capabilities(_words(cursor))


def _enabled(cursor: Cursor) -> Enabled:
    return Enabled(_words(cursor))


def _flags_response(cursor: Cursor) -> Flags:
    return Flags(_flags(read_value(cursor)))


def _listed(cursor: Cursor, *, lsub: bool = False) -> Listed:
    """mailbox-list

    = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox [SP mbox-list-extended]
    """
    attributes = frozenset(map(as_text, as_list(read_value(cursor))))
    delimiter = as_text(read_value(cursor))
    raw = as_bytes(read_value(cursor))
    if raw is None:  # a mailbox may be called NIL, and be written as that atom
        raw = b"NIL"
    extended = as_list(read_value(cursor)) if cursor.skip(b" ") and not cursor.at_end else []
    return Listed(_name(raw, cursor), raw, delimiter, attributes, lsub, _pairs(extended))


def _mailbox_status(cursor: Cursor) -> MailboxStatus:
    """ "STATUS" SP mailbox SP "(" [status-att-list] ")" """
    mailbox = _name(as_bytes(read_value(cursor)) or b"", cursor)
    values = as_list(read_value(cursor))
    numbers: dict[str, int] = {}
    mailbox_id = ""
    for name, value in _pairs(values).items():
        number = as_number(value)
        if number is not None:
            numbers[name] = number
        elif name == "MAILBOXID":  # RFC 8474 §4.3: in parentheses
            mailbox_id = as_text(next(iter(as_list(value)), None))
    return MailboxStatus(mailbox, numbers, mailbox_id)


def _found(cursor: Cursor) -> Found:
    """ "SEARCH" *(SP nz-number) [SP "(" "MODSEQ" SP mod-sequence-value ")"]"""
    numbers, _, modseq = cursor.text[cursor.at :].partition(b"(")
    words = numbers.split()
    if not all(word.isdigit() and len(word) <= 10 for word in words):
        raise cursor.expected("message numbers")
    digits = re.search(rb"[0-9]{1,19}", modseq)
    return Found(tuple(map(int, words)), int(digits[0]) if digits else None)


def _esearch(cursor: Cursor) -> ESearch:
    """esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)"""
    values = _values(cursor)
    # search-correlator = SP "(" one-correlator *(SP one-correlator) ")" (RFC 7377 §4)
    correlators = _pairs(as_list(values.pop(0))) if values and isinstance(values[0], list) else {}
    uid = bool(values) and as_text(values[0]).upper() == "UID"
    if uid:
        values.pop(0)
    data = _pairs(values)
    every = data.pop("ALL", None)
    return ESearch(
        as_text(correlators.get("TAG")), uid, as_number(data.pop("MIN", None)), as_number(data.pop("MAX", None)),
        as_number(data.pop("COUNT", None)), SequenceSet.parse(as_bytes(every) or b"") if every else None,
        as_number(data.pop("MODSEQ", None)), _name(as_bytes(correlators.get("MAILBOX")) or b"", cursor),
        as_number(correlators.get("UIDVALIDITY")), data,
    )  # fmt: skip


def _pairs(values: list[Value]) -> dict[str, Value]:
    """Names in upper case, each with what stands behind it."""
    return {as_text(name).upper(): value for name, value in zip(values[::2], values[1::2], strict=False)}


def _vanished(cursor: Cursor) -> Vanished:
    """expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids"""
    values = _values(cursor) or [None]
    earlier = isinstance(values[0], list)
    return Vanished(SequenceSet.parse(as_bytes(values[-1]) or b""), earlier)


def _namespaces(cursor: Cursor) -> Namespaces:
    """namespace-response = "NAMESPACE" SP namespace SP namespace SP namespace"""
    groups = [
        tuple(Namespace(_name(as_bytes(item[0]) or b"", cursor), as_text(item[1]))
              for item in as_list(value) if isinstance(item, list) and len(item) >= 2)
        for value in [*_values(cursor), None, None, None][:3]
    ]  # fmt: skip
    return Namespaces(*groups)


def _server_id(cursor: Cursor) -> ServerId:
    values = as_list(read_value(cursor))
    pairs = zip(values[::2], values[1::2], strict=False)
    return ServerId({as_text(name).lower(): as_text(value) for name, value in pairs})


def _lsub(cursor: Cursor) -> Listed:
    return _listed(cursor, lsub=True)


RESPONSES: Mapping[str, Callable[[Cursor], Untagged]] = {
    "CAPABILITY": _capabilities,
    "ENABLED": _enabled,
    "FLAGS": _flags_response,
    "LIST": _listed,
    "LSUB": _lsub,
    "STATUS": _mailbox_status,
    "SEARCH": _found,
    "SORT": _found,
    "ESEARCH": _esearch,
    "VANISHED": _vanished,
    "NAMESPACE": _namespaces,
    "ID": _server_id,
}


# -- responses that begin with a number ------------------------------------------------------------------------------


def _fetched(cursor: Cursor, number: int) -> Fetched:
    """message-data = nz-number SP "FETCH" SP "(" … ")"; an item that can't be read is skipped, not the message."""
    told = _Told()
    cursor.match(SPACES, "")
    cursor.expect(b"(")
    while not cursor.skip(b")") and not cursor.at_end:
        name = cursor.match(FETCH_NAME, "an item's name")[0].decode("utf-8", "replace").upper()
        start = cursor.at
        try:
            told.read(cursor, name)
        except Malformed:
            told.illegal.append(name)
            cursor.at = start
            try:
                cursor.match(ITEM_REST, "")
                read_value(cursor)
            except Malformed:
                break  # nobody can say where the next item begins
        cursor.match(SPACES, "")
    return told.fetched(number)


class _Told:
    """What one FETCH response has told so far."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.sections: dict[bytes, bytes | None] = {}
        self.sizes: dict[bytes, int] = {}
        self.others: dict[str, Value] = {}
        self.illegal: list[str] = []

    def read(self, cursor: Cursor, name: str) -> None:
        """Read one item's value, behind its name."""
        if cursor.at_any(b"["):
            self._section(cursor, name)
            return
        cursor.match(SPACES, "")
        if name in ("RFC822", "RFC822.HEADER", "RFC822.TEXT"):
            self.sections[name.encode("ascii")] = cursor.nstring("octets")
        elif name in FIELDS:
            field, reader = FIELDS[name]
            self.fields[field] = reader(cursor)
        else:
            self.others[name] = read_value(cursor)

    def _section(self, cursor: Cursor, name: str) -> None:
        """``BODY[section]<offset> octets`` and the like: kept under the label that was asked for."""
        plain = PLAIN_SECTION.match(cursor.text, cursor.at)
        if plain is not None:
            label = section_label(name, plain[0])
            cursor.at = plain.end()
        else:
            label = _read_label(cursor, name)
        cursor.match(SPACES, "")
        if name == "BINARY.SIZE":
            self.sizes[label] = cursor.number()
        else:
            self.sections[label] = cursor.nstring("octets")

    def fetched(self, number: int) -> Fetched:
        return Fetched(
            number, sections=self.sections, sizes=self.sizes, others=self.others, illegal=tuple(self.illegal),
            **self.fields,
        )  # fmt: skip


@lru_cache(maxsize=256)  # a listing has the same few sections, a thousand times
def section_label(name: str, section: bytes) -> bytes:
    """The label of an item that is written without strings."""
    cursor = Cursor(section)
    label = _read_label(cursor, name)
    cursor.end()
    return label


def _read_label(cursor: Cursor, name: str) -> bytes:
    """The label, in upper case, as the item that was asked for writes it; `Malformed` for what is no section."""
    section = read_section(cursor)
    partial = None
    if cursor.skip(b"<"):
        partial = Partial(cursor.number("an offset", most=MAX_NUMBER64), 1)
        cursor.expect(b">")
    if name == "BINARY.SIZE":
        return BinarySize(section.part).label
    item = BodySection(section, partial=partial) if name == "BODY" else BinarySection(section.part, partial=partial)
    return item.label.upper()


def _number(cursor: Cursor) -> int:
    value = as_number(read_value(cursor))
    if value is None:
        raise cursor.expected("a number")
    return value


def _only(cursor: Cursor) -> Value:
    """The one value in parentheses: MODSEQ (7), EMAILID (M6d99)."""
    return next(iter(as_list(read_value(cursor))), None)


def _thread_id(cursor: Cursor) -> str:
    value = read_value(cursor)  # RFC 8474 §5.2: NIL when there are no threads
    return as_text(next(iter(as_list(value)), None))


def _labels(cursor: Cursor) -> tuple[str, ...]:
    """Gmail's labels: a list of astrings in modified UTF-7; no extension that an RFC describes."""
    return tuple(_name(as_bytes(value) or b"", cursor) for value in as_list(read_value(cursor)))


FIELDS: Mapping[str, tuple[str, Callable[[Cursor], object]]] = {
    "UID": ("uid", _number),
    "FLAGS": ("flags", lambda cursor: _flags(read_value(cursor))),
    "INTERNALDATE": ("internal_date", read_date_time),
    "RFC822.SIZE": ("size", _number),
    "ENVELOPE": ("envelope", lambda cursor: envelope(read_value(cursor))),
    "BODY": ("structure", lambda cursor: body_structure(read_value(cursor))),
    "BODYSTRUCTURE": ("structure", lambda cursor: body_structure(read_value(cursor))),
    "MODSEQ": ("modseq", lambda cursor: as_number(_only(cursor))),
    "EMAILID": ("email_id", lambda cursor: as_text(_only(cursor))),
    "THREADID": ("thread_id", _thread_id),
    "PREVIEW": ("preview", lambda cursor: as_bytes(read_value(cursor))),
    "SAVEDATE": ("save_date", lambda cursor: None if cursor.keyword(b"NIL") else read_date_time(cursor)),
    "X-GM-LABELS": ("labels", _labels),
}

NUMBERED: Mapping[str, Callable[[Cursor, int], Untagged]] = {
    "EXISTS": lambda cursor, number: Exists(number),
    "RECENT": lambda cursor, number: Recent(number),
    "EXPUNGE": lambda cursor, number: Expunge(number),
    "FETCH": _fetched,
}
