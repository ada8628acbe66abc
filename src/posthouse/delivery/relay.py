"""The relay: takes what is due out of the queue, has it carried, and writes down what became of it.

Each visit goes to one domain and takes, while its connection stands, whatever else is due there. Domains don't wait for
each other: each has a few visits at most, and when nobody answers at one, all that is due for it waits together.

What was handed over and couldn't be written down before a crash is handed over again (RFC 5321 §4.5.4.1: duplicates
can't be avoided then); nothing else is, and nothing is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from posthouse.errors import OverQuota, StoreError
from posthouse.message.summary import summarize
from posthouse.net.dns import Resolver
from posthouse.net.tls import client_context
from posthouse.smtp.path import parse_mailbox
from posthouse.store import queue
from posthouse.store.blob import Blob
from posthouse.store.change import QUIET_SECONDS, Subscription
from posthouse.store.engine import Store, Tx
from posthouse.store.queue import Due, Recipient

from . import bounce
from .accept import return_path
from .bounce import Report
from .courier import Courier, opportunistic_context
from .deliver import Kept, place_each, prefix
from .recipient import lookup
from .verdict import Outcome, Verdict, of_place

log = logging.getLogger("posthouse.relay")

PORT = 25  # RFC 5321 §4.5.4.2
# Seconds until the next attempt, after the first, the second, …; the last for all that follow. RFC 5321 §4.5.4.1 asks
# for 30 minutes or more, and allows shorter ones at first: greylisting lets a letter pass after some minutes.
DELAYS = (60, 300, 900, 1_800, 3_600, 7_200, 14_400)
# The sender is told of a delay once, after so long.
WARN_AFTER = 4 * 3_600
# Visits at the same time, and to one domain; Postfix: default_destination_concurrency_limit = 20, at first 5.
VISITS = 50
VISITS_A_DOMAIN = 5
# Then a connection is closed: servers have limits of their own for letters over one.
LETTERS_A_VISIT = 100
# No letter takes longer; the lease in the queue is for longer than that.
ATTEMPT_SECONDS = 1_800
# While nothing is known to be due, look after so long all the same: clocks are set, and other processes have changes.
LOOK_SECONDS = 60.0
# The store didn't take what became of a letter: try again after so long, because forgetting it would repeat the letter.
RECORD_SECONDS = 10.0


class Relay:
    """Carries what is in the store's queue, from `start` to `stop`. ``port`` is another than 25 in tests only."""

    def __init__(
        self,
        store: Store,
        resolver: Resolver,
        *,
        hostname: str,
        port: int = PORT,
        delays: Sequence[int] = DELAYS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._resolver = resolver
        self._hostname = hostname
        self._port = port
        self._delays = delays
        self._clock = clock
        self._tls = opportunistic_context()
        self._woken = asyncio.Event()
        self._visits: dict[asyncio.Task[None], str] = {}  # and the domain of each
        self._worker: asyncio.Task[None] | None = None
        self._subscription: Subscription | None = None
        self._stopping = False

    async def start(self) -> None:
        """Take up what the last server left. Errors: StoreError."""
        await self._store.write(queue.recover)
        self._subscription = self._store.feed.subscribe(queue.FEED, lambda _: self._woken.set(), QUIET_SECONDS)
        self._worker = asyncio.create_task(self._work())

    async def stop(self, seconds: float) -> None:
        """Begin nothing more; hang up on what isn't done within ``seconds``: it is due again at the next start."""
        self._stopping = True
        if self._subscription is not None:
            self._subscription.close()
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        if self._visits:
            await asyncio.wait(self._visits, timeout=seconds)
        for visit in list(self._visits):
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)

    # -- what is due ---------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            self._woken.clear()
            try:
                seconds = await self._begin_visits()
            except StoreError as error:
                log.error("the queue can't be read: %s", error)
                seconds = LOOK_SECONDS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._woken.wait()

    async def _begin_visits(self) -> float:
        """Begin as many as there is room for; the seconds until it is worth looking again."""
        room = VISITS - len(self._visits)
        if not room:
            return LOOK_SECONDS
        busy = Counter(self._visits.values())
        found, next_due = await self._store.write(queue.take_due, room, busy=busy, at_once=VISITS_A_DOMAIN)
        for due in found:
            visit = asyncio.create_task(self._visit(due))
            self._visits[visit] = due.domain
            visit.add_done_callback(self._ended)
        if found:
            return 0.0
        # The store's clock goes in whole seconds: what is due "now" may be due in its next one.
        return LOOK_SECONDS if next_due is None else min(max(next_due - self._clock(), 0.1), LOOK_SECONDS)

    def _ended(self, visit: asyncio.Task[None]) -> None:
        domain = self._visits.pop(visit)
        self._woken.set()
        if not visit.cancelled() and (error := visit.exception()) is not None:
            # A defect of ours: the letter keeps its lease, and is tried again when that is over.
            log.error("the visit to %s failed", domain, exc_info=error)

    # -- one visit -----------------------------------------------------------------------------------------------

    async def _visit(self, first: Due) -> None:
        courier = self._courier(first)
        due: Due | None = first
        letters = 0
        try:
            while due is not None:
                if courier.strict != strict(due):
                    await courier.close()
                    courier = self._courier(due)
                await self._attempt(courier, due)
                letters += 1
                due = None
                if courier.connected and letters < LETTERS_A_VISIT and not self._stopping:
                    due = await self._store.write(queue.take_for, first.domain)
            await courier.close()
        finally:
            courier.abort()

    def _courier(self, due: Due) -> Courier:
        tls = client_context() if strict(due) else self._tls
        return Courier(
            due.domain, self._resolver, hostname=self._hostname, port=self._port, tls=tls, strict=strict(due)
        )

    async def _attempt(self, courier: Courier, due: Due) -> None:
        octets = due.letter.prefix
        here = due.here or due.domain == self._hostname.lower()
        try:
            octets = await asyncio.to_thread(self._octets, due)
            async with asyncio.timeout(ATTEMPT_SECONDS):
                if self._returns(due):  # RFC 2852 §4.1.3: no further attempts
                    late = Verdict(Outcome.FAILED, "5.4.7", "the time in which it was to arrive is over")
                    verdicts = _for_all(due, late)
                elif here:
                    verdicts = await self._deliver(due, octets)
                else:
                    verdicts = await courier.carry(due, octets, now=self._clock())
        except TimeoutError:
            courier.abort()
            verdicts = _for_all(due, Verdict(Outcome.DELAYED, "4.4.7", "the other server was too slow"))
        except StoreError as error:
            log.error("letter %d can't be read: %s", due.letter.id, error)
            verdicts = _for_all(due, Verdict(Outcome.DELAYED, "4.3.0", "the letter can't be read on this server"))
        await self._record(due, octets, self._final(due, verdicts), reached=here or courier.reached)

    def _returns(self, due: Due) -> bool:
        """Whether the letter goes back because it is too late (RFC 2852 §4.1.3)."""
        by = due.letter.terms.deliver_by
        return due.letter.terms.by_mode.startswith("R") and by is not None and by <= self._clock()

    async def _deliver(self, due: Due, octets: bytes) -> dict[int, Verdict]:
        """A letter to our own people, who come through the queue where it had to wait."""
        letter = due.letter
        summary = await asyncio.to_thread(summarize, octets[len(letter.prefix) :])
        trace = prefix(return_path(letter.sender) + letter.prefix, summary)
        kept = Kept(Blob(letter.blob_id, letter.size), summary, trace)
        outcomes = await self._store.write(_place_due, kept, due, self._hostname)
        return {one.id: of_place(error) for one, error in zip(due.recipients, outcomes, strict=True)}

    def _octets(self, due: Due) -> bytes:
        return due.letter.prefix + self._store.blobs.read(due.letter.blob_id, 0, due.letter.size)

    def _final(self, due: Due, verdicts: Mapping[int, Verdict]) -> dict[int, Verdict]:
        """The same, but what has been delayed for too long has failed (RFC 5321 §4.5.4.1)."""
        now = self._clock()
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
        return due.letter.terms.by_mode.startswith("N") and by is not None and by <= self._clock()

    # -- what became of it ---------------------------------------------------------------------------------------

    async def _record(self, due: Due, octets: bytes, verdicts: Mapping[int, Verdict], *, reached: bool) -> None:
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
        while True:
            try:
                warned = self._to_be_warned(due, verdicts)
                told = [warned] + [
                    [one for one in due.recipients if verdicts[one.id].outcome is outcome]
                    for outcome in (Outcome.FAILED, Outcome.DELIVERED, Outcome.RELAYED)
                ]
                reports = [
                    report
                    for people in told
                    if (report := await self._report(due, octets, people, verdicts)) is not None
                ]
                await self._store.write(self._settle, due, verdicts, warned, reports, reached)
                return
            except StoreError as error:
                log.error("what became of letter %d can't be kept, trying again: %s", due.letter.id, error)
                await asyncio.sleep(RECORD_SECONDS)

    def _to_be_warned(self, due: Due, verdicts: Mapping[int, Verdict]) -> list[Recipient]:
        began = max(due.letter.queued, due.letter.terms.release or 0)
        if self._clock() - began < WARN_AFTER and not self._is_late(due):
            return []
        return [one for one in due.recipients if verdicts[one.id].outcome is Outcome.DELAYED and not one.warned]

    async def _report(
        self, due: Due, octets: bytes, people: Sequence[Recipient], verdicts: Mapping[int, Verdict]
    ) -> Report | None:
        """The report about some recipients, on disk; None where the sender doesn't want any. Errors: StoreError."""
        now = self._clock()
        told = [(one, verdicts[one.id]) for one in people if bounce.wanted(due.letter, one, verdicts[one.id], now=now)]
        if not told:
            return None
        return await bounce.prepare(self._store, due.letter, octets, told, hostname=self._hostname, now=int(now))

    def _settle(
        self,
        tx: Tx,
        due: Due,
        verdicts: Mapping[int, Verdict],
        warned: Sequence[Recipient],
        reports: Sequence[Report],
        reached: bool,
    ) -> None:
        """Everything that follows from an attempt, in one transaction."""
        for report in reports:
            bounce.place(tx, report)
        later = 0
        for recipient in due.recipients:
            verdict = verdicts[recipient.id]
            if verdict.outcome is Outcome.DELAYED:
                later = tx.now + self._delays[min(recipient.attempts, len(self._delays) - 1)]
                by = due.letter.terms.deliver_by
                if by is not None and tx.now < by < later:
                    later = by  # whoever wants to be told then is
                told = recipient.warned or recipient in warned
                queue.defer(tx, recipient.id, later, str(verdict), warned=told)
        queue.done(tx, [one.id for one in due.recipients if verdicts[one.id].outcome is not Outcome.DELAYED])
        if later and not reached:
            queue.defer_domain(tx, due.domain, later, str(verdicts[due.recipients[0].id]))


def strict(due: Due) -> bool:
    """Whether the letter may only go where it stays encrypted. RFC 8689 §5: a report goes all the same."""
    return bool(due.letter.terms.requiretls and due.letter.sender)


def _place_due(tx: Tx, kept: Kept, due: Due, hostname: str) -> list[StoreError | None]:
    """Into the inboxes of the recipients; for each, what was in the way."""
    accounts: list[tuple[int, ...]] = []
    refused: dict[int, StoreError] = {}
    for number, recipient in enumerate(due.recipients):
        try:
            accounts.append(lookup(tx, parse_mailbox(recipient.address), hostname, kept.blob.size)[1])
        except OverQuota as error:
            accounts.append(())
            refused[number] = error
    outcomes = place_each(tx, kept, accounts)
    return [refused.get(number, outcome) for number, outcome in enumerate(outcomes)]


def _for_all(due: Due, verdict: Verdict) -> dict[int, Verdict]:
    return {recipient.id: verdict for recipient in due.recipients}
