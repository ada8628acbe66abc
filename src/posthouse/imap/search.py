"""What SEARCH asks, as a tree of values: search-key of RFC 9051 §6.4.4 and RFC 3501 §6.4.4, with extensions' keys.

``NEW`` and ``UNSEEN`` and the like have no nodes of their own: they are said with `And`, `Not` and `HasFlag`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from . import encode
from .date import MONTHS, read_date
from .encode import Piece
from .fetch import FIELD, read_field
from .sequence import SequenceSet, read_set
from .syntax import ATOM, MAX_NUMBER64, SYSTEM_FLAGS, Cursor, Malformed, Unacceptable

# Keys in one search. Programs that look for a list of Message-IDs reach hundreds.
MAX_KEYS = 2000
# Octets to look for. SQLite compares patterns of up to 50,000, and the character that grows most when case is folded
# (U+FDFA) becomes eleven times as long.
MAX_TEXT = 4_000
# Keys in keys: NOT, parentheses, and OR in its first place (a chain of ORs is one key here).
MAX_DEPTH = 50

# RFC 9051 §6.4.4: US-ASCII and UTF-8 MUST be supported; what else there was is history.
CHARSETS = ("US-ASCII", "UTF-8")

FLAGS = {**SYSTEM_FLAGS, "\\recent": "\\Recent"}  # \Recent can be searched for (RFC 3501 §6.4.4), though not be set


class Which(enum.Enum):
    """Which of a message's dates."""

    INTERNAL = ""
    SENT = "SENT"  # the Date field, without its time and zone
    SAVED = "SAVED"  # RFC 8514 §4.3


class When(enum.Enum):
    """On which side of a day; BEFORE is without it, SINCE with it."""

    BEFORE = "BEFORE"
    ON = "ON"
    SINCE = "SINCE"


@dataclass(frozen=True, slots=True)
class Every:
    """ALL: every message in the mailbox."""


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more keys. Made with `all_of`."""

    keys: tuple[Key, ...]

    def __post_init__(self) -> None:
        if len(self.keys) < 2 or any(isinstance(key, And) for key in self.keys):
            raise ValueError("And holds two keys or more, none of them an And: use all_of")


@dataclass(frozen=True, slots=True)
class Or:
    """Any of two or more keys. Made with `any_of`."""

    keys: tuple[Key, ...]

    def __post_init__(self) -> None:
        if len(self.keys) < 2 or any(isinstance(key, Or) for key in self.keys):
            raise ValueError("Or holds two keys or more, none of them an Or: use any_of")


@dataclass(frozen=True, slots=True)
class Not:
    """NOT."""

    key: Key


@dataclass(frozen=True, slots=True)
class HasFlag:
    """ANSWERED, SEEN, …, KEYWORD. ``flag`` in the RFC's spelling (``\\Seen``), or a keyword."""

    flag: str

    def __post_init__(self) -> None:
        if FLAGS.get(self.flag.lower()) != self.flag and not (
            self.flag.isascii() and ATOM.fullmatch(self.flag.encode())
        ):
            raise ValueError(f"{self.flag!r} is no flag")


@dataclass(frozen=True, slots=True)
class Numbers:
    """Message sequence numbers."""

    numbers: SequenceSet


@dataclass(frozen=True, slots=True)
class Uids:
    """UID: unique identifiers."""

    uids: SequenceSet


@dataclass(frozen=True, slots=True)
class InEnvelope:
    """BCC, CC, FROM, SUBJECT, TO: ``text`` in what ENVELOPE has under this name."""

    field: str
    text: str

    def __post_init__(self) -> None:
        if self.field not in ("BCC", "CC", "FROM", "SUBJECT", "TO"):
            raise ValueError(f"no key of SEARCH is called {self.field}")


@dataclass(frozen=True, slots=True)
class InHeader:
    """HEADER: ``text`` in a field of this name; an empty text: there is such a field."""

    field: str
    text: str

    def __post_init__(self) -> None:
        if not self.field.isascii() or not FIELD.fullmatch(self.field.encode()):
            raise ValueError(f"{self.field!r} is no name of a header field")


@dataclass(frozen=True, slots=True)
class InBody:
    """BODY: ``text`` in the body."""

    text: str


@dataclass(frozen=True, slots=True)
class InText:
    """TEXT: ``text`` in header or body."""

    text: str


