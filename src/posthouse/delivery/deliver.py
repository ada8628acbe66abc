"""Delivery: a letter's octets to disk, then a message for each recipient here and a place in the queue for the others,
in one transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from posthouse.errors import NotFound
from posthouse.message.summary import Summary, summarize
from posthouse.store import mail, mailbox, queue
from posthouse.store.blob import Blob, Spool
from posthouse.store.engine import Store, Tx

# A letter up to this size is scanned within the event loop: that takes less than a hop to another thread and back
# would delay it, at some tens of microseconds. Larger ones are scanned on a thread.
SCAN_HERE = 64 * 1024
NO_FLAGS: frozenset[str] = frozenset()


async def deliver(
    store: Store,
    spool: Spool,
    accounts: Sequence[int],
    *,
    trace: bytes,
    sender: str,
    onward: queue.Onward | None = None,
) -> list[mail.Appended]:
    """Put a letter into the inbox of each account, once; and into the queue, for those elsewhere (``onward``).

    ``trace`` (Return-Path, Received) is kept in front of the letter's octets. On return octets and rows are on disk.
    `NotFound` when none of the accounts exists any more, and the letter goes nowhere else; `StoreFull` when there is no
    room: then nothing was kept.
    """
    summary = await scan(spool)
    blob = await store.blobs.keep(spool)
    if not summary.header_size:
        trace += b"\r\n"  # the letter has no header: the trace becomes one, so that no line of the text is taken for it
    return await store.write(_place, blob, summary, tuple(dict.fromkeys(accounts)), trace, onward)


async def scan(spool: Spool) -> Summary:
    """Read a spooled letter once, for all that readers will ask of it."""
    if spool.size <= SCAN_HERE:
        return summarize(spool.octets())
    return await asyncio.to_thread(lambda: summarize(spool.octets()))


def _place(
    tx: Tx, blob: Blob, summary: Summary, accounts: Sequence[int], trace: bytes, onward: queue.Onward | None
) -> list[mail.Appended]:
    if onward is not None:
        queue.add(tx, blob, summary.header_size, onward)
    inboxes = [box for account in accounts if (box := mailbox.find(tx, account, "INBOX"))]
    if not inboxes:
        if onward is None:
            raise NotFound("the mailbox is gone")
        return []
    targets = [mail.Target(box.id, NO_FLAGS) for box in inboxes]
    return mail.append(tx, blob, summary, targets, received=tx.now, prefix=trace)
