# ruff: noqa: S608  (SQL is put together from constants of this file; values are always parameters)
"""What changed since n? The one question of IMAP CONDSTORE and QRESYNC, JMAP states, IDLE, the web page and mirrors.

`changes` answers it from the placements and the tombstones. `Feed` tells when it is worth asking.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from posthouse.errors import NotFound

from .neighbour import Neighbours

if TYPE_CHECKING:
    from .engine import Row, Tx

# After a hint a subscriber is left in peace for so long (seconds), which people don't see; after each further one for
# twice as long, up to the longest, until there was no news for as long: a burst of 10,000 deliveries, some seconds
# long, wakes a session a few times, however far apart its commits are. The longest is less than the second within which
# whoever waits has to hear.
QUIET_SECONDS = 0.1
LONGEST_QUIET_SECONDS = 0.8


# The "account" of hints about what belongs to none: bans, and keys that were missing.
HOUSE = 0
# That of hints about who has which address, and how much room.
DIRECTORY = -2


class Placed(NamedTuple):
    """A message in a mailbox, as it is now. `flags` is the line of its flags (see flag.py)."""

    mailbox_id: int
    uid: int
    message_id: int
    flags: bytes
    modseq: int


class Vanished(NamedTuple):
    """A message that was in a mailbox."""

    mailbox_id: int
    uid: int
    message_id: int
    modseq: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened after `since`, up to `modseq` (the account's, now).

    `mailboxes`: those that were made, renamed or otherwise changed, not counting changes to the messages in them.
    `complete` is False where `since` lies so far back that removals have been forgotten: then `vanished` may lack
    some, and only a comparison of all UIDs tells.
    """

    modseq: int
    new: list[Placed]
    changed: list[Placed]
    vanished: list[Vanished]
    mailboxes: list[int]
    mailboxes_gone: list[int]
    complete: bool


class Own(NamedTuple):
    """A change of a mailbox that whoever asks has made: they know of it, but for messages above UID `known`."""

    modseq: int
    known: int


def changes(
    tx: Tx, account_id: int, since: int, mailbox_id: int | None = None, *, passed: bool = False, own: Own | None = None
) -> Changes:
    """What changed in the account, or in one of its mailboxes, after modseq `since`. Errors: NotFound.

    `passed`: whether messages that came and went in between are mentioned among those that vanished. `own`: what needs
    no mention. Each list is ordered by modseq, then mailbox and UID.
    """
    row = tx.one("SELECT modseq, horizon FROM account WHERE id = :account_id", account_id=account_id)
    if row is None:
        raise NotFound("there is no such account")
    modseq, horizon = row
    new: list[Placed] = []
    changed: list[Placed] = []
    vanished: list[Row] = []
    for after in _after("p.", own):
        for created, *columns in tx.all(
            "SELECT p.created, p.mailbox_id, p.uid, p.message_id, f.line, p.modseq FROM mailbox b"
            f" JOIN placement p ON p.mailbox_id = b.id AND {after} JOIN flagset f ON f.id = p.flagset_id"
            " WHERE b.account_id = :account_id AND b.highestmodseq > :since"
            + ("" if mailbox_id is None else " AND b.id = :mailbox_id")
            + " ORDER BY p.modseq, p.mailbox_id, p.uid",
            account_id=account_id,
            since=since,
            mailbox_id=mailbox_id,
            **_params(own),
        ):
            (new if created > since else changed).append(Placed._make(columns))
    for after in _after("", own):
        vanished += tx.all(
            f"SELECT mailbox_id, uid, message_id, modseq FROM tombstone WHERE account_id = :account_id AND {after}"
            + ("" if passed else " AND created <= :since")
            + ("" if mailbox_id is None else " AND mailbox_id = :mailbox_id")
            + " ORDER BY modseq, mailbox_id, uid",
            account_id=account_id,
            since=since,
            mailbox_id=mailbox_id,
            **_params(own),
        )
    mailboxes = tx.all(
        "SELECT id FROM mailbox WHERE account_id = :account_id AND modseq > :since ORDER BY modseq, id",
        account_id=account_id,
        since=since,
    )
    mailboxes_gone = tx.all(
        "SELECT mailbox_id FROM mailbox_tombstone WHERE account_id = :account_id AND modseq > :since"
        " ORDER BY modseq, mailbox_id",
        account_id=account_id,
        since=since,
    )
    return Changes(
        modseq,
        new,
        changed,
        [Vanished._make(row) for row in vanished],
        [mailbox_id for (mailbox_id,) in mailboxes],
        [mailbox_id for (mailbox_id,) in mailboxes_gone],
        since >= horizon,
    )


def nothing(tx: Tx, account_id: int, since: int, mailbox_id: int) -> Changes | None:
    """What `changes` would tell of a mailbox in which nothing has happened after modseq `since`; None where something
    has. One row of each of two small tables, for those who ask all the time."""
    modseq: int | None = tx.value(
        "SELECT a.modseq FROM mailbox b JOIN account a ON a.id = b.account_id"
        " WHERE b.id = :mailbox_id AND b.account_id = :account_id AND b.highestmodseq <= :since",
        mailbox_id=mailbox_id,
        account_id=account_id,
        since=since,
    )
    return None if modseq is None else Changes(modseq, [], [], [], [], [], complete=True)


def _after(table: str, own: Own | None) -> tuple[str, ...]:
    """Where what changed is looked for, in its order. Ranges of the indexes: twenty thousand messages that somebody has
    flagged are passed over as one."""
    if own is None:
        return (f"{table}modseq > :since",)
    return (
        f"{table}modseq > :since AND {table}modseq < :own",
        f"{table}modseq = :own AND {table}uid > :known",
        f"{table}modseq > :own",
    )


