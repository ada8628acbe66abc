"""Keys with which an account signs URLs of messages in a mailbox, one for each mailbox (RFC 4467 §2.2)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .engine import Tx

OCTETS = 32  # RFC 4467 §2.2 wants 16


def find(tx: Tx, account_id: int, mailbox_id: int) -> bytes | None:
    """The key, if one was made."""
    key: bytes | None = tx.value(
        "SELECT key FROM url_key WHERE account_id = :account_id AND mailbox_id = :mailbox_id",
        account_id=account_id,
        mailbox_id=mailbox_id,
    )
    return None if key is None else bytes(key)


def find_or_make(tx: Tx, account_id: int, mailbox_id: int) -> bytes:
    """The key, a new one if there is none."""
    return find(tx, account_id, mailbox_id) or renew(tx, account_id, mailbox_id)


def renew(tx: Tx, account_id: int, mailbox_id: int) -> bytes:
    """A new key: what was signed with the old one is worth nothing any more."""
    key = secrets.token_bytes(OCTETS)
    tx.run(
        "INSERT INTO url_key (account_id, mailbox_id, key) VALUES (:account_id, :mailbox_id, :key)"
        " ON CONFLICT (account_id, mailbox_id) DO UPDATE SET key = :key",
        account_id=account_id,
        mailbox_id=mailbox_id,
        key=key,
    )
    return key


def forget_all(tx: Tx, account_id: int) -> None:
    """Nothing that the account signed is worth anything any more."""
    tx.run("DELETE FROM url_key WHERE account_id = :account_id", account_id=account_id)
