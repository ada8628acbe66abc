"""The engine: group commit, savepoints, snapshots, failures."""

from __future__ import annotations

import asyncio
import multiprocessing
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from posthouse.errors import AlreadyExists, StoreError, StoreFull, StoreVersionError
from posthouse.store import domain
from posthouse.store.engine import Store, Tx
from posthouse.store.sqlite import Connection, Sqlite
from store_helpers import NOW, add_domains, only_sqlite


def gate(entered: threading.Event, leave: threading.Event) -> None:
    entered.set()
    assert leave.wait(10)


def hold(tx: Tx, entered: threading.Event, leave: threading.Event) -> None:
    """A store function that keeps the writer busy, so that others gather behind it."""
    gate(entered, leave)


async def gathered(store: Store, *calls: object) -> list[object]:
    """Run store functions that have waited together, so that they are one batch."""
    entered, leave = threading.Event(), threading.Event()
    first = asyncio.create_task(store.write(hold, entered, leave))
    await asyncio.to_thread(entered.wait)
    tasks = [asyncio.create_task(call) for call in calls]  # type: ignore[arg-type]
    await asyncio.sleep(0)  # they ask
    await asyncio.sleep(0)  # what was asked in that turn of the loop is handed over
    leave.set()
    await first
    return await asyncio.gather(*tasks, return_exceptions=True)


def test_waiting_functions_share_one_commit(store: Store) -> None:
    before = store.statistics()
    names = [f"d{number}.example" for number in range(20)]
    results = asyncio.run(gathered(store, *(store.write(domain.add, name) for name in names)))
    after = store.statistics()
    assert results == names
    assert after.commits - before.commits == 2
    assert after.largest_batch == 20
    assert store.look(domain.list_all) == sorted(names)


def test_an_exception_undoes_one_function_and_reaches_its_caller(store: Store) -> None:
    def half(tx: Tx) -> None:
        domain.add(tx, "half.example")
        raise LookupError("half way")

    good, failed, again, last = asyncio.run(
        gathered(
            store,
            store.write(domain.add, "a.example"),
            store.write(half),
            store.write(domain.add, "a.example"),
            store.write(domain.add, "b.example"),
        )
    )
    assert good == "a.example"
    assert isinstance(failed, LookupError)
    assert isinstance(again, AlreadyExists)
    assert last == "b.example"
    assert store.look(domain.list_all) == ["a.example", "b.example"]


def test_what_one_function_takes_together_is_one_call(store: Store) -> None:
    calls: list[list[str]] = []

    def add_each(tx: Tx, names: Sequence[str]) -> list[str | StoreError]:
        calls.append(list(names))
        return [StoreError("not this one") if name == "b.example" else domain.add(tx, name) for name in names]

    results = asyncio.run(
        gathered(
            store,
            store.write_each(add_each, "a.example"),
            store.write_each(add_each, "b.example"),
            store.write(domain.add, "c.example"),
            store.write_each(add_each, "d.example"),
        )
    )
    assert calls == [["a.example", "b.example"], ["d.example"]]
    assert isinstance(results[1], StoreError)
    assert [results[0], *results[2:]] == ["a.example", "c.example", "d.example"]
    assert store.look(domain.list_all) == ["a.example", "c.example", "d.example"]


@pytest.mark.parametrize("others", [0, 1])
def test_what_fails_together_is_tried_alone(store: Store, others: int) -> None:
    def add_each(tx: Tx, names: Sequence[str]) -> list[str | StoreError]:
        added: list[str | StoreError] = [domain.add(tx, name) for name in names]
        if "bad.example" in names:
            raise LookupError("half way")
        tx.changed(len(names), 1)
        return added

    good, failed, last, *_ = asyncio.run(
        gathered(
            store,
            store.write_each(add_each, "a.example"),
            store.write_each(add_each, "bad.example"),
            store.write_each(add_each, "b.example"),
            *(store.write(domain.add, f"{number}.example") for number in range(others)),
        )
    )
    assert (good, last) == ("a.example", "b.example")
    assert isinstance(failed, LookupError)
    assert "bad.example" not in store.look(domain.list_all)


