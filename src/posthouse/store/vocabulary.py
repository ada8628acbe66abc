# ruff: noqa: S608  (SQL is put together from constants of this file; values are always parameters)
"""Which messages have a word, or a part of one: the words of all texts, and for each word the messages that have it.

A word is a run of letters and digits (and of all that isn't ASCII). Any text without a separator in it stands within
one word of a message or not at all. So "eeti" is looked up among the words, which are few beside the texts, by their
trigrams; and the messages that have one of the words found are the answer, without a look at their texts. What has
separators in it is looked up piece by piece, and leaves few texts to compare.

The messages of a word are bits (posting.py). A part of one, two or three characters stands in thousands of words, and
in as many messages as there are: so the messages that have such a *gram* are kept as well. They cost little, because
they are put together from the words of a batch and not from its texts. Of headers, which are full of ids and
signatures, no grams of three characters are kept: there are nearly all that there can be.

Lists are written for many messages at a time: a page of them is then written once for all. What isn't listed yet is
compared with its kept text, some hundred messages at the most (index.py). Header and body are apart: what headers are
full of slows down no search in the bodies. Of headers, subjects and addresses each list is about one field, which a
*mark* tells, a number (header_word.py, field_word.py); the words are there once for all fields.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

from . import posting
from .fold import bare
from .posting import CHUNK, SHIFT, Masks

if TYPE_CHECKING:
    from .engine import Tx

Kind = Literal["header", "body", "field", "name", "half"]
# By kinds of words, how many bits of a list's number are the mark; the others are the word's or the gram's.
MARK_BITS: Mapping[Kind, int] = {"header": 12, "body": 0, "field": 3, "name": 3, "half": 3}

LEAN = "content='', detail=none, columnsize=0"  # an index and nothing else: no texts, places or sizes


def word_schema(kind: Kind) -> str:
    """Tables of words, each once, of their parts, and of the messages that have them, mark by mark."""
    return f"""
CREATE TABLE IF NOT EXISTS {kind}_word (
    id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE,
    only INTEGER  -- the chunk that all its messages are in, where it is one
) STRICT;
CREATE VIRTUAL TABLE IF NOT EXISTS {kind}_part USING fts5(word, {LEAN}, tokenize='trigram case_sensitive 1');
{posting.schema(f"{kind}_list")}
{posting.schema(f"{kind}_gram")}
"""


SCHEMA = word_schema("body")

WORD = re.compile("[0-9A-Za-z\x80-\U0010ffff]+")
# The same for texts that are ASCII, in a third of the time.
SEPARATORS = {code: " " for code in range(128) if not WORD.fullmatch(chr(code))}
# A word can't be as long as a text: of a longer one (a script without spaces, a dump) each part of LONGEST_PART
# characters stands within one of the overlapping words that it is cut into.
LONGEST_WORD = 8_000
LONGEST_PART = LONGEST_WORD // 2

SHORTEST = 3  # characters; a shorter part is compared with all words
# Trigrams that are looked up for one part of a word: the comparison does the rest.
MAX_TRIGRAMS = 24
# Pieces of one text that are looked up, the longest ones.
MAX_PIECES = 8
# A word costs a hundredth of the time that comparing a message's text does, and a list a tenth: where there are more of
# them than these for each message of the mailbox, and than some for any, texts are compared.
WORDS_A_MESSAGE = 20
LISTS_A_MESSAGE = 2
FEW_LISTS = 1_000
# The texts of one header field are compared so many times as quickly: header_text.py.
QUICKLY = 80
# Of which length grams are kept; those of three characters where these are ASCII, for in other scripts there are too
# many of them, each in few words.
GRAMS: Mapping[Kind, int] = {"header": 2, "body": 3, "field": 2, "half": 2}
GRAM_BITS = 21  # of a character


NO_WORD = ("",)


class Listed(NamedTuple):
    """Messages, of any account: those that have what is looked for, and those that may have it."""

    sure: Masks
    maybe: Masks


class Looked(NamedTuple):
    """What is looked for: a folded text, in which words, and what SQL makes of a word before it is compared ("{}", or
    "bare({})" for a text without accents). `mark`: of which lists; None: of all."""

    kind: Kind
    wanted: str
    form: str
    mark: int | None = None

    def most(self, each: int, messages: int) -> int:
        """How many words or lists may be looked at, before comparing the messages' texts takes less time; `each`: for
        one of them."""
        return messages * each // (QUICKLY if self.kind == "header" and self.mark is not None else 1)


class Piece(NamedTuple):
    """A part of a text that stands within one word; how LIKE finds the words; whether that is anywhere in them."""

    text: str
    pattern: str
    anywhere: bool = True


# -- writing -----------------------------------------------------------------------------------------------------------


# By marks and words, places of messages in a chunk.
ByMark = Mapping[int, Mapping[str, Sequence[int]]]


def add(connection: sqlite3.Connection, rows: Iterable[tuple[int, str]]) -> None:
    """Message ids and folded bodies: of messages that aren't listed yet."""
    for chunk, by_mark in by_word(_bodies(rows)).items():
        add_words(connection, "body", chunk, by_mark)


