"""Searches that a person keeps, by the words that they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from posthouse.errors import NotFound, StoreError

from .fold import clean

if TYPE_CHECKING:
    from .engine import Tx

MAX_SEARCHES = 100
MAX_QUERY = 1_000  # characters


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A search with its name; without one of its own it is called what it looks for."""

    id: int
    name: str
    query: str


def list_all(tx: Tx, account_id: int) -> list[SavedSearch]:
    """The account's, by name."""
    rows = tx.all(
        "SELECT id, name, query FROM saved_search WHERE account_id = :account_id ORDER BY name, id",
        account_id=account_id,
    )
    return [SavedSearch(*row) for row in rows]


def keep(tx: Tx, account_id: int, query: str, name: str = "") -> None:
    """Keep a search; one that is kept already gets this name. Errors: StoreError: one too many, or too long."""
    query, name = clean(query.strip()), clean(name.strip())[:100]
    if not query or len(query) > MAX_QUERY:
        raise StoreError(f"a search has from 1 to {MAX_QUERY} characters")
    count: int = tx.value("SELECT count(*) FROM saved_search WHERE account_id = :id", id=account_id)
    if count >= MAX_SEARCHES:
        raise StoreError(f"an account keeps {MAX_SEARCHES} searches at most", advice="Forget one that you don't need.")
    tx.run(
        "INSERT INTO saved_search (account_id, name, query) VALUES (:account_id, :name, :query)"
        " ON CONFLICT (account_id, query) DO UPDATE SET name = :name",
        account_id=account_id,
        name=name or query,
        query=query,
    )


def forget(tx: Tx, account_id: int, search_id: int) -> None:
    """Keep it no longer. Errors: NotFound."""
    if not tx.run(
        "DELETE FROM saved_search WHERE account_id = :account_id AND id = :id", account_id=account_id, id=search_id
    ):
        raise NotFound("there is no such search")
