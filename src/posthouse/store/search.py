# ruff: noqa: S608  (SQL is put together from constants of this file; values are always parameters)
r"""Search: a tree of keys, and the messages of a mailbox that it is true for.

What the database can decide is one query: flags, dates, sizes, UIDs. The texts of subject and addresses (`Field`) are
asked of the index; where there is none, the same query compares them. What stands in the octets (`Header`, `Body`,
`Text`) is asked of the index, too, or read from the files, and only for messages that the rest of the tree leaves open.
Text is found as a part of the text, in whatever case, and where that is wanted without accents (fold.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from . import field_word, flag, header_word, posting, text, vocabulary
from .fold import bare, clean, escaped, fold
from .hits import Hits
from .mail import account_of, ordered
from .posting import Masks

if TYPE_CHECKING:
    from .engine import Row, Tx
    from .members import Members


@dataclass(frozen=True, slots=True)
class All:
    """Every message."""


@dataclass(frozen=True, slots=True)
class And:
    """All of these; none: every message."""

    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of these at least; none: no message."""

    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not this."""

    key: Key


@dataclass(frozen=True, slots=True)
class HasFlag:
    r"""``\Seen``, ``$Forwarded``: any flag, in whatever case."""

    flag: str


@dataclass(frozen=True, slots=True)
class Uids:
    """The UIDs in these ranges (sequence numbers are the session's to resolve)."""

    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Field:
    """The text of the subject or of an address field, encoded words decoded, has this in it."""

    name: Literal["subject", "from", "to", "cc", "bcc"]
    text: str


@dataclass(frozen=True, slots=True)
class Header:
    """There is a field of this name that has this text in it; an empty text: there is such a field."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Body:
    """The text of some part of the body has this in it."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """The header, or the text of some part of the body, has this in it."""

    text: str


@dataclass(frozen=True, slots=True)
class Received:
    """The internal date is from `start` on and before `end`, seconds since 1970; None: open."""

    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """The Date field, where it can be understood, is from `start` on and before `end`, by the clock of whoever wrote it
    (RFC 9051 §6.4.4: "disregarding time and timezone"); None: open."""

    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """It came to this mailbox from `start` on and before `end` (RFC 8514); None: open."""

    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Larger:
    """More octets than this."""

    size: int


@dataclass(frozen=True, slots=True)
class Smaller:
    """Fewer octets than this."""

    size: int


@dataclass(frozen=True, slots=True)
class HasAttachment:
    """A file came with it that isn't shown within its text."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Its modseq is this one or a later one (RFC 7162 §3.1.5)."""

    modseq: int


@dataclass(frozen=True, slots=True)
class Is:
    """The message with this id."""

    message_id: int


@dataclass(frozen=True, slots=True)
class InThread:
    """The messages of this thread."""

    thread_id: int


Key = (
    All | And | Or | Not | HasFlag | Uids | Field | Header | Body | Text | Received | Sent | Saved | Larger | Smaller
    | HasAttachment | Changed | Is | InThread
)  # fmt: skip
Octets = Header | Body | Text
Look = Callable[[text.Texts], bool]
Compare = Callable[[Masks], Masks]  # those of the messages that have what is looked for

FIELDS = {"subject": "t.subject", "from": "t.from_", "to": "t.to_", "cc": "t.cc", "bcc": "t.bcc"}
TIMES = {Received: "m.received", Sent: "(m.sent + m.zone)", Saved: "p.saved"}
JOINS = {
    "f": " JOIN flagset f ON f.id = p.flagset_id",
    "m": " JOIN message m ON m.id = p.message_id",
    "t": " JOIN folded t ON t.message_id = p.message_id",
}


# More ranges than this are compared here, not in the query: SQLite refuses an expression 1,000 levels deep.
RANGES_IN_SQL = 200
# Keys that are true for few messages, which the query finds without a look at the others.
SELECTIVE = (Uids, Changed, Is, InThread)
# Messages whose rows are read in one go, to look at their octets.
SCANNED = 200
# Characters of a text whose answer is kept: the text is kept with it, and a command of IMAP may be a megabyte.
LONGEST_KEPT = 200


def search(tx: Tx, mailbox_id: int, key: Key, *, accents: bool = True) -> Sequence[int]:
    """The UIDs of the messages for which `key` is true, ascending. Errors: NotFound for no such mailbox.

    `accents`: whether "façade" and "facade" differ, as they do for IMAP (RFC 5051); people don't care.
    """
    return _Search(tx, mailbox_id, accents=accents).matching(key)


def select(
    tx: Tx, mailbox_id: int, key: Key, columns: Sequence[str], joins: Sequence[str], order: Sequence[str]
) -> list[Row]:
    """Columns of the messages for which `key` is true, in an order; for the store's own files. Errors: NotFound.

    The first column is ``p.uid``; `joins` bring what `columns` and `order` speak of.
    """
    return _Search(tx, mailbox_id).select(key, columns, joins, order)


class _Search:
    """One search in one mailbox."""

    def __init__(self, tx: Tx, mailbox_id: int, *, accents: bool = True) -> None:
        self._tx = tx
        self._compared = _Compared("{}" if accents else tx.bare, _same if accents else bare)
        self._mailbox_id = mailbox_id
        self._account_id = account_of(tx, mailbox_id)
        self._known: Members | None = None
        self._octets: dict[Octets, int] = {}  # the keys that octets are read for, numbered
        self._answers: dict[bool, dict[int, int]] = {False: {}, True: {}}  # of messages read for fields, or for texts
        self._flagsets = [
            (flagset_id, {word.lower() for word in flag.parse(line)})
            for flagset_id, line in tx.all(
                "SELECT id, line FROM flagset WHERE account_id = :account_id", account_id=self._account_id
            )
        ]

    def matching(self, key: Key) -> Sequence[int]:
        self._octets = {one: number for number, one in enumerate(dict.fromkeys(_octets_in(key)))}
        if not self._is_slow(key):
            return self._query(key)
        if self._tx.has_index and isinstance(key, Field | Body | Text | Header):
            return self._found(key)
        # Octets may have to be read: not those of messages that the rest of the key leaves out.
        bound = self._upper_bound(key) if self._octets else All()
        return sorted(self._among(key, None if _is_all(bound) else set(self._query(bound))))

    def select(self, key: Key, columns: Sequence[str], joins: Sequence[str], order: Sequence[str]) -> list[Row]:
        if not self._is_slow(key):
            return self._rows(key, columns, joins, order)
        found = self.matching(key)
        if len(found) <= RANGES_IN_SQL:
            return self._rows(_exactly(found), columns, joins, order)
        wanted = set(found)
        return [row for row in self._rows(All(), columns, joins, order) if row[0] in wanted]

    # -- what the database decides ---------------------------------------------------------------------------------

    def _query(self, key: Key) -> list[int]:
        return [uid for (uid,) in self._rows(key, ["p.uid"], [], ["p.uid"])]

    def _rows(self, key: Key, columns: Sequence[str], joins: Sequence[str], order: Sequence[str]) -> list[Row]:
        condition = _Condition(self._flagsets, self._compared)
        where = condition.of(key)
        needed = dict.fromkeys([*joins, *(join for table, join in JOINS.items() if f"{table}." in where)])
        return self._tx.all(
            f"SELECT {', '.join(columns)} FROM placement p{''.join(needed)} WHERE p.mailbox_id = :mailbox_id"
            f" AND {where} ORDER BY {', '.join(order)}",
            mailbox_id=self._mailbox_id,
            **condition.parameters,
        )

    # -- what has to be looked at here -----------------------------------------------------------------------------

    def _among(self, key: Key, uids: set[int] | None) -> set[int]:
        """Those of `uids`, or of all (None), for which `key` is true. What is quick goes first and leaves less for what
        is slow."""
        self._tx.ensure_wanted()
        if uids is not None and not uids:
            return uids
        if not self._is_slow(key):
            return self._quick(key, uids)
        match key:
            case And(keys):
                selective = any(isinstance(one, SELECTIVE) for one in keys)
                for one in sorted(keys, key=lambda one: self._rank(one, selective=selective)):
                    uids = self._among(one, uids)
                assert uids is not None  # one of them is slow
                return uids
            case Or(keys):
                found: set[int] = set()
                for one in sorted(keys, key=self._rank):
                    found |= self._among(one, None if uids is None else uids - found)
                return found
            case Not(inner):
                whole = set(self._query(All())) if uids is None else uids
                return whole - self._among(inner, uids)
            case Uids(ranges):
                whole = set(self._query(All())) if uids is None else uids
                return {uid for low, high in ordered(ranges) for uid in _between(whole, low, high)}
            case Field():
                few = uids is not None and len(uids) <= RANGES_IN_SQL
                return self._quick(key, uids) if few else _both(self._found(key), uids)
            case Body() | Text() | Header():
                if self._tx.has_index:
                    return _both(self._found(key), uids)
                return self._scan(key, set(self._query(All())) if uids is None else uids)
        raise AssertionError(key)

    def _quick(self, key: Key, uids: set[int] | None) -> set[int]:
        """`_among` by one query: of a few messages alone, or of all."""
        if uids is not None and len(uids) <= RANGES_IN_SQL:
            return set(self._query(And((_exactly(uids), key))))
        return _both(self._query(key), uids)

    def _is_slow(self, key: Key) -> bool:
        """Whether one query doesn't decide it, or there is something quicker."""
        match key:
            case And(keys) | Or(keys):
                return any(map(self._is_slow, keys))
            case Not(inner):
                return self._is_slow(inner)
            case Uids(ranges):
                return len(ranges) > RANGES_IN_SQL
            case Field():
                return self._tx.has_index
            case Header() | Body() | Text():
                return True
        return False

    def _rank(self, key: Key, *, selective: bool = False) -> int:
        """In which order keys are looked at: a text that the index has few messages for leaves little to the query;
        unless the query is about a few messages anyway."""
        if not self._is_slow(key):
            return 1
        return (2 if selective else 0) if isinstance(key, Field) else 3

    def _upper_bound(self, key: Key) -> Key:
        """A quick key that is true wherever `key` is."""
        if not self._is_slow(key):
            return key
        match key:
            case And(keys):
                return And(tuple(map(self._upper_bound, keys)))
            case Or(keys):
                return Or(tuple(map(self._upper_bound, keys)))
        return All()

    def _found(self, key: Field | Octets) -> Hits:
        """What the index finds, and what isn't in it yet; kept for who asks it again, page by page or letter by letter,
        while the messages are the same."""
        members = self._members()
        if len(key.text) > LONGEST_KEPT:
            return self._find(key)
        bits = members.derive((key, self._compared.sql), lambda: self._find(key).bits)
        return Hits(members.uids, bits)

    def _find(self, key: Field | Octets) -> Hits:
        """Ask the index, and look at what isn't in it yet."""
        if isinstance(key, Field):
            return self._in_field(key)
        hits = self._members().hits({})
        if isinstance(key, Header | Text):
            hits |= self._in_header(key)
        if isinstance(key, Body | Text):
            hits |= self._in_text(key)
        # Those whose text is longer than what is kept of it, and those of which nothing is kept yet.
        open_yet = self._tx.all(
            "SELECT p.uid FROM message m CROSS JOIN placement p ON p.message_id = m.id"
            " WHERE m.id > (SELECT done FROM search.state) AND p.mailbox_id = :mailbox_id"
            " UNION SELECT p.uid FROM search.text t CROSS JOIN placement p ON p.message_id = t.message_id"
            " WHERE p.mailbox_id = :mailbox_id AND t.whole = 0",
            mailbox_id=self._mailbox_id,
        )
        if not open_yet:
            return hits
        return hits | Hits.of(hits.among, self._scan(key, {uid for (uid,) in open_yet}.difference(hits)))

    def _members(self) -> Members:
        """The messages of the mailbox."""
        if self._known is None:
            assert self._tx.rosters is not None  # writers don't search
            self._known = self._tx.rosters.members_of(self._tx, self._mailbox_id)
        return self._known

    @property
    def _sizes(self) -> tuple[Sequence[int], int]:
        """In which chunks the messages are, and their number."""
        members = self._members()
        return members.chunks, len(members.uids)

    def _certain(self, found: vocabulary.Listed | None, listed: Compare, unlisted: Compare) -> Hits:
        """What was found for sure, and what `listed` finds among those that are left open: all, where nothing could be
        found so. And what `unlisted` finds among those that aren't listed yet."""
        members = self._members()
        last = self._tx.value("SELECT listed FROM search.state")
        sure, maybe = found or vocabulary.Listed({}, posting.up_to(members.masks, last))
        hits = members.hits(sure)
        if among := posting.in_both(maybe, members.masks):
            hits |= members.hits(listed(among))
        waiting = members.behind(last)
        return hits | members.hits(unlisted(posting.masks(waiting))) if waiting else hits

    def _in_field(self, key: Field) -> Hits:
        """The messages that have the text in the field."""
        looked = self._compared.wanted(key.text), self._compared.sql
        found = field_word.find(self._tx, key.name, *looked, *self._sizes)
        compare = self._having("folded", FIELDS[key.name], key.text)
        return self._certain(found, compare, compare)

    def _in_text(self, key: Body | Text) -> Hits:
        """The messages whose kept body has the text in it."""
        compare = self._having("search.text", "t.body", key.text)
        return self._certain(self._look_up("body", self._compared.wanted(key.text)), compare, compare)

    def _in_header(self, key: Header | Text) -> Hits:
        """The messages whose kept header has the text in it, or in a field of the name."""
        wanted, accents = self._compared.wanted(key.text), self._compared.accents
        if "\n" in wanted:  # a field is a line there
            return self._members().hits({})
        if isinstance(key, Text):
            return self._certain(
                self._look_up("header", wanted),
                lambda among: header_word.in_header(self._tx, wanted, among, accents=accents),
                self._having("search.unlisted_header", "t.header", key.text),
            )
        name = fold(clean(key.name))
        return self._certain(
            header_word.find(self._tx, name, wanted, self._compared.sql, *self._sizes),
            lambda among: header_word.in_field(self._tx, name, wanted, among, accents=accents),
            lambda among: self._having_line(f"\n{self._compared.form(name)}: ".encode(), wanted.encode(), among),
        )

    def _look_up(self, kind: vocabulary.Kind, wanted: str) -> vocabulary.Listed | None:
        looked = vocabulary.Looked(kind, wanted, self._compared.sql)
        return vocabulary.find(self._tx, looked, vocabulary.pieces(looked), *self._sizes)

    def _having(self, table: str, column: str, wanted: str) -> Compare:
        """Finds the messages whose row has the text in the column, among those of the mailbox."""

        def compare(among: Masks) -> Masks:
            # As one value: a hundred thousand rows would take twice as long.
            found: list[int] = json.loads(
                self._tx.value(
                    f"SELECT json_group_array(t.message_id) FROM json_each(:ids) u CROSS JOIN {table} t"
                    f" ON t.message_id = u.value WHERE {self._compared.like(column)}",
                    ids=json.dumps(list(posting.ids(among))),
                    pattern=self._compared.pattern(wanted),
                )
            )
            return posting.masks(found)

        return compare

    def _having_line(self, begins: bytes, wanted: bytes, among: Masks) -> Masks:
        """Those of the messages that aren't listed whose header has a line that begins so and goes on with what is
        wanted in it."""
        rows = self._tx.all(
            f"SELECT t.message_id, {self._compared.sql.format('t.header')} FROM json_each(:ids) u"
            " CROSS JOIN search.unlisted_header t ON t.message_id = u.value",
            ids=json.dumps(list(posting.ids(among))),
        )
        return posting.masks(
            message_id for message_id, header in rows if header_word.has_line(f"\n{header}".encode(), begins, wanted)
        )

    def _scan(self, key: Octets, uids: set[int]) -> set[int]:
        """Read what the key looks at from the octets of each message.

        The other keys that look there are answered with it: to decode and fold a letter takes much longer than to find
        a text in it, and the letters of a mailbox can't all be remembered.
        """
        kind = isinstance(key, Header)
        answers = self._answers[kind]
        looks = [
            (1 << number, self._look(one)) for one, number in self._octets.items() if isinstance(one, Header) == kind
        ]
        unread = sorted(uids.difference(answers))
        for start in range(0, len(unread), SCANNED):
            some = ", ".join(map(str, unread[start : start + SCANNED]))
            for uid, *row in self._tx.all(
                "SELECT p.uid, m.prefix, m.blob_id, m.header_size, w.tree FROM placement p"
                " JOIN message m ON m.id = p.message_id JOIN wire w ON w.message_id = p.message_id"
                f" WHERE p.mailbox_id = :mailbox_id AND p.uid IN ({some})",
                mailbox_id=self._mailbox_id,
            ):
                texts = text.Texts(self._tx.blobs, self._compared.form, *row)
                answer = 0
                for bit, is_in in looks:
                    self._tx.ensure_wanted()
                    if is_in(texts):
                        answer |= bit
                answers[uid] = answer
        bit = 1 << self._octets[key]
        return {uid for uid in uids if answers.get(uid, 0) & bit}

    def _look(self, key: Octets) -> Look:
        """Whether a message has what the key asks for."""
        wanted = self._compared.wanted(key.text)
        match key:
            case Header(name):
                return lambda texts: any(wanted in value for value in texts.fields(name))
            case Text() if "\n" not in wanted:  # a field is a line there
                return lambda texts: wanted in texts.header or wanted in texts.body
        return lambda texts: wanted in texts.body


def _same(folded: str) -> str:
    return folded


@dataclass(frozen=True, slots=True)
class _Compared:
    """In which form texts are compared: `sql` makes it of a column, `form` of a folded text."""

    sql: str
    form: Callable[[str], str]

    @property
    def accents(self) -> bool:
        """Whether they differ."""
        return self.form is _same

    def wanted(self, text: str) -> str:
        """What is looked for."""
        return self.form(fold(clean(text)))

    def like(self, column: str, parameter: str = ":pattern") -> str:
        """The condition that the column has what the pattern says."""
        return f"{self.sql.format(column)} LIKE {parameter} ESCAPE '!'"

    def pattern(self, text: str) -> str:
        """What LIKE finds the text with, anywhere."""
        return f"%{escaped(self.wanted(text))}%"


def _both(found: Iterable[int], uids: set[int] | None) -> set[int]:
    """What is in both; None: all."""
    return set(found) if uids is None else uids.intersection(found)


def _between(uids: set[int], low: int, high: int) -> Iterable[int]:
    """Those from `low` to `high`, by whichever way is shorter."""
    if high - low < len(uids):
        return uids.intersection(range(low, high + 1))
    return (uid for uid in uids if low <= uid <= high)


def _exactly(uids: Iterable[int]) -> Uids:
    """These messages."""
    return Uids(tuple((uid, uid) for uid in uids))


def _octets_in(key: Key) -> Iterator[Octets]:
    """The keys in it that are about what stands in the octets."""
    match key:
        case And(keys) | Or(keys):
            for one in keys:
                yield from _octets_in(one)
        case Not(inner):
            yield from _octets_in(inner)
        case Header() | Body() | Text():
            yield key


def _is_all(key: Key) -> bool:
    """Whether it is true for every message, by what it says."""
    match key:
        case All():
            return True
        case And(keys):
            return all(map(_is_all, keys))
        case Or(keys):
            return any(map(_is_all, keys))
    return False


class _Condition:
    """A key as a condition of SQL, with its parameters."""

    def __init__(self, flagsets: list[tuple[int, set[str]]], compared: _Compared) -> None:
        self.parameters: dict[str, Any] = {}
        self._compared = compared
        self._flagsets = flagsets

    def of(self, key: Key) -> str:
        match key:
            case All():
                return "1 = 1"
            case And(keys):
                return f"({' AND '.join(map(self.of, keys))})" if keys else "1 = 1"
            case Or(keys):
                return f"({' OR '.join(map(self.of, keys))})" if keys else "1 = 0"
            case Not(inner):
                return f"NOT ({self.of(inner)})"
            case HasFlag(name):
                ids = [str(flagset_id) for flagset_id, flags in self._flagsets if name.lower() in flags]
                return f"p.flagset_id IN ({', '.join(ids)})" if ids else "1 = 0"
            case Uids(ranges):
                each = [f"p.uid BETWEEN {int(low)} AND {int(high)}" for low, high in ordered(ranges)]
                return f"({' OR '.join(each)})" if each else "1 = 0"
            case Field(name, wanted):
                return self._compared.like(FIELDS[name], self._parameter(self._compared.pattern(wanted)))
            case Received() | Sent() | Saved():
                column = TIMES[type(key)]
                start = f" AND {column} >= {self._parameter(key.start)}" if key.start is not None else ""
                end = f" AND {column} < {self._parameter(key.end)}" if key.end is not None else ""
                return f"({column} IS NOT NULL{start}{end})"
            case Larger(size):
                return f"m.size > {self._parameter(size)}"
            case Smaller(size):
                return f"m.size < {self._parameter(size)}"
            case HasAttachment():
                return "m.attachment = 1"
            case Changed(modseq):
                return f"p.modseq >= {self._parameter(modseq)}"
            case Is(message_id):
                return f"p.message_id = {self._parameter(message_id)}"
            case InThread(thread_id):
                return f"m.thread_id = {self._parameter(thread_id)}"
        raise AssertionError(key)

    def _parameter(self, value: Any) -> str:
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f":{name}"
