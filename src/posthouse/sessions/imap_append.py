"""APPEND: messages from the client into a mailbox. RFC 9051 §6.3.12, and several at once: RFC 3502.

The octets go to spools as they come; rows and the mailbox's next UIDs exist only when all of them are on disk.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from posthouse.delivery.deliver import scan
from posthouse.errors import StoreError
from posthouse.imap.command import Append
from posthouse.imap.sequence import SequenceSet
from posthouse.message.summary import Summary
from posthouse.store import mail, mailbox
from posthouse.store.blob import Blob, Spool
from posthouse.store.engine import Tx
from posthouse.store.mail import Appended, Target

from .imap_answer import Done, No, refusal

if TYPE_CHECKING:
    from .imap import ImapSession


class Appending:
    """One APPEND command, from its first message's announcement to its end."""

    def __init__(self, session: ImapSession) -> None:
        self._session = session
        self._mailbox = 0
        self._letters: list[tuple[Append, Spool]] = []

    async def begin(self, append: Append) -> None:
        """May the next message come? Raises `No` where the mailbox isn't there, before its octets are sent."""
        house = self._session.house
        if append.size > house.message_size:
            raise No(f"The message has {append.size} octets; this server takes {house.message_size}", "TOOBIG")
        box = await house.store.read(mailbox.find, self._session.owner.id, append.mailbox)
        if box is None:
            raise No(f"There is no mailbox {append.mailbox}", "TRYCREATE")
        self._mailbox = box.id
        self._letters.append((append, house.store.blobs.spool()))

    def write(self, octets: bytes) -> None:
        """The next octets of the present message. Raises `No` when the disk doesn't take them."""
        try:
            self._letters[-1][1].write(octets)
        except StoreError as error:
            raise refusal(error) from error

    async def end(self) -> Done:
        """All octets came: keep all messages, or none."""
        store = self._session.house.store
        now = int(time.time())
        kept: list[tuple[Append, Summary, Blob]] = []
        while self._letters:
            append, spool = self._letters[0]
            summary = await scan(spool)
            kept.append((append, summary, await store.blobs.keep(spool)))
            del self._letters[0]
        appended = await store.write(_append_all, self._mailbox, kept, now)
        uids = SequenceSet.of(one.uid for one in appended)
        return Done("APPEND completed", f"APPENDUID {appended[0].uidvalidity} {uids}")

    def discard(self) -> None:
        """The messages won't come to their end."""
        for _, spool in self._letters:
            spool.discard()
        self._letters.clear()


def _append_all(tx: Tx, mailbox_id: int, letters: list[tuple[Append, Summary, Blob]], now: int) -> list[Appended]:
    appended: list[Appended] = []
    for append, summary, blob in letters:
        received = now if append.internal_date is None else append.internal_date.epoch
        appended += mail.append(tx, blob, summary, [Target(mailbox_id, frozenset(append.flags))], received)
    return appended
