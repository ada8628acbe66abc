"""Which messages have a text in the subject or in an address field: words as in vocabulary.py, lists as in posting.py.

Each field has lists of its own, under a mark, so a word is looked up in the one field that is asked about. Of
address fields there are two kinds of words: what `vocabulary.WORD` takes for one, and a *name*, such as "example.org"
and "ada.lovelace@example.org" with the signs in it. What is looked for in addresses ("@example.org") stands within one
name, so no text is compared for it. Mostly it stands within a *half* of one, "ada.lovelace@" or "@example.org", and
these have lists, too: a domain may be in the addresses of thousands, each of which would be a list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Literal

from . import vocabulary
from .fold import escaped
from .vocabulary import (
    LONGEST_PART,
    WORD,
    Kind,
    Listed,
    Looked,
    Piece,
    overlapping,
    pieces,
    word_schema,
    words_of,
)

if TYPE_CHECKING:
    import sqlite3

    from .engine import Tx

Name = Literal["subject", "from", "to", "cc", "bcc"]
MARKS: dict[Name, int] = {"subject": 1, "from": 2, "to": 3, "cc": 4, "bcc": 5}
# A run of what isn't a separator between names; a name is one that isn't a word.
NAME = re.compile(r"""[^\s,;:<>()\[\]"]+""")
KINDS: tuple[Kind, ...] = ("field", "name", "half")
SCHEMA = "".join(map(word_schema, KINDS))


# -- writing -------------------------------------------------------------------------------------------------------


def text_of(fields: Sequence[str]) -> str:
    """What the index keeps of the folded texts of the fields, which are in the order of MARKS."""
    return json.dumps(fields, ensure_ascii=False)


def add(connection: sqlite3.Connection, rows: Sequence[tuple[int, str]]) -> None:
    """Message ids, and what `text_of` made: of messages that aren't in it yet."""
    for kind in KINDS:
        for chunk, by_mark in _by_word(rows, kind).items():
            vocabulary.add_words(connection, kind, chunk, by_mark)


def remove(connection: sqlite3.Connection, rows: Sequence[tuple[int, str]]) -> None:
    """What `add` was given. Words that no message has any more go, too."""
    for kind in KINDS:
        for chunk, by_mark in _by_word(rows, kind).items():
            vocabulary.remove_listed(connection, kind, chunk, by_mark)


def _by_word(rows: Sequence[tuple[int, str]], kind: Kind) -> dict[int, dict[int, dict[str, list[int]]]]:
    return vocabulary.by_word((message_id, _words_in(json.loads(kept), kind)) for message_id, kept in rows)


def _words_in(fields: Sequence[str], kind: Kind) -> Iterator[tuple[int, Sequence[str]]]:
    for (name, mark), text in zip(MARKS.items(), fields, strict=True):
        if kind == "field":
            yield mark, words_of(text)
        elif name != "subject":
            names = (word for word in NAME.findall(text) if not WORD.fullmatch(word))
            some = filter(_is_whole, names) if kind == "name" else chain.from_iterable(map(_halves, names))
            yield mark, [part for word in some for part in overlapping(word)]


def _is_whole(name: str) -> bool:
    """Whether there is something on both sides of an "@"."""
    return "@" in name[1:-1]


def _halves(name: str) -> list[str]:
    """What is between two "@", with both: any part of a name that isn't whole itself stands within one of these."""
    parts = name.split("@")
    return [f"{'@' * (place > 0)}{part}{'@' * (place < len(parts) - 1)}" for place, part in enumerate(parts)]


# -- looking up ----------------------------------------------------------------------------------------------------


def find(tx: Tx, name: Name, wanted: str, form: str, chunks: Sequence[int], messages: int) -> Listed | None:
    """The messages that have a text in a field. `wanted` and `form`: as in `vocabulary.Looked`; the others as in
    `vocabulary.find`. None: comparing all texts of that mailbox takes less time."""
    if name != "subject" and len(wanted) <= LONGEST_PART and NAME.fullmatch(wanted) and not WORD.fullmatch(wanted):
        looked = Looked("name" if _is_whole(wanted) else "half", wanted, form, MARKS[name])
        some = [Piece(wanted, f"%{escaped(wanted)}%")]
    else:
        looked = Looked("field", wanted, form, MARKS[name])
        some = pieces(looked)
    return vocabulary.find(tx, looked, some, chunks, messages)
