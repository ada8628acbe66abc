"""Quota: how much an account has, and may have. A message counts once, however many mailboxes it is in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from posthouse.errors import NotFound, OverQuota

if TYPE_CHECKING:
    from .engine import Tx


@dataclass(frozen=True, slots=True)
class Quota:
    """Octets and messages: what there is, and the limits; None: no limit."""

    size: int
    messages: int
    size_limit: int | None
    message_limit: int | None

    def has_room(self, size: int) -> bool:
        """Whether a message of so many octets still fits."""
        return (self.size_limit is None or self.size + size <= self.size_limit) and (
            self.message_limit is None or self.messages < self.message_limit
        )


def get(tx: Tx, account_id: int) -> Quota:
    """What the account has and may have. Errors: NotFound."""
    row = tx.one(
        "SELECT size, messages, size_limit, message_limit FROM account WHERE id = :account_id", account_id=account_id
    )
    if row is None:
        raise NotFound("there is no such account")
    return Quota(*row)


def set_limits(tx: Tx, account_id: int, *, size: int | None, messages: int | None) -> None:
    """From now on these; what is there already stays. Errors: NotFound."""
    if not tx.run(
        "UPDATE account SET size_limit = :size, message_limit = :messages WHERE id = :account_id",
        account_id=account_id,
        size=size,
        messages=messages,
    ):
        raise NotFound("there is no such account")


def take(tx: Tx, account_id: int, size: int) -> None:
    """Count a message that comes. Errors: OverQuota."""
    row = tx.one(
        "UPDATE account SET size = size + :size, messages = messages + 1 WHERE id = :account_id"
        " RETURNING size - coalesce(size_limit, size), messages - coalesce(message_limit, messages), size_limit,"
        " message_limit",
        account_id=account_id,
        size=size,
    )
    assert row is not None  # the caller holds its lock
    size_over, messages_over, size_limit, message_limit = row
    if size_over > 0 or messages_over > 0:
        raise _full(size, size_limit, message_limit)


def check(tx: Tx, account_id: int, size: int) -> None:
    """Whether a message of so many octets would have room now. Errors: OverQuota; NotFound."""
    quota = get(tx, account_id)
    if not quota.has_room(size):
        raise _full(size, quota.size_limit, quota.message_limit)


def _full(size: int, size_limit: int | None, message_limit: int | None) -> OverQuota:
    return OverQuota(
        "The mailbox is full.",
        never=message_limit == 0 or (size_limit is not None and size > size_limit),
        advice="Delete some messages, or ask the administrator for more room.",
    )


def give_back(tx: Tx, account_id: int, messages: int, size: int) -> None:
    """Messages have gone."""
    tx.run(
        "UPDATE account SET size = size - :size, messages = messages - :messages WHERE id = :account_id",
        account_id=account_id,
        size=size,
        messages=messages,
    )
