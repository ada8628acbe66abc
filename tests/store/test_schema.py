"""Versions of the schema: new, older, newer."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from posthouse.errors import StoreError, StoreVersionError
from posthouse.store import schema
from posthouse.store.engine import Store
from posthouse.store.sqlite import Sqlite
from store_helpers import House

NEXT = replace(
    schema.current(),
    version=schema.VERSION + 2,
    migrations={
        schema.VERSION
        + 1: "CREATE TABLE extra (id {id}, n {int}) {strict}; -- more\nINSERT INTO extra (n) VALUES (1);",
        schema.VERSION + 2: "UPDATE extra SET n = n + 1",
    },
)


def open_with(data: Path, known: schema.Schema) -> list[tuple[int, ...]]:
    """What a program with this schema does when it opens a store; the versions, and the table that it made."""
    database = Sqlite(data)
    connection = database.connect()
    try:
        schema.prepare(database, connection, data, known)
        found = connection.execute("SELECT version, oldest FROM store").fetchall()
        return found + (
            connection.execute("SELECT id, n FROM extra").fetchall() if connection.has_table("extra") else []
        )
    finally:
        connection.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    store = Store.open(tmp_path)
    House(store).account()
    store.close()
    return tmp_path


def test_every_version_has_its_migration() -> None:
    """And only one: two files with one number would be two changes of which stores get one."""
    folder = resources.files("posthouse.store").joinpath("migrations")
    numbers = [int(path.name[:4]) for path in folder.iterdir() if path.name.endswith(".sql")]
    assert sorted(numbers) == list(range(2, schema.VERSION + 1))


def test_an_older_store_is_copied_and_migrated(data: Path) -> None:
    assert open_with(data, NEXT) == [(NEXT.version, NEXT.oldest), (1, 2)]
    (copy,) = (data / "backups").iterdir()
    old = sqlite3.connect(copy / "posthouse.sqlite3")
    assert old.execute("SELECT version FROM store").fetchone() == (schema.VERSION,)
    assert old.execute("SELECT address FROM account").fetchone() == ("ada@example.org",)
    old.close()
    assert open_with(data, NEXT) == [(NEXT.version, NEXT.oldest), (1, 2)]
    assert len(list((data / "backups").iterdir())) == 1


def test_an_older_program_works_if_it_may(data: Path) -> None:
    open_with(data, NEXT)
    assert open_with(data, schema.current())[0] == (NEXT.version, NEXT.oldest)
    open_with(data, replace(NEXT, version=NEXT.version + 1, oldest=NEXT.version + 1, migrations={NEXT.version + 1: ""}))
    with pytest.raises(StoreVersionError, match="newer program"):
        open_with(data, schema.current())
    with pytest.raises(StoreVersionError):
        Store.open(data)


def test_a_migration_that_fails_changes_nothing(data: Path) -> None:
    broken = replace(NEXT, migrations={**NEXT.migrations, NEXT.version: "UPDATE nonsense SET n = 1"})
    with pytest.raises(sqlite3.OperationalError):
        open_with(data, broken)
    assert open_with(data, schema.current()) == [(schema.VERSION, schema.OLDEST)]


def test_no_room_for_a_new_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError):
        Store.open(tmp_path / "file" / "data")
