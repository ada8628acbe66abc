"""SQLite's dialect: how to connect, begin, commit, and what its errors mean."""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from posthouse.errors import StoreError, StoreFull

from . import fold

# {id}: AUTOINCREMENT, so that the id of a removed row isn't given again (RFC 8474 §4 and §5.1 forbid it).
WORDS = {
    "id": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "int": "INTEGER",
    "blob": "BLOB",
    "strict": "STRICT",
    "clustered": ", WITHOUT ROWID",
}

# The log is folded into the database when it has this many pages (16 MB). SQLite's default of 1,000 rewrites the same
# hot pages four times as often under a stream of deliveries.
CHECKPOINT_PAGES = 4_000
# What one huge transaction has made of the log is given back to the disk.
LONGEST_LOG = 64 * 1024 * 1024
WRITER_CACHE_KIB = 65_536
READER_CACHE_KIB = 16_384
# SQLite's own waiting is only met when another program has the database open (a backup, the sqlite3 shell): writers
# of ours wait for each other on the lock file, where the kernel wakes the next one.
BUSY_MILLISECONDS = 10_000
CACHED_STATEMENTS = 512
# proc(5): "1: FLOCK  ADVISORY  WRITE 360 00:2a:59823 0 EOF"; who waits for it has "->" in front of FLOCK.
HELD = re.compile(r"^\d+: FLOCK +ADVISORY +WRITE (\d+) [0-9a-f]+:[0-9a-f]+:(\d+) ", re.MULTILINE)
ROWS_IN_A_STATEMENT = 64


class Sqlite:
    """Where the database is, and how to open a connection to it."""

    at_hand = True
    can_copy = True
    takes_index = True
    driver_error: type[Exception] = sqlite3.Error
    words = WORDS

    def __init__(self, data: Path) -> None:
        self.path = data / "posthouse.sqlite3"
        self.lock_path = data / "posthouse.lock"

    def connect(self, *, read_only: bool = False, index_path: Path | None = None) -> Connection:
        """A connection for one thread; a reader's may have the full-text index beside it.

        Errors: StoreError where a file can't be opened.
        """
        try:
            return Connection(self.path, self.lock_path, read_only=read_only, index_path=index_path)
        except (sqlite3.Error, OSError) as error:
            raise explain(error) from error

    def holder(self) -> int | None:
        """The process that has the lock, as Linux tells it."""
        try:
            inode = self.lock_path.stat().st_ino
            locks = Path("/proc/locks").read_text("ascii")
        except OSError:
            return None
        found = HELD.findall(locks)
        return next((int(process) for process, held in found if int(held) == inode), None)

    def copy_to(self, folder: Path) -> None:
        """A copy of the database as it is now, as a store in `folder` would have it. Errors: StoreError."""
        connection = self.connect(read_only=True)
        try:
            target = sqlite3.connect(Sqlite(folder).path)
            try:
                connection.raw.backup(target)
                target.execute("PRAGMA journal_mode = DELETE").fetchall()
            finally:
                target.close()
        except sqlite3.Error as error:
            raise explain(error) from error
        finally:
            connection.close()

    def explain(self, error: Exception) -> StoreError:
        """A driver's error in a person's words."""
        return explain(error)

    def is_transient(self, error: BaseException) -> bool:
        """Never: there is one writer at a time."""
        return False


