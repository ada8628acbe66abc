"""What a URL stands for: octets of a message, for CATENATE (RFC 4469) and URLFETCH (RFC 4467)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from posthouse.imap.fetch import BodySection, Partial
from posthouse.imap.syntax import MAX_NUMBER64
from posthouse.imap.url import MessageUrl
from posthouse.store import mail
from posthouse.store.account import Account
from posthouse.store.engine import Row, Store, Tx
from posthouse.store.mailbox import Mailbox

from . import place
from .fetched import take
from .letter import COLUMNS, Letter


class Octets(NamedTuple):
    """How many there are, and how to read them: blocks, for a thread."""

    size: int
    pieces: Iterator[bytes]

    async def read(self) -> AsyncIterator[bytes]:
        """All of them, some at a time."""
        more = True
        while more:
            ready, more = await asyncio.to_thread(take, self.pieces)
            if ready:
                yield ready


async def open_url(store: Store, person: Account, url: MessageUrl, selected: Mailbox | None) -> Octets | None:
    """The octets that the URL means, as this person may read them; None where it means nothing.

    ``selected``: the mailbox that a URL without one is about.
    """
    row = await store.read(_letter, person, url, selected)
    if row is None:
        return None
    whole = url.offset == 0 and url.count is None
    partial = None if whole else Partial(url.offset, url.count or MAX_NUMBER64)
    found = await asyncio.to_thread(Letter(row, store.blobs).octets, BodySection(url.section, partial=partial))
    return None if found is None else Octets(*found)


def _letter(tx: Tx, person: Account, url: MessageUrl, selected: Mailbox | None) -> Row | None:
    box = selected
    if url.mailbox:
        found = place.find(tx, person, url.mailbox)
        box = None if found is None or "r" not in found.rights else found.box
    if box is None or url.uidvalidity not in (None, box.uidvalidity):
        return None
    rows = mail.fetch(tx, box.id, [(url.uid, url.uid)], COLUMNS)
    return rows[0][1:] if rows else None
