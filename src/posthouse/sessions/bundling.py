"""Bundles of what FETCH answers (store/bundle.py) and SORT compares, made behind the deliveries."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from posthouse.imap.fetch import Attribute
from posthouse.message import listed
from posthouse.store import bundle, bundled_order, mail
from posthouse.store.bundle import SIZE
from posthouse.store.engine import Store, Tx

from .columns import BETWEEN, SIMPLE

# Bundles made in one transaction: other writers wait no longer than some 10 ms.
PORTION = 8
PAUSE = 2.0  # seconds between a delivery and its bundle, at most
ENTRIES = {
    SIMPLE[item].name: SIMPLE[item].entry
    for item in (Attribute.INTERNALDATE, Attribute.SIZE, Attribute.ENVELOPE, Attribute.BODYSTRUCTURE)
}


async def keep_bundled(store: Store) -> None:
    """Make the bundles that are missing, until cancelled."""
    while True:
        while await store.read(bundle.are_wanted):
            await store.write(bundle_some)
        await asyncio.sleep(PAUSE)


def bundle_some(tx: Tx) -> None:
    """Make some of the bundles that are missing."""
    mailbox_id, ranges = bundle.missing(tx, PORTION)
    for first in ranges:
        rows = mail.fetch(tx, mailbox_id, ((first, first + SIZE - 1),), (*ENTRIES, "listed"))
        if not rows:
            continue  # what `posthouse verify` finds: placements without their messages
        uids, *columns, fields = zip(*rows, strict=True)
        bound = {"listed": listed.bind(_spread(uids, fields, first))}
        for (name, entry), values in zip(ENTRIES.items(), columns, strict=True):
            entries = _spread(uids, list(map(entry, values)), first)
            if any(BETWEEN in one for one in entries):
                break  # it couldn't be taken apart: a sender writes what they like
            bound[name] = BETWEEN.join(entries)
        else:
            bundle.keep(tx, mailbox_id, first, bound)
            bundled_order.make(tx, mailbox_id, first)


def _spread(uids: Sequence[int], values: Sequence[bytes], first: int) -> list[bytes]:
    """For each UID of a range the value of its message; nothing where there is none."""
    by_uid = dict(zip(uids, values, strict=True))
    return [by_uid.get(uid, b"") for uid in range(first, first + SIZE)]