@dataclass(frozen=True, slots=True)
class Dated:
    """BEFORE, SENTON, SAVEDSINCE, …"""

    which: Which
    when: When
    day: date


@dataclass(frozen=True, slots=True)
class SaveDateSupported:
    """SAVEDATESUPPORTED: every message, if the mailbox keeps save dates (RFC 8514 §4.3)."""


@dataclass(frozen=True, slots=True)
class Larger:
    """LARGER: more octets than this."""

    octets: int


@dataclass(frozen=True, slots=True)
class Smaller:
    """SMALLER: fewer octets than this."""

    octets: int


@dataclass(frozen=True, slots=True)
class Younger:
    """YOUNGER: came within so many seconds (RFC 5032 §3)."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Older:
    """OLDER: came so many seconds ago, or earlier (RFC 5032 §3)."""

    seconds: int


@dataclass(frozen=True, slots=True)
class ModSeq:
    """MODSEQ: changed at this mod-sequence or later (RFC 7162 §3.1.5).

    A client may name one flag's change instead of the message's; a server that keeps one mod-sequence a message (as
    the RFC allows) treats it as the message's, so the name isn't kept here.
    """

    least: int


@dataclass(frozen=True, slots=True)
class EmailId:
    """EMAILID (RFC 8474 §6)."""

    id: str

    def __post_init__(self) -> None:
        _check_id(self.id)


@dataclass(frozen=True, slots=True)
class ThreadId:
    """THREADID (RFC 8474 §6)."""

    id: str

    def __post_init__(self) -> None:
        _check_id(self.id)


def _check_id(id: str) -> None:
    if not id.isascii() or not ATOM.fullmatch(id.encode()):
        raise ValueError(f"{id!r} is no object's id")


Key = (
    Every | And | Or | Not | HasFlag | Numbers | Uids | InEnvelope | InHeader | InBody | InText | Dated
    | SaveDateSupported | Larger | Smaller | Younger | Older | ModSeq | EmailId | ThreadId
)  # fmt: skip


def all_of(keys: Iterable[Key]) -> Key:
    """The key that wants all of ``keys``, of which there is at least one."""
    flat = tuple(inner for key in keys for inner in (key.keys if isinstance(key, And) else (key,)))
    return flat[0] if len(flat) == 1 else And(flat)


def any_of(keys: Iterable[Key]) -> Key:
    """The key that wants any of ``keys``, of which there is at least one."""
    flat = tuple(inner for key in keys for inner in (key.keys if isinstance(key, Or) else (key,)))
    return flat[0] if len(flat) == 1 else Or(flat)


def walk(key: Key) -> Iterator[Key]:
    """The key and all keys in it."""
    yield key
    if isinstance(key, And | Or):
        for inner in key.keys:
            yield from walk(inner)
    elif isinstance(key, Not):
        yield from walk(key.key)


# -- reading ---------------------------------------------------------------------------------------------------------


def read_program(cursor: Cursor) -> Key:
    """search-program = ["CHARSET" SP charset SP] search-key *(SP search-key)

    Raises `Unacceptable` with BADCHARSET for a charset that isn't known, and for text that isn't in it.
    """
    if cursor.keyword(b"CHARSET"):
        cursor.space()
        read_charset(cursor)
        cursor.space()
    return read_keys(cursor)


def read_charset(cursor: Cursor) -> None:
    """charset = atom / quoted. What is known is a part of UTF-8, so nothing else need be remembered."""
    charset = cursor.astring("a charset")
    if charset.upper().decode("ascii", "replace") not in CHARSETS:
        raise _bad_charset("only the charsets US-ASCII and UTF-8 are known")


def read_keys(cursor: Cursor) -> Key:
    """``search-key *(SP search-key)``, to the end of the command."""
    reader = KeyReader(cursor)
    keys = [reader.key()]
    while cursor.skip(b" "):
        keys.append(reader.key())
    return all_of(keys)


def _bad_charset(message: str) -> Unacceptable:
    return Unacceptable(message, code=f"BADCHARSET ({' '.join(CHARSETS)})")


class KeyReader:
    """Reads keys, and counts them."""

    __slots__ = ("_count", "_depth", "cursor")

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self._count = 0
        self._depth = 0

    def key(self) -> Key:
        """search-key."""
        cursor = self.cursor
        self._count += 1
        if self._count > MAX_KEYS:
            raise Malformed(f"a search has at most {MAX_KEYS} keys")
        if cursor.skip(b"("):
            return self._nested(self._group)
        if cursor.at_any(b"0123456789*$"):
            return Numbers(read_set(cursor))
        start = cursor.at
        name = cursor.word("a search key")
        reader = KEYS.get(name)
        if reader is None:
            cursor.at = start
            raise cursor.expected(f"a known search key, not {name[:40]}")
        return self._nested(reader) if reader in NESTING else reader(self)

    def _nested(self, reader: Callable[[KeyReader], Key]) -> Key:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Malformed(f"search keys are at most {MAX_DEPTH} levels deep")
        key = reader(self)
        self._depth -= 1
        return key

    def _group(self, reader: KeyReader) -> Key:
        """``"(" search-key *(SP search-key) ")"``, behind the parenthesis."""
        keys = [self.key()]
        while not self.cursor.skip(b")"):
            self.cursor.space()
            keys.append(self.key())
        return all_of(keys)

    # -- what stands behind a key's name -----------------------------------------------------------------------------

    def text(self) -> str:
        """``SP astring``: the characters to look for."""
        self.cursor.space()
        octets = self.cursor.astring("a text to look for")
        if len(octets) > MAX_TEXT:
            raise Unacceptable(f"a text to look for has at most {MAX_TEXT} octets", code="LIMIT")
        try:
            return octets.decode("utf-8")
        except UnicodeDecodeError:
            # Without CHARSET it should be ASCII (RFC 3501 §6.4.4); clients send UTF-8, which 4rev2 made the default.
            raise _bad_charset("the text to look for is not UTF-8") from None

    def day(self) -> date:
        self.cursor.space()
        return read_date(self.cursor)

    def number(self, *, least: int = 0) -> int:
        self.cursor.space()
        return self.cursor.number(least=least, most=MAX_NUMBER64)

    def numbers(self) -> SequenceSet:
        self.cursor.space()
        return read_set(self.cursor)

    def keyword(self) -> str:
        self.cursor.space()
        return self.cursor.atom("a keyword")

    def field(self) -> str:
        self.cursor.space()
        return read_field(self.cursor)


def _read_or(reader: KeyReader) -> Key:
    """``"OR" SP search-key SP search-key``; ``OR a OR b c`` is read as one, however long the chain."""
    keys: list[Key] = []
    while True:
        reader.cursor.space()
        keys.append(reader.key())
        start = reader.cursor.at
        reader.cursor.space()
        if not reader.cursor.keyword(b"OR"):
            break
    reader.cursor.at = start
    reader.cursor.space()
    keys.append(reader.key())
    return any_of(keys)


def _read_not(reader: KeyReader) -> Key:
    reader.cursor.space()
    return Not(reader.key())


def _read_modseq(reader: KeyReader) -> Key:
    """``"MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer`` (RFC 7162 §7)"""
    reader.cursor.space()
    if reader.cursor.at_any(b'"'):
        reader.cursor.string("a metadata item's name")
        reader.cursor.space()
        if reader.cursor.word("priv, shared or all") not in ("PRIV", "SHARED", "ALL"):
            raise reader.cursor.expected("priv, shared or all")
        reader.cursor.space()
    return ModSeq(reader.cursor.number(most=MAX_NUMBER64))


