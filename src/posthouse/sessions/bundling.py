"""Bundles of what FETCH answers (store/bundle.py) and SORT compares, made behind the deliveries."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from posthouse.imap.fetch import Attribute
from posthouse.message import listed, sheaf
from posthouse.store import bundle, bundled_order, mail
from posthouse.store.bundle import SIZE
from posthouse.store.engine import Row, Store, Tx

from . import listing
from .columns import SIMPLE

# Bundles made, and then kept, in one go: other writers wait no longer than some milliseconds.
PORTION = 8
PAUSE = 2.0  # seconds between a delivery and its bundle, at most
COLUMNS = [
    SIMPLE[item] for item in (Attribute.INTERNALDATE, Attribute.SIZE, Attribute.ENVELOPE, Attribute.BODYSTRUCTURE)
]


class Some(NamedTuple):
    """Ranges that are missing their bundles, these, and what there is to compare of each."""

    missing: bundle.Missing
    bundles: list[bundle.Made]
    orders: dict[int, Row | None]


async def keep_bundled(store: Store) -> None:
    """Make the bundles that are missing, until cancelled."""
    while True:
        while (some := await store.read(make_some)) is not None:
            await store.write(keep_some, some)
        await asyncio.sleep(PAUSE)


def make_some(tx: Tx) -> Some | None:
    """Some of the bundles that are missing, for `keep_some`. None where there are none."""
    missing = bundle.missing(tx, PORTION)
    if missing is None:
        return None
    made = [_make(tx, missing.mailbox_id, first) for first in missing.firsts]
    orders = {first: bundled_order.make(tx, missing.mailbox_id, first) for first in missing.firsts}
    return Some(missing, [one for one in made if one is not None], orders)


def keep_some(tx: Tx, some: Some) -> None:
    """Keep those that still have all that is there."""
    for first in bundle.keep(tx, some.missing, some.bundles):
        order = some.orders[first]
        if order is not None:
            bundled_order.keep(tx, some.missing.mailbox_id, first, order)


def _make(tx: Tx, mailbox_id: int, first: int) -> bundle.Made | None:
    names = [column.name for column in COLUMNS]
    rows = mail.fetch(tx, mailbox_id, ((first, first + SIZE - 1),), (*names, "listed"))
    if not rows:
        return None  # what `posthouse verify` finds: placements without their messages
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
    return bundle.Made(first, bound)
