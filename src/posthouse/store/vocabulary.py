# ruff: noqa: S608  (SQL is put together from constants of this file; values are always parameters)
"""Which messages have a word, or a part of one: the words of all texts, and for each word the messages that have it.

A word is a run of letters and digits (and of all that isn't ASCII). Any text without a separator in it stands within
one word of a message or not at all. So "eeti" is looked up among the words, which are few beside the texts, by their
trigrams; and the messages that have one of the words found are the answer, without a look at their texts. What has
separators in it is looked up piece by piece, and leaves few texts to compare.

SQLite's FTS5 keeps all of it: it reads a text four times as quickly as Python could, while other threads go on. Header
and body are apart: what headers are full of, ids and signatures, slows down no search in the bodies. The words of
subject and addresses, which are short and asked for most, have lists of another kind: field_word.py.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from .fold import bare

if TYPE_CHECKING:
    from .engine import Tx

Kind = Literal["header", "body"]
KINDS: tuple[Kind, ...] = ("header", "body")

LEAN = "content='', detail=none, columnsize=0"  # an index and nothing else: no texts, places or sizes


def word_schema(kind: str) -> str:
    """Tables of words, each once, and of their parts."""
    return f"""
CREATE TABLE IF NOT EXISTS {kind}_word (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE) STRICT;
CREATE VIRTUAL TABLE IF NOT EXISTS {kind}_part USING fts5(word, {LEAN}, tokenize='trigram case_sensitive 1');
"""


SCHEMA = "".join(
    f"""{word_schema(kind)}
CREATE VIRTUAL TABLE IF NOT EXISTS {kind}_posting USING fts5(text, {LEAN}, tokenize='ascii');
CREATE VIRTUAL TABLE IF NOT EXISTS {kind}_where USING fts5vocab({kind}_posting, 'instance');
"""
    for kind in KINDS
)
# All texts of a portion as one document: its words.
PORTION_SCHEMA = f"""
CREATE VIRTUAL TABLE IF NOT EXISTS temp.portion USING fts5(text, {LEAN}, tokenize='ascii');
CREATE VIRTUAL TABLE IF NOT EXISTS temp.portion_word USING fts5vocab('temp', 'portion', 'row');
"""

# What FTS5's tokenizer "ascii" takes for a word.
WORD = re.compile("[0-9A-Za-z\x80-\U0010ffff]+")
# FTS5 keeps 32,768 octets of a word: of a longer one (a script without spaces, a dump) each part of LONGEST_PART
# characters stands within one of the overlapping words that it is cut into.
LONGEST_WORD = 8_000
LONGEST_PART = LONGEST_WORD // 2
LONG_WORD = re.compile(f"{WORD.pattern[:-1]}{{{LONGEST_WORD},}}")

SHORTEST = 3  # characters; a shorter part is compared with all words
# Trigrams that are looked up for one part of a word: the comparison does the rest.
MAX_TRIGRAMS = 24
# Pieces of one text that are looked up, the longest ones.
MAX_PIECES = 8
# So many words are looked up in one query, together with the account; of more, each with its messages one by one.
FEW_WORDS = 64
# A posting takes a tenth of the time that comparing a message's text does, and a word the hundredth: where there are
# more of them than these for each message of the mailbox, texts are compared.
POSTINGS_A_MESSAGE = 2
WORDS_A_MESSAGE = 20

# In a small mailbox of a large account, where so many more of the account's messages are found than the mailbox has,
# its texts are compared.
FOUND_A_MESSAGE = 10

# An account's number as a word of private characters (planes 15 and 16).
PRIVATE = 0xF0000
PRIVATE_COUNT = 0xFFF0


class Found(NamedTuple):
    """A query for the `id` of the messages that may have what is looked for, of any account; `exact`: that have it."""

    sql: str
    parameters: dict[str, str]
    exact: bool


class Looked(NamedTuple):
    """What is looked for: a folded text, in which words, and what SQL makes of a word before it is compared ("{}", or
    "bare({})" for a text without accents). `mark`: what the words begin with."""

    kind: str
    wanted: str
    form: str
    mark: str = ""

    @property
    def beyond(self) -> str:
        """What no word with this mark reaches."""
        return chr(ord(self.mark) + 1) if self.mark else ""


class Piece(NamedTuple):
    """A part of a text that stands within one word; how LIKE finds the words."""

    text: str
    pattern: str


# -- writing -------------------------------------------------------------------------------------------------------


def add(connection: sqlite3.Connection, kind: Kind, rows: Sequence[tuple[int, int, str]]) -> None:
    """Message ids, accounts, folded texts: of messages that aren't in it yet."""
    texts = [(message_id, account_id, _tokenized(text)) for message_id, account_id, text in rows]
    (last,) = connection.execute(f"SELECT coalesce(max(id), 0) FROM {kind}_word").fetchone()
    with _PortionWords(connection, (text for _, _, text in texts)) as words:
        connection.execute(f"INSERT OR IGNORE INTO {kind}_word (word) SELECT term FROM {words}")
    add_parts(connection, kind, last)
    connection.executemany(
        f"INSERT INTO {kind}_posting (rowid, text) VALUES (?, ?)",
        [(message_id, f"{account_word(account_id)} {text}") for message_id, account_id, text in texts],
    )


