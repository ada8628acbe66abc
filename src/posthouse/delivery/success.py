"""The report that a letter has arrived (RFC 3461 §4.1, NOTIFY=SUCCESS), for letters that need no queue."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from posthouse.errors import StoreError
from posthouse.smtp.envelope import Envelope, Recipient
from posthouse.store import queue
from posthouse.store.engine import Store

from . import bounce
from .accept import terms
from .deliver import Kept, Unread, read
from .recipient import Found
from .verdict import Outcome, Verdict, of_place

log = logging.getLogger("posthouse.smtp")


async def report(
    store: Store,
    envelope: Envelope,
    recipients: Sequence[tuple[Recipient, Found]],
    letter: Kept | Unread,
    *,
    hostname: str,
    now: int,
) -> None:
    """Tell the sender of the recipients who have the letter now, if that was asked for; it is on disk on return.

    Of those whose letters go on to one address elsewhere, who carries it there tells (RFC 3461 §5.2.7.2).

    The letter is delivered, whatever comes of it: what fails is logged.
    """
    asked = [(one, found) for one, found in recipients if "SUCCESS" in one.notify and not found.goes_on]
    if envelope.sender is None or not asked:
        return
    kept = read(letter)
    header_size = kept.summary.header_size
    told = queue.Letter(
        0, kept.blob.id, kept.prefix, kept.blob.size, header_size, str(envelope.sender), now, terms(envelope, now)
    )
    groups: dict[Outcome, list[tuple[queue.Recipient, Verdict]]] = {}
    for one, found in asked:
        verdict = of_place(None, found)
        known = queue.Recipient(0, str(one), ",".join(sorted(one.notify)), one.orcpt, 0, 0, False)
        groups.setdefault(verdict.outcome, []).append((known, verdict))
    try:
        header = await asyncio.to_thread(store.blobs.read, kept.blob.id, 0, header_size)
        for people in groups.values():
            made = await bounce.prepare(store, told, kept.prefix + header, people, hostname=hostname, now=now)
            async with store.using([made.blob]):
                await store.write(bounce.place, made)
    except StoreError as error:
        log.error("<%s> can't be told that a letter has arrived: %s", envelope.sender, error)
