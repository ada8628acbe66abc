# ruff: noqa: S608  (SQL is put together from constants of this file; values are always parameters)
"""Which messages have a text in the subject or in an address field: words as in vocabulary.py, lists as in posting.py.

Each word begins with a mark that tells its field, so a word is looked up in the one field that is asked about. Of
address fields there are two kinds of words: what `vocabulary.WORD` takes for one, and a *name*, such as "example.org"
and "ada.lovelace@example.org" with the signs in it. What is looked for in addresses ("@example.org") stands within one
name, so no text is compared for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from . import posting
from .fold import escaped
from .posting import Masks
from .vocabulary import (
    LONGEST_PART,
    LONGEST_WORD,
    WORD,
    Looked,
    Piece,
    add_parts,
    overlapping,
    pieces,
    remove_words,
    source,
    word_schema,
    words_parameters,
)

if TYPE_CHECKING:
    import sqlite3

    from .engine import Tx

Name = Literal["subject", "from", "to", "cc", "bcc"]
# What the words of each field begin with: private characters.
MARKS: dict[Name, str] = {
    "subject": "\U000ffff1",
    "from": "\U000ffff2",
    "to": "\U000ffff3",
    "cc": "\U000ffff4",
    "bcc": "\U000ffff5",
}
# A run of what isn't a separator between names; a name is one that isn't a word.
NAME = re.compile(r"""[^\s,;:<>()\[\]"]+""")
KINDS = ("field", "name")
SCHEMA = "".join(word_schema(kind) + posting.schema(f"{kind}_list") for kind in KINDS)
# Looking one list up takes about as long as comparing half a message's text: where there are more of them than these
# for each message of the mailbox, and than some for any, texts are compared.
LISTS_A_MESSAGE = 2
FEW_LISTS = 1_000


class Listed(NamedTuple):
    """Messages, of any account, that may have what is looked for; `exact`: that have it."""

    messages: Masks
    exact: bool


# -- writing -------------------------------------------------------------------------------------------------------


def text_of(fields: Sequence[str]) -> str:
    """What the index keeps of the folded texts of the fields, which are in the order of MARKS."""
    return json.dumps(fields, ensure_ascii=False)


def add(connection: sqlite3.Connection, rows: Sequence[tuple[int, str]]) -> None:
    """Message ids, and what `text_of` made: of messages that aren't in it yet."""
    for kind in KINDS:
        words = _by_word(rows, kind)
        (last,) = connection.execute(f"SELECT coalesce(max(id), 0) FROM {kind}_word").fetchone()
        every = json.dumps(list(words))
        connection.execute(f"INSERT OR IGNORE INTO {kind}_word (word) SELECT value FROM json_each(?)", (every,))
        add_parts(connection, kind, last)
        ids = _ids(connection, kind, every)
        posting.add(connection, f"{kind}_list", {ids[word]: message_ids for word, message_ids in words.items()})


def remove(connection: sqlite3.Connection, rows: Sequence[tuple[int, str]]) -> None:
    """What `add` was given. Words that no message has any more go, too."""
    for kind in KINDS:
        words = _by_word(rows, kind)
        ids = _ids(connection, kind, json.dumps(list(words)))
        unused = posting.remove(connection, f"{kind}_list", {ids[word]: words[word] for word in ids})
        remove_words(connection, kind, [(word_id, word) for word, word_id in ids.items() if word_id in unused])


def clear(connection: sqlite3.Connection) -> None:
    """No message, no word."""
    for kind in KINDS:
        connection.execute(f"DELETE FROM {kind}_list")
        connection.execute(f"DELETE FROM {kind}_word")
        connection.execute(f"INSERT INTO {kind}_part ({kind}_part) VALUES ('delete-all')")


def _by_word(rows: Sequence[tuple[int, str]], kind: str) -> dict[str, list[int]]:
    words: dict[str, list[int]] = {}
    words_in = _words_in if kind == "field" else _names_in
    for message_id, kept in rows:
        for word in set(words_in(json.loads(kept))):
            words.setdefault(word, []).append(message_id)
    return words


def _words_in(fields: Sequence[str]) -> Iterator[str]:
    for mark, text in zip(MARKS.values(), fields, strict=True):
        for word in WORD.findall(text):
            if len(word) <= LONGEST_WORD:
                yield mark + word
            else:
                yield from [mark + part for part in overlapping(word)]


def _names_in(fields: Sequence[str]) -> Iterator[str]:
    for (name, mark), text in zip(MARKS.items(), fields, strict=True):
        for word in NAME.findall(text) if name != "subject" else ():
            if not WORD.fullmatch(word):
                yield from [mark + part for part in overlapping(word)]


def _ids(connection: sqlite3.Connection, kind: str, words: str) -> dict[str, int]:
    """The ids of words, which are given in JSON."""
    return dict(
        connection.execute(
            f"SELECT w.word, w.id FROM json_each(?) j CROSS JOIN {kind}_word w ON w.word = j.value", (words,)
        ).fetchall()
    )


# -- looking up ----------------------------------------------------------------------------------------------------


def find(tx: Tx, name: Name, wanted: str, form: str, messages: int) -> Listed | None:
    """The messages that have a text in a field. `wanted` and `form`: as in `vocabulary.Looked`; `messages`: how many
    the mailbox has. None: comparing all texts of that mailbox takes less time.
    """
    if name != "subject" and len(wanted) <= LONGEST_PART and NAME.fullmatch(wanted) and not WORD.fullmatch(wanted):
        looked = Looked("name", wanted, form, MARKS[name])
        some = [Piece(wanted, f"{looked.mark}%{escaped(wanted)}%")]
    else:
        looked = Looked("field", wanted, form, MARKS[name])
        some = pieces(looked)
    found: Masks | None = None
    for piece in some:
        having = _having(tx, looked, piece, messages)
        if having is not None:
            found = having if found is None else posting.in_both(found, having)
    return None if found is None else Listed(found, exact=some[0].text == wanted)


def _having(tx: Tx, looked: Looked, piece: Piece, messages: int) -> Masks | None:
    """The messages that have a word with the piece in it; None where too much would have to be looked at."""
    words = source(tx, looked, piece, messages)
    if words is None:
        return None
    word_ids = json.loads(tx.value(f"SELECT json_group_array(w.id) FROM {words}", **words_parameters(looked, piece)))
    chunks = posting.chunks(tx.all, f"search.{looked.kind}_list")
    if len(word_ids) * len(chunks) > messages * LISTS_A_MESSAGE + FEW_LISTS:
        return None
    word_ids.sort()  # as the rows are: the next one is mostly on the page of the last
    return posting.union(
        tx.all(
            f"SELECT t.chunk, t.messages FROM json_each(:chunks) c CROSS JOIN json_each(:words) w"
            f" CROSS JOIN search.{looked.kind}_list t ON t.chunk = c.value AND t.word_id = w.value",
            chunks=json.dumps(chunks),
            words=json.dumps(word_ids),
        )
    )