def remove(connection: sqlite3.Connection, kind: Kind, rows: Sequence[tuple[int, int, str]]) -> None:
    """What `add` was given. Words that no message has any more go, too."""
    texts = [(message_id, account_id, _tokenized(text)) for message_id, account_id, text in rows]
    connection.executemany(
        f"INSERT INTO {kind}_posting ({kind}_posting, rowid, text) VALUES ('delete', ?, ?)",
        [(message_id, f"{account_word(account_id)} {text}") for message_id, account_id, text in texts],
    )
    with _PortionWords(connection, (text for _, _, text in texts)) as words:
        unused = connection.execute(
            f"SELECT w.id, w.word FROM {words} n CROSS JOIN {kind}_word w ON w.word = n.term"
            f" WHERE NOT EXISTS (SELECT 1 FROM {kind}_where t WHERE t.term = n.term)"
        ).fetchall()
    remove_words(connection, kind, unused)


def add_parts(connection: sqlite3.Connection, kind: str, last: int) -> None:
    """Make the words findable by their parts whose ids are larger than `last`."""
    connection.execute(
        f"INSERT INTO {kind}_part (rowid, word) SELECT id, bare(word) FROM {kind}_word WHERE id > ?", (last,)
    )


def remove_words(connection: sqlite3.Connection, kind: str, words: Sequence[tuple[int, str]]) -> None:
    """Words that no message has any more."""
    connection.executemany(f"INSERT INTO {kind}_part ({kind}_part, rowid, word) VALUES ('delete', ?, bare(?))", words)
    connection.executemany(f"DELETE FROM {kind}_word WHERE id = ?", [(word_id,) for word_id, _ in words])


def clear(connection: sqlite3.Connection) -> None:
    """No message, no word."""
    for kind in KINDS:
        connection.execute(f"DELETE FROM {kind}_word")
        for table in (f"{kind}_part", f"{kind}_posting"):
            connection.execute(f"INSERT INTO {table} ({table}) VALUES ('delete-all')")


class _PortionWords:
    """The words of some texts, as a table that has each once."""

    def __init__(self, connection: sqlite3.Connection, texts: Iterable[str]) -> None:
        self._connection = connection
        self._text = " ".join(texts)

    def __enter__(self) -> str:
        self._connection.execute("INSERT INTO temp.portion (rowid, text) VALUES (1, ?)", (self._text,))
        return "temp.portion_word"

    def __exit__(self, *_: object) -> None:
        self._connection.execute("INSERT INTO temp.portion (portion) VALUES ('delete-all')")


def _tokenized(text: str) -> str:
    """The text with its very long words cut into overlapping ones."""
    return text if len(text) < LONGEST_WORD else LONG_WORD.sub(lambda found: " ".join(overlapping(found[0])), text)


def overlapping(word: str) -> Iterator[str]:
    """The word, a very long one as several in which each part of LONGEST_PART characters stands within one."""
    for start in range(0, max(len(word) - LONGEST_PART, 1), LONGEST_PART):
        yield word[start : start + LONGEST_WORD]


def account_word(account_id: int) -> str:
    """A word that stands for the account."""
    high, low = divmod(account_id, PRIVATE_COUNT)
    return chr(PRIVATE + high % PRIVATE_COUNT) + chr(PRIVATE + low) + chr(0x10FFFD)


# -- looking up ----------------------------------------------------------------------------------------------------


