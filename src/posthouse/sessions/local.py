"""Letters from programs on this machine, handed over by `posthouse sendmail`: the kernel tells whose they are.

In whose name may a local user write? Root, and the user that the server runs as: in anybody's. All others: as
themselves (``login@hostname``, or at one of our domains where nobody else has that address), as any address of ours
that is nobody's (noreply@, shop@), and as `[sendmail] senders` allows. So cron jobs and web pages can send, and
nobody writes in the name of somebody who has a mailbox here.
"""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from posthouse.delivery.accept import Arrival
from posthouse.delivery.recipient import Found, lookup
from posthouse.smtp.envelope import Envelope
from posthouse.smtp.path import Mailbox
from posthouse.smtp.reply import Reply
from posthouse.store import account, domain
from posthouse.store.engine import Tx

from .house import House
from .submission import SubmissionTransaction

ROOT = 0


@dataclass(frozen=True, slots=True)
class LocalUser:
    """Who runs the program. ``trusted``: root, or whoever the server runs as. ``senders``: what is allowed beside."""

    name: str
    uid: int
    trusted: bool
    hostname: str
    senders: Sequence[str] = ()

    @classmethod
    def find(cls, uid: int, house: House) -> LocalUser:
        """By the number of the user. May ask the network (LDAP)."""
        try:
            name = pwd.getpwuid(uid).pw_name
        except KeyError:
            name = str(uid)
        senders = [pattern.lower() for user, pattern in house.senders if user in (name, "*")]
        return cls(name, uid, uid in (ROOT, os.getuid()), house.hostname, senders)

    @property
    def account_id(self) -> None:
        """Local users have none, and what they have the server hold is counted together.

        So there is an end to it also for them; that one of them may use up the others' share is no worse than what all
        do to the disk that they have in common.
        """
        return

    def may_send_as(self, tx: Tx, address: str) -> bool:
        """Whether a letter may be from this address."""
        plain = address.lower()
        if self.trusted or any(fnmatchcase(plain, pattern) for pattern in self.senders):
            return True
        local, _, home = plain.rpartition("@")
        if home == self.hostname.lower() and local == self.name.lower():
            return True
        if home != self.hostname.lower() and not domain.is_local(tx, home):
            return False
        return account.destinations(tx, address, left_over=False) == account.Destinations()

    def refusal(self, address: str) -> str:
        """What whoever isn't allowed is told."""
        return (
            f"the user {self.name} may not send as {address}: it is somebody's mailbox, or no address of this server."
            f' Allow it in posthouse.toml: [sendmail] senders = "{self.name} = {address}"'
        )


class LocalTransaction(SubmissionTransaction):
    """One letter from a program on this machine."""

    def __init__(self, house: House, user: LocalUser) -> None:
        super().__init__(house, user)
        self._user = user

    async def find(self, mailbox: Mailbox) -> Found:
        """A name alone came with our host name: it may be at any of our domains. What is for users of this machine who
        have no mailbox, like cron's for root, is the postmaster's: somebody has to read it."""
        house = self.house
        found = await house.store.read(_anywhere, mailbox, house.hostname, self.size)
        at_home = mailbox.domain.lower() == house.hostname.lower()
        if not found and at_home and await asyncio.to_thread(_is_user, mailbox.unquoted):
            return await house.store.glance(lookup, Mailbox("postmaster", ""), house.hostname, self.size)
        return found

    async def end(self, envelope: Envelope, arrival: Arrival) -> list[Reply]:
        """The Received line tells the user: the network has nothing to tell."""
        return await super().end(envelope, replace(arrival, greeting=self._user.name, peer=f"uid {self._user.uid}"))


def _anywhere(tx: Tx, mailbox: Mailbox, hostname: str, size: int) -> Found:
    found = lookup(tx, mailbox, hostname, size)
    if found or mailbox.domain.lower() != hostname.lower():
        return found
    others = (lookup(tx, replace(mailbox, domain=home), hostname, size) for home in domain.list_all(tx))
    return next(filter(None, others), found)


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