def _flag(flag: str) -> Callable[[KeyReader], Key]:
    return lambda reader: HasFlag(flag)


def _no_flag(flag: str) -> Callable[[KeyReader], Key]:
    return lambda reader: Not(HasFlag(flag))


def _envelope(field: str) -> Callable[[KeyReader], Key]:
    return lambda reader: InEnvelope(field, reader.text())


def _dated(which: Which, when: When) -> Callable[[KeyReader], Key]:
    return lambda reader: Dated(which, when, reader.day())


NESTING = (_read_or, _read_not)

KEYS: Mapping[str, Callable[[KeyReader], Key]] = {
    "ALL": lambda reader: Every(),
    **{flag[1:].upper(): _flag(flag) for flag in FLAGS.values()},
    **{f"UN{flag[1:].upper()}": _no_flag(flag) for flag in SYSTEM_FLAGS.values()},
    # RFC 3501 §6.4.4: NEW is "(RECENT UNSEEN)", OLD is "NOT RECENT".
    "NEW": lambda reader: And((HasFlag("\\Recent"), Not(HasFlag("\\Seen")))),
    "OLD": _no_flag("\\Recent"),
    "KEYWORD": lambda reader: HasFlag(reader.keyword()),
    "UNKEYWORD": lambda reader: Not(HasFlag(reader.keyword())),
    **{field: _envelope(field) for field in ("BCC", "CC", "FROM", "SUBJECT", "TO")},
    "HEADER": lambda reader: InHeader(reader.field(), reader.text()),
    "BODY": lambda reader: InBody(reader.text()),
    "TEXT": lambda reader: InText(reader.text()),
    **{which.value + when.value: _dated(which, when) for which in Which for when in When},
    "SAVEDATESUPPORTED": lambda reader: SaveDateSupported(),
    "LARGER": lambda reader: Larger(reader.number()),
    "SMALLER": lambda reader: Smaller(reader.number()),
    "YOUNGER": lambda reader: Younger(reader.number(least=1)),
    "OLDER": lambda reader: Older(reader.number(least=1)),
    "MODSEQ": _read_modseq,
    "UID": lambda reader: Uids(reader.numbers()),
    "EMAILID": lambda reader: EmailId(reader.keyword()),
    "THREADID": lambda reader: ThreadId(reader.keyword()),
    "NOT": _read_not,
    "OR": _read_or,
}


