"""The relay: takes what is due out of the queue, has it carried, and has written down what became of it.

Each visit goes one way (to a domain's hosts, or to the operator's server) with a portion of letters, and takes, while
its connection stands, whatever else is due there. Ways don't wait for each other: each has some visits at most, and
when nobody answers on one, all that is due for it waits together.

What was handed over and couldn't be written down before a crash is handed over again (RFC 5321 §4.5.4.1: duplicates
can't be avoided then); nothing else is, and nothing is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from posthouse.errors import StoreError
from posthouse.net.dns import Resolver
from posthouse.store import lease, queue
from posthouse.store.change import QUIET_SECONDS, Subscription
from posthouse.store.engine import Store
from posthouse.store.lease import HERE, Work

from .courier import Means
from .credentials import Wallet
from .pace import Pace
from .record import Recorder
from .route import Hop, Routes
from .security import Security
from .visit import Visit

log = logging.getLogger("posthouse.relay")

PORT = 25  # RFC 5321 §4.5.4.2
# While nothing is known to be due, look after so long all the same: clocks are set, and other processes have changes.
LOOK_SECONDS = 60.0
# Seconds from one look at the queue to the next, where there is always somebody who has room: all who have it meanwhile
# are served by one transaction.
APART_SECONDS = 0.01
# A connection without a letter is kept so long: the next one saves the greetings. Postfix keeps them for 2 s too.
IDLE_SECONDS = 2.0
# A way that took fewer connections than it may have gets one more after so long.
WIDEN_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`[relay]` of the configuration, which tells the meaning of each; times in seconds.

    ``delays``: RFC 5321 §4.5.4.1 asks for 30 minutes or more between attempts, and allows shorter ones at first:
    greylisting lets a letter pass after some minutes.
    """

    delays: tuple[int, ...] = (60, 300, 900, 1_800, 3_600, 7_200, 14_400)
    warn_after: int = 4 * 3_600
    connections: int = 100
    connections_per_destination: int = 20
    letters_per_connection: int = 500
    letters_per_minute: int = 0


