# ruff: noqa: S608  (SQL is put together from constants of this file; values are always parameters)
"""Threads: which messages of an account belong together, decided once, when a message comes.

Two messages belong together when they name a message id in common (Message-ID, In-Reply-To, References) and have the
same base subject: the rule of RFC 8621 §3. An answer that names no id at all belongs to the newest thread with its base
subject, if that had a message lately. A thread id never changes (RFC 8474 §5.2); so when a late message links two
threads, it joins the older one, and they stay two.

A thread has MAX_MESSAGES at most, whatever a program sends for years under one subject: readers load threads whole.
The message after the last one begins another, to which the ids lead from then on.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol

from posthouse.message.thread import base_subject

from .fold import clean, fold

if TYPE_CHECKING:
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


def find_or_make(tx: Tx, account_id: int, summary: Names, received: int) -> int:
    """The id of the thread that the message belongs to, a new one if there is none."""
    subject = fold(clean(summary.base_subject))
    named = list(dict.fromkeys((*summary.references, *summary.in_reply_to)))
    if len(named) > MAX_IDS:
        named = [named[0], *named[1 - MAX_IDS :]]
    keys = [key(one, subject) for one in dict.fromkeys((*named, summary.message_id)) if one]
    by_subject = key("", subject) if subject else None
    known = _with_ids(tx, account_id, keys)
    thread_id = next((one for one in known if _has_room(tx, one)), None)
    if thread_id is None and not known and by_subject is not None and not named and base_subject(summary.subject)[1]:
        thread_id = tx.value(
            "SELECT thread_id FROM thread_key WHERE account_id = :account_id AND key = :key AND latest >= :since",
            account_id=account_id,
            key=by_subject,
            since=received - PATIENCE,
        )
        if thread_id is not None and not _has_room(tx, thread_id):
            thread_id = None
    if thread_id is None:
        thread_id = tx.value("INSERT INTO thread (account_id) VALUES (:account_id) RETURNING id", account_id=account_id)
    moved = bool(known) and thread_id != known[0]  # a full one is left behind
    for one in keys:
        _remember(tx, account_id, one, thread_id, received, instead=moved)
    if by_subject is not None:
        _remember(tx, account_id, by_subject, thread_id, received, instead=True)
    assert thread_id is not None
    return thread_id


def key(message_id: str, subject: str) -> int:
    """What the two come to, as a number that any database takes for an integer."""
    octets = f"{clean(message_id)}\0{subject}".encode()
    return int.from_bytes(blake2b(octets, digest_size=8).digest(), "big", signed=True)


def _with_ids(tx: Tx, account_id: int, keys: list[int]) -> list[int]:
    """The threads that the keys lead to, the oldest first."""
    found = [
        tx.value(
            "SELECT thread_id FROM thread_key WHERE account_id = :account_id AND key = :key",
            account_id=account_id,
            key=one,
        )
        for one in keys
    ]
    return sorted({thread_id for thread_id in found if thread_id is not None})


def _has_room(tx: Tx, thread_id: int) -> bool:
    """Whether one message more may come to it."""
    count: int = tx.value(
        "SELECT count(*) FROM (SELECT 1 FROM message WHERE thread_id = :thread_id LIMIT :most) AS few",
        thread_id=thread_id,
        most=MAX_MESSAGES,
    )
    return count < MAX_MESSAGES


def _remember(tx: Tx, account_id: int, key: int, thread_id: int, received: int, *, instead: bool) -> None:
    """The key leads to the thread from now on; without `instead` only where it leads to none yet."""
    then = "DO UPDATE SET thread_id = :thread_id, latest = :received" if instead else "DO NOTHING"
    tx.run(
        "INSERT INTO thread_key (account_id, key, thread_id, latest)"
        f" VALUES (:account_id, :key, :thread_id, :received) ON CONFLICT (account_id, key) {then}",
        account_id=account_id,
        key=key,
        thread_id=thread_id,
        received=received,
    )


def messages(tx: Tx, account_id: int, thread_id: int) -> list[int]:
    """The ids of the messages in the thread, the oldest first."""
    rows = tx.all(
        "SELECT id FROM message WHERE thread_id = :thread_id AND account_id = :account_id AND removed IS NULL"
        " ORDER BY received, id",
        thread_id=thread_id,
        account_id=account_id,
    )
    return [message_id for (message_id,) in rows]


def forget_empty(tx: Tx, thread_ids: set[int]) -> None:
    """Of these threads, forget those that have no message any more."""
    tx.many(
        "DELETE FROM thread WHERE id = :id AND NOT EXISTS (SELECT 1 FROM message WHERE thread_id = :id)",
        [{"id": thread_id} for thread_id in sorted(thread_ids)],
    )
