"""Who has an address here, as far as a server knows without asking the database again.

Each commit makes SQLite forget the pages that it has in memory, so that under a stream of letters every RCPT was read
anew: half of what the event loop did for a letter. What is found is remembered for a moment, and no longer than
until somebody changes the addresses, the domains or a quota, here or in another process (`change.DIRECTORY`).
"""

from __future__ import annotations

import time
from typing import NamedTuple

from posthouse.smtp.path import Mailbox
from posthouse.store import quota
from posthouse.store.engine import Store, Tx

from .recipient import Found, lookup

# Seconds for which it is remembered: hints of other processes can get lost, and mailboxes fill up.
MOMENT = 1.0
# Addresses that are remembered; with one more all are forgotten. None behind which there are more others than that: who
# tries its subaddresses would have each kept with all of them.
MOST, MOST_BEHIND_ONE = 4_096, 4
NO_LIMIT = 1 << 62


class _Known(NamedTuple):
    found: Found
    room: int  # octets that there is certainly room for
    heard: int  # what had been heard of changes
    until: float  # time.monotonic()


class Directory:
    """For one server's event loop."""

    def __init__(self, store: Store, hostname: str) -> None:
        self._store = store
        self._hostname = hostname
        self._known: dict[Mailbox, _Known] = {}

    async def find(self, mailbox: Mailbox, size: int) -> Found:
        """Where the letters for an address go, as `lookup` finds it. Errors: OverQuota where nobody of them has room
        for so many octets; StoreError."""
        heard = self._store.feed.directory
        known = self._known.get(mailbox)
        if known is not None and known.heard == heard and size <= known.room and time.monotonic() < known.until:
            return known.found
        found, room = await self._store.glance(_look, mailbox, self._hostname, size)
        if found and len(found.accounts) + len(found.targets) <= MOST_BEHIND_ONE:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[mailbox] = _Known(found, room, heard, time.monotonic() + MOMENT)
        return found


def _look(tx: Tx, mailbox: Mailbox, hostname: str, size: int) -> tuple[Found, int]:
    """What `lookup` finds, and how many octets will have room for a moment, whatever else comes."""
    found = lookup(tx, mailbox, hostname, size)
    return found, max((_room(quota.get(tx, account_id)) for account_id in found.accounts), default=NO_LIMIT)


def _room(of: quota.Quota) -> int:
    """Half of what there is; nothing where the number of messages is limited: these come quickly."""
    if of.message_limit is not None:
        return -1
    return NO_LIMIT if of.size_limit is None else (of.size_limit - of.size) // 2
