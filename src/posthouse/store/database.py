"""What the engine asks of a database. Two of them answer: `sqlite` and `postgres`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from posthouse.errors import StoreError


class Cursor(Protocol):
    """What a statement gave. A row is a tuple, in the order of the columns."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> tuple[Any, ...] | None: ...

    def fetchall(self) -> list[tuple[Any, ...]]: ...


class Connection(Protocol):
    """One connection; used by one thread at a time. Parameters are `:name` in the SQL."""

    @property
    def execute(self) -> Callable[[str, Mapping[str, Any]], Cursor]: ...

    @property
    def executemany(self) -> Callable[[str, Iterable[Mapping[str, Any]]], Any]: ...

    @property
    def bare(self) -> str:
        """What `fold.bare` is in SQL, with {} for the text."""

    @property
    def has_index(self) -> bool:
        """Whether the full-text index of index.py is beside it."""

    @property
    def in_transaction(self) -> bool:
        """False also when the database itself has rolled the transaction back."""

    def begin(self) -> None:
        """Begin a transaction: for a reader a snapshot."""

    def commit(self) -> None:
        """Everything since `begin` is on disk when this returns. After an error the transaction may still be open."""

    def rollback(self) -> None:
        """Undo everything since `begin`, if it isn't undone already."""

    def lock_schema(self) -> None:
        """Until the end of the transaction, nobody else looks whether there is a schema."""

    def script(self, statements: Iterable[str]) -> None:
        """Run statements of a schema inside the open transaction."""

    def has_table(self, name: str) -> bool:
        """Whether there is a table of this name."""

    def insert(self, table: str, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]], tail: str = "") -> None:
        """Insert rows, in few steps. `tail`: what follows VALUES in the SQL. No row has NULL in its first column."""

    def take_ids(self, table: str, count: int) -> list[int]:
        """The next ids, ascending; they aren't given to others."""

    def skip_ids(self, table: str, count: int) -> None:
        """Leave out so many ids before the next one."""

    def check(self) -> list[str]:
        """What the database finds wrong with itself."""

    def close(self) -> None:
        """Close it."""


class Database(Protocol):
    """Where the database is, and what is particular about it."""

    @property
    def words(self) -> Mapping[str, str]:
        """What the placeholder words of schema.sql mean."""

    @property
    def driver_error(self) -> type[Exception]:
        """The root of the driver's errors."""

    @property
    def at_hand(self) -> bool:
        """Whether a look at some rows takes no more than a look at memory, as a rule: no network lies between."""

    @property
    def can_copy(self) -> bool:
        """Whether `copy_to` works."""

    @property
    def takes_index(self) -> bool:
        """Whether the full-text index of index.py goes with it."""

    def connect(self, *, read_only: bool = False, index_path: Path | None = None) -> Connection:
        """A connection for one thread. Errors: StoreError."""

    def holder(self) -> int | None:
        """The process of this machine that alone may write at the moment; None: it isn't known, or there is none."""

    def copy_to(self, folder: Path) -> None:
        """A copy of the database as it is now, as a store in `folder` would have it. Errors: StoreError."""

    def explain(self, error: Exception) -> StoreError:
        """A driver's error in a person's words."""

    def is_transient(self, error: BaseException) -> bool:
        """Whether the same transaction may succeed when it is tried again: a deadlock."""