def remove(connection: sqlite3.Connection, rows: Iterable[tuple[int, str]]) -> None:
    """What `add` was given. Words that no message has any more go, too."""
    for chunk, by_mark in by_word(_bodies(rows)).items():
        remove_listed(connection, "body", chunk, by_mark)


def _bodies(rows: Iterable[tuple[int, str]]) -> Iterator[tuple[int, list[tuple[int, Sequence[str]]]]]:
    for message_id, text in rows:
        yield message_id, [(0, words_of(text))]


def add_words(connection: sqlite3.Connection, kind: Kind, chunk: int, by_mark: ByMark) -> None:
    """Messages in a chunk that aren't listed with these words yet."""
    (last,) = connection.execute(f"SELECT coalesce(max(id), 0) FROM {kind}_word").fetchone()
    every = _every_word(by_mark)
    connection.execute(
        f"INSERT OR IGNORE INTO {kind}_word (word, only) SELECT value, ? FROM json_each(?)", (chunk, every)
    )
    add_parts(connection, kind, last)
    ids = _ids(connection, kind, every)
    connection.execute(
        f"UPDATE {kind}_word SET only = NULL WHERE id IN (SELECT value FROM json_each(?)) AND only <> ?",
        (json.dumps([word_id for word_id in ids.values() if word_id <= last]), chunk),
    )
    posting.add(connection, f"{kind}_list", chunk, _by_list(kind, ids, by_mark))
    posting.add_masks(connection, f"{kind}_gram", chunk, *_by_gram(kind, by_mark))


def remove_listed(connection: sqlite3.Connection, kind: Kind, chunk: int, by_mark: ByMark) -> None:
    """Messages in a chunk that are listed with these words. Words that have no message any more go."""
    bits = MARK_BITS[kind]
    ids = _ids(connection, kind, _every_word(by_mark))
    empty = posting.remove(connection, f"{kind}_list", chunk, _by_list(kind, ids, by_mark))
    unused = posting.unused(connection, f"{kind}_list", {number >> bits for number in empty}, bits)
    remove_words(connection, kind, [(word_id, word) for word, word_id in ids.items() if word_id in unused])
    masks, first = _by_gram(kind, by_mark)
    grams = {gram: [first + place for place in posting.places(mask)] for gram, mask in masks.items()}
    posting.remove(connection, f"{kind}_gram", chunk, grams)


def by_word(
    rows: Iterable[tuple[int, Iterable[tuple[int, Iterable[str]]]]],
) -> dict[int, dict[int, dict[str, list[int]]]]:
    """Message ids and the words under each of their marks: by chunks, marks and words, the places of the messages."""
    chunks: dict[int, dict[int, dict[str, list[int]]]] = {}
    for message_id, marked in rows:
        by_mark = chunks.setdefault(message_id >> SHIFT, {})
        place = message_id & (CHUNK - 1)
        for mark, words in marked:
            lists = by_mark.get(mark)
            if lists is None:
                lists = by_mark[mark] = defaultdict(list)
            for word in {*words}.difference(NO_WORD):
                lists[word].append(place)
    return chunks


def _every_word(by_mark: ByMark) -> str:
    """In JSON, each once."""
    return json.dumps(list(dict.fromkeys(chain.from_iterable(by_mark.values()))), ensure_ascii=False)


def _by_list(kind: Kind, ids: Mapping[str, int], by_mark: ByMark) -> dict[int, Sequence[int]]:
    """The places by the numbers of lists: of those words that have an id."""
    bits = MARK_BITS[kind]
    return {
        ids[word] << bits | mark: places
        for mark, words in by_mark.items()
        for word, places in words.items()
        if word in ids
    }


def words_of(text: str) -> Sequence[str]:
    """Its words, some of them more than once, and perhaps empty ones."""
    words = text.translate(SEPARATORS).split(" ") if text.isascii() else WORD.findall(text)
    if len(text) <= LONGEST_WORD or max(map(len, words), default=0) <= LONGEST_WORD:
        return words
    return [part for word in words for part in overlapping(word)]


