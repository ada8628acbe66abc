"""Fixtures for the store's tests: each runs on SQLite, and in `make test-foreign` on PostgreSQL too."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from posthouse.store.engine import Store
from store_helpers import Clock, House

_numbers = itertools.count()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """How to connect to a PostgreSQL server of this test run."""
    from postgres_server import server

    with server() as conninfo:
        yield conninfo


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.foreign)])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Store]:
    if request.param == "sqlite":
        opened = Store.open(tmp_path / "data", readers=1, clock=clock)
    else:
        import psycopg

        from posthouse.store.postgres import Postgres

        conninfo = request.getfixturevalue("postgres")
        name = f"test{next(_numbers)}"
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        database = Postgres(f"{conninfo} options='-c search_path={name}'")
        opened = Store.open(tmp_path / "data", readers=1, clock=clock, database=database)
    yield opened
    opened.close()


@pytest.fixture
def house(store: Store) -> House:
    return House(store)
