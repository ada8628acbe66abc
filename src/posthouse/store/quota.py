"""Quota: how much an account has, and may have. A message counts once, however many mailboxes it is in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from posthouse.errors import NotFound, OverQuota

from .change import DIRECTORY
from .portion import changes

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

    @property
    def is_exceeded(self) -> bool:
        """Whether there is more than there may be."""
        return (self.size_limit is not None and self.size > self.size_limit) or (
            self.message_limit is not None and self.messages > self.message_limit
        )

    def without(self, messages: int, size: int) -> Quota:
        """What there is when these are gone."""
        return Quota(self.size - size, self.messages - messages, self.size_limit, self.message_limit)

    def refusal(self, size: int) -> OverQuota:
        """Why a message of so many octets has no room."""
        return OverQuota(
            "The mailbox is full.",
            never=self.message_limit == 0 or (self.size_limit is not None and size > self.size_limit),
            advice="Delete some messages, or ask the administrator for more room.",
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
    tx.changed(DIRECTORY, tx.now)


class Demand(NamedTuple):
    """What an account is going to need: modseqs, and room for messages of so many octets together."""

    account_id: int
    modseqs: int
    messages: int
    size: int


def take(tx: Tx, demands: Sequence[Demand]) -> dict[int, tuple[int, Quota]]:
    """Lock the accounts, take their next modseqs and count messages that come, whether they fit or not: the last modseq
    of each, and what it has then."""
    taken = {}
    for among, (modseqs, messages, size), params in changes(demands):
        for account_id, modseq, *counts in tx.all(
            f"UPDATE account SET modseq = modseq + {modseqs}, messages = messages + {messages}, size = size + {size}"  # noqa: S608
            f" WHERE id IN ({among}) RETURNING id, modseq, size, messages, size_limit, message_limit",
            **params,
        ):
            taken[account_id] = modseq, Quota(*counts)
    return taken


def check(tx: Tx, account_id: int, size: int) -> None:
    """Whether a message of so many octets would have room now. Errors: OverQuota; NotFound."""
    quota = get(tx, account_id)
    if not quota.has_room(size):
        raise quota.refusal(size)


def give_back(tx: Tx, account_id: int, messages: int, size: int) -> None:
    """Messages have gone."""
    tx.run(
        "UPDATE account SET size = size - :size, messages = messages - :messages WHERE id = :account_id",
        account_id=account_id,
        size=size,
        messages=messages,
    )
