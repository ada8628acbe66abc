"""One visit: a next hop, and while its connection stands, letter after letter that goes this way."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from posthouse.errors import OverQuota, StoreError
from posthouse.message.summary import Summary, summarize
from posthouse.smtp.dsn import asked_for
from posthouse.smtp.envelope import Recipient
from posthouse.smtp.path import parse_mailbox
from posthouse.store import lease, queue
from posthouse.store.blob import Blob
from posthouse.store.engine import Store, Tx
from posthouse.store.lease import Due, Work

from . import accept
from .content import IN_MEMORY, Letter, mapped, open_at_once, open_letter
from .courier import Courier, Means
from .deliver import Kept, Late, place_each, prefix
from .forward import Forwarding, came_from, forwarding
from .recipient import Found, lookup
from .record import Attempt, Recorder
from .route import Hop
from .verdict import Outcome, Verdict, of_place

log = logging.getLogger("posthouse.relay")

# No letter takes longer; and after so long a visit tries nothing more of what it took. Together they are shorter than
# the lease (lease.LEASE), so that nobody else takes what is still to be tried here.
ATTEMPT_SECONDS = 1_800
VISIT_SECONDS = 600
# Octets of letters that a visit reads ahead.
READ_AHEAD = 1024 * 1024
# A letter that came within so many seconds is in the system's memory, as a rule; to look for another one there might
# keep all connections waiting for the disk, if only for its directory.
NEW_SECONDS = 600


class Dispatcher(Protocol):
    """What a visit asks of the relay."""

    def alone(self, key: str) -> bool:
        """Whether no other visit stands that goes this way."""
        ...

    def narrow(self, key: str) -> None:
        """The way takes no more connections than there are without this one."""
        ...

    async def more(self, hop: Hop, carried: int, *, ask: bool) -> Work | None:
        """Further letters for a connection that stands, now or within some seconds; None: it may close.

        ``ask``: whether the queue may have some already.
        """
        ...


class Visit:
    """Carries ``work``, and what else comes up; `run` it in a task of its own."""

    def __init__(
        self,
        hop: Hop,
        work: Work,
        *,
        store: Store,
        means: Means,
        recorder: Recorder,
        dispatcher: Dispatcher,
        clock: Callable[[], float],
    ) -> None:
        self.connected = False
        self.stopping = False
        self._hop = hop
        self._work: Work | None = work
        self._store = store
        self._means = means
        self._recorder = recorder
        self._dispatcher = dispatcher
        self._clock = clock
        self._courier = Courier(hop, means)
        self._until = 0.0

    async def run(self) -> None:
        """Until there is no more to do, or nobody who takes it."""
        carried = 0
        try:
            while self._work is not None:
                self._until = time.monotonic() + VISIT_SECONDS
                dues, more = self._work.dues, self._work.more
                self._work = None
                went_well = await self._carry_all(dues)
                carried += len(dues)
                self.connected = self._courier.connected
                if went_well and self.connected and not self.stopping:
                    self._work = await self._dispatcher.more(self._hop, carried, ask=more)
            await self._courier.close()
        finally:
            self._courier.abort()

    async def _carry_all(self, dues: Sequence[Due]) -> bool:
        """Try them one after the other; False when nobody is there to take them, or the time is over."""
        start = 0
        while start < len(dues):
            letters = await self._read(dues[start:])
            # Those that TLS can't stop (RFC 8689 §4.2.2) come first: behind one that it stops they would wait with it.
            letters.sort(key=lambda one: not one.loose)
            waiting = [*(one.due for one in letters), *dues[start + len(letters) :]]
            for number, letter in enumerate(letters):
                rest = waiting[number:]
                if self.stopping or time.monotonic() > self._until:
                    await self._store.write(lease.give_back, _ids(rest))
                    return False
                following = letters[number + 1] if number + 1 < len(letters) else None
                if not await self._carry(letter, following, rest[1:]):
                    return False
            start += len(letters)
        return True

    async def _read(self, dues: Sequence[Due]) -> list[Letter]:
        """As many as may be held at a time, one at least, with their octets; large ones are read as they go out."""
        size, count = 0, 0
        while count < len(dues) and (not count or size <= READ_AHEAD):
            size += min(dues[count].letter.size, IN_MEMORY)
            count += 1
        found: list[Letter] = []
        new = self._clock() - NEW_SECONDS
        for due in dues[:count]:
            letter = open_at_once(self._store.blobs, due) if due.letter.queued > new else None
            if letter is None:
                break
            found.append(letter)
        return found or await asyncio.to_thread(lambda: [open_letter(self._store.blobs, due) for due in dues[:count]])

    async def _carry(self, letter: Letter, following: Letter | None, rest: Sequence[Due]) -> bool:
        """One letter; False when nobody answers, so that the ``rest`` waits too."""
        due = letter.due
        if following is not None and (not following.readable or self._returns(following.due)):
            following = None
        verdicts, here = await self._attempt(letter, following)
        self.connected = self._courier.connected
        waits = any(verdict.outcome is Outcome.DELAYED for verdict in verdicts.values())
        if here or self._courier.reached or not waits:
            await self._recorder.put(Attempt(due, verdicts), letter.octets)
            return True
        if not self._dispatcher.alone(self._hop.key):
            # It has taken others of ours: it just doesn't want more connections.
            self._dispatcher.narrow(self._hop.key)
            await self._store.write(lease.give_back, _ids([due, *rest]))
            return False
        await self._recorder.put(Attempt(due, verdicts, self._hop, tuple(_ids(rest))), letter.octets)
        return False

    async def _attempt(self, letter: Letter, following: Letter | None) -> tuple[dict[int, Verdict], bool]:
        """What becomes of it, and whether that was decided here."""
        due = letter.due
        if not letter.readable:
            return _for_all(due, Verdict(Outcome.DELAYED, "4.3.0", "the letter can't be read on this server")), True
        if self._returns(due):  # RFC 2852 §4.1.3: no further attempts
            return _for_all(due, Verdict(Outcome.FAILED, "5.4.7", "the time in which it was to arrive is over")), True
        try:
            if self._hop.key == lease.HERE:
                return await self._deliver(due), True
            async with asyncio.timeout(ATTEMPT_SECONDS):
                return await self._courier.carry(letter, now=self._clock(), following=following), False
        except TimeoutError:
            self._courier.abort()
            return _for_all(due, Verdict(Outcome.DELAYED, "4.4.7", "the other server was too slow")), False
        except StoreError as error:
            log.error("letter %d can't be delivered: %s", due.letter.id, error)
            return _for_all(due, Verdict(Outcome.DELAYED, "4.3.0", f"this server has a problem: {error}")), True

    def _returns(self, due: Due) -> bool:
        """Whether the letter goes back because it is too late (RFC 2852 §4.1.3)."""
        by = due.letter.terms.deliver_by
        return by is not None and due.letter.terms.by_mode.startswith("R") and by <= self._clock()

    async def _deliver(self, due: Due) -> dict[int, Verdict]:
        """A letter to our own people, who come through the queue where it had to wait."""
        letter = due.letter
        summary, header = await asyncio.to_thread(self._summarize, letter)
        trace = prefix(accept.return_path(letter.sender) + letter.prefix, summary)
        kept = Kept(Blob(letter.blob_id, letter.size), summary, trace)
        verdicts = await self._store.write(_place_due, kept, due, header, self._means.hostname)
        return {one.id: verdict for one, verdict in zip(due.recipients, verdicts, strict=True)}

    def _summarize(self, letter: queue.Letter) -> tuple[Summary, bytes]:
        """What readers will ask of it, and its header. Blocks."""
        with mapped(self._store.blobs, letter) as octets:
            summary = summarize(octets)
            return summary, bytes(octets[: summary.header_size])


def _place_due(tx: Tx, kept: Kept, due: Due, header: bytes, hostname: str) -> list[Verdict]:
    """Where the recipients' letters go; what came of each."""
    recipients = [Recipient(parse_mailbox(one.address), asked_for(one.notify), one.orcpt) for one in due.recipients]
    places: list[Found] = []
    forwardings: list[Forwarding | None] = []
    refused: dict[int, Verdict] = {}
    for number, (one, recipient) in enumerate(zip(due.recipients, recipients, strict=True)):
        found = Found(ours=True)
        try:
            found = lookup(tx, recipient.mailbox, hostname, kept.blob.size)
            if found.targets and came_from(header, [recipient.mailbox]):
                found = Found(ours=True)
                refused[number] = Verdict(Outcome.FAILED, "5.4.6", f"{recipient} has sent the letter on before")
        except OverQuota as error:
            refused[number] = of_place(error)
        places.append(found)
        forwardings.append(
            forwarding(
                recipient,
                found,
                hostname=hostname,
                sender=due.letter.sender,
                prefix=due.letter.prefix,
                terms=due.letter.terms,
                lifetime=one.expires - tx.now,
            )
        )

    def later(late: Sequence[Late]) -> queue.Onward:
        to = [accept.to(recipients[one.recipient], hostname, one.address) for one in late]
        lifetime = min(due.recipients[one.recipient].expires for one in late) - tx.now
        return queue.Onward(due.letter.prefix, due.letter.sender, to, due.letter.terms, lifetime)

    outcomes = place_each(tx, kept, places, forwardings, later)
    return [
        refused.get(number) or of_place(error, found)
        for number, (error, found) in enumerate(zip(outcomes, places, strict=True))
    ]


def _ids(dues: Sequence[Due]) -> list[int]:
    return [recipient.id for due in dues for recipient in due.recipients]


def _for_all(due: Due, verdict: Verdict) -> dict[int, Verdict]:
    return {recipient.id: verdict for recipient in due.recipients}
