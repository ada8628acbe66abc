"""Versions of the schema: new, older, newer."""

from __future__ import annotations

import calendar
import contextlib
import sqlite3
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from older_store import take_back
from posthouse.errors import StoreError, StoreVersionError
from posthouse.store import mail, schema, search, verify
from posthouse.store.engine import Store
from posthouse.store.sqlite import Sqlite
from store_helpers import House, letter

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


def structure(data: Path) -> dict[str, object]:
    """The tables, their columns, keys, references and indexes, however they came about."""
    with contextlib.closing(sqlite3.connect(data / "posthouse.sqlite3")) as raw:
        tables = raw.execute("SELECT name, wr, strict FROM pragma_table_list WHERE schema = 'main'").fetchall()
        return {
            f"{kind} of {name}": raw.execute(
                f"SELECT {columns} FROM pragma_{kind}(?) ORDER BY 1, 2", (name,)
            ).fetchall()
            for name, _, _ in tables
            for kind, columns in (
                ("table_xinfo", "*"),
                ("index_list", 'name, "unique", origin, partial'),
                ("foreign_key_list", '"from", "table", "to", on_delete'),
            )
        } | {"tables": sorted(tables)}


def test_a_migrated_store_is_as_a_new_one(data: Path, tmp_path: Path) -> None:
    new = structure(data)
    take_back(data, 14)
    assert structure(data) != new
    Store.open(data, readers=1).close()
    assert structure(data) == new


def test_letters_of_schema_19_get_their_zones(data: Path) -> None:
    """RFC 9051 §6.4.4: a letter is of the day that its Date field names, whatever time that was in UTC."""
    store = Store.open(data, readers=1)
    house = House(store)
    inbox = house.box(house.account("bob@example.org"))
    for written in ("Mon, 7 Feb 1994 21:52:25 -0800", "Tue, 8 Feb 1994 05:52:25 +0000", "nonsense"):
        house.append(inbox, raw=f"Date: {written}\r\n\r\nx\r\n".encode())
    store.close()
    take_back(data, 19)
    store = Store.open(data, readers=1)
    eighth = calendar.timegm((1994, 2, 8, 0, 0, 0))
    assert store.look(search.search, inbox.id, search.Sent(end=eighth)) == [1]
    assert store.look(search.search, inbox.id, search.Sent(start=eighth)) == [2]
    store.close()


def test_threads_of_schema_18_keep_their_ids(data: Path) -> None:
    """Threads had ids of their own, and rows. New ones get none of these ids."""
    store = Store.open(data, readers=1)
    house = House(store)
    ada = house.account("bob@example.org")
    inbox = house.box(ada)
    house.append(inbox, raw=letter("Lunch"))
    store.close()
    take_back(data, 18)
    with contextlib.closing(sqlite3.connect(data / "posthouse.sqlite3", isolation_level=None)) as raw:
        raw.execute("INSERT INTO thread VALUES (70, ?)", (ada.id,))
        for table in ("message", "thread_key"):
            raw.execute(f"UPDATE {table} SET thread_id = 70")
    store = Store.open(data, readers=1)
    house = House(store)
    try:
        house.append(inbox, raw=letter("Re: Lunch"))
        house.append(inbox, raw=letter("Dinner"))
        ids = [row[1] for row in store.look(mail.fetch, inbox.id, mail.ALL, ["thread"])]
        assert ids[:2] == [70, 70]
        assert ids[2] > 70
    finally:
        store.close()
    store = Store.open(data, readers=1)
    assert list(verify.verify(store)) == []
    store.close()


@pytest.mark.parametrize("lost", ["gone", "empty"])
def test_letters_whose_database_is_lost_are_no_strays_of_a_new_one(data: Path, lost: str) -> None:
    """A new store beside them would delete them at its next start, as what deliveries left that were cut off."""
    store = Store.open(data)
    house = House(store)
    house.append(house.box(house.account("bob@example.org")))
    store.close()
    before = list((data / "messages").rglob("*.eml"))
    (data / "posthouse.sqlite3").unlink()
    if lost == "empty":
        (data / "posthouse.sqlite3").touch()
    with pytest.raises(StoreError, match=r"there are letters in .* but their database is gone or empty"):
        Store.open(data)
    assert list((data / "messages").rglob("*.eml")) == before
    before[0].rename(data / "away.eml")
    Store.open(data).close()
