"""MTA-STS policies of other domains, kept for as long as they count (RFC 8461 §3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .engine import Tx


class Row(NamedTuple):
    """A policy as it is kept; `policy/mta_sts.py` tells what the words mean. Times are seconds since 1970."""

    ident: str
    mode: str
    patterns: str
    fetched: int
    expires: int


def list_all(tx: Tx) -> list[tuple[str, Row]]:
    """The policies, by domain (in A-labels). There are as many as domains that have one and were written to lately."""
    rows = tx.all("SELECT domain, ident, mode, patterns, fetched, expires FROM mta_sts")
    return [(domain, Row._make(columns)) for domain, *columns in rows]


def keep(tx: Tx, domain: str, row: Row) -> None:
    """This one counts from now on. Those whose time is over go."""
    tx.run("DELETE FROM mta_sts WHERE expires <= :now", now=tx.now)
    tx.run(
        "INSERT INTO mta_sts (domain, ident, mode, patterns, fetched, expires)"
        " VALUES (:domain, :ident, :mode, :patterns, :fetched, :expires) ON CONFLICT (domain) DO UPDATE SET"
        " ident = :ident, mode = :mode, patterns = :patterns, fetched = :fetched, expires = :expires",
        domain=domain,
        **row._asdict(),
    )