# -- writing ---------------------------------------------------------------------------------------------------------


def write(key: Key) -> tuple[Piece, ...]:
    """The key as a client sends it, its text in UTF-8: see `needs_charset`."""
    return tuple(_pieces(key))


def needs_charset(key: Key) -> bool:
    """Whether some text isn't ASCII, so that ``CHARSET UTF-8`` has to be said.

    It isn't said otherwise: Exchange refuses even US-ASCII.
    """
    return any(isinstance(k, InEnvelope | InHeader | InBody | InText) and not k.text.isascii() for k in walk(key))


def _pieces(key: Key) -> Iterator[Piece]:
    if isinstance(key, And):
        yield b"("
        for number, inner in enumerate(key.keys):
            yield from (b" " if number else b"", *_pieces(inner))
        yield b")"
    elif isinstance(key, Or):
        # Without parentheses, which the grammar doesn't ask for: Yahoo likes them, Exchange refuses them.
        for inner in key.keys[:-1]:
            yield from (b"OR ", *_pieces(inner), b" ")
        yield from _pieces(key.keys[-1])
    elif isinstance(key, Not):
        yield from (b"NOT ", *_pieces(key.key))
    elif isinstance(key, InEnvelope):
        yield from (f"{key.field} ".encode("ascii"), encode.client_string(key.text.encode("utf-8")))
    elif isinstance(key, InHeader):
        yield b"HEADER %b " % encode.astring(key.field.encode("ascii"))
        yield encode.client_string(key.text.encode("utf-8"))
    elif isinstance(key, InBody | InText):
        yield b"BODY " if isinstance(key, InBody) else b"TEXT "
        yield encode.client_string(key.text.encode("utf-8"))
    else:
        yield _simple(key).encode("ascii")


def _simple(
    key: Every | HasFlag | Numbers | Uids | Dated | SaveDateSupported | Larger | Smaller | Younger | Older | ModSeq
    | EmailId | ThreadId,
) -> str:  # fmt: skip
    """The keys whose arguments are words."""
    match key:
        case HasFlag(flag):
            return flag[1:].upper() if flag.startswith("\\") else f"KEYWORD {flag}"
        case Numbers(numbers):
            return str(numbers)
        case Uids(uids):
            return f"UID {uids}"
        case Dated(which, when, day):
            return f"{which.value}{when.value} {day.day}-{MONTHS[day.month - 1]}-{day.year:04d}"
        case EmailId(id) | ThreadId(id):
            return f"{type(key).__name__.upper()} {id}"
        case Larger(number) | Smaller(number) | Younger(number) | Older(number) | ModSeq(number):
            return f"{type(key).__name__.upper()} {number}"
        case SaveDateSupported():
            return "SAVEDATESUPPORTED"
        case Every():
            return "ALL"
