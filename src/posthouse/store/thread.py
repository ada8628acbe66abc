"""Threads: which messages of an account belong together, decided once, when a message comes.

Two messages belong together when they name a message id in common (Message-ID, In-Reply-To, References) and have the
same base subject: the rule of RFC 8621 §3. An answer that names no id at all belongs to the newest thread with its base
subject, if that had a message lately. A thread id never changes (RFC 8474 §5.2); so when a late message links two
threads, it joins the older one, and they stay two.

A thread has MAX_MESSAGES at most, whatever a program sends for years under one subject: readers load threads whole.
The message after the last one begins another, to which the ids lead from then on.

A thread has no row, and the id of its first message: what leads to it, its keys, may stay when its messages have gone.
A letter that comes with one then has the thread's old id, as if it had come in time. They are forgotten some hours
later (tidy.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple, Protocol

from posthouse.message.thread import base_subject

from .fold import clean, fold
from .portion import in_portions, unions

if TYPE_CHECKING:
    from .database import Connection
    from .engine import Tx

# Ids of one message that are looked up: its own, and of those it names the first and the last ones. Programs cut long
# References, and keep the same ends.
MAX_IDS = 20
# Messages of one thread. Gmail's have 100; lists have threads of some hundred.
MAX_MESSAGES = 500
# How long (seconds) a thread waits for an answer that names no id.
PATIENCE = 30 * 86_400


class Names(Protocol):
    """What decides to which thread a message belongs: a `Summary`, for one."""

    @property
    def subject(self) -> str: ...
    @property
    def base_subject(self) -> str: ...
    @property
    def message_id(self) -> str: ...
    @property
    def in_reply_to(self) -> tuple[str, ...]: ...
    @property
    def references(self) -> tuple[str, ...]: ...


class Arrival(NamedTuple):
    """A message that comes, whose it is, and when it came."""

    account_id: int
    names: Names
    received: int


def assign(tx: Tx, arrivals: Sequence[Arrival], message_ids: Sequence[int]) -> list[int]:
    """The ids of the threads that the messages belong to, which come in this order; where there is none, a new one,
    with the message's id."""
    wanted = [_Keys(*arrival) for arrival in arrivals]
    known = _read(tx, [(one.account_id, key) for one in wanted for key in one.asked])
    room = _Room(tx, {thread_id for thread_id, _ in known.values()})
    changed: dict[tuple[int, int], tuple[int, int]] = {}
    thread_ids = []
    for one, message_id in zip(wanted, message_ids, strict=True):
        leading = sorted({known[one.account_id, key][0] for key in one.ids if (one.account_id, key) in known})
        thread_id = next((thread_id for thread_id in leading if room.takes(thread_id)), None)
        if thread_id is None and not leading and one.subject is not None and one.waits_for_subject:
            by_subject = known.get((one.account_id, one.subject))
            if by_subject is not None and by_subject[1] >= one.received - PATIENCE and room.takes(by_subject[0]):
                thread_id = by_subject[0]
        if thread_id is None:
            thread_id = message_id
        moved = bool(leading) and thread_id != leading[0]  # a full one is left behind
        for key in one.all:
            place = one.account_id, key
            if moved or key == one.subject or place not in known:
                known[place] = changed[place] = thread_id, one.received
        room.fill(thread_id)
        thread_ids.append(thread_id)
    tx.insert(
        "thread_key",
        ("account_id", "key", "thread_id", "latest"),
        [(*place, *leads) for place, leads in changed.items()],
        "ON CONFLICT (account_id, key) DO UPDATE SET thread_id = excluded.thread_id, latest = excluded.latest",
    )
    return thread_ids


