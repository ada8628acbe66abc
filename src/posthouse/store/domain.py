"""The domains whose mail ends here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.errors import AlreadyExists, NotFound, StoreError

from .address import canonical_domain
from .change import DIRECTORY

if TYPE_CHECKING:
    from .engine import Tx


def add(tx: Tx, domain: str) -> str:
    """Take mail for this domain from now on; its canonical name. Errors: AlreadyExists; StoreError for no domain."""
    name = canonical_domain(domain)
    if not tx.run("INSERT INTO domain (name) VALUES (:name) ON CONFLICT DO NOTHING", name=name):
        raise AlreadyExists(f"{name} is one of our domains already")
    tx.changed(DIRECTORY, tx.now)
    return name


def remove(tx: Tx, domain: str) -> None:
    """Take no mail for it any more. Errors: NotFound; StoreError while accounts or aliases have addresses there."""
    name = canonical_domain(domain)
    suffix = f"@{name}"
    used = tx.value(
        "SELECT address FROM (SELECT address FROM account UNION SELECT address FROM alias"
        " UNION SELECT address FROM forward) AS every"
        " WHERE substr(address, length(address) - :before) = :suffix ORDER BY address LIMIT 1",
        suffix=suffix,
        before=len(suffix) - 1,
    )
    if used is not None:
        raise StoreError(f"{used} is an address at {name}", advice="Remove its accounts and aliases first.")
    if not tx.run("DELETE FROM domain WHERE name = :name", name=name):
        raise NotFound(f"{name} is none of our domains")
    tx.changed(DIRECTORY, tx.now)


def list_all(tx: Tx) -> list[str]:
    """All of them, sorted."""
    return [name for (name,) in tx.all("SELECT name FROM domain ORDER BY name")]


def is_local(tx: Tx, domain: str) -> bool:
    """Whether mail for this domain ends here. What is no domain is none of ours."""
    try:
        name = canonical_domain(domain)
    except StoreError:
        return False
    return tx.one("SELECT 1 FROM domain WHERE name = :name", name=name) is not None