class Connection:
    """One connection; used by one thread at a time."""

    bare = "bare({})"

    def __init__(self, path: Path, lock_path: Path, *, read_only: bool, index_path: Path | None = None) -> None:
        self.read_only = read_only
        self.has_index = read_only and index_path is not None
        self.raw = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, cached_statements=CACHED_STATEMENTS
        )
        self.execute = self.raw.execute
        self.executemany = self.raw.executemany
        self._lock = -1
        try:
            self._set_up(index_path)
            if not read_only:
                self._lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except BaseException:
            self.raw.close()
            raise

    def _set_up(self, index_path: Path | None) -> None:
        self.raw.create_function("bare", 1, fold.bare, deterministic=True)
        for pragma in (
            f"busy_timeout = {BUSY_MILLISECONDS}",
            "journal_mode = WAL",
            "synchronous = FULL",  # the log is synced at every commit: the durability contract
            "foreign_keys = ON",
            f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
            f"journal_size_limit = {LONGEST_LOG}",
            f"cache_size = -{READER_CACHE_KIB if self.read_only else WRITER_CACHE_KIB}",
            # Debian's SQLite overwrites with zeros whatever is deleted; a letter's file isn't either when it goes.
            "secure_delete = FAST",
            f"query_only = {int(self.read_only)}",
            "temp_store = MEMORY",  # what a savepoint may have to undo; else each commit makes a file and deletes it
        ):
            self.raw.execute(f"PRAGMA {pragma}").fetchall()
        if self.read_only and index_path is not None:
            self.raw.execute("ATTACH DATABASE ? AS search", (str(index_path),))
            self.raw.execute(f"PRAGMA search.cache_size = -{READER_CACHE_KIB}").fetchall()

    @property
    def in_transaction(self) -> bool:
        """False also when SQLite itself has rolled the transaction back, as it does when the disk is full."""
        return self.raw.in_transaction

    def begin(self) -> None:
        """Begin a transaction: a snapshot for a reader; for a writer, when no other process writes."""
        if self.read_only:
            self.raw.execute("BEGIN")
            return
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            self.raw.execute("BEGIN IMMEDIATE")
        except BaseException:
            fcntl.flock(self._lock, fcntl.LOCK_UN)
            raise

    def commit(self) -> None:
        """Everything since `begin` is on disk when this returns. After an error the transaction may still be open."""
        self.raw.execute("COMMIT")
        self._unlock()

    def rollback(self) -> None:
        """Undo everything since `begin`, if it isn't undone already."""
        try:
            if self.raw.in_transaction:
                self.raw.execute("ROLLBACK")
        finally:
            self._unlock()

    def _unlock(self) -> None:
        if not self.read_only:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def lock_schema(self) -> None:
        """The lock file does it."""

    def script(self, statements: Iterable[str]) -> None:
        """Run statements of a schema inside the open transaction."""
        for statement in statements:
            self.raw.execute(statement)

    def has_table(self, name: str) -> bool:
        """Whether the database has a table of this name."""
        return self.raw.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (name,)).fetchone() is not None

    def insert(self, table: str, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]], tail: str = "") -> None:
        """Insert rows, many with one statement: each lets go of the interpreter's lock once, and waits for it.

        Their number is a power of two, so that there are few different statements; rows of NULLs, which go nowhere,
        fill it up.
        """
        if len(rows) == 1:
            self.execute(_insert(table, columns, 1, tail), rows[0])
            return
        nothing = (None,) * len(columns)
        for start in range(0, len(rows), ROWS_IN_A_STATEMENT):
            some = [*rows[start : start + ROWS_IN_A_STATEMENT]]
            some += [nothing] * ((1 << (len(some) - 1).bit_length()) - len(some))
            self.execute(_insert(table, columns, len(some), tail), list(chain.from_iterable(some)))

    def take_ids(self, table: str, count: int) -> list[int]:
        """The next ids: the writer is alone, and rows with these ids bring the sequence forward."""
        row = self.raw.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        last = 0 if row is None else row[0]
        return list(range(last + 1, last + count + 1))

    def skip_ids(self, table: str, count: int) -> None:
        """Leave out so many ids before the next one."""
        self.raw.execute("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = ?", (count, table))

    def check(self) -> list[str]:
        """What SQLite finds wrong: pages, indexes, references."""
        found = [row[0] for row in self.raw.execute("PRAGMA integrity_check") if row[0] != "ok"]
        for table, row_id, parent, _ in self.raw.execute("PRAGMA foreign_key_check"):
            found.append(f"row {row_id} of {table} refers to a {parent} that isn't there")
        return found

    def close(self) -> None:
        """Close it; a writer leaves the log folded into the database as far as readers allow."""
        self.raw.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


@lru_cache(maxsize=256)
def _insert(table: str, columns: tuple[str, ...], rows: int, tail: str) -> str:
    row = f"({', '.join('?' * len(columns))})"
    into = f"INSERT INTO {table} ({', '.join(columns)})"
    if rows == 1:
        return f"{into} VALUES {row} {tail}"
    return f"{into} SELECT * FROM (VALUES {', '.join([row] * rows)}) WHERE column1 IS NOT NULL {tail}"  # noqa: S608


def explain(error: Exception) -> StoreError:
    """A driver's error in a person's words."""
    if isinstance(error, OSError):
        return StoreError(f"The store can't be opened: {error.strerror or error}.")
    code: Any = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    if primary == sqlite3.SQLITE_FULL:
        return StoreFull("The disk has no room for it.", advice="Free some space below the data folder.")
    if primary == sqlite3.SQLITE_IOERR:
        return StoreError("The disk reported an error.", advice="Look at the kernel's log, and check the disk.")
    if primary == sqlite3.SQLITE_BUSY:
        return StoreError("Another program holds the store's database.", advice="End whatever has it open.")
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreError("The store's database is damaged.", advice="Restore the last backup: posthouse restore.")
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StoreError("The store's database can't be written.", advice="Check the rights of the data folder.")
    return StoreError(f"The store's database refused: {error}.")
