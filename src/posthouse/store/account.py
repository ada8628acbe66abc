# ruff: noqa: S608  (SQL is put together from constants of this file; values are always parameters)
"""Accounts: whose mail is kept here."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from posthouse.errors import AlreadyExists, NotFound, StoreError
from posthouse.wire.scram import Keys

from . import acl, mailbox, scram_key
from .address import canonical
from .change import DIRECTORY
from .tidy import note_released

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .engine import Tx

COLUMNS = "id, address, typed, password, created"
SUBADDRESS = "+"
NO_KEYS: Mapping[str, Keys] = MappingProxyType({})
# What a new account gets, with its special use (RFC 6154 §2). The names that most programs use and expect.
FIRST_MAILBOXES = (
    ("INBOX", ""),
    ("Drafts", "\\Drafts"),
    ("Sent", "\\Sent"),
    ("Archive", "\\Archive"),
    ("Junk", "\\Junk"),
    ("Trash", "\\Trash"),
)


@dataclass(frozen=True, slots=True)
class Account:
    """`address` is canonical (address.py), `typed` as the operator wrote it; `password` is a hash."""

    id: int
    address: str
    typed: str
    password: str
    created: int


def add(tx: Tx, address: str, password_hash: str, keys: Mapping[str, Keys] = NO_KEYS) -> Account:
    """A new account with its first mailboxes, subscribed. `keys`: of the same password (password.py); they may come
    later.

    Errors: AlreadyExists; StoreError for what is no address.
    """
    row = tx.one(
        "INSERT INTO account (address, typed, password, created, modseq, horizon, size, messages)"
        f" VALUES (:address, :typed, :password, :now, 1, 0, 0, 0) ON CONFLICT DO NOTHING RETURNING {COLUMNS}",
        address=canonical(address),
        typed=address.strip(),
        password=password_hash,
        now=tx.now,
    )
    if row is None:
        raise AlreadyExists(f"there is an account {address} already")
    tx.changed(DIRECTORY, tx.now)
    account = Account(*row)
    scram_key.keep(tx, account.id, keys)
    for name, special_use in FIRST_MAILBOXES:
        mailbox.create(tx, account.id, name, special_use=special_use, subscribed=True)
    return account


def find(tx: Tx, address: str) -> Account | None:
    """The account with this address, in whatever case."""
    try:
        name = canonical(address)
    except StoreError:
        return None
    row = tx.one(f"SELECT {COLUMNS} FROM account WHERE address = :address", address=name)
    return None if row is None else Account(*row)


def get(tx: Tx, account_id: int) -> Account:
    """The account with this id. Errors: NotFound."""
    row = tx.one(f"SELECT {COLUMNS} FROM account WHERE id = :id", id=account_id)
    if row is None:
        raise NotFound("there is no such account")
    return Account(*row)


def list_all(tx: Tx) -> list[Account]:
    """All accounts, by address."""
    return [Account(*row) for row in tx.all(f"SELECT {COLUMNS} FROM account ORDER BY address")]


def oldest(tx: Tx) -> tuple[int, ...]:
    """The account that was added first, as `resolve` gives it: the operator's, as a rule. Empty where there is none."""
    first: int | None = tx.value("SELECT min(id) FROM account")
    return () if first is None else (first,)


def set_password(tx: Tx, address: str, password_hash: str, keys: Mapping[str, Keys] = NO_KEYS) -> None:
    """From now on this one. Errors: NotFound."""
    account = existing(tx, address)
    tx.run("UPDATE account SET password = :password WHERE id = :id", password=password_hash, id=account.id)
    scram_key.keep(tx, account.id, keys)


def remove(tx: Tx, address: str) -> None:
    """The account and all its mail. Errors: NotFound."""
    account = existing(tx, address)
    tx.run(
        "UPDATE blob SET uses = uses - (SELECT count(*) FROM message WHERE blob_id = blob.id"
        " AND account_id = :id) WHERE id IN (SELECT blob_id FROM message WHERE account_id = :id)",
        id=account.id,
    )
    note_released(tx)
    acl.forget(tx, account.address)
    tx.run("DELETE FROM mailbox WHERE account_id = :id", id=account.id)  # first: placements refer to messages
    tx.run("DELETE FROM account WHERE id = :id", id=account.id)
    tx.changed(DIRECTORY, tx.now)


def existing(tx: Tx, address: str) -> Account:
    """The account with this address. Errors: NotFound."""
    account = find(tx, address)
    if account is None:
        raise NotFound(f"there is no account {address}")
    return account


class Destinations(NamedTuple):
    """Where letters for an address go: ids of accounts, and addresses that they go on to (forward.py)."""

    accounts: tuple[int, ...] = ()
    targets: tuple[str, ...] = ()


def destinations(tx: Tx, address: str, *, left_over: bool = True) -> Destinations:
    """Where letters for this address go; nothing: nobody here has it.

    Whoever has the address itself: the account, the aliases, those to whom it is sent on. Else the same without its
    ``+tag`` (RFC 5233); else, with `left_over`, whoever takes all that is left over at the domain.
    """
    try:
        local, _, domain = canonical(address).rpartition("@")
    except StoreError:
        return Destinations()
    base, plus, _ = local.partition(SUBADDRESS)
    for name in (f"{local}@{domain}", f"{base}@{domain}" if base and plus else "", f"@{domain}" * left_over):
        rows = tx.all(
            "SELECT id, '' FROM account WHERE address = :name UNION SELECT account_id, '' FROM alias"
            " WHERE address = :name UNION SELECT 0, target FROM forward WHERE address = :name ORDER BY 1, 2",
            name=name,
        )
        if rows:
            return Destinations(
                tuple(account_id for account_id, target in rows if not target),
                tuple(target for _, target in rows if target),
            )
    return Destinations()


def resolve(tx: Tx, address: str) -> tuple[int, ...]:
    """The ids of the accounts among the `destinations` of an address: those who may also send as it."""
    return destinations(tx, address).accounts