def find(tx: Tx, account_id: int, looked: Looked, messages: int, all_messages: int) -> Found | None:
    """The messages of the account that have a text in the header or in the body.

    `messages`: of the mailbox, and of the whole account. None: comparing all texts of that mailbox takes less time.
    """
    found = pieces(looked)
    if not found:
        return None
    exact = found[0].text == looked.wanted
    lists: list[list[str]] = []
    for piece in found:
        words = _words(tx, looked, piece, messages)
        if words is not None and len(words) <= FEW_WORDS:
            lists.append(words)
    if not all(lists):
        return Found("SELECT NULL AS id WHERE FALSE", {}, exact=True)
    if lists:
        any_of = ["(" + " OR ".join(map(_quoted, words)) + ")" for words in lists]
        sql = f"SELECT rowid AS id FROM search.{looked.kind}_posting WHERE {looked.kind}_posting MATCH :query"
        query = " AND ".join([_quoted(account_word(account_id)), *any_of])
        most = messages * FOUND_A_MESSAGE
        if most < all_messages:
            count = tx.value(f"SELECT count(*) FROM ({sql} LIMIT :most)", query=query, most=most + 1)
            if count > most:
                return None
        return Found(sql, {"query": query}, exact)
    ids = _having_any(tx, looked, found[0], messages)
    return None if ids is None else Found("SELECT value AS id FROM json_each(:ids)", {"ids": ids}, exact)


def pieces(looked: Looked) -> list[Piece]:
    """The parts of the text that stand within one word each, the longest ones first, and no more than are looked up.
    What is behind a separator begins a word."""
    found: list[Piece] = []
    for part in WORD.finditer(looked.wanted):
        text = part[0][:LONGEST_PART]  # of a giant one the beginning
        begins = "" if part.start() else "%"
        ends = "" if part.end() < len(looked.wanted) and len(text) == len(part[0]) else "%"
        found.append(Piece(text, f"{looked.mark}{begins}{text}{ends}"))
    return sorted(found, key=lambda piece: len(piece.text), reverse=True)[:MAX_PIECES]


def _words(tx: Tx, looked: Looked, piece: Piece, messages: int) -> list[str] | None:
    """Words that have the piece in them, a few; None as in `source`."""
    words = source(tx, looked, piece, messages)
    if words is None:
        return None
    rows = tx.all(
        f"SELECT w.word FROM {words} LIMIT :most",
        **words_parameters(looked, piece),
        most=FEW_WORDS + 1,
    )
    return [word for (word,) in rows]


def _having_any(tx: Tx, looked: Looked, piece: Piece, messages: int) -> str | None:
    """The ids of messages that have any of the many words with the piece in them, in JSON: rows would take twice as
    long. None where these are too many."""
    words = source(tx, looked, piece, messages, f" CROSS JOIN search.{looked.kind}_where t ON t.term = w.word")
    if words is None:
        return None
    most = messages * POSTINGS_A_MESSAGE
    row = tx.one(
        f"SELECT count(*), json_group_array(DISTINCT doc) FROM (SELECT t.doc AS doc FROM {words} LIMIT :most)",
        **words_parameters(looked, piece),
        most=most + 1,
    )
    assert row is not None
    count, ids = row
    return None if count > most else ids


def source(tx: Tx, looked: Looked, piece: Piece, messages: int, join: str = "") -> str | None:
    """What stands behind FROM to find the words with the piece in them, and what is joined; None where too many words
    would have to be looked at."""
    kind = looked.kind
    condition = f"{looked.form.format('w.word')} LIKE :pattern ESCAPE '!'"
    if len(bare(piece.text)) >= SHORTEST:
        return (
            f"search.{kind}_part p CROSS JOIN search.{kind}_word w ON w.id = p.rowid{join}"
            f" WHERE p.{kind}_part MATCH :trigrams AND {condition}"
        )
    count = tx.value(f"SELECT max(id) FROM search.{kind}_word") or 0
    if looked.mark:
        condition += " AND w.word >= :mark AND w.word < :beyond"
    return f"search.{kind}_word w{join} WHERE {condition}" if count <= messages * WORDS_A_MESSAGE else None


def words_parameters(looked: Looked, piece: Piece) -> dict[str, str]:
    """What `source` speaks of."""
    return {
        "pattern": piece.pattern,
        "trigrams": _trigrams(piece.text),
        "mark": looked.mark,
        "beyond": looked.beyond,
    }


def _trigrams(text: str) -> str:
    plain = bare(text)
    trigrams = list(dict.fromkeys(plain[start : start + 3] for start in range(len(plain) - 2)))
    step = -(-len(trigrams) // MAX_TRIGRAMS) or 1
    return " AND ".join(map(_quoted, trigrams[::step]))


def _quoted(word: str) -> str:
    return f'"{word}"'
