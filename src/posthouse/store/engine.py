"""The engine: transactions for store functions, from the event loop and from anywhere.

One thread writes. It takes all functions that wait, runs them in one transaction (writer.py), commits once, and then
wakes the event loop once: group commit, for every kind of change. Letters that come side by side are written by a
process of their own, where there is one (scribe.py).

A few threads read, each on its own connection; a read is a snapshot. A hop to a thread and back costs about 50 µs:
ask for a batch, never row by row. What takes no longer than that is a `glance`, which is answered where it is asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from posthouse.errors import StoreError

from . import fresh, schema, tidy
from .blob import Blob, Blobs
from .change import Feed
from .database import Connection, Database
from .disk import Disk
from .index import Index
from .readers import Readers
from .roster import Rosters
from .scribe import Dictation
from .sqlite import Sqlite
from .waiter import new_future, settle, settle_here
from .writer import MAX_BATCH, Call, Writer, explained

log = logging.getLogger("posthouse.store")

P = ParamSpec("P")
T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
# A row has the columns in the order in which the SELECT names them; unpack it.
Row = tuple[Any, ...]

READERS = 4
# For so long (seconds) after two letters came side by side the next ones are expected to.
CROWDED = 0.2


class Tx:
    """A transaction, as a store function sees it. Parameters are `:name` in the SQL and keywords in the call."""

    __slots__ = (
        "_execute", "_executemany", "_unwanted", "bare", "blobs", "has_index", "hints", "insert", "now", "rosters",
        "skip_ids", "take_ids",
    )  # fmt: skip

    def __init__(
        self,
        connection: Connection,
        now: int,
        blobs: Blobs,
        rosters: Rosters | None = None,
        unwanted: Callable[[], bool] | None = None,
    ) -> None:
        """``unwanted``: whether nobody waits any more for what is read."""
        self._execute = connection.execute
        self._executemany = connection.executemany
        self.insert = connection.insert
        self.take_ids = connection.take_ids
        self.skip_ids = connection.skip_ids
        self.bare = connection.bare
        self.has_index = connection.has_index
        self.now = now  # seconds since 1970
        self.blobs = blobs  # to read octets, never to write them
        self.rosters = rosters  # for readers: what a writer sees may still be undone
        self.hints: dict[int, int] = {}
        self._unwanted = unwanted

    def ensure_wanted(self) -> None:
        """For what reads for long, to ask now and then: StoreError when the store closes, or the caller has gone."""
        if self._unwanted is not None and self._unwanted():
            raise StoreError("the store is closed")  # who has gone doesn't hear it

    def one(self, sql: str, /, **params: Any) -> Row | None:
        """The first row, if there is one."""
        row: Row | None = self._execute(sql, params).fetchone()
        return row

    def all(self, sql: str, /, **params: Any) -> list[Row]:
        """All rows."""
        return self._execute(sql, params).fetchall()

    def value(self, sql: str, /, **params: Any) -> Any:
        """The first column of the first row; None where there is no row."""
        row = self._execute(sql, params).fetchone()
        return None if row is None else row[0]

    def run(self, sql: str, /, **params: Any) -> int:
        """The number of rows changed."""
        return self._execute(sql, params).rowcount

    def many(self, sql: str, rows: Iterable[Mapping[str, Any]], /) -> None:
        """The same statement for many rows."""
        self._executemany(sql, rows)

    def changed(self, account_id: int, modseq: int) -> None:
        """The account is at `modseq` once this is committed: tell those who wait for news of it."""
        self.hints[account_id] = modseq


class Asked(Call):
    """A function that somebody waits for."""

    __slots__ = ("done", "future", "loop")

    def __init__(
        self,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        loop: asyncio.AbstractEventLoop | None,
        *,
        each: bool = False,
        ready: Callable[[Any], Any] | None = None,
        done: Callable[[Tx, Any], bool] | None = None,
    ) -> None:
        super().__init__(fn, args, kwargs, each=each, ready=ready)
        self.done = done
        self.loop = loop
        self.future = new_future(loop)


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the store's own threads have done since it was opened."""

    writes: int
    commits: int
    largest_batch: int
    reads: int