class _Keys:
    """What leads from a message to its thread."""

    __slots__ = ("account_id", "all", "asked", "ids", "received", "subject", "waits_for_subject")

    def __init__(self, account_id: int, names: Names, received: int) -> None:
        self.account_id = account_id
        self.received = received
        subject = fold(clean(names.base_subject))
        named = list(dict.fromkeys((*names.references, *names.in_reply_to)))
        if len(named) > MAX_IDS:
            named = [named[0], *named[1 - MAX_IDS :]]
        self.ids = [key(one, subject) for one in dict.fromkeys((*named, names.message_id)) if one]
        self.subject = key("", subject) if subject else None
        self.all = self.ids if self.subject is None else [*self.ids, self.subject]
        # An answer that names nothing.
        self.waits_for_subject = not named and base_subject(names.subject)[1]
        self.asked = self.all if self.waits_for_subject else self.ids


class _Room:
    """Whether threads have room for one message more, while messages come that aren't in the database yet."""

    def __init__(self, tx: Tx, thread_ids: Collection[int]) -> None:
        self._counts: Counter[int] = Counter()
        for among, ids in in_portions(list(thread_ids)):
            query = f"SELECT thread_id, count(*) FROM message WHERE thread_id IN ({among}) GROUP BY thread_id"  # noqa: S608
            self._counts.update(dict(tx.all(query, **ids)))

    def takes(self, thread_id: int) -> bool:
        return self._counts[thread_id] < MAX_MESSAGES

    def fill(self, thread_id: int) -> None:
        self._counts[thread_id] += 1


def key(message_id: str, subject: str) -> int:
    """What the two come to, as a number that any database takes for an integer."""
    octets = f"{clean(message_id)}\0{subject}".encode()
    return int.from_bytes(blake2b(octets, digest_size=8).digest(), "big", signed=True)


def _read(tx: Tx, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], tuple[int, int]]:
    """To which thread each key of an account leads, and when a message last came with it."""
    found = {}
    wanted = "SELECT account_id, key, thread_id, latest FROM thread_key WHERE account_id = {0} AND key = {1}"
    for sql, params in unions(wanted, places):
        for account_id, key, thread_id, latest in tx.all(sql, **params):
            found[account_id, key] = thread_id, latest
    return found


def messages(tx: Tx, account_id: int, thread_id: int) -> list[int]:
    """The ids of the messages in the thread, the oldest first."""
    rows = tx.all(
        "SELECT id FROM message WHERE thread_id = :thread_id AND account_id = :account_id AND removed IS NULL"
        " ORDER BY received, id",
        thread_id=thread_id,
        account_id=account_id,
    )
    return [message_id for (message_id,) in rows]


class Place(NamedTuple):
    """How far the keys have been gone through."""

    account_id: int
    key: int


START = Place(0, 0)


def stale_keys(tx: Tx, after: Place, portion: int) -> tuple[list[Place], Place]:
    """Of the next keys those that lead to a thread without messages; and how far that is: START behind the last one."""
    rows = tx.all(
        "SELECT account_id, key, EXISTS (SELECT 1 FROM message m WHERE m.thread_id = k.thread_id) FROM thread_key k"
        " WHERE (account_id, key) > (:account_id, :key) ORDER BY account_id, key LIMIT :portion",
        **after._asdict(),
        portion=portion,
    )
    stale = [Place(account_id, key) for account_id, key, leads in rows if not leads]
    return stale, Place(*rows[-1][:2]) if len(rows) == portion else START


def forget_keys(tx: Tx, keys: Sequence[Place]) -> None:
    """Forget these, where no message has come since with one of them."""
    tx.many(
        "DELETE FROM thread_key WHERE account_id = :account_id AND key = :key"
        " AND NOT EXISTS (SELECT 1 FROM message m WHERE m.thread_id = thread_key.thread_id)",
        [key._asdict() for key in keys],
    )


def fill(connection: Connection) -> None:
    """Threads of an older store had ids of their own: the next messages get ids above all of theirs."""
    row = connection.execute(
        "SELECT coalesce((SELECT max(id) FROM thread), 0) - coalesce((SELECT max(id) FROM message), 0)", {}
    ).fetchone()
    assert row is not None
    if row[0] > 0:
        connection.skip_ids("message", row[0])
    connection.script(["DROP TABLE thread"])
