"""Who may do what in a mailbox: SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS. RFC 4314 §3."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from posthouse.imap import acl as written
from posthouse.imap import command
from posthouse.imap.command import RightsOperation
from posthouse.store import account, acl
from posthouse.store.account import Account
from posthouse.store.acl import ANYONE, RIGHTS
from posthouse.store.engine import Tx

from . import place
from .imap_answer import Done, Handler, No

if TYPE_CHECKING:
    from .imap import ImapSession

# §2.1.1: rights of RFC 2086, each with what it means today.
OLD_RIGHTS = {"c": "kx", "d": "te"}


async def set_acl(session: ImapSession, wish: command.SetAcl) -> Done:
    unknown = sorted(set(wish.rights) - set(RIGHTS) - set(OLD_RIGHTS))
    if unknown:
        raise No(f"There is no right {''.join(unknown)} here; there are {RIGHTS}", bad=True)  # §3.1
    await session.house.store.write(_set, session.owner, wish)
    return Done("SETACL completed")


def _set(tx: Tx, person: Account, wish: command.SetAcl) -> None:
    where = place.need(tx, person, wish.mailbox, "a")
    identifier = _known(tx, where, wish.identifier)
    before = frozenset(acl.entries(tx, where.box.id).get(identifier, ""))
    named = expanded(wish.rights)
    match wish.operation:
        case RightsOperation.REPLACE:
            after = named
        case RightsOperation.ADD:
            after = before | named
        case RightsOperation.REMOVE:
            after = before - named
    acl.put(tx, where.box.account_id, where.box.id, identifier, after)


def _known(tx: Tx, where: place.Place, identifier: str) -> str:
    """The identifier as it is kept. Errors: No for nobody, and for the owner, who may do everything."""
    minus = "-" if identifier.startswith("-") else ""
    name = identifier.removeprefix("-")
    if name == ANYONE:
        return minus + ANYONE
    found = account.find(tx, name)
    if found is None:
        raise No(f"There is nobody called {name} here; write an address, or {ANYONE}", "CANNOT")
    if found.id == where.box.account_id:
        raise No(f"{found.address} owns the mailbox, and may do everything in it", "CANNOT")
    return minus + found.address


def expanded(rights: str) -> frozenset[str]:
    """The rights, those of RFC 2086 as what they mean today (§2.1.1)."""
    return frozenset("".join(OLD_RIGHTS.get(right, right) for right in rights))


def told(rights: Iterable[str]) -> str:
    """The rights as a client is told them: with those of RFC 2086 of which it has a part (§2.1.1)."""
    known = frozenset(rights)
    old = (name for name, members in OLD_RIGHTS.items() if not known.isdisjoint(members))
    return acl.ordered(known) + "".join(old)


async def delete_acl(session: ImapSession, wish: command.DeleteAcl) -> Done:
    await session.house.store.write(_delete, session.owner, wish)
    return Done("DELETEACL completed")


def _delete(tx: Tx, person: Account, wish: command.DeleteAcl) -> None:
    where = place.need(tx, person, wish.mailbox, "a")
    acl.put(tx, where.box.account_id, where.box.id, _known(tx, where, wish.identifier), ())


async def get_acl(session: ImapSession, wish: command.GetAcl) -> Done:
    name, entries = await session.house.store.read(_get, session.owner, wish.mailbox)
    session.server.untagged(written.acl(name, entries, utf8=session.server.utf8))
    return Done("GETACL completed")


def _get(tx: Tx, person: Account, name: str) -> tuple[str, dict[str, str]]:
    where = place.need(tx, person, name, "a")
    owner = account.get(tx, where.box.account_id)
    entries = {identifier: told(rights) for identifier, rights in acl.entries(tx, where.box.id).items()}
    return where.name, {owner.address: told(RIGHTS), **entries}


async def list_rights(session: ImapSession, wish: command.ListRights) -> Done:
    where, owner = await session.house.store.read(_with_owner, session.owner, wish.mailbox)
    always = wish.identifier in (owner.address, owner.typed)
    # §3.7: rights that are always there, and then each that can be granted by itself.
    required, optional = (told(RIGHTS), "") if always else ("", told(RIGHTS))
    line = written.list_rights(where.name, wish.identifier, required, optional, utf8=session.server.utf8)
    session.server.untagged(line)
    return Done("LISTRIGHTS completed")


def _with_owner(tx: Tx, person: Account, name: str) -> tuple[place.Place, Account]:
    where = place.need(tx, person, name, "a")
    return where, account.get(tx, where.box.account_id)


async def my_rights(session: ImapSession, wish: command.MyRights) -> Done:
    where = await session.house.store.read(place.need, session.owner, wish.mailbox)
    tell_rights(session, where.name, where.rights)
    return Done("MYRIGHTS completed")


def tell_rights(session: ImapSession, name: str, rights: Iterable[str]) -> None:
    """The MYRIGHTS response."""
    session.server.untagged(written.my_rights(name, told(rights), utf8=session.server.utf8))


COMMANDS: dict[type, Handler] = {
    command.SetAcl: set_acl,
    command.DeleteAcl: delete_acl,
    command.GetAcl: get_acl,
    command.ListRights: list_rights,
    command.MyRights: my_rights,
}