class Relay:
    """Carries what is in the store's queue, from `start` to `stop`. ``port`` is another than 25 in tests only."""

    def __init__(
        self,
        store: Store,
        resolver: Resolver,
        *,
        hostname: str,
        port: int = PORT,
        settings: Settings | None = None,
        routes: Routes | None = None,
        security: Security | None = None,
        wallet: Wallet | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._settings = settings or Settings()
        self._routes = routes or Routes()
        self._hostname = hostname.lower()
        self._clock = clock
        self._means = Means(
            store.blobs,
            resolver,
            security or Security(store, resolver, port=port, clock=clock),
            wallet or Wallet(),
            hostname,
            port,
        )
        self._recorder = Recorder(
            store, self._routes, self._way, hostname, self._settings.delays, self._settings.warn_after, clock
        )
        self._pace = Pace(self._settings.letters_per_minute)
        self._woken = asyncio.Event()
        self._visits: dict[asyncio.Task[None], tuple[Hop, Visit]] = {}
        self._busy: Counter[str] = Counter()  # visits that go each way
        self._idle: dict[str, list[asyncio.Future[Work | None]]] = {}  # those that wait for a letter
        self._narrowed: dict[str, tuple[int, float]] = {}  # ways that take fewer connections, and since when
        self._worker: asyncio.Task[None] | None = None
        self._refresher: asyncio.Task[None] | None = None
        self._subscription: Subscription | None = None
        self._stopping = False

    async def start(self) -> None:
        """Take up what the last server left. Errors: StoreError."""
        await self._store.write(lease.recover)
        self._recorder.start()
        self._subscription = self._store.feed.subscribe(queue.FEED, lambda _: self._woken.set(), QUIET_SECONDS)
        self._worker = asyncio.create_task(self._work())
        self._refresher = asyncio.create_task(self._means.security.keep_fresh())

    async def stop(self, seconds: float) -> None:
        """Begin nothing more; hang up on what isn't done within ``seconds``: it is due again at the next start."""
        self._stopping = True
        if self._subscription is not None:
            self._subscription.close()
        for task in filter(None, (self._worker, self._refresher)):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        for _, visit in self._visits.values():
            visit.stopping = True
        self._let_go(len(self._visits))
        if self._visits:
            await asyncio.wait(self._visits, timeout=seconds)
        for task in list(self._visits):
            task.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)
        await self._recorder.stop()

    # -- what is due ---------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            self._woken.clear()
            looked = time.monotonic()
            try:
                seconds = await self._begin_visits()
            except StoreError as error:
                log.error("the queue can't be read: %s", error)
                seconds = LOOK_SECONDS
            if seconds:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await self._woken.wait()
            await asyncio.sleep(max(looked + APART_SECONDS - time.monotonic(), 0))

    async def _begin_visits(self) -> float:
        """Begin as many as there is room for; the seconds until it is worth looking again."""
        idle = Counter({key: len(waiting) for key, waiting in self._idle.items()})
        free = self._settings.connections - len(self._visits) + idle.total()
        if free <= 0:
            return LOOK_SECONDS
        now = time.monotonic()
        paused = self._pace.full(now)
        rooms = {key: self._width(key, now) - busy + idle[key] for key, busy in self._busy.items()}

        def room(key: str) -> tuple[int, int]:
            if key in self._recorder.deferring:
                return 0, 0
            allowed = self._pace.allowed(key, now)
            at_once = rooms.get(key, self._settings.connections_per_destination)
            return at_once, self._settings.letters_per_connection * at_once if allowed is None else allowed

        found, next_due = await self._store.write(lease.take_due, free, way=self._way, room=room)
        for work in found:
            self._pace.spend(work.key, len(work.dues), now)
            self._begin(work)
        if found:
            return 0.0
        # The store's clock goes in whole seconds: what is due "now" may be due in its next one.
        waits = [LOOK_SECONDS, *paused.values()]
        if next_due is not None:
            waits.append(max(next_due - self._clock(), 0.1))
        return max(min(waits), 0.05)

    def _way(self, sender: str, domain: str, strict: bool) -> str:
        return HERE if domain == self._hostname else self._routes.hop(sender, domain, strict).key

    def _begin(self, work: Work) -> None:
        """Give it to a visit that waits for work, or begin another."""
        waiting = self._idle.get(work.key)
        while waiting:
            idle = waiting.pop()
            if not idle.done():
                idle.set_result(work)
                return
        if len(self._visits) >= self._settings.connections:
            self._let_go(1)
        due = work.dues[0]
        hop = (
            Hop(HERE, due.domain, None, False)
            if work.key == HERE
            else self._routes.hop(
                due.letter.sender, due.domain, due.letter.terms.requiretls and bool(due.letter.sender)
            )
        )
        visit = Visit(
            hop,
            work,
            store=self._store,
            means=self._means,
            recorder=self._recorder,
            dispatcher=self,
            clock=self._clock,
        )
        task = asyncio.create_task(visit.run())
        self._visits[task] = (hop, visit)
        self._busy[work.key] += 1
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        hop, _ = self._visits.pop(task)
        self._busy[hop.key] -= 1
        if not self._busy[hop.key]:
            del self._busy[hop.key]
        self._woken.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # A defect of ours: the letters keep their lease, and are tried again when that is over.
            log.error("the visit to %s failed", hop.key, exc_info=error)

    def _let_go(self, count: int) -> None:
        """Close connections that have no letter."""
        for waiting in self._idle.values():
            while waiting and count:
                idle = waiting.pop(0)
                if not idle.done():
                    idle.set_result(None)
                    count -= 1

    def _width(self, key: str, now: float) -> int:
        """How many visits may go a way."""
        most = self._settings.connections_per_destination
        width, since = self._narrowed.get(key, (most, now))
        width += int((now - since) / WIDEN_SECONDS)
        if width >= most:
            self._narrowed.pop(key, None)
        return min(width, most)

    # -- what visits ask (visit.Dispatcher) ----------------------------------------------------------------------

    def alone(self, key: str) -> bool:
        """Whether no other visit goes this way: one that is about to connect may be the one that is taken."""
        return sum(hop.key == key for hop, _ in self._visits.values()) <= 1

    def narrow(self, key: str) -> None:
        """The way takes no more connections than there are without this one."""
        standing = sum(hop.key == key and visit.connected for hop, visit in self._visits.values())
        self._narrowed[key] = (max(standing, 1), time.monotonic())

    async def more(self, hop: Hop, carried: int, *, ask: bool) -> Work | None:
        """Further letters for a connection that stands, now or within some seconds; None: it may close.

        ``ask``: whether the queue may have some already.
        """
        left = self._settings.letters_per_connection - carried
        if left <= 0 or hop.key == HERE:
            return None
        now = time.monotonic()
        allowed = self._pace.allowed(hop.key, now)
        most = left if allowed is None else min(left, allowed)
        if ask and most > 0:
            work = await self._store.write(lease.take_for, hop.key, most, way=self._way, domain=hop.only_domain)
            if work is not None:
                self._pace.spend(hop.key, len(work.dues), now)
                return work
        if self._stopping:
            return None
        idle: asyncio.Future[Work | None] = asyncio.get_running_loop().create_future()
        waiting = self._idle.setdefault(hop.key, [])
        waiting.append(idle)
        self._woken.set()  # there may be room now where there was none
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                return await idle
        except TimeoutError:
            return idle.result() if idle.done() and not idle.cancelled() else None
        finally:
            if idle in waiting:
                waiting.remove(idle)
            if not waiting and self._idle.get(hop.key) is waiting:
                del self._idle[hop.key]