class Store:
    """An open store. See the package's docstring for what holds."""

    def __init__(self, database: Database, data: Path, *, readers: int, clock: Callable[[], float], disk: Disk) -> None:
        self.data = data
        self.feed = Feed(data / "run")
        self._database = database
        self._clock = clock
        self._writes: queue.SimpleQueue[Asked | None] = queue.SimpleQueue()
        self._reads: Readers[Asked] = Readers()
        self._gathered: dict[asyncio.AbstractEventLoop, list[Asked]] = {}  # each loop's, until they are handed over
        self.dictation: Dictation | None = None  # to a process that writes letters which come side by side
        self._side_by_side = 0  # letters that are on their way into the store
        self._crowded_until = 0.0  # time.monotonic()
        self._read = 0
        self._closing = False  # what reads for long is broken off
        self._closed = False
        self._asking = threading.Lock()  # held while a call is accepted, so that none is behind the end
        with contextlib.ExitStack() as opened:  # what is open already, where the rest can't be

            def connect(*, read_only: bool, index_path: Path | None = None) -> Connection:
                connection = database.connect(read_only=read_only, index_path=index_path)
                opened.callback(connection.close)
                return connection

            writing = connect(read_only=False)
            schema.prepare(database, writing, data, schema.current())
            self._writer = Writer(database, writing, clock, self._transaction)
            self._fresh = fresh.Reader(database)
            opened.callback(self._fresh.close)
            self.blobs = Blobs(data / "messages", disk, self._fresh)
            opened.callback(self.blobs.close)
            self.rosters = Rosters()
            self.index = Index(data) if database.takes_index else None
            index_path = self.index.path if self.index else None
            self._threads = [threading.Thread(target=self._write_all, name="store-writer", daemon=True)]
            for number in range(readers):
                reader = connect(read_only=True, index_path=index_path)
                name = f"store-reader-{number}"
                self._threads.append(threading.Thread(target=self._read_all, args=(reader,), name=name, daemon=True))
            self._glancer = connect(read_only=True) if database.at_hand else None
            opened.pop_all()
        self._glancing = threading.Lock()  # event loops may be several
        for thread in self._threads:
            thread.start()

    @classmethod
    def open(
        cls,
        data: Path,
        *,
        readers: int = READERS,
        clock: Callable[[], float] = time.time,
        disk: Disk | None = None,
        database: Database | None = None,
    ) -> Store:
        """Open the store below `data`, and make it where there is none. `database`: another than SQLite there.

        Errors: StoreVersionError for a store that a newer program has written; StoreError where it can't be opened.
        """
        try:
            data.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the data folder can't be made: {error.strerror}") from error
        database = database or Sqlite(data)
        try:
            return cls(database, data, readers=readers, clock=clock, disk=disk or Disk())
        except database.driver_error as error:
            raise database.explain(error) from error

    @staticmethod
    def exists(data: Path) -> bool:
        """Whether there is a store below `data`, with its database there."""
        return Sqlite(data).path.is_file()

    def close(self) -> None:
        """Finish what waits, but for searches in octets; make the files of what was kept, then close. Afterwards every
        call raises StoreError."""
        if self._closed:
            return
        self._closing = True
        if self.blobs.owes:
            try:
                fresh.settle(self)
            except StoreError as error:
                log.error("some letters still have no file of their own; the next start makes them: %s", error)
        with self._asking:
            self._closed = True
            for call in chain.from_iterable(self._gathered.values()):  # they were accepted
                self._writes.put(call)
            self._gathered.clear()
            self._writes.put(None)
            self._reads.close()
        for thread in self._threads:
            thread.join()
        if self._glancer is not None:
            with self._glancing:
                self._glancer.close()
        self.blobs.close()
        self._fresh.close()
        self.feed.close()

    def statistics(self) -> Statistics:
        """Counters for the log and the metrics."""
        return Statistics(self._writer.written, self._writer.commits, self._writer.largest, self._read)

    def waited(self) -> float:
        """For how long (seconds) the writer has been waiting for other processes; 0: it doesn't."""
        since = self._writer.waiting_since
        return 0.0 if since is None else time.monotonic() - since

    def holder(self) -> int | None:
        """The process that writes to the store now, where that can be told."""
        return self._database.holder()

    def copy_database(self, folder: Path) -> None:
        """A snapshot of the database into a folder, as a store would have it there. Blocks. Errors: StoreError."""
        self._database.copy_to(folder)

    def check_database(self) -> list[str]:
        """What the database itself finds wrong with its files; empty: nothing. Blocks, and reads all of them."""
        connection = self._database.connect(read_only=True)
        try:
            return connection.check()
        except self._database.driver_error as error:
            return [str(error)]
        finally:
            connection.close()

    def new_writer(self) -> Writer:
        """Another connection that writes, for a thread of its own; to be closed before the store."""
        return Writer(self._database, self._database.connect(read_only=False), self._clock, self._transaction)

    # -- the ways to run a store function ---------------------------------------------------------------------

    async def write(self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(tx, …)`; when this returns, what it did is on disk. StoreFull, StoreError: it didn't happen."""
        result: T = await self._gather(Asked(fn, args, kwargs, asyncio.get_running_loop()))
        return result

    async def write_each(
        self,
        fn: Callable[[Tx, Sequence[A]], Sequence[T | StoreError]],
        one: B,
        /,
        ready: Callable[[B], A] | None = None,
        done: Callable[[Tx, B], bool] | None = None,
    ) -> T:
        """`write` of `fn(tx, [one])`, but together with the others for which `fn` waits: it is called once, with all of
        them in the order in which they came, and gives each its result, or its error, with which nothing of it has
        happened. When it raises, each is tried alone.

        ``ready``: what makes the argument of `fn` from `one`, before the transaction begins. The two, their arguments
        and results can be pickled: while several wait, a process of its own does it, where there is one (scribe.py).
        ``done``: whether it has happened, for when that process has ended; the result is None then. Without it that
        is an error in doubt.
        """
        loop, now = asyncio.get_running_loop(), time.monotonic()
        self._side_by_side += 1
        try:
            if self._side_by_side > 1:
                self._crowded_until = now + CROWDED
            result: T
            if now < self._crowded_until:
                result = await self._gather(Asked(fn, (one,), {}, loop, each=True, ready=ready, done=done))
            else:  # alone: the processor still has at hand what has come, and there is nothing to wait for
                alone = one if ready is None else ready(one)
                result = await self._ask(self._writes, Asked(fn, (alone,), {}, loop, each=True))
        finally:
            self._side_by_side -= 1
        return result

    async def read(self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(tx, …)` on a snapshot; it can't change anything."""
        return await self.begin_read(fn, *args, **kwargs)

    def begin_read(
        self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[T]:
        """`read`, by its future. When that is cancelled, what goes on is broken off (`Tx.ensure_wanted`)."""
        future: asyncio.Future[T] = self._ask(self._reads, Asked(fn, args, kwargs, asyncio.get_running_loop()))
        return future

    async def glance(self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """`read` for what takes some tens of microseconds, in small tables, and is asked for all the time. Where the
        database is at hand, nothing is waited for: neither for a thread, nor for those who read more."""
        if self._glancer is None:
            return await self.read(fn, *args, **kwargs)
        with self._glancing:
            self._refuse_if_closed()
            self._read += 1
            try:
                self._glancer.begin()
                return fn(Tx(self._glancer, int(self._clock()), self.blobs, self.rosters), *args, **kwargs)
            except self._database.driver_error as error:
                raise self._database.explain(error) from error
            finally:
                self._forget_snapshot(self._glancer)

    def run(self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """`write` for callers without an event loop: blocks."""
        result: T = self._ask(self._writes, Asked(fn, args, kwargs, None)).result()
        return result

    def look(self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """`read` for callers without an event loop: blocks."""
        result: T = self._ask(self._reads, Asked(fn, args, kwargs, None)).result()
        return result

    # -- new octets ---------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def using(self, blobs: Sequence[Blob | asyncio.Future[Blob]]) -> AsyncIterator[None]:
        """Around the `write` that uses new octets, which are kept or being kept, and may become more meanwhile: when it
        raises, it didn't happen, and their files go at once; else anybody could fill the disk with what is refused.

        They stay for the sweep where it may happen nevertheless: when the caller is cancelled, or the error in doubt.
        """
        try:
            yield
        except Exception as error:
            if not (isinstance(error, StoreError) and error.in_doubt):
                await self.forget(blobs)
            raise

    async def forget(self, blobs: Sequence[Blob | asyncio.Future[Blob]]) -> None:
        """Remove the files of new octets that nobody uses. What can't be removed is left to the sweep."""
        being_kept = [one for one in blobs if not isinstance(one, Blob)]
        kept = [one for one in blobs if isinstance(one, Blob)]
        outcomes = await asyncio.gather(*being_kept, return_exceptions=True)
        kept += [one for one in outcomes if isinstance(one, Blob)]
        with_file = [blob.id for blob in kept if blob.octets is None]
        if with_file:
            with contextlib.suppress(StoreError):
                strays = await self.read(tidy.unknown, with_file)
                await asyncio.to_thread(self.blobs.remove, strays)

    # -- the turns of an event loop -----------------------------------------------------------------------------

    def _gather(self, call: Asked) -> Any:
        """Let the call wait for its turn, together with all others of this turn of its event loop; its future.

        Were each handed over at once, the writer's thread would begin with the first, and the next ones, some tens of
        microseconds later, would wait for another sync of the disk.
        """
        assert call.loop is not None
        with self._asking:
            self._refuse_if_closed()
            gathered = self._gathered.get(call.loop)
            if gathered is None:
                self._gathered[call.loop] = [call]
                call.loop.call_soon(self._hand_over, call.loop)
            else:
                gathered.append(call)
        return call.future

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give what has gathered to whoever writes it."""
        with self._asking:
            calls: Sequence[Asked] = self._gathered.pop(loop, ())  # none where `close` has handed them over
            dictation = self.dictation
            if dictation is not None and dictation.loop is loop:
                calls = dictation.take(calls)
            for call in calls:
                self._writes.put(call)

    def write_here(self, calls: Sequence[Asked]) -> None:
        """What was given to another process, which has done nothing of it. On the event loop of those who wait."""
        with self._asking:
            if not self._closed:
                for call in calls:
                    self._writes.put(call)
                return
        for call in calls:
            call.error = StoreError("the store is closed")
        settle_here(calls)

    def _ask(self, calls: queue.SimpleQueue[Asked | None] | Readers[Asked], call: Asked) -> Any:
        """Let the call wait for its turn; its future."""
        with self._asking:
            self._refuse_if_closed()
            calls.put(call)
        return call.future

    def _transaction(self, connection: Connection, now: int) -> Tx:
        return Tx(connection, now, self.blobs)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreError("the store is closed")

    # -- the writer's thread ---------------------------------------------------------------------------------------

    def _write_all(self) -> None:
        last = False
        while not last:
            batch, last = _take(self._writes)
            if not batch:
                continue
            hints = self._writer.write(batch)
            self.feed.notice(hints)
            settle(batch)
            if hints:
                self.feed.publish(hints)
        self._writer.close()

    # -- the readers' threads --------------------------------------------------------------------------------------

    def _read_all(self, connection: Connection) -> None:
        inbox: queue.SimpleQueue[Asked | None] = queue.SimpleQueue()
        while (call := self._reads.take(inbox)) is not None:
            if not call.future.cancelled():
                self._look(connection, call)
        connection.close()

    def _look(self, connection: Connection, call: Asked) -> None:
        """Run a function on a snapshot."""

        def unwanted() -> bool:
            return self._closing or call.future.cancelled()

        try:
            connection.begin()
            tx = Tx(connection, int(self._clock()), self.blobs, self.rosters, unwanted)
            call.result = call.fn(tx, *call.args, **call.kwargs)
        except BaseException as error:  # whatever it is, it is the caller's
            call.error = explained(self._database, error)
        self._forget_snapshot(connection)
        self._read += 1
        settle([call])

    def _forget_snapshot(self, connection: Connection) -> None:
        with contextlib.suppress(self._database.driver_error):
            connection.rollback()


def _take(calls: queue.SimpleQueue[Asked | None]) -> tuple[list[Asked], bool]:
    """Everything that waits, at least one; and whether the store closes after it."""
    call = calls.get()
    batch: list[Asked] = []
    while call is not None:
        if not call.future.cancelled():
            batch.append(call)
        if len(batch) == MAX_BATCH:
            return batch, False
        try:
            call = calls.get_nowait()
        except queue.Empty:
            return batch, False
    return batch, True
