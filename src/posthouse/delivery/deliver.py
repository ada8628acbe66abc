"""Delivery: a letter's octets to disk, then a message for each recipient here and a place in the queue for the others,
in one transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from posthouse.errors import NotFound, OverQuota, StoreError
from posthouse.message.summary import Summary, summarize
from posthouse.store import account, intake, mailbox, queue, quota, tidy
from posthouse.store.blob import SMALL, Blob, Spool
from posthouse.store.engine import Store, Tx

from . import forward
from .forward import Forwarding
from .recipient import Found

# A letter up to this size is scanned within the event loop: that takes less than a hop to another thread and back
# would delay it, at some tens of microseconds. Larger ones are scanned on a thread.
SCAN_HERE = 64 * 1024
NO_FLAGS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Kept:
    """A letter whose octets are on disk; ``prefix``: our own header lines in front of them."""

    blob: Blob
    summary: Summary
    prefix: bytes


class Unread(NamedTuple):
    """A small letter whose octets come to the disk with its rows, and whoever writes these reads it: that takes as long
    as the rows, and needs no event loop. ``trace``: as for `deliver`."""

    blob: Blob
    trace: bytes

    def read(self) -> Kept:
        """The letter, read."""
        assert self.blob.octets is not None
        summary = summarize(self.blob.octets)
        return Kept(self.blob, summary, prefix(self.trace, summary))


class Delivery(NamedTuple):
    """A letter on its way: to the inboxes of accounts, and on to others (see `deliver`)."""

    kept: Kept
    accounts: Sequence[int]
    onward: queue.Onward | None
    forwardings: Sequence[Forwarding]


class Late(NamedTuple):
    """Who has no room for a letter that others get: the place of the recipient, or of the one behind whom it is; its
    address, empty for the recipient's own. ``never``: it has no room in an empty mailbox either."""

    recipient: int
    address: str
    never: bool


# What becomes a `Delivery` when the letter has been read.
Parts: TypeAlias = tuple[Kept | Unread, Sequence[int], queue.Onward | None, Sequence[Forwarding]]
# What the queue needs to know, so that these get the letter when they have room.
Later: TypeAlias = Callable[[Sequence[Late]], queue.Onward]


class Delivered(NamedTuple):
    """A letter that is delivered, and who gets it later."""

    letter: Kept | Unread
    late: Sequence[Late]


async def deliver(
    store: Store,
    spool: Spool,
    recipients: Sequence[Found],
    *,
    trace: bytes,
    forwardings: Sequence[Forwarding | None],
    later: Later,
    onward: queue.Onward | None = None,
) -> Delivered:
    """Put a letter where each recipient's letters go: into the inbox of each account, once, and into the queue as
    ``forwardings``, of each, say; and into the queue for those elsewhere (``onward``).

    SMTP has one answer for all. So where it goes to somebody, those whose mailbox is full get it through the queue: it
    is tried again and again, and if there never is room, its sender hears so.

    ``trace`` (Return-Path, Received) is kept in front of the letter's octets. On return octets and rows are on disk.
    `NotFound` when none of the accounts exists any more, and the letter goes nowhere else; `OverQuota` when nobody has
    room; `StoreFull` when the disk has none: then nothing was kept.
    """
    letter = await _take(store, spool, trace)
    accounts = tuple(dict.fromkeys(account for one in recipients for account in one.accounts))
    going = [one for one in forwardings if one is not None]
    late: Sequence[Late] = ()
    async with store.using([letter.blob]):
        try:
            await store.write_each(_place_all, (letter, accounts, onward, going), ready=_delivery, done=_is_placed)
        except OverQuota:
            if len(accounts) == 1 and not going and onward is None:
                raise
            late = await store.write(_place_now_or_later, read(letter), recipients, forwardings, later, onward)
    return Delivered(letter, late)


async def _take(store: Store, spool: Spool, trace: bytes) -> Kept | Unread:
    """`keep`, but a small letter isn't read yet."""
    if spool.size > SMALL or spool.is_in_file:
        return await keep(store, spool, trace)
    return Unread(await store.blobs.keep(spool), trace)


def read(letter: Kept | Unread) -> Kept:
    """The letter, read now if it has not been."""
    return letter.read() if isinstance(letter, Unread) else letter


def _delivery(parts: Parts) -> Delivery:
    letter, accounts, onward, forwardings = parts
    return Delivery(read(letter), accounts, onward, forwardings)


def _is_placed(tx: Tx, parts: Parts) -> bool:
    """Whether the letter has come into the store: its octets are known there, then, which are its own."""
    return not tidy.unknown(tx, [parts[0].blob.id])


async def keep(store: Store, spool: Spool, trace: bytes) -> Kept:
    """Read a spooled letter once, and put its octets on disk. Errors: StoreFull, StoreError."""
    summary = await scan(spool)
    return Kept(await store.blobs.keep(spool), summary, prefix(trace, summary))


def prefix(trace: bytes, summary: Summary) -> bytes:
    """The trace as it stands in front of a letter. Where that has no header, the trace becomes one, so that no line of
    the text is taken for it."""
    return trace if summary.header_size else trace + b"\r\n"


