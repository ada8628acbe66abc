"""What is particular about PostgreSQL: how SQL is translated; and writers that block each other."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import pytest

from store_helpers import House

psycopg = pytest.importorskip("psycopg")  # an extra; the tests below that need no server run where it is installed

from posthouse.store import account, change  # noqa: E402
from posthouse.store.engine import Store, Tx  # noqa: E402
from posthouse.store.postgres import Postgres, translate  # noqa: E402


@pytest.mark.parametrize(
    ("sql", "translated"),
    [
        ("SELECT :a, :long_name2", b"SELECT %(a)s, %(long_name2)s"),
        ("SELECT ':a' || :a", b"SELECT ':a' || %(a)s"),
        ("x LIKE '%:a%' ESCAPE '!' AND y % :b = 0", b"x LIKE '%%:a%%' ESCAPE '!' AND y %% %(b)s = 0"),
        ("CAST(1 AS TEXT) || 1::text", b"CAST(1 AS TEXT) || 1::text"),
    ],
)
def test_parameters(sql: str, translated: bytes) -> None:
    assert translate(sql) == translated


@pytest.mark.foreign
def test_a_deadlock_is_tried_again(postgres: str, tmp_path: Path) -> None:
    """Two processes lock two accounts in opposite order; both succeed."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA deadlock")
    conninfo = f"{postgres} options='-c search_path=deadlock -c deadlock_timeout=10ms'"
    one = Store.open(tmp_path / "one", readers=1, database=Postgres(conninfo))
    other = Store.open(tmp_path / "other", readers=1, database=Postgres(conninfo))
    ids = [House(one).account(f"{name}@example.org").id for name in ("ada", "bob")]
    met = threading.Barrier(2, timeout=5)

    def both(tx: Tx, order: list[int]) -> None:
        change.next_modseq(tx, order[0])
        with contextlib.suppress(threading.BrokenBarrierError):  # a second try: the other is done
            met.wait()
        change.next_modseq(tx, order[1])

    def work(store: Store, order: list[int]) -> None:
        try:
            store.run(both, order)
        finally:
            met.abort()

    threads = [
        threading.Thread(target=work, args=(one, ids)),
        threading.Thread(target=work, args=(other, ids[::-1])),
    ]
    before = [one.look(change.changes, account_id, 0).modseq for account_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = [one.look(change.changes, account_id, 0).modseq for account_id in ids]
    assert after == [modseq + 2 for modseq in before]
    one.close()
    other.close()


@pytest.mark.foreign
def test_a_lost_connection_is_made_anew(postgres: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA lost")
        store = Store.open(tmp_path, readers=1, database=Postgres(f"{postgres} options='-c search_path=lost'"))
        House(store).account()
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    for _ in range(3):  # whoever was cut off is told; the next one finds a connection
        try:
            found = store.look(account.find, "ada@example.org")
            made = store.run(account.add, "bob@example.org", "hash")
            break
        except Exception as error:
            assert "reached" in str(error) or "terminating" in str(error), error
    assert found is not None
    assert made.address == "bob@example.org"
    store.close()
