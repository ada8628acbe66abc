"""App passwords: one for each program, limited to protocols, to be taken back one by one.

They are made here, at random, and shown once. Nobody can guess 100 random bits, so a plain digest of them is as good a
secret as a slow hash is of a person's word; and a login compares any number of them in microseconds.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from posthouse.errors import AlreadyExists, NotFound
from posthouse.wire.scram import Keys

from . import scram_key
from .account import NO_KEYS

if TYPE_CHECKING:
    from .engine import Tx

# The doors that one opens, all or some. "smtp" is the sending of letters. The mail program in the browser is none of
# them: there passwords are changed, and that takes the account's own.
PROTOCOLS = ("imap", "pop3", "smtp")
# Base32 digits of 5 bits each, shown in groups that a person can copy.
DIGITS, GROUP = 20, 5
DIGEST = "blake2b"


@dataclass(frozen=True, slots=True)
class AppPassword:
    """`password` is a digest; `protocols`: the doors it opens, empty for all; `used`: when last, or None."""

    id: int
    name: str
    password: str
    protocols: frozenset[str]
    created: int
    used: int | None

    def opens(self, protocol: str) -> bool:
        """Whether it is for this door."""
        return protocol in (self.protocols or PROTOCOLS)


def generate() -> str:
    """A new password: four groups of small letters and digits."""
    return shown(base64.b32encode(secrets.token_bytes(DIGITS * 5 // 8 + 1)).decode()[:DIGITS])


def shown(secret: str) -> str:
    """The form in which `generate` shows it: the one that SCRAM knows, which can't leave out what is typed."""
    digits = _plain(secret)
    return "-".join(digits[start : start + GROUP] for start in range(0, len(digits), GROUP))


def _plain(secret: str) -> str:
    """Case, spaces and hyphens are left out, as people leave them."""
    return secret.lower().replace("-", "").replace(" ", "")


def digest(secret: str) -> str:
    """What is kept of a password that `generate` made."""
    return f"{DIGEST}:{hashlib.blake2b(_plain(secret).encode('utf-8', 'replace'), digest_size=32).hexdigest()}"


def fitting(known: Iterable[AppPassword], secret: str, protocol: str) -> AppPassword | None:
    """The one among them that this is, if it opens the door `protocol`."""
    kept = digest(secret)
    for one in known:
        if hmac.compare_digest(one.password, kept):
            return one if one.opens(protocol) else None
    return None


def add(
    tx: Tx,
    account_id: int,
    name: str,
    kept: str,
    protocols: Iterable[str] = (),
    keys: Mapping[str, Keys] = NO_KEYS,
) -> int:
    """A further password of the account; `kept` is its `digest`, `keys` are of `shown`. Its id.

    Errors: AlreadyExists: the name is taken.
    """
    made: int | None = tx.value(
        "INSERT INTO app_password (account_id, name, password, protocols, created)"
        " VALUES (:account_id, :name, :password, :protocols, :now) ON CONFLICT DO NOTHING RETURNING id",
        account_id=account_id,
        name=name,
        password=kept,
        protocols=" ".join(sorted(set(protocols))),
        now=tx.now,
    )
    if made is None:
        raise AlreadyExists(f"there is an app password {name} already")
    scram_key.keep(tx, account_id, keys, made)
    return made


def list_all(tx: Tx, account_id: int) -> list[AppPassword]:
    """All of the account's, by name."""
    rows = tx.all(
        "SELECT id, name, password, protocols, created, used FROM app_password WHERE account_id = :account_id"
        " ORDER BY name",
        account_id=account_id,
    )
    return [AppPassword(row[0], row[1], row[2], frozenset(row[3].split()), row[4], row[5]) for row in rows]


def used(tx: Tx, app_password_id: int) -> None:
    """It opened a door just now."""
    tx.run("UPDATE app_password SET used = :now WHERE id = :id", id=app_password_id, now=tx.now)


def remove(tx: Tx, account_id: int, name: str) -> None:
    """It opens nothing any more. Errors: NotFound."""
    if not tx.run(
        "DELETE FROM app_password WHERE account_id = :account_id AND name = :name", account_id=account_id, name=name
    ):
        raise NotFound(f"there is no app password {name}")