def _params(own: Own | None) -> dict[str, int]:
    return {} if own is None else {"own": own.modseq, "known": own.known}


def modseq_of(tx: Tx, account_id: int) -> int:
    """The account's modseq now. Errors: NotFound."""
    modseq: int | None = tx.value("SELECT modseq FROM account WHERE id = :id", id=account_id)
    if modseq is None:
        raise NotFound("there is no such account")
    return modseq


def next_modseq(tx: Tx, account_id: int) -> int:
    """Lock the account and take its next modseq: lock, counter and order in one statement. Errors: NotFound."""
    modseq: int | None = tx.value(
        "UPDATE account SET modseq = modseq + 1 WHERE id = :id RETURNING modseq", id=account_id
    )
    if modseq is None:
        raise NotFound("there is no such account")
    tx.changed(account_id, modseq)
    return modseq


def next_modseq_in(tx: Tx, mailbox_id: int) -> tuple[int, int]:
    """Whose mailbox it is, and that account's next modseq, as `next_modseq` takes it. Errors: NotFound."""
    row = tx.one(
        "UPDATE account SET modseq = modseq + 1 WHERE id = (SELECT account_id FROM mailbox WHERE id = :mailbox_id)"
        " RETURNING id, modseq",
        mailbox_id=mailbox_id,
    )
    if row is None:
        raise NotFound("there is no such mailbox")
    account_id, modseq = row
    tx.changed(account_id, modseq)
    return account_id, modseq


class Subscription:
    """Somebody who wants to know. Ends with `close`."""

    def __init__(
        self, feed: Feed, account_id: int, callback: Callable[[int], None], quiet: float, longest: float
    ) -> None:
        self._feed = feed
        self._callback: Callable[[int], None] | None = callback
        self._shortest = self._quiet = quiet
        self._longest = longest
        self._timer: asyncio.TimerHandle | None = None
        self._waiting = 0  # the newest modseq that came while it was left in peace
        self._ready_since = -math.inf  # when it was last no longer left in peace
        self.account_id = account_id
        self.loop = asyncio.get_running_loop()

    def close(self) -> None:
        """No callback comes after this. Call it on the event loop."""
        self._callback = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._feed.forget(self)

    def hint(self, modseq: int) -> None:
        """On the event loop: now, or when the quiet time is over."""
        if self._callback is None:
            return
        if self._timer is not None:
            self._waiting = max(self._waiting, modseq)
            return
        going_on = self.loop.time() < self._ready_since + self._longest
        self._quiet = max(self._shortest, min(2 * self._quiet, self._longest)) if going_on else self._shortest
        self._timer = self.loop.call_later(self._quiet, self._quiet_over)
        self._callback(modseq)

    def _quiet_over(self) -> None:
        self._timer = None
        self._ready_since = self.loop.time()
        if self._waiting:
            modseq, self._waiting = self._waiting, 0
            self.hint(modseq)


class Feed:
    """Hints after each commit, from the writer's thread to the event loops of those who subscribed.

    Commits of other processes are heard of too, over sockets in the folder `run`.
    """

    def __init__(self, run: Path, quiet: float = QUIET_SECONDS) -> None:
        self._neighbours = Neighbours(run / "feed", self._hear)
        self._quiet = quiet
        self._subscriptions: dict[int, tuple[Subscription, ...]] = {}  # replaced, never changed: read by threads
        self.directory = 0  # grows when who has which address, or how much room, changes: here or elsewhere

    def subscribe(
        self, account_id: int, callback: Callable[[int], None], longest: float = LONGEST_QUIET_SECONDS
    ) -> Subscription:
        """Call `callback(modseq)` on the running event loop after changes of the account, not for each of them: while
        they go on, every `longest` seconds at least."""
        self._neighbours.listen()
        subscription = Subscription(self, account_id, callback, self._quiet, longest)
        self._subscriptions[account_id] = (*self._subscriptions.get(account_id, ()), subscription)
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """Drop a subscription; `Subscription.close` calls it."""
        others = tuple(one for one in self._subscriptions.get(subscription.account_id, ()) if one is not subscription)
        if others:
            self._subscriptions[subscription.account_id] = others
        else:
            self._subscriptions.pop(subscription.account_id, None)

    def publish(self, modseqs: Mapping[int, int]) -> None:
        """Accounts and the modseqs they have reached: to subscribers here and in other processes. From any thread."""
        self._hear(modseqs)
        self._neighbours.tell(modseqs)

    def notice(self, modseqs: Mapping[int, int]) -> None:
        """What is published next: so that who made a change finds it in `directory` when they go on."""
        if DIRECTORY in modseqs:
            self.directory += 1

    def close(self) -> None:
        """Tell the other processes what they haven't been told yet, and end."""
        self._neighbours.close()

    def _hear(self, modseqs: Mapping[int, int]) -> None:
        """To subscribers here: one wake-up for each event loop."""
        self.notice(modseqs)
        loops: dict[asyncio.AbstractEventLoop, list[tuple[Subscription, int]]] = {}
        for account_id, modseq in modseqs.items():
            for subscription in self._subscriptions.get(account_id, ()):
                loops.setdefault(subscription.loop, []).append((subscription, modseq))
        for loop, hints in loops.items():
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(_hint_all, hints)


def _hint_all(hints: list[tuple[Subscription, int]]) -> None:
    for subscription, modseq in hints:
        subscription.hint(modseq)
