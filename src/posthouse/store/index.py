"""The full-text index, `search.sqlite3`: which messages may have a text in them. SQLite only; see search.py.

For each message, in the order of their ids, it has the folded text of the header (header_text.py) and of the body, and
the words of both, and of subject and addresses (vocabulary.py, header_word.py, field_word.py). A text is looked up as a
part of the words, and what they leave open is compared with the kept text: so any part of a word is found, in any
script, and an answer is exact.

It is written behind the deliveries, by one process at a time. Up to `done` texts are kept; what came later is read by
the search itself. Up to `listed` the words of the texts are in lists, which are written for some hundred messages in
one go; the texts behind that are compared. So answers are always complete. The index can be deleted at any time.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from posthouse.errors import StoreError

from . import field_word, header_text, header_word, members, text, vocabulary
from .fold import bare
from .sqlite import LONGEST_LOG, explain

if TYPE_CHECKING:
    from .engine import Store, Tx

VERSION = 9  # of the index; one of another version is made anew
# Most texts have room in one page: two characters, which all are compared with, are found 1.6 times as quickly as with
# pages of 4096 octets.
PAGE_SIZE = 16_384
# What says nothing of the index itself: a full disk, or somebody who holds it. It may be in use by a server.
NOT_ITS_FAULT = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)
SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    done INTEGER NOT NULL,  -- up to this message's id
    listed INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO state (one, done, listed) VALUES (1, 0, 0);
CREATE TABLE IF NOT EXISTS text (
    message_id INTEGER PRIMARY KEY,
    field TEXT NOT NULL,  -- subject and addresses, for field_word.py
    body TEXT NOT NULL,
    whole INTEGER NOT NULL  -- 0: the header or the body goes on behind what is kept
) STRICT;
CREATE INDEX IF NOT EXISTS text_whole ON text (whole);
"""
    + vocabulary.SCHEMA
    + header_word.SCHEMA
    + field_word.SCHEMA
    + members.SCHEMA
)
# Characters of a body that are kept. What a person reads is shorter; a log file of 50 MB isn't worth it.
MAX_BODY = 1_000_000
# And of a header, of which people's letters have some thousand: 256 of them stand in memory together.
MAX_HEADER = 65_536
# Messages, and characters of their texts, indexed in one transaction: many share most of their words.
PORTION = 500
PORTION_CHARACTERS = 4_000_000
# From so many messages on whose words aren't listed, they are. As many texts are compared by a search at the most,
# which takes some milliseconds; and a page of the lists is written once for all of them.
UNLISTED = 1_000
# Messages, and characters of their texts, listed or left out in one transaction: their words and grams stand in
# memory, of which texts in other scripts than ours have more.
LISTED = 2_000
LISTED_CHARACTERS = 8_000_000
# For so many ASCII characters counts what an octet more than one costs in UTF-8: any two characters of another script
# may be a gram of their own. Of a body that is more than all of LISTED_CHARACTERS only a part is kept.
OTHER_SCRIPT = 16
CHECKED = 1_000  # messages looked up in one go, to see which are gone
PAUSE = 2.0  # seconds from one look for new messages to the next
# While messages come, they come first: indexing takes about as long as delivering. But when so many are waiting, or for
# so many seconds, they are indexed all the same: a search reads each of them.
MOST_BEHIND = 2_000
LONGEST_BEHIND = 20.0


class _Message(NamedTuple):
    id: int
    prefix: bytes
    blob_id: str
    header_size: int
    tree: bytes
    subject: str
    from_: str
    to: str
    cc: str
    bcc: str


class _Row(NamedTuple):
    """What is kept of a message."""

    message_id: int
    field: str
    header: str
    body: str
    whole: int


