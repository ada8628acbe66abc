"""Protection against guessing: failed logins make the next answers slow, and many of them a ban.

Failures are counted in memory (`failures.py`), by network (an IPv4 address, an IPv6 /64) and by account, whether it
exists or not. The same wrong password again counts once: a program with an old password is no guesser, and must not
lock out the house it stands in. Bans are in the store (`store/ban.py`); those that hold are kept here, so that a look
at them costs nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from posthouse.errors import StoreError
from posthouse.store import ban, familiar
from posthouse.store.account import Account
from posthouse.store.address import canonical
from posthouse.store.ban import Ban
from posthouse.store.change import HOUSE, Subscription
from posthouse.store.engine import Store

from .colleagues import Alone, Colleagues
from .failures import WINDOW, Failures
from .session import Peer

log = logging.getLogger("posthouse.guard")

pause = asyncio.sleep
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

# Pairs of account and network whose login was noted today.
NOTED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """`[limits]` and `[login] never_banned`, as far as they matter here."""

    per_address: int = 10  # failed logins before a ban
    per_account: int = 100
    ban_seconds: int = 600
    delay_seconds: int = 5
    never_banned: tuple[Network, ...] = ()


class Guard:
    """Who may come in, and who may try to log in."""

    def __init__(self, store: Store, rules: Rules | None = None, colleagues: Colleagues | None = None) -> None:
        self.rules = rules or Rules()
        self._store = store
        self._failures = Failures(colleagues or Alone())
        self._noted: OrderedDict[tuple[int, str], int] = OrderedDict()
        self._accounts: dict[str, Ban] = {}
        self._networks: dict[tuple[int, int], dict[int, Ban]] = {}  # by version and prefix length, then by its number
        self._feed: Subscription | None = None
        self._reading: asyncio.Task[None] | None = None
        self._changed = False  # while they are read
        self.heard: Callable[[], Awaitable[None]] | None = None  # who else wants to hear of what belongs to no account

    async def start(self) -> None:
        """Read the bans, and hear of every change; and of what has failed, in the place of a process that ended."""
        self._failures.hear(time.monotonic())
        self._feed = self._store.feed.subscribe(HOUSE, self._hint)
        self._hold(await self._store.read(ban.list_all))

    async def stop(self) -> None:
        """Hear of no more."""
        if self._feed is not None:
            self._feed.close()
            self._feed = None
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    # -- who may come in -------------------------------------------------------------------------------------------

    def exempt(self, peer: Peer) -> bool:
        """Whether nothing of this is for the peer: a program of this machine, or a network that is never banned."""
        address = peer.ip
        return address.is_loopback or any(address in network for network in self.rules.never_banned)

    def closed(self, peer: Peer, *, logins_only: bool) -> str:
        """Why a connection isn't wanted, or "". ``logins_only``: people log in at this door, and do nothing before."""
        banned = self._network_ban(peer)
        if banned is None or (banned.scope == "logins" and not logins_only):
            return ""
        return _words(banned)

    async def refusal(self, peer: Peer, name: str) -> str:
        """Why nobody may log in from there, or with this name, now; or ""."""
        if (banned := self._network_ban(peer)) is not None:
            return _words(banned)
        banned = self._accounts.get(kept_name(name)) if self._accounts else None
        if banned is None or not _holds(banned) or self.exempt(peer):
            return ""
        return "" if await self._store.read(familiar.knows, name, peer.network) else _words(banned)

    def _network_ban(self, peer: Peer) -> Ban | None:
        if not self._networks:
            return None
        address = peer.ip
        for (version, length), banned in self._networks.items():
            if version == address.version:
                found = banned.get(int(address) >> (address.max_prefixlen - length))
                if found is not None and _holds(found) and not self.exempt(peer):
                    return found
        return None

    # -- logins ----------------------------------------------------------------------------------------------------

    async def failed(self, peer: Peer, name: str, secret: str) -> None:
        """A login was wrong. Returns after the time that the answer has to wait; ``secret``: where it could be seen."""
        if self.exempt(peer):
            return
        what = f"{kept_name(name)}\0{secret}" if secret else secrets.token_hex(8)
        tried = self._failures.digest(what)
        from_there = await self._count("network", peer.network, tried, self.rules.per_address)
        of_it = await self._count("account", kept_name(name), tried, self.rules.per_account) if name else 0
        # 0, 1, 2, 4 … seconds: a typing error costs nothing.
        delay = min(2 ** (max(from_there, of_it) - 2), self.rules.delay_seconds) if max(from_there, of_it) > 1 else 0
        await pause(delay)

    async def succeeded(self, peer: Peer, account: Account) -> None:
        """A login was right: it is known from where, for `refusal`."""
        today = int(time.time()) // familiar.DAY
        key = account.id, peer.network
        if self._noted.get(key) == today:
            return
        self._noted[key] = today
        if len(self._noted) > NOTED:
            self._noted.popitem(last=False)
        try:
            await self._store.write(familiar.note, account.id, peer.network)
        except StoreError as error:  # a full disk is no reason to keep somebody from reading letters
            log.warning("where %s logged in from could not be noted: %s", account.address, error)

    async def _count(self, kind: str, subject: str, tried: bytes, limit: int) -> int:
        """Count a failure; the ban, if it was one too many. How many there are."""
        now = time.monotonic()
        count = self._failures.count(subject, tried, now)
        if count >= limit:
            self._failures.begin_anew(subject, now)
            await self._ban(kind, subject, count)
        return count

    async def _ban(self, kind: str, subject: str, count: int) -> None:
        reason = f"{count} failed logins within {WINDOW // 60} minutes"
        try:
            made = await self._store.write(
                ban.add_automatic, kind, subject, reason=reason, seconds=self.rules.ban_seconds
            )
        except StoreError as error:
            log.error("%s could not be banned: %s", subject, error)
            return
        until = "" if made.until is None else f" until {_clock(made.until)}"
        log.warning("banned %s%s: %s; `posthouse ban lift %s` lifts it", subject, until, reason, subject)
        self._insert(made)

    # -- the bans that hold ----------------------------------------------------------------------------------------

    def _hint(self, _: int) -> None:
        self._changed = True
        if self._reading is None or self._reading.done():
            self._reading = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        while self._changed:
            self._changed = False
            try:
                self._hold(await self._store.read(ban.list_all))
                if self.heard is not None:
                    await self.heard()
            except StoreError as error:
                log.error("the bans could not be read; those known before hold: %s", error)

    def _hold(self, bans: Iterable[Ban]) -> None:
        self._accounts, self._networks = {}, {}
        for one in bans:
            self._insert(one)

    def _insert(self, one: Ban) -> None:
        if one.kind == "account":
            self._accounts[one.subject] = one
            return
        network = ipaddress.ip_network(one.subject)
        number = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
        self._networks.setdefault((network.version, network.prefixlen), {})[number] = one


def kept_name(name: str) -> str:
    """The account's name as it is kept; of what can't be one, the beginning."""
    try:
        return canonical(name)
    except StoreError:
        return name[:320].casefold()


def _holds(banned: Ban) -> bool:
    return banned.until is None or banned.until > time.time()


def _words(banned: Ban) -> str:
    """For the peer: what happened, and until when. The reason is for the administrator."""
    until = "" if banned.until is None else f" until {_clock(banned.until)}"
    if banned.kind == "account":
        return f"too many logins have failed for this account; it is closed{until} for networks it is not used from"
    if banned.scope == "logins":
        return f"too many logins have failed from your network; no more are taken from there{until}"
    return f"the administrator of this server takes no connections from your network{until}"


def _clock(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds + 59))
