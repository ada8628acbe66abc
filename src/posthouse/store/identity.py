"""As whom an account writes: names and addresses, each with what stands below its letters (RFC 8621 §6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from posthouse.errors import NotFound, StoreError

from . import account

if TYPE_CHECKING:
    from posthouse.message.address import Address

    from .engine import Tx

MAX_IDENTITIES = 100
MAX_SIGNATURE = 10_000  # characters


@dataclass(frozen=True, slots=True)
class Identity:
    """`signature`: plain text; empty: none."""

    id: int
    name: str
    email: str
    signature: str


def list_all(tx: Tx, account_id: int) -> list[Identity]:
    """The account's, the one that letters are from by themselves first."""
    rows = tx.all(
        "SELECT id, name, email, signature FROM identity WHERE account_id = :account_id ORDER BY preferred DESC, id",
        account_id=account_id,
    )
    return [Identity(*row) for row in rows]


def keep(
    tx: Tx,
    account_id: int,
    address: Address,
    signature: str,
    *,
    identity_id: int | None = None,
    preferred: bool = False,
) -> int:
    """A new identity, or another state of one; its id. `preferred`: letters are from it by themselves.

    Errors: StoreError: the address is none of the account's, or there are too many; NotFound.
    """
    if account_id not in account.resolve(tx, address.spec):
        raise StoreError(f"{address.spec} is not an address of yours", advice="Ask whoever runs this server for it.")
    values = {"name": address.name, "email": address.spec, "signature": signature[:MAX_SIGNATURE]}
    if identity_id is None:
        if len(list_all(tx, account_id)) >= MAX_IDENTITIES:
            raise StoreError(f"{MAX_IDENTITIES} identities are the most", advice="Remove one first.")
        identity_id = tx.value(
            "INSERT INTO identity (account_id, name, email, signature, preferred)"
            " VALUES (:account_id, :name, :email, :signature, 0) RETURNING id",
            account_id=account_id,
            **values,
        )
    elif not tx.run(
        "UPDATE identity SET name = :name, email = :email, signature = :signature"
        " WHERE id = :id AND account_id = :account_id",
        id=identity_id,
        account_id=account_id,
        **values,
    ):
        raise NotFound("there is no such identity")
    if preferred:
        tx.run(
            "UPDATE identity SET preferred = CASE WHEN id = :id THEN 1 ELSE 0 END WHERE account_id = :account_id",
            id=identity_id,
            account_id=account_id,
        )
    assert identity_id is not None
    return identity_id


def remove(tx: Tx, account_id: int, identity_id: int) -> None:
    """Forget one. Errors: NotFound."""
    if not tx.run(
        "DELETE FROM identity WHERE id = :id AND account_id = :account_id", id=identity_id, account_id=account_id
    ):
        raise NotFound("there is no such identity")