class Index:
    """The index of one store. Its methods block; one thread at a time."""

    def __init__(self, data: Path) -> None:
        """Errors: sqlite3.Error, where it is the disk that is in the way."""
        self.path = data / "search.sqlite3"
        self._lock_path = data / "search.lock"
        self._lock = threading.Lock()
        try:
            with contextlib.closing(self._open()) as connection:
                if connection.execute("PRAGMA user_version").fetchone() != (VERSION,):
                    raise sqlite3.DatabaseError("it was made by another program")
        except sqlite3.DatabaseError as error:  # damaged, or of another version: it is made anew
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in NOT_ITS_FAULT:
                raise
            for path in data.glob("search.sqlite3*"):
                path.unlink(missing_ok=True)
            self._open().close()

    def _open(self) -> sqlite3.Connection:
        with contextlib.ExitStack() as opened:
            connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            opened.callback(connection.close)  # where the rest fails
            connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")  # of a new one
            connection.execute("PRAGMA synchronous = OFF")  # while it is made: a half-made one is made anew
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            connection.execute(f"PRAGMA journal_size_limit = {LONGEST_LOG}").fetchall()
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.create_function("bare", 1, bare, deterministic=True)
            if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'text'").fetchone() is None:
                connection.executescript(f"BEGIN IMMEDIATE; PRAGMA user_version = {VERSION}; {SCHEMA} COMMIT;")
            connection.execute("PRAGMA synchronous = NORMAL")  # what a crash takes is indexed again
            opened.pop_all()
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
            header_word.clear(connection)
            for kind in ("body", *field_word.KINDS):
                vocabulary.clear(connection, kind)
            for table in ("text", "member"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608
            connection.execute("UPDATE state SET done = 0, listed = 0")
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
                _forget_members(store, connection)
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
    indexed = seen = 0
    behind = 0.0
    while store.index is not None:
        newest = await store.read(_newest)
        if newest == seen or newest - indexed >= MOST_BEHIND or behind >= LONGEST_BEHIND:
            await asyncio.to_thread(store.index.advance, store)
            indexed, behind = newest, 0.0
        else:
            behind += PAUSE
        seen = newest
        await asyncio.sleep(PAUSE)


def _newest(tx: Tx) -> int:
    newest: int = tx.value("SELECT coalesce(max(id), 0) FROM message")
    return newest


def _advance(store: Store, connection: sqlite3.Connection, progress: Callable[[int], None] | None = None) -> int:
    """What is there when it begins: were it to go on with what comes meanwhile, it would never end under a steady
    stream, and have a transaction for every few letters."""
    count = 0
    newest = store.look(_newest)
    while messages := store.look(_messages_between, connection.execute("SELECT done FROM state").fetchone()[0], newest):
        for rows in _portions(store, messages):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT OR REPLACE INTO text VALUES (?, ?, ?, ?)",
                [(row.message_id, row.field, row.body, row.whole) for row in rows],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO unlisted_header VALUES (?, ?)", [(row.message_id, row.header) for row in rows]
            )
            connection.execute("UPDATE state SET done = ?", (rows[-1].message_id,))
            connection.execute("COMMIT")
            count += len(rows)
            if progress is not None:
                progress(count)
        while _list_some(connection, LISTED):
            pass
    while _list_some(connection, UNLISTED):
        pass
    if count:
        _keep_members(store, connection)
    return count


def _list_some(connection: sqlite3.Connection, least: int) -> bool:
    """List the words of texts that aren't listed yet, where there are so many of them. False: there weren't."""
    (waiting,) = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM text WHERE message_id > (SELECT listed FROM state) LIMIT ?)", (least,)
    ).fetchone()
    if waiting < least:
        return False
    connection.execute("BEGIN IMMEDIATE")  # so that nobody leaves one of them out meanwhile
    rows: list[tuple[int, str, str, str]] = []
    characters = 0
    for row in connection.execute(
        "SELECT t.message_id, t.field, h.header, t.body FROM text t CROSS JOIN unlisted_header h"
        " ON h.message_id = t.message_id WHERE t.message_id > (SELECT listed FROM state) ORDER BY t.message_id LIMIT ?",
        (LISTED,),
    ):
        rows.append(row)
        characters += _weight(row[2]) + _weight(row[3])
        if characters > LISTED_CHARACTERS:
            break
    field_word.add(connection, [(message_id, field) for message_id, field, _, _ in rows])
    header_word.add(connection, [(message_id, header) for message_id, _, header, _ in rows])
    vocabulary.add(connection, [(message_id, body) for message_id, _, _, body in rows])
    connection.execute("DELETE FROM unlisted_header WHERE message_id <= ?", (rows[-1][0],))
    connection.execute("UPDATE state SET listed = ?", (rows[-1][0],))
    connection.execute("COMMIT")
    return True


def _keep_members(store: Store, connection: sqlite3.Connection) -> None:
    """Keep the messages' ids for the UIDs of large mailboxes: members.py."""
    kept = dict(connection.execute("SELECT mailbox_id, max(chunk) + 1 FROM member GROUP BY mailbox_id"))
    for mailbox_id, chunks in store.look(members.full_chunks):
        for chunk in range(kept.get(mailbox_id, 0), chunks):
            ids = store.look(members.to_keep, mailbox_id, chunk)
            connection.execute("INSERT OR REPLACE INTO member VALUES (?, ?, ?)", (mailbox_id, chunk, ids))


def _portions(store: Store, messages: Iterable[_Message]) -> Iterator[list[_Row]]:
    """What is to be kept of the messages, in portions that memory has room for."""
    rows: list[_Row] = []
    size = 0
    for message in messages:
        rows.append(_read(store, message))
        size += len(rows[-1].header) + len(rows[-1].body)
        if size > PORTION_CHARACTERS:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


