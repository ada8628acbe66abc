"""What became of letters, written down: rows that go or get a new time, and the reports that follow.

While one transaction is on its way to the disk, what else is settled waits for the next, and the visits go on: so a
crash repeats what was handed over within some milliseconds, and a letter costs no commit of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from posthouse.errors import StoreError
from posthouse.store import lease, queue
from posthouse.store.engine import Row, Store, Tx
from posthouse.store.lease import Due
from posthouse.store.queue import Recipient
from posthouse.wire.steps import Source

from . import bounce
from .bounce import Report
from .route import Hop, Routes
from .verdict import Outcome, Verdict

log = logging.getLogger("posthouse.relay")

# The store didn't take what became of a letter: try again after so long, because forgetting it would repeat the letter.
RECORD_SECONDS = 10.0
# Attempts that may wait to be written down: then the visits wait. What a crash repeats, at the most.
MOST_PENDING = 200
# In this order.
REPORTED = (Outcome.DELAYED, Outcome.FAILED, Outcome.DELIVERED, Outcome.RELAYED, Outcome.EXPANDED)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One transaction that was tried. ``hop``: nobody answers there, so that others wait too; None: somebody did.

    ``untried``: recipients that were taken by the same visit, and have to wait as well.
    """

    due: Due
    verdicts: Mapping[int, Verdict]
    hop: Hop | None = None
    untried: tuple[int, ...] = ()
    warned: frozenset[int] = frozenset()
    reports: tuple[Report, ...] = ()


@dataclass(frozen=True, slots=True)
class _Wait:
    """Whatever else is due on a way waits; ``after``: from where on."""

    hop: Hop
    until: int
    why: str
    after: Row = ()