async def scan(spool: Spool) -> Summary:
    """Read a spooled letter once, for all that readers will ask of it."""
    if spool.size <= SCAN_HERE:
        return summarize(spool.octets())
    return await asyncio.to_thread(lambda: summarize(spool.octets()))


def _place_all(tx: Tx, deliveries: Sequence[Delivery]) -> list[StoreError | None]:
    """Put letters where they go; for each, what was in the way."""
    inboxes = mailbox.inboxes(tx, {account for one in deliveries for account in one.accounts})
    owners = {box: account for account, box in inboxes.items()}
    letters = []
    for kept, accounts, _, _ in deliveries:
        targets = [intake.Target(inboxes[account]) for account in accounts if account in inboxes]
        letters.append(intake.Letter(kept.blob, kept.summary, targets, tx.now, kept.prefix))
    outcomes: list[StoreError | None] = []
    for one, letter, outcome in zip(deliveries, letters, intake.append_each(tx, letters, owners), strict=True):
        if isinstance(outcome, StoreError):
            outcomes.append(outcome)
        elif letter.targets or one.onward is not None or one.forwardings:
            _send_on(tx, one)
            outcomes.append(None)
        else:
            outcomes.append(NotFound("the mailbox is gone"))
    return outcomes


def _send_on(tx: Tx, delivery: Delivery) -> None:
    kept = delivery.kept
    if delivery.onward is not None:
        queue.add(tx, kept.blob, kept.summary.header_size, delivery.onward)
    forward.place(tx, kept.blob, kept.summary.header_size, delivery.forwardings)


def _place_now_or_later(
    tx: Tx,
    kept: Kept,
    recipients: Sequence[Found],
    forwardings: Sequence[Forwarding | None],
    later: Later,
    onward: queue.Onward | None,
) -> list[Late]:
    """`place_each`, and the queue for everybody else; those who have to wait for it."""
    outcomes, late = _place(tx, kept, recipients, forwardings)
    errors = [error for error in outcomes if error is not None]
    if errors and len(errors) == len(outcomes) and onward is None:
        raise _mildest(errors)
    late += [
        Late(number, "", isinstance(error, OverQuota) and error.never)
        for number, error in enumerate(outcomes)
        if error is not None
    ]
    for one in (onward, later(late) if late else None):
        if one is not None:
            queue.add(tx, kept.blob, kept.summary.header_size, one)
    return late


def place_each(
    tx: Tx, kept: Kept, recipients: Sequence[Found], forwardings: Sequence[Forwarding | None], later: Later
) -> list[StoreError | None]:
    """Put a letter whose octets are kept where each recipient's letters go; for each, what was in the way (`NotFound`,
    `OverQuota`). One who has no room is no other's trouble, also among those behind one address: of these the others
    get it, and this one ``later``. An account gets it once. ``forwardings``: of each.
    """
    outcomes, late = _place(tx, kept, recipients, forwardings)
    if late:
        queue.add(tx, kept.blob, kept.summary.header_size, later(late))
    return outcomes


def _place(
    tx: Tx, kept: Kept, recipients: Sequence[Found], forwardings: Sequence[Forwarding | None]
) -> tuple[list[StoreError | None], list[Late]]:
    """What was in the way of each; and who has no room behind an address behind which others have."""
    size = len(kept.prefix) + kept.blob.size
    outcomes: list[StoreError | None] = []
    inboxes: dict[int, mailbox.Mailbox] = {}
    late: dict[int, Late] = {}
    for number, found in enumerate(recipients):
        errors: dict[int, StoreError] = {}
        for one in found.accounts:
            try:
                if one not in inboxes:
                    inboxes[one] = _inbox(tx, one, size)
            except (NotFound, OverQuota) as error:
                errors[one] = error
        if not found:
            outcomes.append(NotFound("there is no such mailbox"))
        elif errors and len(errors) == len(found.accounts):
            outcomes.append(_mildest(list(errors.values())))
        else:
            outcomes.append(None)
            for one, why in errors.items():
                if isinstance(why, OverQuota):
                    late[one] = Late(number, account.get(tx, one).address, why.never)
    if inboxes:
        targets = [intake.Target(box.id, NO_FLAGS) for box in inboxes.values()]
        intake.append(tx, kept.blob, kept.summary, targets, received=tx.now, prefix=kept.prefix)
    going = [one for one, error in zip(forwardings, outcomes, strict=True) if one is not None and error is None]
    forward.place(tx, kept.blob, kept.summary.header_size, going)
    # Who is behind a recipient that is refused gets the letter with that one.
    refused = {one for found, error in zip(recipients, outcomes, strict=True) if error for one in found.accounts}
    return outcomes, [who for one, who in late.items() if one not in refused]


def _mildest(errors: Sequence[StoreError]) -> StoreError:
    """What is said of all: that it may go another time, if it may for one."""
    return min(errors, key=lambda error: error.never if isinstance(error, OverQuota) else 2)


def _inbox(tx: Tx, account_id: int, size: int) -> mailbox.Mailbox:
    """The inbox of an account that has room for so many octets. Errors: NotFound, OverQuota."""
    quota.check(tx, account_id, size)
    box = mailbox.find(tx, account_id, "INBOX")
    if box is None:
        raise NotFound("the mailbox is gone")
    return box
