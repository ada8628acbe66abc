"""How much an account has, and may have: GETQUOTA, GETQUOTAROOT, SETQUOTA. RFC 9208 §4.1.

An account with limits has one quota root, named "", for all its mailboxes; one without has none. Limits are set by the
operator, not by who is limited: QUOTASET is not offered, and SETQUOTA says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.imap import command
from posthouse.imap.quota import quota as quota_line
from posthouse.imap.quota import quota_root
from posthouse.store import mailbox, quota
from posthouse.store.account import Account
from posthouse.store.engine import Tx
from posthouse.store.quota import Quota

from . import place
from .imap_answer import Done, Handler, No

if TYPE_CHECKING:
    from .imap import ImapSession

ROOT = ""
UNIT = 1024  # octets of which STORAGE counts (§5.1)


async def get_quota(session: ImapSession, wish: command.GetQuota) -> Done:
    limits = resources(await session.house.store.read(quota.get, session.owner.id))
    if wish.root != ROOT or not limits:
        raise No("There is no such quota root", "NONEXISTENT")
    session.server.untagged(quota_line(ROOT, limits))
    return Done("GETQUOTA completed")


async def get_quota_root(session: ImapSession, wish: command.GetQuotaRoot) -> Done:
    name, mine = await session.house.store.read(counted, session.owner, wish.mailbox)
    limits = resources(await session.house.store.read(quota.get, session.owner.id)) if mine else []
    roots = [ROOT] if limits else []
    session.server.untagged(quota_root(name, roots, utf8=session.server.utf8))
    if limits:
        session.server.untagged(quota_line(ROOT, limits))
    return Done("GETQUOTAROOT completed")


async def set_quota(session: ImapSession, wish: command.SetQuota) -> Done:
    raise No("Limits are set by the operator of this server, who can be asked for more", "NOPERM")


def counted(tx: Tx, person: Account, name: str) -> tuple[str, bool]:
    """A mailbox's name, and whether what it holds counts against this person's quota.

    The mailbox need not be there yet (§4.1.2). What others share counts against their quota, which is none of one's
    business. Errors: No; StoreError for what can be no name.
    """
    address, _ = place.split(name)
    if not address and mailbox.find(tx, person.id, name) is None:
        return mailbox.canonical_name(name), True
    where = place.need(tx, person, name, "r")
    return where.name, where.box.account_id == person.id


def resources(found: Quota) -> list[tuple[str, int, int]]:
    """Each resource that is limited: its name, usage and limit."""
    limits = []
    if found.size_limit is not None:
        limits.append(("STORAGE", -(-found.size // UNIT), found.size_limit // UNIT))
    if found.message_limit is not None:
        limits.append(("MESSAGE", found.messages, found.message_limit))
    return limits


COMMANDS: dict[type, Handler] = {
    command.GetQuota: get_quota,
    command.GetQuotaRoot: get_quota_root,
    command.SetQuota: set_quota,
}