def test_a_turn_of_the_loop_is_one_batch(store: Store) -> None:
    async def at_once() -> None:
        await asyncio.gather(*(store.write(domain.add, f"{number}.example") for number in range(20)))

    before = store.statistics()
    asyncio.run(at_once())
    assert store.statistics().writes - before.writes == 20
    assert len(store.look(domain.list_all)) == 20


def test_a_read_is_a_snapshot(store: Store) -> None:
    entered, leave = threading.Event(), threading.Event()

    def look_twice(tx: Tx) -> tuple[list[str], list[str]]:
        first = domain.list_all(tx)
        gate(entered, leave)
        return first, domain.list_all(tx)

    async def scenario() -> tuple[list[str], list[str]]:
        reading = asyncio.create_task(store.read(look_twice))
        await asyncio.to_thread(entered.wait)
        await store.write(domain.add, "new.example")
        leave.set()
        return await reading

    assert asyncio.run(scenario()) == ([], [])
    assert store.look(domain.list_all) == ["new.example"]


def test_a_read_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError):
        store.look(domain.add, "x.example")
    assert store.look(domain.list_all) == []


def test_a_glance_waits_for_nobody_and_fails_alone(store: Store) -> None:
    """Neither for readers that are busy, nor for a writer."""

    def count(tx: Tx) -> int:
        number: int = tx.value("SELECT count(*) FROM domain")
        return number

    def broken(tx: Tx) -> None:
        tx.run("SELECT nothing FROM nowhere")

    def impossible(tx: Tx) -> None:
        raise LookupError("no")

    async def scenario() -> list[object]:
        entered, leave = threading.Event(), threading.Event()
        first = asyncio.create_task(store.write(hold, entered, leave))
        await asyncio.to_thread(entered.wait)
        calls = [store.glance(one) for one in (count, impossible, count, broken, count)]
        found = await asyncio.gather(*calls, return_exceptions=True)
        leave.set()
        await first
        return found

    store.run(domain.add, "one.example")
    one, error, two, refused, three = asyncio.run(scenario())
    assert (one, two, three) == (1, 1, 1)
    assert isinstance(error, LookupError)
    assert isinstance(refused, StoreError)


def test_a_glance_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError):
        asyncio.run(store.glance(domain.add, "x.example"))
    assert store.look(domain.list_all) == []


def test_a_cancelled_caller_is_not_waited_for(store: Store) -> None:
    async def scenario() -> None:
        entered, leave = threading.Event(), threading.Event()
        first = asyncio.create_task(store.write(hold, entered, leave))
        await asyncio.to_thread(entered.wait)
        gone = asyncio.create_task(store.write(domain.add, "gone.example"))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        leave.set()
        await first
        await store.write(domain.add, "b.example")

    asyncio.run(scenario())
    assert store.look(domain.list_all) == ["b.example"]


def fill_up(tx: Tx, rows: int) -> None:
    tx.many("INSERT INTO domain (name) VALUES (:name)", [{"name": f"{number:0500}"} for number in range(rows)])


def limit_pages(tx: Tx, more: int) -> None:
    """As if the disk had room for so many pages more."""
    tx.value(f"PRAGMA max_page_count = {tx.value('PRAGMA page_count') + more}")


@only_sqlite
def test_a_full_disk_is_told_to_the_one_who_needs_more(store: Store) -> None:
    store.run(limit_pages, 20)
    small, big, after = asyncio.run(
        gathered(
            store,
            store.write(domain.add, "small.example"),
            store.write(fill_up, 10_000),
            store.write(domain.add, "after.example"),
        )
    )
    assert (small, after) == ("small.example", "after.example")
    assert isinstance(big, StoreFull)
    assert store.look(domain.list_all) == ["after.example", "small.example"]
    store.run(limit_pages, 100_000)
    store.run(fill_up, 1_000)
    assert len(store.look(domain.list_all)) == 1_002


@only_sqlite
def test_a_function_that_runs_twice_counts_once(store: Store) -> None:
    """The batch is lost when one of its functions fills the disk; the others run again, alone."""
    runs: list[int] = []

    def counted(tx: Tx) -> str:
        runs.append(1)
        return domain.add(tx, "twice.example")

    store.run(limit_pages, 20)
    results = asyncio.run(gathered(store, store.write(counted), store.write(fill_up, 10_000)))
    assert results[0] == "twice.example"
    assert len(runs) == 2
    assert store.look(domain.list_all) == ["twice.example"]


