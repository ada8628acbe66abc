"""Which messages have a text in a header field of any name: words as in vocabulary.py, listed field by field.

Names are without number, and whoever writes a letter may put any into it. So a name gets lists of its own, under a mark
(a number), when many of the messages that are listed together have it. The fields of all other names share one mark:
of what is found there a few messages are left to compare. Which names a message has, is listed as well, whole.
The texts are kept by the same marks, in header_text.py: what the words leave open is compared with these.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from . import header_text, posting, vocabulary
from .fold import bare
from .header_text import Texts
from .posting import Masks
from .vocabulary import Kind, Listed, Looked, pieces, words_of

if TYPE_CHECKING:
    import sqlite3

    from .engine import Tx

KIND: Kind = "header"
# What is listed beside the words of fields: the words of a message's field names, these names as a whole, and the words
# of fields whose name has no mark. Other marks are given from FIRST on.
NAMES, WHOLE, OTHER, FIRST = range(4)
# From so many messages on, of some two thousand that are listed together, their fields' name gets a mark: as many at
# the most are left to compare where it has none.
OFTEN = 20
# Names that get a mark: letters of all the world's programs have some hundred. Those that come later share OTHER.
MOST_NAMES = 2_000
assert 1 << vocabulary.MARK_BITS[KIND] >= FIRST + MOST_NAMES
LONGEST_NAME = 100  # characters; a longer one isn't listed whole, and gets no mark

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS header_name (
    name TEXT PRIMARY KEY, mark INTEGER NOT NULL UNIQUE,
    since INTEGER NOT NULL  -- the fields of messages with larger ids than this are listed under the mark
) STRICT;
{vocabulary.word_schema(KIND)}
{header_text.SCHEMA}
"""


# -- writing -------------------------------------------------------------------------------------------------------


def add(connection: sqlite3.Connection, rows: Sequence[tuple[int, str]]) -> None:
    """Message ids, ascending, and folded headers, a field a line: of messages with larger ids than all listed ones."""
    every = [(message_id, _by_name(header)) for message_id, header in rows]
    _give_marks(connection, every)
    marks = _marks(connection)
    texts = [(message_id, _texts(fields, marks)) for message_id, fields in every]
    header_text.add(connection, texts)
    for chunk, by_mark in _lists(texts, marks):
        vocabulary.add_words(connection, KIND, chunk, by_mark)


def remove(connection: sqlite3.Connection, rows: Sequence[tuple[int, Texts]]) -> None:
    """Message ids, and what `header_text` has of them. Words that no message has any more go, too."""
    for chunk, by_mark in _lists(rows, _marks(connection)):
        vocabulary.remove_listed(connection, KIND, chunk, by_mark)
    header_text.remove(connection, [message_id for message_id, _ in rows])


def clear(connection: sqlite3.Connection) -> None:
    """No message, no word, no name."""
    vocabulary.clear(connection, KIND)
    header_text.clear(connection)
    connection.execute("DELETE FROM header_name")


def _by_name(header: str) -> dict[str, list[str]]:
    """The texts of the fields of each name."""
    fields: dict[str, list[str]] = defaultdict(list)
    for line in header.split("\n"):
        name, _, value = line.partition(": ")
        fields[name].append(value)
    return fields


def _give_marks(connection: sqlite3.Connection, rows: Sequence[tuple[int, Mapping[str, object]]]) -> None:
    """Names that many of the messages have get a mark, the most frequent ones first, while there are any left."""
    have = Counter(name for _, fields in rows for name in fields)
    marks = _marks(connection)
    new = [name for name, count in have.most_common() if count >= OFTEN and name not in marks and _takes_mark(name)]
    connection.executemany(
        "INSERT INTO header_name (name, mark, since) VALUES (?, ?, ?)",
        [
            (name, FIRST + number, rows[0][0] - 1)
            for number, name in zip(range(len(marks), MOST_NAMES), new, strict=False)
        ],
    )


def _takes_mark(name: str) -> bool:
    return 0 < len(name) <= LONGEST_NAME and name.isascii()


