"""Aliases: further addresses of accounts. An address may have many accounts, and an account many addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from posthouse.errors import AlreadyExists, NotFound

from .account import existing
from .address import canonical, canonical_domain
from .change import DIRECTORY

if TYPE_CHECKING:
    from .engine import Tx


class Alias(NamedTuple):
    """`address` (or ``@domain``: what nobody else there has) goes to the account with the address `account`."""

    address: str
    account: str


def add(tx: Tx, address: str, account_address: str) -> Alias:
    """Letters for `address` go to this account too. Errors: NotFound, AlreadyExists; StoreError for no address."""
    account = existing(tx, account_address)
    name = canonical_alias(address)
    if not tx.run(
        "INSERT INTO alias (address, account_id) VALUES (:address, :account_id) ON CONFLICT DO NOTHING",
        address=name,
        account_id=account.id,
    ):
        raise AlreadyExists(f"{name} goes to {account.address} already")
    tx.changed(DIRECTORY, tx.now)
    return Alias(name, account.address)


def remove(tx: Tx, address: str, account_address: str) -> None:
    """They no longer do. Errors: NotFound."""
    account = existing(tx, account_address)
    if not tx.run(
        "DELETE FROM alias WHERE address = :address AND account_id = :account_id",
        address=canonical_alias(address),
        account_id=account.id,
    ):
        raise NotFound(f"{address} doesn't go to {account.address}")
    tx.changed(DIRECTORY, tx.now)


def list_all(tx: Tx) -> list[Alias]:
    """All of them, by address."""
    rows = tx.all(
        "SELECT l.address, a.address FROM alias l JOIN account a ON a.id = l.account_id ORDER BY l.address, a.address"
    )
    return [Alias._make(row) for row in rows]


def addresses(tx: Tx, account_id: int) -> list[str]:
    """The addresses of an account, its own first; no domain of which it takes all that is left over."""
    rows = tx.all(
        "SELECT typed, 0 FROM account WHERE id = :id UNION ALL SELECT address, 1 FROM alias WHERE account_id = :id"
        " AND address NOT LIKE '@%' ORDER BY 2, 1",
        id=account_id,
    )
    return [address for address, _ in rows]


def canonical_alias(address: str) -> str:
    """``local@domain`` or ``@domain``, as they are kept. Errors: StoreError."""
    address = address.strip()
    return f"@{canonical_domain(address[1:])}" if address.startswith("@") else canonical(address)
