"""Access control lists: what others may do in a mailbox (RFC 4314). Its owner may do everything there, always.

An identifier is an account's address, or ``anyone``; with ``-`` in front of it the rights are taken away from whoever
it means. What somebody may do is what either of the two gives, without what either of them takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from posthouse.errors import StoreError

from .change import next_modseq

if TYPE_CHECKING:
    from .engine import Tx

# RFC 4314 §2.1: lookup, read, seen, write, insert, post, create mailboxes, delete mailbox, delete, expunge, administer.
RIGHTS = "lrswipkxtea"
EVERY_RIGHT = frozenset(RIGHTS)
ANYONE = "anyone"
MAX_IDENTIFIERS = 1_000  # of one mailbox


@dataclass(frozen=True, slots=True)
class Shared:
    """A mailbox of somebody else's, and what one person may do there."""

    mailbox_id: int
    owner: str  # the address
    rights: frozenset[str]


def entries(tx: Tx, mailbox_id: int) -> dict[str, str]:
    """The list of a mailbox: rights by identifier. The owner isn't in it."""
    rows = tx.all(
        "SELECT identifier, rights FROM acl WHERE mailbox_id = :mailbox_id ORDER BY identifier", mailbox_id=mailbox_id
    )
    return dict(rows)


def put(tx: Tx, account_id: int, mailbox_id: int, identifier: str, rights: Iterable[str]) -> None:
    """From now on these rights; none: the identifier leaves the list. `account_id`: the owner's.

    Errors: StoreError for a list that is full.
    """
    wanted = frozenset(rights)
    modseq = next_modseq(tx, account_id)
    tx.run(
        "DELETE FROM acl WHERE mailbox_id = :mailbox_id AND identifier = :identifier",
        mailbox_id=mailbox_id,
        identifier=identifier,
    )
    if wanted:
        if tx.value("SELECT count(*) FROM acl WHERE mailbox_id = :id", id=mailbox_id) >= MAX_IDENTIFIERS:
            raise StoreError(f"a mailbox can be shared with {MAX_IDENTIFIERS} people, not more")
        tx.run(
            "INSERT INTO acl (mailbox_id, identifier, rights) VALUES (:mailbox_id, :identifier, :rights)",
            mailbox_id=mailbox_id,
            identifier=identifier,
            rights=ordered(wanted),
        )
    tx.run("UPDATE mailbox SET modseq = :modseq WHERE id = :id", modseq=modseq, id=mailbox_id)
    # Whoever it is that may do more now, or less, is woken too. For "anyone" that would be everybody: they find out
    # with their own next change.
    someone = tx.value("SELECT id FROM account WHERE address = :address", address=identifier.removeprefix("-"))
    if someone is not None:
        next_modseq(tx, someone)


def ordered(rights: Iterable[str]) -> str:
    """Rights in the order in which RFC 4314 names them."""
    wanted = frozenset(rights)
    return "".join(right for right in RIGHTS if right in wanted)


def rights_of(tx: Tx, mailbox_id: int, address: str) -> frozenset[str]:
    """What the person with this address, who isn't the owner, may do in the mailbox."""
    return _sum(entries(tx, mailbox_id), address)


def _sum(entries: dict[str, str], address: str) -> frozenset[str]:
    given = frozenset(entries.get(address, "") + entries.get(ANYONE, ""))
    return given - frozenset(entries.get(f"-{address}", "") + entries.get(f"-{ANYONE}", ""))


def shared_with(tx: Tx, account_id: int, address: str) -> list[Shared]:
    """All mailboxes of others in which this person has a right."""
    rows = tx.all(
        "SELECT acl.mailbox_id, account.address, acl.identifier, acl.rights FROM acl"
        " JOIN mailbox ON mailbox.id = acl.mailbox_id JOIN account ON account.id = mailbox.account_id"
        " WHERE acl.identifier IN (:address, :not_address, :anyone, :not_anyone) AND mailbox.account_id <> :account_id",
        address=address,
        not_address=f"-{address}",
        anyone=ANYONE,
        not_anyone=f"-{ANYONE}",
        account_id=account_id,
    )
    lists: dict[tuple[int, str], dict[str, str]] = {}
    for mailbox_id, owner, identifier, rights in rows:
        lists.setdefault((mailbox_id, owner), {})[identifier] = rights
    summed = (Shared(mailbox_id, owner, _sum(found, address)) for (mailbox_id, owner), found in lists.items())
    return [one for one in summed if one.rights]


def inherit(tx: Tx, above_id: int, mailbox_id: int) -> None:
    """A new mailbox is shared like the one above it (RFC 4314 §4, CREATE)."""
    tx.run(
        "INSERT INTO acl (mailbox_id, identifier, rights)"
        " SELECT :mailbox_id, identifier, rights FROM acl WHERE mailbox_id = :above_id",
        mailbox_id=mailbox_id,
        above_id=above_id,
    )


def forget(tx: Tx, address: str) -> None:
    """The account is gone: whoever gets its address next begins without rights."""
    tx.run("DELETE FROM acl WHERE identifier IN (:address, :not_address)", address=address, not_address=f"-{address}")
