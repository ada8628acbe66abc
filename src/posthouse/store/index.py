"""The full-text index, `search.sqlite3`: which messages may have a text in them. SQLite only; see search.py.

For each message, in the order of their ids, it has the folded text of the header and of the body, and the trigrams
of both without accents and places. A text of three characters or more is looked up by its trigrams, and what they
leave open is compared with the kept text: so any part of a word is found, in any script, and an answer is exact.

It is written behind the deliveries, by one process at a time. Everything up to `done` is in it; what came later is
read by the search itself, so answers are always complete. The index can be deleted at any time.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from posthouse.errors import StoreError

from . import text
from .fold import bare
from .sqlite import LONGEST_LOG, explain

if TYPE_CHECKING:
    from .engine import Store, Tx

VERSION = 3  # of the index; one of another version is made anew
# Most texts have room in one page: two characters, which all are compared with, are found 1.6 times as quickly as with
# pages of 4096 octets.
PAGE_SIZE = 16_384
SCHEMA = """
PRAGMA user_version = 3;
CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY CHECK (one = 1), done INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO state (one, done) VALUES (1, 0);
CREATE TABLE IF NOT EXISTS text (
    message_id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, header TEXT NOT NULL, body TEXT NOT NULL,
    whole INTEGER NOT NULL  -- 0: the body goes on behind what is kept
) STRICT;
CREATE INDEX IF NOT EXISTS text_whole ON text (whole);
CREATE VIRTUAL TABLE IF NOT EXISTS trigram USING fts5(
    doc, content='', detail=none, columnsize=0, tokenize='trigram case_sensitive 1'
);
"""
# Characters of a body that are kept. What a person reads is shorter; a log file of 50 MB isn't worth it.
MAX_BODY = 1_000_000
PORTION = 100  # messages indexed in one transaction
CHECKED = 1_000  # messages looked up in one go, to see which are gone
PAUSE = 2.0  # seconds between a delivery and its indexing, at most
SHORTEST = 3  # characters; a shorter text is compared with all that is kept
# Trigrams that are looked up for one text: the comparison does the rest.
MAX_TRIGRAMS = 24
# An account's number as one trigram of private characters (planes 15 and 16), which no cleaned text begins with.
PRIVATE = 0xF0000
PRIVATE_COUNT = 0xFFF0


class _Message(NamedTuple):
    id: int
    account_id: int
    prefix: bytes
    blob_id: str
    header_size: int
    tree: bytes


class Index:
    """The index of one store. Its methods block; one thread at a time."""

    def __init__(self, data: Path) -> None:
        self.path = data / "search.sqlite3"
        self._lock_path = data / "search.lock"
        self._lock = threading.Lock()
        try:
            with contextlib.closing(self._open()) as connection:
                if connection.execute("PRAGMA user_version").fetchone() != (VERSION,):
                    raise sqlite3.DatabaseError("it was made by another program")
        except sqlite3.DatabaseError:  # damaged, or of another version: it is made anew
            for path in data.glob("search.sqlite3*"):
                path.unlink(missing_ok=True)
            self._open().close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")  # of a new one
        connection.execute("PRAGMA synchronous = OFF")  # while it is made: a half-made one is made anew
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute(f"PRAGMA journal_size_limit = {LONGEST_LOG}").fetchall()
        if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'trigram'").fetchone() is None:
            connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
        connection.execute("PRAGMA synchronous = NORMAL")  # what a crash takes is indexed again
        return connection

    def advance(self, store: Store) -> int:
        """Index what came since; the number of messages. 0 also where another process is at it. Errors: StoreError."""
        try:
            with self._alone(fcntl.LOCK_EX | fcntl.LOCK_NB) as connection:
                return _advance(store, connection)
        except BlockingIOError:
            return 0

    def rebuild(self, store: Store, progress: Callable[[int], None] | None = None) -> int:
        """Make it anew, whatever is in it; the number of messages. `progress` is told it as it grows.

        Waits for another process that is at it. Meanwhile searches read what isn't indexed yet. Errors: StoreError.
        """
        with self._alone(fcntl.LOCK_EX) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO trigram (trigram) VALUES ('delete-all')")
            connection.execute("DELETE FROM text")
            connection.execute("UPDATE state SET done = 0")
            connection.execute("COMMIT")
            return _advance(store, connection, progress)

    @contextlib.contextmanager
    def _alone(self, how: int) -> Iterator[sqlite3.Connection]:
        """A connection while no other process or thread adds to the index. Raises BlockingIOError with LOCK_NB."""
        with self._lock:
            lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, how)
                with contextlib.closing(self._open()) as connection:
                    yield connection
            except sqlite3.Error as error:
                raise explain(error) from error
            finally:
                os.close(lock)

    def forget(self, store: Store) -> int:
        """Leave out the messages that are gone; their number. Errors: StoreError."""
        with self._lock:
            connection = self._open()
            try:
                return sum(_forget(store, connection, whole) for whole in (0, 1))
            except sqlite3.Error as error:
                raise explain(error) from error
            finally:
                connection.close()

    def check(self, store: Store) -> list[str]:
        """What is wrong with it, a sentence each; `rebuild` sets all of it right. Blocks, and reads every id."""
        with self._lock, contextlib.closing(self._open()) as connection:
            try:
                found = [f"it says: {line}" for (line,) in connection.execute("PRAGMA quick_check") if line != "ok"]
                connection.execute("BEGIN")  # one snapshot: another process may be adding to it
                lost = _lost(store, connection)
            except sqlite3.Error as error:
                return [f"it can't be read: {error}"]
        return [*found, f"it lacks {lost} messages that it should have"] if lost else found


async def keep_indexed(store: Store) -> None:
    """Index what comes, until cancelled; nothing where the database takes no such index."""
    while store.index is not None:
        await asyncio.to_thread(store.index.advance, store)
        await asyncio.sleep(PAUSE)


def _advance(store: Store, connection: sqlite3.Connection, progress: Callable[[int], None] | None = None) -> int:
    count = 0
    while messages := store.look(_messages_after, connection.execute("SELECT done FROM state").fetchone()[0]):
        rows = [_document(store, message) for message in messages]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT OR REPLACE INTO text VALUES (?, ?, ?, ?, ?)", rows)
        connection.executemany(
            "INSERT INTO trigram (rowid, doc) VALUES (?, ?)",
            [(row[0], doc(row[1], row[2], row[3])) for row in rows],
        )
        connection.execute("UPDATE state SET done = ?", (messages[-1].id,))
        connection.execute("COMMIT")
        count += len(rows)
        if progress is not None:
            progress(count)
    return count


def _forget(store: Store, connection: sqlite3.Connection, whole: int) -> int:
    """Leave out those among the whole texts, or the cut ones: so the small index on `whole` alone is read."""
    count = last = 0
    while rows := connection.execute(
        "SELECT message_id FROM text WHERE whole = ? AND message_id > ? ORDER BY message_id LIMIT ?",
        (whole, last, CHECKED),
    ).fetchall():
        first, last = rows[0][0], rows[-1][0]
        there = store.look(_existing, first, last)
        gone = [row for row in rows if row[0] not in there]
        connection.execute("BEGIN IMMEDIATE")
        for row in gone:
            kept = connection.execute("SELECT account_id, header, body FROM text WHERE message_id = ?", row).fetchone()
            if kept is None:  # another process is making the index anew
                continue
            connection.execute("INSERT INTO trigram (trigram, rowid, doc) VALUES ('delete', ?, ?)", (*row, doc(*kept)))
            connection.execute("DELETE FROM text WHERE message_id = ?", row)
        connection.execute("COMMIT")
        count += len(gone)
    return count


def _lost(store: Store, connection: sqlite3.Connection) -> int:
    """The number of messages that searches believe to be indexed, and that aren't."""
    (done,) = connection.execute("SELECT done FROM state").fetchone()
    count = last = 0
    while some := store.look(_ids_after, last, done):
        between = "SELECT message_id FROM text WHERE message_id BETWEEN ? AND ?"
        count += len(set(some) - {row[0] for row in connection.execute(between, (some[0], some[-1]))})
        last = some[-1]
    return count