def _by_gram(kind: Kind, by_mark: ByMark) -> tuple[dict[int, int], int]:
    """By the numbers of lists of grams, masks of the messages, all of one chunk; and for which place their lowest bit
    stands."""
    first = min((places[0] for words in by_mark.values() for places in words.values()), default=0)
    last = max((places[-1] for words in by_mark.values() for places in words.values()), default=0)
    bit_of = [1 << number for number in range(last - first + 1)]
    bits, longest = MARK_BITS[kind], GRAMS.get(kind, 0)
    found: dict[int, int] = {}
    for mark, words in by_mark.items():
        grams: dict[str, int] = defaultdict(int)
        bare_grams: dict[str, int] = defaultdict(int)
        for word, places in words.items():
            mask = 0
            for place in places:
                mask |= bit_of[place - first]
            for gram in _grams(word, longest):
                grams[gram] |= mask
            if (plain := bare(word)) != word:
                for gram in _grams(plain, longest):
                    bare_grams[gram] |= mask
        found |= {gram_code(gram) << bits | mark: mask for gram, mask in grams.items()}
        found |= {-gram_code(gram) << bits | mark: mask for gram, mask in bare_grams.items()}
    return found, first


def _grams(word: str, longest: int) -> Iterable[str]:
    grams = {*word} if longest else set()
    if longest > 1:
        grams.update(map("".join, pairwise(word)))
    if longest > 2:
        three = map("".join, zip(word, word[1:], word[2:], strict=False))
        grams.update(three if word.isascii() else filter(str.isascii, three))
    return grams


def gram_code(gram: str) -> int:
    """A number that stands for a gram of a word, as the ids of words do for them; of a word without its accents it is
    the negative one. Two characters and the bits of a mark, or three of ASCII, have room in it."""
    code = 0
    for place, character in enumerate(gram):
        code |= ord(character) << (GRAM_BITS * place)
    return code


def _ids(connection: sqlite3.Connection, kind: Kind, words: str) -> dict[str, int]:
    """The ids of words, which are given in JSON."""
    return dict(
        connection.execute(
            f"SELECT w.word, w.id FROM json_each(?) j CROSS JOIN {kind}_word w ON w.word = j.value", (words,)
        ).fetchall()
    )


def add_parts(connection: sqlite3.Connection, kind: Kind, last: int) -> None:
    """Make the words findable by their parts whose ids are larger than `last`."""
    connection.execute(
        f"INSERT INTO {kind}_part (rowid, word) SELECT id, bare(word) FROM {kind}_word WHERE id > ?", (last,)
    )


def remove_words(connection: sqlite3.Connection, kind: Kind, words: Sequence[tuple[int, str]]) -> None:
    """Words that no message has any more."""
    connection.executemany(f"INSERT INTO {kind}_part ({kind}_part, rowid, word) VALUES ('delete', ?, bare(?))", words)
    connection.executemany(f"DELETE FROM {kind}_word WHERE id = ?", [(word_id,) for word_id, _ in words])


def clear(connection: sqlite3.Connection, kind: Kind) -> None:
    """No message, no word."""
    for table in ("list", "gram", "word"):
        connection.execute(f"DELETE FROM {kind}_{table}")
    connection.execute(f"INSERT INTO {kind}_part ({kind}_part) VALUES ('delete-all')")


def overlapping(word: str) -> Iterator[str]:
    """The word, a very long one as several in which each part of LONGEST_PART characters stands within one."""
    for start in range(0, max(len(word) - LONGEST_PART, 1), LONGEST_PART):
        yield word[start : start + LONGEST_WORD]


# -- looking up ----------------------------------------------------------------------------------------------------


def find(tx: Tx, looked: Looked, some: Sequence[Piece], chunks: Sequence[int], messages: int) -> Listed | None:
    """The listed messages that have a text, of which these are the `pieces`. `chunks`: those that the messages of the
    mailbox are in; `messages`: how many it has. None: comparing all texts of that mailbox takes less time."""
    found: Masks | None = None
    for piece in some:
        having = _having(tx, looked, piece, chunks, messages)
        if having is not None:
            found = having if found is None else posting.in_both(found, having)
            if not found:
                break
    if found is None:
        return None
    return Listed(found, {}) if some[0].text == looked.wanted else Listed({}, found)


def with_word(tx: Tx, looked: Looked, chunks: Sequence[int]) -> Masks:
    """The listed messages that have a word which is the text, as it is."""
    word_id = tx.value(f"SELECT id FROM search.{looked.kind}_word WHERE word = :word", word=looked.wanted)
    return {} if word_id is None else _union(tx, looked, "list", {chunk: [word_id] for chunk in chunks})


