# ruff: noqa: S608  (SQL is put together from constants of this file; values are always parameters)
"""Annotations: short texts that people and their programs keep beside a mailbox, or beside their account (RFC 5464).

``/private/…`` is one person's, also beside a mailbox of somebody else's; ``/shared/…`` belongs to the mailbox. The
change of either counts in the modseq of the account that it belongs to. A removed one stays as a row without a value,
so that whoever waits for news is told; such rows go when there is no room for new ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from posthouse.errors import StoreError, StoreFull

from .change import modseq_of, next_modseq

if TYPE_CHECKING:
    from .engine import Tx

MAX_VALUE = 64 * 1024  # octets; Cyrus and Dovecot have 64 KB and 1 MB
MAX_ENTRY = 250  # characters of a name
MAX_ENTRIES = 200  # of one account beside one mailbox
PRIVATE = "/private/"


class TooLarge(StoreError):
    """A value has more than MAX_VALUE octets."""


class TooMany(StoreFull):
    """There is no room for one more."""


class Changed(NamedTuple):
    """An annotation that was set or removed; `mailbox_id` is None beside the account."""

    mailbox_id: int | None
    entry: str
    modseq: int


def find(tx: Tx, account_id: int, mailbox_id: int | None, entry: str, depth: int | None = 0) -> dict[str, bytes]:
    """The annotation of this name, and those so many levels below it (None: all). `account_id`: whose they are."""
    rows = tx.all(
        "SELECT entry, value FROM annotation WHERE account_id = :account_id AND value IS NOT NULL"
        f" AND {_beside(mailbox_id)}"
        " AND (entry = :entry OR substr(entry, 1, :length) = :start) ORDER BY entry",
        account_id=account_id,
        mailbox_id=mailbox_id,
        entry=entry,
        length=len(entry) + 1,
        start=f"{entry}/",
    )
    levels = entry.count("/")
    return {name: value for name, value in rows if depth is None or name.count("/") - levels <= depth}


def put(tx: Tx, account_id: int, mailbox_id: int | None, values: Mapping[str, bytes | None]) -> int:
    """Set annotations of one account beside one mailbox, or remove them (None); the modseq of that.

    Errors: TooLarge; TooMany; StoreError for a name that is too long. Nothing was changed then.
    """
    modseq = next_modseq(tx, account_id)
    for entry, value in values.items():
        if value is not None and len(value) > MAX_VALUE:
            raise TooLarge(f"a value has {MAX_VALUE} octets at most")
        if len(entry) > MAX_ENTRY:
            raise StoreError(f"the name of an entry has {MAX_ENTRY} characters at most")
        removed = tx.run(
            f"DELETE FROM annotation WHERE account_id = :account_id AND {_beside(mailbox_id)} AND entry = :entry",
            account_id=account_id,
            mailbox_id=mailbox_id,
            entry=entry,
        )
        if value is None and not removed:
            continue
        tx.run(
            "INSERT INTO annotation (account_id, mailbox_id, entry, value, modseq)"
            " VALUES (:account_id, :mailbox_id, :entry, :value, :modseq)",
            account_id=account_id,
            mailbox_id=mailbox_id,
            entry=entry,
            value=value,
            modseq=modseq,
        )
    _make_room(tx, account_id, mailbox_id)
    return modseq


def _make_room(tx: Tx, account_id: int, mailbox_id: int | None) -> None:
    where = f"account_id = :account_id AND {_beside(mailbox_id)}"
    place = {"account_id": account_id, "mailbox_id": mailbox_id}
    if tx.value(f"SELECT count(*) FROM annotation WHERE {where}", **place) <= MAX_ENTRIES:
        return
    tx.run(f"DELETE FROM annotation WHERE {where} AND value IS NULL", **place)
    if tx.value(f"SELECT count(*) FROM annotation WHERE {where}", **place) > MAX_ENTRIES:
        raise TooMany(f"there are {MAX_ENTRIES} entries already; remove some")


def changes(tx: Tx, account_id: int, since: int) -> tuple[int, list[Changed]]:
    """The account's modseq, and what changed after `since` of what belongs to the account."""
    modseq = modseq_of(tx, account_id)
    rows = tx.all(
        "SELECT mailbox_id, entry, modseq FROM annotation WHERE account_id = :account_id AND modseq > :since"
        " ORDER BY modseq, mailbox_id, entry",
        account_id=account_id,
        since=since,
    )
    return modseq, [Changed._make(row) for row in rows]


def _beside(mailbox_id: int | None) -> str:
    return "mailbox_id IS NULL" if mailbox_id is None else "mailbox_id = :mailbox_id"
