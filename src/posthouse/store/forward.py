"""Forwarding: addresses here whose letters go on to addresses elsewhere. One may have several, and accounts beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from posthouse.errors import AlreadyExists

from .address import canonical
from .alias import canonical_alias
from .change import DIRECTORY

if TYPE_CHECKING:
    from .engine import Tx


class Forward(NamedTuple):
    """`address` (or ``@domain``: what nobody else there has) goes on to `target`, as the operator wrote it."""

    address: str
    target: str


def add(tx: Tx, address: str, target: str) -> Forward:
    """Letters for `address` go on to `target`. Errors: AlreadyExists; StoreError for what is no address."""
    name, target = canonical_alias(address), target.strip()
    if _find(tx, name, target) is not None:
        raise AlreadyExists(f"{name} goes to {target} already")
    tx.changed(DIRECTORY, tx.now)
    tx.run("INSERT INTO forward (address, target) VALUES (:address, :target)", address=name, target=target)
    return Forward(name, target)


def remove(tx: Tx, address: str, target: str) -> bool:
    """They no longer do; False: they didn't. Errors: StoreError for no address."""
    name = canonical_alias(address)
    kept = _find(tx, name, target)
    tx.changed(DIRECTORY, tx.now)
    return bool(tx.run("DELETE FROM forward WHERE address = :address AND target = :target", address=name, target=kept))


def list_all(tx: Tx) -> list[Forward]:
    """All of them, by address."""
    return [Forward._make(row) for row in tx.all("SELECT address, target FROM forward ORDER BY address, target")]


def _find(tx: Tx, name: str, target: str) -> str | None:
    """A target of this address as it is kept, however its case is given."""
    wanted = canonical(target)
    rows = tx.all("SELECT target FROM forward WHERE address = :address", address=name)
    return next((kept for (kept,) in rows if canonical(kept) == wanted), None)
