"""Where people log in from. A ban of an account doesn't hold there: guessing from elsewhere locks nobody out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.errors import StoreError

from .address import canonical

if TYPE_CHECKING:
    from .engine import Tx

DAY = 86_400
# Seconds after the last login from there in which a network stays familiar.
REMEMBERED = 90 * DAY


def note(tx: Tx, account_id: int, network: str) -> None:
    """Somebody has logged in from there."""
    tx.run("DELETE FROM familiar WHERE account_id = :id AND seen <= :before", id=account_id, before=tx.now - REMEMBERED)
    tx.run(
        "INSERT INTO familiar (account_id, network, seen) SELECT id, :network, :now FROM account WHERE id = :id"
        " ON CONFLICT (account_id, network) DO UPDATE SET seen = excluded.seen",
        id=account_id,
        network=network,
        now=tx.now,
    )


def knows(tx: Tx, address: str, network: str) -> bool:
    """Whether the account with this address has logged in from there not long ago."""
    try:
        name = canonical(address)
    except StoreError:
        return False
    seen = tx.value(
        "SELECT f.seen FROM familiar f JOIN account a ON a.id = f.account_id"
        " WHERE a.address = :name AND f.network = :network",
        name=name,
        network=network,
    )
    return seen is not None and bool(seen > tx.now - REMEMBERED)
