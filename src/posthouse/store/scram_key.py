"""Keys for SCRAM, kept beside the hash of each password.

A server has to name salt and iteration count before it has seen anything of the password, so it can't know which of
an account's passwords comes. Hence all passwords of an account, its own and those of its programs, have keys with the
same, which stay the account's for as long as it has keys; the client's proof is then tried against each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from posthouse.wire.scram import Keys

if TYPE_CHECKING:
    from .engine import Tx


def keep(tx: Tx, account_id: int, keys: Mapping[str, Keys], app_password_id: int | None = None) -> None:
    """The keys of a password by their digests ("sha256"), in place of those that it had.

    Keys that don't go with the account's others are passed over: the password gets its keys at its next login.
    """
    tx.run(
        "DELETE FROM scram_key WHERE account_id = :account_id AND coalesce(app_password_id, 0) = :app_password_id",
        account_id=account_id,
        app_password_id=app_password_id or 0,
    )
    others = settled(tx, account_id)
    tx.many(
        "INSERT INTO scram_key (account_id, app_password_id, digest, salt, iterations, stored_key, server_key)"
        " VALUES (:account_id, :app_password_id, :digest, :salt, :iterations, :stored_key, :server_key)",
        [
            {
                "account_id": account_id,
                "app_password_id": app_password_id,
                "digest": digest,
                "salt": one.salt,
                "iterations": one.iterations,
                "stored_key": one.stored_key,
                "server_key": one.server_key,
            }
            for digest, one in keys.items()
            if others in (None, (one.salt, one.iterations))
        ],
    )


def settled(tx: Tx, account_id: int) -> tuple[bytes, int] | None:
    """Salt and iteration count of the account's keys; None while it has none."""
    row = tx.one("SELECT salt, iterations FROM scram_key WHERE account_id = :account_id LIMIT 1", account_id=account_id)
    return None if row is None else (bytes(row[0]), row[1])


def of(tx: Tx, account_id: int, digest: str) -> dict[int | None, Keys]:
    """The account's keys for a digest, by app password; None: of its own password."""
    rows = tx.all(
        "SELECT app_password_id, salt, iterations, stored_key, server_key FROM scram_key"
        " WHERE account_id = :account_id AND digest = :digest",
        account_id=account_id,
        digest=digest,
    )
    return {row[0]: Keys(bytes(row[1]), row[2], bytes(row[3]), bytes(row[4])) for row in rows}


def owners(tx: Tx, account_id: int) -> set[int | None]:
    """Which of the account's passwords have keys: ids of app passwords, and None for its own."""
    rows = tx.all("SELECT DISTINCT app_password_id FROM scram_key WHERE account_id = :id", id=account_id)
    return {app_password_id for (app_password_id,) in rows}


def accounts_without(tx: Tx) -> list[str]:
    """The accounts of which a password has no keys yet: set by a program that didn't know of SCRAM."""
    rows = tx.all(
        "SELECT address FROM account a WHERE NOT EXISTS"
        " (SELECT 1 FROM scram_key k WHERE k.account_id = a.id AND k.app_password_id IS NULL)"
        " OR EXISTS (SELECT 1 FROM app_password p WHERE p.account_id = a.id AND NOT EXISTS"
        " (SELECT 1 FROM scram_key k WHERE k.app_password_id = p.id)) ORDER BY address"
    )
    return [address for (address,) in rows]
