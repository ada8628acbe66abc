"""What the server keeps to itself: random octets, made when first wanted and the same ever after; others' tokens."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .engine import Tx

SIZE = 32


def find(tx: Tx, name: str) -> bytes | None:
    """The secret of this name, if there is one."""
    value = tx.value("SELECT value FROM secret WHERE name = :name", name=name)
    return None if value is None else bytes(value)


def keep(tx: Tx, name: str, value: bytes) -> None:
    """The secret of this name is this one from now on."""
    tx.run(
        "INSERT INTO secret (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = :value",
        name=name,
        value=value,
    )


def get(tx: Tx, name: str) -> bytes:
    """The secret of this name. It writes when there is none yet."""
    tx.run(
        "INSERT INTO secret (name, value) VALUES (:name, :value) ON CONFLICT DO NOTHING",
        name=name,
        value=secrets.token_bytes(SIZE),
    )
    return bytes(tx.value("SELECT value FROM secret WHERE name = :name", name=name))
