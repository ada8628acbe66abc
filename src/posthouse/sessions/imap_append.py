"""APPEND: messages from the client into a mailbox (RFC 9051 §6.3.12). Several at once: RFC 3502; put together from
parts of others: RFC 4469; in the place of another one: REPLACE, RFC 8508.

The octets go to spools as they come; rows and the mailbox's next UIDs exist only when all of them are on disk.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NamedTuple

from posthouse.delivery.deliver import scan
from posthouse.errors import StoreError
from posthouse.imap import response, url
from posthouse.imap.command import Append, Replaces
from posthouse.imap.sequence import STAR, SequenceSet
from posthouse.imap.syntax import Malformed
from posthouse.message.summary import Summary
from posthouse.store import intake, mail, recent
from posthouse.store.account import Account
from posthouse.store.blob import SMALL, SPOOL_MEMORY, Blob, Spool
from posthouse.store.engine import Tx
from posthouse.store.intake import Appended, Letter, Target
from posthouse.store.mailbox import Mailbox

from . import place
from .imap_answer import Done, No, refusal
from .imap_mailbox import tell_name
from .imap_store import demand, writable
from .imap_url import open_url
from .selected import Ranges

if TYPE_CHECKING:
    from .imap import ImapSession

# What the messages of one command hold in memory together. When they do, further ones go to their files as they come.
MEMORY = 4 * 1024 * 1024
# Their octets together: so many times those of the largest message that is taken.
TOGETHER = 4


class Replaced(NamedTuple):
    """The message that a REPLACE takes away."""

    box: Mailbox
    uid: int


class Appending:
    """One APPEND or REPLACE, from its first message's announcement to its end."""

    def __init__(self, session: ImapSession) -> None:
        self._session = session
        self._replaced: Replaced | None = None
        self._letters: list[tuple[Append, Spool]] = []
        self._octets = 0  # of the messages before the present one
        self._in_memory = 0  # of these
        self._has_place = False

    async def begin(self, append: Append, *, on_its_way: bool = False) -> None:
        """May the next message come? Raises `No` where the mailbox isn't there, before its octets are sent.

        For a single small message whose octets are ``on_its_way`` already that is only found out at the end.
        """
        house = self._session.house
        if append.replaces is not None:
            self._replaced = self._find_replaced(append.replaces)
        if self._letters:
            before = self._letters[-1][1]
            self._octets += before.size
            self._in_memory += before.in_memory
        self._check_size(append.size)
        first_and_small = on_its_way and not self._letters and append.size <= SMALL
        if not self._has_place and not first_and_small:  # RFC 3502: all go to one mailbox
            # RFC 9051 §6.3.12: TRYCREATE; the client may create the mailbox and try again.
            await house.store.glance(place.need, self._session.owner, append.mailbox, "i", absent="TRYCREATE")
            self._has_place = True
        self._letters.append((append, house.store.blobs.spool(min(SPOOL_MEMORY, MEMORY - self._in_memory))))

    def _find_replaced(self, wanted: Replaces) -> Replaced:
        selected = writable(self._session)
        ranges = self._session.ranges(SequenceSet(((wanted.number, wanted.number),)), by_uid=wanted.uid)
        if not selected.count(ranges):
            which = "last message" if wanted.number == STAR else f"message with the UID {wanted.number}"
            raise No(f"There is no {which} to replace", "NONEXISTENT")
        return Replaced(selected.mailbox, ranges[0][0])

    def write(self, octets: bytes) -> None:
        """The next octets of the present message. Raises `No` when the disk doesn't take them."""
        spool = self._letters[-1][1]
        self._check_size(spool.size + len(octets))
        try:
            spool.write(octets)
        except StoreError as error:
            raise refusal(error) from error

    async def add(self, part: str) -> None:
        """The octets that a URL stands for come next in the present message (RFC 4469 §3). Errors: No."""
        session = self._session
        bad = No("The URL leads to no part of a message that you can read", f"BADURL {url.shown(part)}")
        try:
            wanted = url.relative(part)
        except Malformed as error:
            raise bad from error
        selected = session.selected_mailbox.mailbox if session.selecting else None
        octets = await open_url(session.house.store, session.owner, wanted, selected)
        if octets is None:
            raise bad
        self._check_size(self._letters[-1][1].size + octets.size)
        async for piece in octets.read():
            self.write(piece)

    def _check_size(self, size: int) -> None:
        most = self._session.house.message_size
        if size > most:
            raise No(f"The message has {size} octets or more; this server takes {most}", "TOOBIG")
        if self._octets + size > TOGETHER * most:
            together = f"The messages of one command have at most {TOGETHER * most} octets together"
            raise No(f"{together}; send them in several commands", "LIMIT")

    async def end(self) -> Done:
        """All octets came: keep all messages, or none."""
        session = self._session
        store = session.house.store
        now = int(time.time())
        if not all(spool.size for _, spool in self._letters):
            raise No("A message of no octets is none", "CANNOT")
        read: list[tuple[Append, Summary]] = []
        keeping: list[asyncio.Future[Blob]] = []  # of large ones files are made meanwhile, side by side
        async with store.using(keeping):
            while self._letters:
                append, spool = self._letters[0]
                read.append((append, await scan(spool)))
                keeping.append(store.blobs.keep(spool))
                del self._letters[0]
            kept = [(*one, blob) for one, blob in zip(read, await asyncio.gather(*keeping), strict=True)]
            appended, taken = await store.write(
                _append_all, session.owner, kept, now, self._replaced, session.taking_id
            )
        session.news.appended(appended[0].mailbox_id, (one.uid for one in appended))
        if taken:
            session.house.recents.taken(appended[-1].mailbox_id, appended[-1].uid + 1)
            session.selected_mailbox.add_recent(taken)
        tell_name(session, kept[0][0].mailbox)  # RFC 9051 §6.3.12
        code = f"APPENDUID {appended[0].uidvalidity} {SequenceSet.of(one.uid for one in appended)}"
        if self._replaced is None:
            return Done("APPEND completed", code)
        # RFC 8508 §4.3: the new UID is told before the client hears that the old message is gone.
        session.server.untagged(response.ok("The replacement is there", code))
        return Done("REPLACE completed")

    @property
    def replaces(self) -> bool:
        """Whether a message goes with it."""
        return self._replaced is not None

    def discard(self) -> None:
        """The messages won't come to their end."""
        for _, spool in self._letters:
            spool.discard()
        self._letters.clear()


def _append_all(
    tx: Tx,
    person: Account,
    letters: list[tuple[Append, Summary, Blob]],
    now: int,
    replaced: Replaced | None,
    taking_id: int,
) -> tuple[list[Appended], Ranges]:
    r"""Errors: No. Who fills the mailbox ``taking_id``, whose news it is told, is told of all that is there: what is
    ``\Recent`` needs no transaction of its own, then."""
    # First, so that only the difference counts against the quota (RFC 8508 §3.4).
    if replaced is not None:
        demand(tx, person, replaced.box, "te")
        if not mail.remove(tx, replaced.box.id, ((replaced.uid, replaced.uid),)):
            raise No("The message to replace no longer exists", "EXPUNGEISSUED")
    where = place.need(tx, person, letters[0][0].mailbox, "i", absent="TRYCREATE")
    incoming = []
    for append, summary, blob in letters:
        received = now if append.internal_date is None else append.internal_date.epoch
        flags = place.allowed(append.flags, where.rights)
        incoming.append(Letter(blob, summary, [Target(where.box.id, flags)], received))
    appended = [one for (one,) in intake.append_all(tx, incoming)]
    return appended, recent.take(tx, where.box.id, appended[-1].uid + 1) if where.box.id == taking_id else []
