"""Who is logged in with a browser. The token is the browser's alone: a digest of it is kept, by which it is found."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from posthouse.errors import NotFound

if TYPE_CHECKING:
    from .engine import Tx

TOKEN_OCTETS = 32
# Logins of one account; the one that was unused for longest makes room for the next.
MAX_LOGINS = 100
# What a browser says of itself is long, and of no use beyond this.
MAX_AGENT = 300
# Seconds: "seen" costs a page no write but the first in this time.
SEEN_EVERY = 300
# Seconds that a login waits for its second factor.
PENDING = 600


@dataclass(frozen=True, slots=True)
class Lifetime:
    """For how long (seconds) a login holds: while nobody uses it, and in all."""

    idle: int
    longest: int


@dataclass(frozen=True, slots=True)
class WebLogin:
    """`address`: from where; `agent`: the browser's name for itself. Times are seconds since 1970."""

    id: int
    account_id: int
    created: int
    seen: int
    timezone: str
    agent: str
    address: str


COLUMNS = "id, account_id, created, seen, timezone, agent, address"


def begin(tx: Tx, account_id: int, *, timezone: str, agent: str, address: str, pending: bool = False) -> str:
    """A new login; the token that proves it, 256 random bits. `pending`: it holds once `complete` was called."""
    token = secrets.token_urlsafe(TOKEN_OCTETS)
    tx.run(
        "DELETE FROM web_login WHERE id IN (SELECT id FROM web_login WHERE account_id = :account_id"
        " ORDER BY seen DESC, id DESC LIMIT :most OFFSET :kept)",
        account_id=account_id,
        most=MAX_LOGINS,
        kept=MAX_LOGINS - 1,
    )
    tx.run(
        "INSERT INTO web_login (account_id, digest, created, seen, timezone, agent, address, pending)"
        " VALUES (:account_id, :digest, :now, :now, :timezone, :agent, :address, :pending)",
        account_id=account_id,
        digest=_digest(token),
        now=tx.now,
        timezone=timezone,
        agent=agent[:MAX_AGENT],
        address=address,
        pending=int(pending),
    )
    return token


def find(tx: Tx, token: str, lifetime: Lifetime) -> WebLogin | None:
    """The login that the token proves, if it still holds."""
    row = tx.one(
        f"SELECT {COLUMNS} FROM web_login WHERE digest = :digest AND seen > :idle AND created > :oldest"  # noqa: S608
        " AND pending = 0",
        digest=_digest(token),
        idle=tx.now - lifetime.idle,
        oldest=tx.now - lifetime.longest,
    )
    return None if row is None else WebLogin(*row)


def find_pending(tx: Tx, token: str) -> WebLogin | None:
    """The login that the token proves, while its second factor is awaited."""
    row = tx.one(
        f"SELECT {COLUMNS} FROM web_login WHERE digest = :digest AND pending = 1 AND created > :oldest",  # noqa: S608
        digest=_digest(token),
        oldest=tx.now - PENDING,
    )
    return None if row is None else WebLogin(*row)


def complete(tx: Tx, login_id: int) -> None:
    """Its second factor was given: it holds."""
    tx.run("UPDATE web_login SET pending = 0 WHERE id = :id", id=login_id)


def get(tx: Tx, login_id: int, lifetime: Lifetime) -> WebLogin | None:
    """The login with this id, if it still holds."""
    row = tx.one(
        f"SELECT {COLUMNS} FROM web_login WHERE id = :id AND seen > :idle AND created > :oldest"  # noqa: S608
        " AND pending = 0",
        id=login_id,
        idle=tx.now - lifetime.idle,
        oldest=tx.now - lifetime.longest,
    )
    return None if row is None else WebLogin(*row)


def note_seen(tx: Tx, login_id: int) -> None:
    """It was used just now."""
    tx.run("UPDATE web_login SET seen = :now WHERE id = :id", id=login_id, now=tx.now)


def list_all(tx: Tx, account_id: int, lifetime: Lifetime) -> list[WebLogin]:
    """The account's logins that hold, the one used last first."""
    rows = tx.all(
        f"SELECT {COLUMNS} FROM web_login WHERE account_id = :account_id AND seen > :idle"  # noqa: S608
        " AND created > :oldest AND pending = 0 ORDER BY seen DESC, id DESC",
        account_id=account_id,
        idle=tx.now - lifetime.idle,
        oldest=tx.now - lifetime.longest,
    )
    return [WebLogin(*row) for row in rows]


def end(tx: Tx, account_id: int, login_id: int) -> None:
    """This login holds no longer. Errors: NotFound: the account has none with this id."""
    if not tx.run(
        "DELETE FROM web_login WHERE account_id = :account_id AND id = :id", account_id=account_id, id=login_id
    ):
        raise NotFound("there is no such login")


def end_others(tx: Tx, account_id: int, keep: int | None = None) -> int:
    """All of the account's logins end but this one; how many there were."""
    return tx.run(
        "DELETE FROM web_login WHERE account_id = :account_id AND id <> :keep", account_id=account_id, keep=keep or 0
    )


def forget_old(tx: Tx, lifetime: Lifetime) -> int:
    """Delete the logins that hold no longer; how many there were."""
    return tx.run(
        "DELETE FROM web_login WHERE seen <= :idle OR created <= :oldest",
        idle=tx.now - lifetime.idle,
        oldest=tx.now - lifetime.longest,
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
