"""How much an account has, and may have: GETQUOTA, GETQUOTAROOT. RFC 9208 §4.1.

An account with limits has one quota root, named "", for all its mailboxes; one without has none. Limits are set by the
operator: SETQUOTA is not offered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.imap import command
from posthouse.imap.quota import quota as quota_line
from posthouse.imap.quota import quota_root
from posthouse.store import quota
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
    where = await session.house.store.read(place.need, session.owner, wish.mailbox, "r")
    # What others share counts against their quota, which is none of one's business.
    mine = where.box.account_id == session.owner.id
    limits = resources(await session.house.store.read(quota.get, session.owner.id)) if mine else []
    roots = [ROOT] if limits else []
    session.server.untagged(quota_root(where.name, roots, utf8=session.server.utf8))
    if limits:
        session.server.untagged(quota_line(ROOT, limits))
    return Done("GETQUOTAROOT completed")


def resources(found: Quota) -> list[tuple[str, int, int]]:
    """Each resource that is limited: its name, usage and limit."""
    limits = []
    if found.size_limit is not None:
        limits.append(("STORAGE", -(-found.size // UNIT), found.size_limit // UNIT))
    if found.message_limit is not None:
        limits.append(("MESSAGE", found.messages, found.message_limit))
    return limits


COMMANDS: dict[type, Handler] = {command.GetQuota: get_quota, command.GetQuotaRoot: get_quota_root}