def test_now_is_the_clock(store: Store) -> None:
    assert store.look(lambda tx: tx.now) == NOW
    assert store.run(lambda tx: tx.now) == NOW


def test_closed_is_closed(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.run(domain.list_all)


def test_what_waits_is_finished_before_closing(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    entered, leave = threading.Event(), threading.Event()

    async def scenario() -> str:
        first = asyncio.create_task(store.write(hold, entered, leave))
        await asyncio.to_thread(entered.wait)
        late = asyncio.create_task(store.write(domain.add, "late.example"))
        await asyncio.sleep(0)
        closing = asyncio.create_task(asyncio.to_thread(store.close))
        leave.set()
        await first
        await closing
        return await late

    assert asyncio.run(scenario()) == "late.example"
    again = Store.open(tmp_path)
    assert again.look(domain.list_all) == ["late.example"]
    again.close()


def test_what_is_gathered_is_finished_before_closing(tmp_path: Path) -> None:
    store = Store.open(tmp_path)

    async def scenario() -> str:
        written = asyncio.ensure_future(store.write(domain.add, "gathered.example"))
        await asyncio.sleep(0)  # it is accepted, and not handed over yet
        store.close()
        return await written

    assert asyncio.run(scenario()) == "gathered.example"
    again = Store.open(tmp_path)
    assert again.look(domain.list_all) == ["gathered.example"]
    again.close()


def test_what_is_asked_while_it_closes_is_done_or_refused(tmp_path: Path) -> None:
    """From many threads: a call behind the end would wait for ever."""
    store = Store.open(tmp_path)
    done: list[str] = []
    refused: list[str] = []

    def ask(letter: str) -> None:
        for number in range(10_000):
            name = f"{letter}{number}.example"
            try:
                done.append(store.run(domain.add, name))
            except StoreError as error:
                refused.append(str(error))
                return

    threads = [threading.Thread(target=ask, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    while len(done) < 20:
        threading.Event().wait(0.001)
    store.close()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert refused == ["the store is closed"] * 4
    again = Store.open(tmp_path)
    assert again.look(domain.list_all) == sorted(done)
    again.close()


def test_what_cant_be_opened_leaves_nothing_open(tmp_path: Path) -> None:
    """Neither where the folder of the octets can't be made, nor where the last connection can't be had."""
    Store.open(tmp_path).close()
    before = threading.active_count(), open_files()
    (tmp_path / "messages").rename(tmp_path / "elsewhere")
    (tmp_path / "messages").write_text("no folder", "utf-8")
    with pytest.raises(StoreError, match="refused"):
        Store.open(tmp_path)
    (tmp_path / "messages").unlink()
    (tmp_path / "elsewhere").rename(tmp_path / "messages")
    with pytest.raises(StoreError, match="nothing more"):
        Store.open(tmp_path, database=Exhausted(tmp_path))
    assert (threading.active_count(), open_files()) == before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


class Exhausted(Sqlite):
    """Lets five connections be opened, and no more."""

    left = 5

    def connect(self, *, read_only: bool = False, index_path: Path | None = None) -> Connection:
        if not self.left:
            raise StoreError("nothing more")
        self.left -= 1
        return super().connect(read_only=read_only, index_path=index_path)


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    raw = sqlite3.connect(tmp_path / "posthouse.sqlite3")
    raw.execute("UPDATE store SET version = 99, oldest = 98")
    raw.commit()
    raw.close()
    with pytest.raises(StoreVersionError, match="newer program"):
        Store.open(tmp_path)


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "posthouse.sqlite3").write_bytes(b"this is not a database" * 100)
    with pytest.raises(StoreError, match="damaged") as refused:
        Store.open(tmp_path)
    opened = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    assert not [path for path in opened if path.startswith(str(tmp_path))], f"left open by {refused}"


def test_processes_take_turns(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=add_domains, args=(tmp_path, letter)) for letter in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    store = Store.open(tmp_path)
    assert len(store.look(domain.list_all)) == 100
    store.close()