def pieces(looked: Looked) -> list[Piece]:
    """The parts of the text that stand within one word each, the longest ones first, and no more than are looked up.
    What is behind a separator begins a word."""
    found: list[Piece] = []
    for part in WORD.finditer(looked.wanted):
        text = part[0][:LONGEST_PART]  # of a giant one the beginning
        begins = "" if part.start() else "%"
        ends = "" if part.end() < len(looked.wanted) and len(text) == len(part[0]) else "%"
        found.append(Piece(text, f"{begins}{text}{ends}", anywhere=bool(begins and ends)))
    return sorted(found, key=lambda piece: len(piece.text), reverse=True)[:MAX_PIECES]


def _having(tx: Tx, looked: Looked, piece: Piece, chunks: Sequence[int], messages: int) -> Masks | None:
    """The messages that have a word with the piece in it; None where too much would have to be looked at."""
    if _is_gram(looked.kind, piece):
        code = gram_code(piece.text)
        codes = [code] if looked.form == "{}" else [code, -code]
        return _union(tx, looked, "gram", dict.fromkeys(chunks, codes))
    words = source(tx, looked, piece, messages)
    if words is None:
        return None
    by_chunk: dict[int, list[int]] = {chunk: [] for chunk in chunks}
    seen = lists = 0
    most = looked.most(LISTS_A_MESSAGE, messages) + FEW_LISTS
    for only, in_json in tx.all(
        f"SELECT only, json_group_array(id) FROM (SELECT w.only, w.id FROM {words} LIMIT :most) GROUP BY only",
        most=most + 1,
        **words_parameters(piece),
    ):
        ids = json.loads(in_json)
        seen += len(ids)
        for chunk in chunks if only is None else by_chunk.keys() & {only}:
            by_chunk[chunk] += ids
            lists += len(ids)
    if max(seen, lists) > most:
        return None
    return _union(tx, looked, "list", by_chunk)


def _is_gram(kind: Kind, piece: Piece) -> bool:
    """Whether the messages that have the piece anywhere in a word are kept."""
    longest = GRAMS.get(kind, 0) if piece.text.isascii() else min(GRAMS.get(kind, 0), 2)
    return len(piece.text) <= longest and piece.anywhere


def _union(tx: Tx, looked: Looked, table: Literal["list", "gram"], by_chunk: Mapping[int, Collection[int]]) -> Masks:
    """All messages in any of the lists, by chunks and the ids of words, or the codes of grams."""
    bits = MARK_BITS[looked.kind]
    number = "= w.value"
    if looked.mark is None and bits:  # the lists under all marks stand next to each other
        number = f"BETWEEN w.value AND w.value + {(1 << bits) - 1}"
    masks: Masks = {}
    for chunk, ids in by_chunk.items():
        if not ids:
            continue
        rows = tx.all(
            f"SELECT t.chunk, t.messages FROM json_each(:numbers) w CROSS JOIN search.{looked.kind}_{table} t"
            f" ON t.chunk = :chunk AND t.word_id {number}",
            # As the rows are: the next one is mostly on the page of the last.
            numbers=json.dumps([one << bits | (looked.mark or 0) for one in sorted(ids)]),
            chunk=chunk,
        )
        masks |= posting.union(rows)
    return masks


def source(tx: Tx, looked: Looked, piece: Piece, messages: int) -> str | None:
    """What stands behind FROM to find the words with the piece in them; None where too many words would have to be
    looked at."""
    kind = looked.kind
    condition = f"{looked.form.format('w.word')} LIKE :pattern ESCAPE '!'"
    if len(bare(piece.text)) >= SHORTEST:
        return (
            f"search.{kind}_part p CROSS JOIN search.{kind}_word w ON w.id = p.rowid"
            f" WHERE p.{kind}_part MATCH :trigrams AND {condition}"
        )
    count = tx.value(f"SELECT max(id) FROM search.{kind}_word") or 0
    return f"search.{kind}_word w WHERE {condition}" if count <= looked.most(WORDS_A_MESSAGE, messages) else None


def words_parameters(piece: Piece) -> dict[str, str]:
    """What `source` speaks of."""
    return {"pattern": piece.pattern, "trigrams": _trigrams(piece.text)}


def _trigrams(text: str) -> str:
    plain = bare(text)
    trigrams = list(dict.fromkeys(plain[start : start + 3] for start in range(len(plain) - 2)))
    step = -(-len(trigrams) // MAX_TRIGRAMS) or 1
    return " AND ".join(map(_quoted, trigrams[::step]))


def _quoted(word: str) -> str:
    return f'"{word}"'