def _forget(store: Store, connection: sqlite3.Connection, whole: int) -> int:
    """Leave out those among the whole texts, or the cut ones: so the small index on `whole` alone is read."""
    count = last = 0
    while ids := connection.execute(
        "SELECT message_id FROM text WHERE whole = ? AND message_id > ? ORDER BY message_id LIMIT ?",
        (whole, last, CHECKED),
    ).fetchall():
        first, last = ids[0][0], ids[-1][0]
        there = store.look(_existing, first, last)
        gone = [message_id for (message_id,) in ids if message_id not in there]
        while gone:
            gone, left_out = _leave_out(connection, gone)
            count += left_out
    return count


def _forget_members(store: Store, connection: sqlite3.Connection) -> None:
    """Leave out the mailboxes that are gone."""
    there = {mailbox_id for mailbox_id, _ in store.look(members.full_chunks)}
    kept = [mailbox_id for (mailbox_id,) in connection.execute("SELECT DISTINCT mailbox_id FROM member")]
    gone = [(mailbox_id,) for mailbox_id in kept if mailbox_id not in there]
    connection.executemany("DELETE FROM member WHERE mailbox_id = ?", gone)


def _leave_out(connection: sqlite3.Connection, message_ids: list[int]) -> tuple[list[int], int]:
    """Leave out the first of the messages; those that are still to be left out, and how many were."""
    connection.execute("BEGIN IMMEDIATE")
    (last,) = connection.execute("SELECT listed FROM state").fetchone()
    gone: list[int] = []
    listed: list[tuple[int, str, str]] = []
    headers: dict[int, header_text.Texts] = {}
    characters = taken = 0
    while taken < len(message_ids) and characters <= LISTED_CHARACTERS:
        message_id = message_ids[taken]
        taken += 1
        row = connection.execute("SELECT field, body FROM text WHERE message_id = ?", (message_id,)).fetchone()
        if row is None:  # another process that is making the index anew has left it out
            continue
        gone.append(message_id)
        if message_id <= last:
            if message_id not in headers:
                headers |= header_text.of_block(connection, message_id >> header_text.SHIFT, message_ids)
            listed.append((message_id, *row))
            characters += _weight(row[1]) + sum(map(_weight, headers[message_id].values()))
    header_word.remove(connection, [(message_id, headers[message_id]) for message_id, _, _ in listed])
    vocabulary.remove(connection, [(message_id, body) for message_id, _, body in listed])
    field_word.remove(connection, [(message_id, field) for message_id, field, _ in listed])
    for table in ("text", "unlisted_header"):
        connection.executemany(
            f"DELETE FROM {table} WHERE message_id = ?",  # noqa: S608
            [(message_id,) for message_id in gone],
        )
    connection.execute("COMMIT")
    return message_ids[taken:], len(gone)


def _weight(text: str) -> int:
    """How much of LISTED_CHARACTERS a text takes."""
    if text.isascii():
        return len(text)
    return len(text) + OTHER_SCRIPT * (len(text.encode("utf-8", "surrogatepass")) - len(text))


def _most(body: str) -> int:
    """How many characters of a body are kept."""
    weight = _weight(body)
    return min(MAX_BODY, len(body) * LISTED_CHARACTERS // weight if weight > LISTED_CHARACTERS else MAX_BODY)


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


def _messages_between(tx: Tx, last: int, newest: int) -> list[_Message]:
    """The next ones behind the last."""
    rows = tx.all(
        "SELECT m.id, m.prefix, m.blob_id, m.header_size, w.tree,"
        " t.subject, t.from_, t.to_, t.cc, t.bcc FROM message m JOIN wire w ON w.message_id = m.id"
        " JOIN folded t ON t.message_id = m.id WHERE m.id > :last AND m.id <= :newest ORDER BY m.id LIMIT :portion",
        last=last,
        newest=newest,
        portion=PORTION,
    )
    return [_Message._make(row) for row in rows]


def _existing(tx: Tx, first: int, last: int) -> set[int]:
    rows = tx.all("SELECT id FROM message WHERE id BETWEEN :first AND :last", first=first, last=last)
    return {message_id for (message_id,) in rows}


def _read(store: Store, message: _Message) -> _Row:
    field = field_word.text_of((message.subject, message.from_, message.to, message.cc, message.bcc))
    try:
        octets = store.blobs.read(message.blob_id, 0, message.header_size)
        body = text.folded_body(store.blobs, message.blob_id, message.tree, MAX_BODY)
    except StoreError:  # just deleted; or lost: then a search reads it itself, and fails as it should
        return _Row(message.id, field, "", "", 0)
    most = _most(body)
    header = text.folded_header(message.prefix, octets)
    whole = len(body) <= most and len(header) <= MAX_HEADER
    if len(header) > MAX_HEADER:
        header = header[: header.rfind("\n", 0, MAX_HEADER) + 1].rstrip("\n")  # whole lines
    return _Row(message.id, field, header, body[:most], int(whole))