def _ids_after(tx: Tx, last: int, done: int) -> list[int]:
    rows = tx.all(
        "SELECT id FROM message WHERE id > :last AND id <= :done ORDER BY id LIMIT :portion",
        last=last,
        done=done,
        portion=CHECKED,
    )
    return [message_id for (message_id,) in rows]


def _messages_after(tx: Tx, last: int) -> list[_Message]:
    rows = tx.all(
        "SELECT m.id, m.account_id, m.prefix, m.blob_id, m.header_size, w.tree FROM message m"
        " JOIN wire w ON w.message_id = m.id WHERE m.id > :last ORDER BY m.id LIMIT :portion",
        last=last,
        portion=PORTION,
    )
    return [_Message._make(row) for row in rows]


def _existing(tx: Tx, first: int, last: int) -> set[int]:
    rows = tx.all("SELECT id FROM message WHERE id BETWEEN :first AND :last", first=first, last=last)
    return {message_id for (message_id,) in rows}


def _document(store: Store, message: _Message) -> tuple[int, int, str, str, int]:
    try:
        octets = store.blobs.read(message.blob_id, 0, message.header_size)
        body = text.folded_body(store.blobs, message.blob_id, message.tree, MAX_BODY)
    except StoreError:  # just deleted; or lost: then a search reads it itself, and fails as it should
        return message.id, message.account_id, "", "", 0
    whole = len(body) <= MAX_BODY
    header = text.folded_header(message.prefix, octets)
    return message.id, message.account_id, header, body[:MAX_BODY], int(whole)


def doc(account_id: int, header: str, body: str) -> str:
    """The text whose trigrams are indexed."""
    return f"{account_trigram(account_id)}\n{bare(header)}\n{bare(body)}"


def account_trigram(account_id: int) -> str:
    """Three characters that stand for the account."""
    high, low = divmod(account_id, PRIVATE_COUNT)
    return chr(PRIVATE + high % PRIVATE_COUNT) + chr(PRIVATE + low) + chr(0x10FFFD)


def query(account_id: int, wanted: str) -> str:
    """What finds the documents of the account that may have the folded text in them. Without accents it has SHORTEST
    characters or more."""
    wanted = bare(wanted)
    trigrams = list(dict.fromkeys(wanted[start : start + 3] for start in range(len(wanted) - 2)))
    step = -(-len(trigrams) // MAX_TRIGRAMS)
    words = [account_trigram(account_id), *trigrams[::step]]
    quoted = [word.replace('"', '""') for word in words]
    return " AND ".join(f'"{word}"' for word in quoted)