def _marks(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT name, mark FROM header_name").fetchall())


def _texts(fields: Mapping[str, Sequence[str]], marks: Mapping[str, int]) -> Texts:
    """As `header_text` keeps them; of fields without a mark of their own the name stands in the line, too."""
    texts: dict[int, str] = {}
    others = ""
    for name, values in fields.items():
        if name in marks:
            texts[marks[name]] = "\n" + "\n".join(values)
        else:
            others += "".join(f"\n{name}: {value}" for value in values)
    return texts | {OTHER: others} if others else texts


def _lists(
    rows: Iterable[tuple[int, Texts]], marks: Mapping[str, int]
) -> Iterable[tuple[int, dict[int, dict[str, list[int]]]]]:
    """By chunks, marks and words, the places of the messages."""
    name_of = {mark: name for name, mark in marks.items()}
    return vocabulary.by_word((message_id, _words(texts, name_of)) for message_id, texts in rows).items()


def _words(texts: Texts, name_of: Mapping[int, str]) -> Iterator[tuple[int, Iterable[str]]]:
    """The words of a message under each mark."""
    names: set[str] = set()
    for mark, text in texts.items():
        yield mark, words_of(text)
        names.update([name_of[mark]] if mark != OTHER else _names(text))
    yield NAMES, words_of("\n".join(names))
    yield WHOLE, [name for name in names if len(name) <= LONGEST_NAME]


def _names(others: str) -> list[str]:
    return [line.partition(": ")[0] for line in others[1:].split("\n")]


# -- looking up ----------------------------------------------------------------------------------------------------


def find(tx: Tx, name: str, wanted: str, form: str, chunks: Sequence[int], messages: int) -> Listed | None:
    """The messages that have a text in a field of this name, which is folded; an empty text: that have such a field.
    `wanted` and `form`: as in `vocabulary.Looked`; the others as in `vocabulary.find`. None: any message may."""
    if len(name) > LONGEST_NAME:
        return None
    have = vocabulary.with_word(tx, Looked(KIND, name, "{}", WHOLE), chunks)
    if not have or not wanted:
        return Listed(have, {})

    def look_up(mark: int) -> Listed:
        in_lists = Looked(KIND, wanted, form, mark)
        found = vocabulary.find(tx, in_lists, pieces(in_lists), chunks, messages)
        return Listed({}, have) if found is None else found

    known = _mark_of(tx, name)
    sure, maybe = look_up(known.mark) if known else Listed({}, {})
    if unmarked := posting.up_to(have, known.since) if known else have:
        maybe = posting.in_either(maybe, posting.in_both(unmarked, posting.in_either(*look_up(OTHER))))
    return Listed(sure, maybe)


class _Mark(NamedTuple):
    """Of a field's name: under which mark its fields are listed, and of messages with larger ids than which."""

    mark: int
    since: int


def _mark_of(tx: Tx, name: str) -> _Mark | None:
    rows = tx.all("SELECT mark, since FROM search.header_name WHERE name = :name", name=name)
    return _Mark(*rows[0]) if rows else None


# -- comparing -----------------------------------------------------------------------------------------------------


def in_field(tx: Tx, name: str, wanted: str, among: Masks, *, accents: bool) -> Masks:
    """The listed messages that have a text in a field of this name, which is folded. Without `accents`, there are none
    in `wanted`, and none are looked at. What isn't `among` these messages may be left out."""
    begins, octets = f"\n{name if accents else bare(name)}: ".encode(), wanted.encode()

    def in_others(mark: int, texts: bytes) -> bytes:
        every = _formed(texts, accents=accents).split(header_text.END)
        having = [number for number, text in enumerate(every) if has_line(text, begins, octets)]
        return header_text.digits_of(having)

    known = _mark_of(tx, name)
    found: Masks = {}
    if known:
        found = header_text.having(
            tx, known.mark, among, lambda mark, texts: header_text.with_any(_formed(texts, accents=accents), [octets])
        )
    if unmarked := posting.up_to(among, known.since) if known else among:
        found = posting.in_either(found, header_text.having(tx, OTHER, unmarked, in_others))
    return found


def in_header(tx: Tx, wanted: str, among: Masks, *, accents: bool) -> Masks:
    """The listed messages that have a text, which is on one line, anywhere in the header; as `in_field`."""
    name_of: dict[int, str] = dict(tx.all("SELECT mark, name FROM search.header_name"))

    def in_texts(mark: int, texts: bytes) -> bytes:
        texts = _formed(texts, accents=accents)
        if mark == OTHER:
            return header_text.with_any(texts, [wanted.encode()])
        begins = f"{name_of[mark]}: "
        if wanted in begins:
            return b"1" * (texts.count(header_text.END) + 1)
        # It may begin in what stands before the text.
        tails = [wanted[end:] for end in range(1, len(wanted)) if begins.endswith(wanted[:end])]
        return header_text.with_any(texts, [one.encode() for one in (wanted, *(f"\n{tail}" for tail in tails))])

    return header_text.having(tx, None, among, in_texts)


def has_line(header: bytes, begins: bytes, wanted: bytes) -> bool:
    """Whether a header, in which a line feed begins each line, has a line that begins so (with the line feed), and goes
    on with what is wanted in it."""
    at = header.find(begins)
    while at >= 0:
        end = header.find(b"\n", at + 1)
        if header.find(wanted, at + len(begins), end if end >= 0 else len(header)) >= 0:
            return True
        at = header.find(begins, end) if end >= 0 else -1
    return False


def _formed(texts: bytes, *, accents: bool) -> bytes:
    return texts if accents or texts.isascii() else bare(texts.decode("utf-8")).encode("utf-8")