@dataclass(slots=True)
class Recorder:
    """Writes down attempts, from `start` to `stop`. ``delays``, ``warn_after``: seconds (config.Relay)."""

    store: Store
    routes: Routes
    way: lease.Way
    hostname: str
    delays: Sequence[int]
    warn_after: int
    clock: Callable[[], float]
    _pending: list[Attempt] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_PENDING))
    _task: asyncio.Task[None] | None = None
    _closing: bool = False
    # Ways on which nobody answers, and for which so much waits that it takes some transactions to say so; with the task
    # that does.
    deferring: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Write down what waits, and end."""
        self._closing = True
        self._news.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.gather(*self.deferring.values(), return_exceptions=True)

    async def put(self, attempt: Attempt, octets: Source) -> None:
        """Have it written down soon. ``octets``: the letter, with our lines in front."""
        due = attempt.due
        verdicts = self._final(due, attempt.verdicts)
        for recipient in due.recipients:
            verdict = verdicts[recipient.id]
            log.info(
                "letter %d from <%s> to <%s>: %s: %s",
                due.letter.id,
                due.letter.sender,
                recipient.address,
                verdict.outcome.value,
                verdict,
            )
        if not _nothing_follows(due, verdicts):
            warned = self._to_be_warned(due, verdicts)
            reports = await self._reports(due, octets, verdicts, warned)
            told = frozenset(one.id for one in warned)
            attempt = replace(attempt, verdicts=verdicts, warned=told, reports=reports)
        await self._room.acquire()
        self._pending.append(attempt)
        self._news.set()

    # -- what follows from it ------------------------------------------------------------------------------------

    def _final(self, due: Due, verdicts: Mapping[int, Verdict]) -> Mapping[int, Verdict]:
        """The same, but what has been delayed for too long has failed (RFC 5321 §4.5.4.1)."""
        if all(verdict.outcome is not Outcome.DELAYED for verdict in verdicts.values()):
            return verdicts
        now = self.clock()
        expired = {one.id for one in due.recipients if one.expires <= now}
        final = {
            one: replace(verdict, outcome=Outcome.FAILED)
            if one in expired and verdict.outcome is Outcome.DELAYED
            else verdict
            for one, verdict in verdicts.items()
        }
        if self._is_late(due):  # RFC 2852 §4.1.3
            for recipient in due.recipients:
                if final[recipient.id].outcome is Outcome.DELAYED and not recipient.warned:
                    final[recipient.id] = replace(final[recipient.id], status="4.4.7")
        return final

    def _is_late(self, due: Due) -> bool:
        """Whether the sender wanted to be told by now that the letter hasn't arrived (RFC 2852 §4.1.3)."""
        by = due.letter.terms.deliver_by
        return due.letter.terms.by_mode.startswith("N") and by is not None and by <= self.clock()

    def _to_be_warned(self, due: Due, verdicts: Mapping[int, Verdict]) -> list[Recipient]:
        began = max(due.letter.queued, due.letter.terms.release or 0)
        if self.clock() - began < self.warn_after and not self._is_late(due):
            return []
        return [one for one in due.recipients if verdicts[one.id].outcome is Outcome.DELAYED and not one.warned]

    async def _reports(
        self, due: Due, octets: Source, verdicts: Mapping[int, Verdict], warned: Sequence[Recipient]
    ) -> tuple[Report, ...]:
        """The reports about recipients that share an outcome, on disk. A disk that doesn't take them is waited for."""
        now = self.clock()
        groups: dict[Outcome, list[tuple[Recipient, Verdict]]] = {outcome: [] for outcome in REPORTED}
        for recipient in due.recipients:
            verdict = verdicts[recipient.id]
            if verdict.outcome is Outcome.DELAYED and recipient not in warned:
                continue
            if bounce.wanted(due.letter, recipient, verdict, now=now):
                groups[verdict.outcome].append((recipient, verdict))
        made: list[Report] = []
        for told in filter(None, groups.values()):
            while True:
                try:
                    made.append(
                        await bounce.prepare(self.store, due.letter, octets, told, hostname=self.hostname, now=int(now))
                    )
                    break
                except StoreError as error:
                    log.error("the report on letter %d can't be kept, trying again: %s", due.letter.id, error)
                    await asyncio.sleep(RECORD_SECONDS)
        return tuple(made)

    # -- writing -------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        while self._pending or not self._closing:
            await self._news.wait()
            if not self._closing:
                self._news.clear()
            batch, self._pending = self._pending, []
            if not batch:
                continue
            try:
                self._defer_rest(await self.store.write(self._settle, batch))
            except StoreError:
                for attempt in batch:
                    await self._settle_alone(attempt)
            for _ in batch:
                self._room.release()

    async def _settle_alone(self, attempt: Attempt) -> None:
        """One that is in nobody's way, and is tried until it is kept, or everything ends."""
        while True:
            try:
                self._defer_rest(await self.store.write(self._settle, [attempt]))
                return
            except StoreError as error:
                letter = attempt.due.letter.id
                log.error("what became of letter %d can't be kept, trying again: %s", letter, error)
            if self._closing:
                return  # it keeps its lease, and is tried again after the next start
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RECORD_SECONDS):
                    await self._news.wait()

    def _settle(self, tx: Tx, batch: Sequence[Attempt]) -> list[_Wait]:
        """Everything that follows from some attempts, in one transaction; but for what it would be too long with."""
        settled: list[tuple[int, int]] = []
        deferred: dict[tuple[int, str, bool], list[int]] = {}
        untried: list[int] = []
        waits: list[_Wait] = []
        for attempt in batch:
            for report in attempt.reports:
                bounce.place(tx, report)
            later, why = 0, ""
            for recipient in attempt.due.recipients:
                verdict = attempt.verdicts[recipient.id]
                if verdict.outcome is not Outcome.DELAYED:
                    settled.append((attempt.due.letter.id, recipient.id))
                    continue
                later, why = self._next(tx, attempt.due, recipient), str(verdict)
                told = recipient.warned or recipient.id in attempt.warned
                deferred.setdefault((later, why, told), []).append(recipient.id)
            untried += attempt.untried
            if later and attempt.hop is not None:
                waits.append(_Wait(attempt.hop, later, why))
        for (until, why, told), recipients in deferred.items():
            lease.defer(tx, recipients, until, why, warned=told)
        lease.give_back(tx, untried)
        left = [replace(wait, after=after) for wait in waits if (after := self._defer_others(tx, wait)) is not None]
        queue.done(tx, settled)
        return left

    def _defer_others(self, tx: Tx, wait: _Wait) -> Row | None:
        hop = wait.hop
        return lease.defer_others(
            tx, hop.key, wait.until, wait.why, way=self.way, domain=hop.only_domain, after=wait.after
        )

    def _defer_rest(self, left: Sequence[_Wait]) -> None:
        for wait in left:
            if wait.hop.key not in self.deferring:
                self.deferring[wait.hop.key] = asyncio.create_task(self._defer(wait))

    async def _defer(self, wait: _Wait) -> None:
        """Transaction by transaction: others get their turn between."""
        after: Row | None = wait.after
        try:
            while after is not None and not self._closing:
                after = await self.store.write(self._defer_others, replace(wait, after=after))
        except StoreError as error:  # they are tried, and the next one that fails begins again
            log.error("the queue can't be written: %s", error)
        finally:
            del self.deferring[wait.hop.key]

    def _next(self, tx: Tx, due: Due, recipient: Recipient) -> int:
        later = tx.now + self.delays[min(recipient.attempts, len(self.delays) - 1)]
        by = due.letter.terms.deliver_by
        return by if by is not None and tx.now < by < later else later  # whoever wants to be told then is


def _nothing_follows(due: Due, verdicts: Mapping[int, Verdict]) -> bool:
    """Whether it went as most letters do: another server has it, and nobody asked to hear of that."""
    return (
        not due.letter.terms.by_mode
        and not any(one.notify for one in due.recipients)
        and all(verdict.outcome is Outcome.RELAYED for verdict in verdicts.values())
    )
