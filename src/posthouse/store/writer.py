"""The writer: one transaction for all functions that wait, and one sync of the disk.

Each runs in a savepoint: an exception undoes the one function and reaches its caller. When the commit itself fails,
each is tried again alone, so that one that needs more room than there is doesn't stand in the way of the others.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from posthouse.errors import StoreError, StoreFull

if TYPE_CHECKING:
    from .database import Connection, Database
    from .engine import Tx

# A batch ends here even when more functions wait: the first caller shouldn't wait for the thousandth.
MAX_BATCH = 256
# A deadlock with another machine's writer is tried again so often.
TRIES = 5
NOTHING: Mapping[str, Any] = {}


class Call:
    """A store function that is to be run, and what came of it."""

    __slots__ = ("args", "each", "error", "fn", "hints", "kwargs", "ready", "result")

    def __init__(
        self,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any] = NOTHING,
        *,
        each: bool = False,
        ready: Callable[[Any], Any] | None = None,
    ) -> None:
        """``each``: `fn` takes its one argument together with those of its neighbours, which are for the same `fn`: it
        is called with a list, and gives one. ``ready``: what is made of that argument before the transaction begins."""
        self.fn = fn
        self.args = args
        self.kwargs = kwargs
        self.each = each
        self.ready = ready
        self.result: Any = None
        self.error: BaseException | None = None
        self.hints: dict[int, int] = {}  # accounts that it has changed, and their modseqs


class _Lost(Exception):
    """The whole transaction is undone, or has to be, with the running function."""


class Writer:
    """A connection that writes; for one thread."""

    def __init__(
        self,
        database: Database,
        connection: Connection,
        clock: Callable[[], float],
        transaction: Callable[[Connection, int], Tx],
    ) -> None:
        """``transaction`` makes what a store function sees of one, at a time."""
        self.written = self.commits = self.largest = 0  # functions, transactions, functions in one
        self.waiting_since: float | None = None  # for its turn among other processes, as time.monotonic() has it
        self._database = database
        self._connection = connection
        self._clock = clock
        self._transaction = transaction

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def write(self, batch: Sequence[Call]) -> dict[int, int]:
        """Run all of them; when this returns, what they did is on disk, and what came of it in each. The hints of
        all."""
        for call in batch:
            make_ready(call)
        self._commit([call for call in batch if call.error is None])
        self.written += len(batch)
        self.largest = max(self.largest, len(batch))
        hints: dict[int, int] = {}
        for call in batch:
            hints.update(call.hints)
        return hints

    def _commit(self, batch: Sequence[Call]) -> None:
        """One transaction for all of them; when it can't be had, one for each."""
        if not batch:
            return
        for _ in range(TRIES if len(batch) == 1 else 1):
            if self._try_commit(batch):
                return
        if len(batch) > 1:
            for call in batch:
                self._commit([call])

    def _try_commit(self, batch: Sequence[Call]) -> bool:
        """False: it is undone, and may be tried again. A lone function that can't succeed has its error."""
        connection = self._connection
        try:
            self.waiting_since = time.monotonic()
            try:
                connection.begin()
            finally:
                self.waiting_since = None
            now = int(self._clock())
            for calls in _together(batch):
                self._try(calls, now, alone=len(calls) == len(batch))
            connection.commit()
            self.commits += 1
            return True
        except (self._database.driver_error, _Lost, OSError) as error:
            with contextlib.suppress(self._database.driver_error):
                connection.rollback()
            if len(batch) > 1:
                return False
            call = batch[0]
            call.hints = {}
            if not isinstance(error, _Lost):  # else the function's own error is known already
                call.error = failure = self._database.explain(error)
                failure.in_doubt = not isinstance(failure, StoreFull)
                failure.__cause__ = error
            return not self._database.is_transient(error.__cause__ or error)

    def _try(self, calls: Sequence[Call], now: int, *, alone: bool) -> None:
        """Run one function, of all calls: in its savepoint, where the transaction is not its `alone`."""
        connection = self._connection
        if not alone:
            connection.execute("SAVEPOINT call", NOTHING)
        tx = self._transaction(connection, now)
        for call in calls:
            call.error = None
            call.hints = {}
        first = calls[0]
        try:
            if first.each:
                for call, result in zip(calls, first.fn(tx, [call.args[0] for call in calls]), strict=True):
                    if isinstance(result, StoreError):
                        call.error = result
                    else:
                        call.result = result
            else:
                first.result = first.fn(tx, *first.args, **first.kwargs)
            first.hints = tx.hints
        except BaseException as error:  # whatever it is, it is the caller's
            if alone or not connection.in_transaction or self._database.is_transient(error):
                first.error = explained(self._database, error)
                raise _Lost from error
            connection.execute("ROLLBACK TO call", NOTHING)
            if len(calls) == 1:
                first.error = explained(self._database, error)
            else:
                for call in calls:
                    self._try([call], now, alone=False)
        if not alone:
            connection.execute("RELEASE call", NOTHING)


def explained(database: Database, error: BaseException) -> BaseException:
    """A driver's error in a person's words; any other as it is."""
    if not isinstance(error, database.driver_error):
        return error
    failure = database.explain(error)
    failure.__cause__ = error
    return failure


def make_ready(call: Call) -> None:
    """Once. When it fails, the call has that error."""
    ready, call.ready = call.ready, None
    if ready is not None:
        try:
            call.args = (ready(*call.args),)
        except BaseException as error:  # whatever it is, it is the caller's
            call.error = error


def _together(batch: Sequence[Call]) -> Iterator[Sequence[Call]]:
    """The batch in its order; neighbours that one function takes together."""
    start = 0
    while start < len(batch):
        end = start + 1
        if batch[start].each:
            while end < len(batch) and batch[end].each and batch[end].fn is batch[start].fn:
                end += 1
        yield batch[start:end]
        start = end
