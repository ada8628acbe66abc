"""Bundles of what FETCH answers (store/bundle.py) and SORT compares, made behind the deliveries."""

from __future__ import annotations

import asyncio

from posthouse.imap.fetch import Attribute
from posthouse.message import listed, sheaf
from posthouse.store import bundle, bundled_order, mail
from posthouse.store.bundle import SIZE
from posthouse.store.engine import Store, Tx

from . import listing
from .columns import SIMPLE

# Bundles made in one transaction: other writers wait no longer than some 10 ms.
PORTION = 8
PAUSE = 2.0  # seconds between a delivery and its bundle, at most
COLUMNS = [
    SIMPLE[item] for item in (Attribute.INTERNALDATE, Attribute.SIZE, Attribute.ENVELOPE, Attribute.BODYSTRUCTURE)
]


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
        names = [column.name for column in COLUMNS]
        rows = mail.fetch(tx, mailbox_id, ((first, first + SIZE - 1),), (*names, "listed"))
        if not rows:
            continue  # what `posthouse verify` finds: placements without their messages
        uids, *columns, fields = zip(*rows, strict=True)
        entries = [map(column.entry, values) for column, values in zip(COLUMNS, columns, strict=True)]
        by_uid = {one[0]: listing.Listed(*one) for one in zip(uids, *entries, strict=True)}
        listed_of = dict(zip(uids, fields, strict=True))
        messages = [by_uid.get(uid) for uid in range(first, first + SIZE)]
        bound = {
            "received": sheaf.bind([b"" if one is None else one.received for one in messages]),
            "size": sheaf.bind([b"" if one is None else one.size for one in messages]),
            "listed": listed.bind([listed_of.get(uid, b"") for uid in range(first, first + SIZE)]),
            **listing.bind(messages),
        }
        bundle.keep(tx, mailbox_id, first, bound)
        bundled_order.make(tx, mailbox_id, first)
