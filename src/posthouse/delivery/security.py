"""What a letter's line to a host has to be: encrypted if it can be had, or more, by what the domain and we ask for.

In this order: DANE, which says it of a host (RFC 7672); MTA-STS, of a domain's hosts (RFC 8461 §2: it doesn't loosen
what DANE asks); the operator's `tls_required` and `tls_verified`; else whatever the host offers (RFC 7435). A letter
whose sender says `TLS-Required: No` goes as if there were neither DANE nor MTA-STS (RFC 8689 §8.4); the operator's word
stays.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from posthouse.errors import NoRoute, PosthouseError, StoreError
from posthouse.message.header import Headers
from posthouse.net import https
from posthouse.net.dns import Resolver, ascii_name
from posthouse.net.tls import client_context
from posthouse.policy import mta_sts
from posthouse.policy.dane import Tlsa
from posthouse.policy.mta_sts import Kept, Mode, Policy
from posthouse.store import sts
from posthouse.store.engine import Store

from .route import Hop, matches

log = logging.getLogger("posthouse.relay")

# RFC 8461 §3.3: "a suggested timeout is one minute"; a letter waits for it, and the next attempt has another chance.
FETCH_SECONDS = 30.0
# RFC 8461 §3.3: after a failure "five minutes or longer" without another question for the same version.
FETCH_AGAIN_SECONDS = 300
# Failures that are remembered.
MAX_FAILURES = 10_000
HTTPS_PORT = 443
# Kept policies are looked through so often, and so many looked at anew each time.
LOOK_SECONDS = 3_600
MAX_REFRESHED = 10_000


class Level(enum.IntEnum):
    """How much is asked of a line."""

    MAY = 0  # encrypted if the host offers it; nothing is proved
    ENCRYPTED = 1  # or no letter
    VERIFIED = 2  # to a host whose certificate is for its name, from an authority that the system trusts
    PINNED = 3  # to a host whose certificate the TLSA records mean


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked of the line to one host. ``why``: who asks, in words that stand before "asks for".

    ``records``, ``names``: for PINNED (policy/dane.py). ``lenient``: where it isn't met, that is logged, no more.
    """

    level: Level
    why: str = ""
    records: tuple[Tlsa, ...] = ()
    names: tuple[str, ...] = ()
    lenient: bool = False


NOTHING = Demand(Level.MAY)


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known of a domain before any of its hosts is looked at."""

    domain: str  # A-labels
    floor: Demand
    policy: Policy | None
    proved: bool  # DNSSEC vouches for the names of its hosts


@dataclass(slots=True)
class Security:
    """For all couriers. ``required``, ``verified``: patterns of domains. ``port``: the one that TLSA records are for.
    ``https_port`` is another than 443 in tests only.
    """

    store: Store
    resolver: Resolver
    required: Sequence[str] = ()
    verified: Sequence[str] = ()
    dane: bool = True
    sts: bool = True
    port: int = 25
    https_port: int = HTTPS_PORT
    clock: Callable[[], float] = time.time
    opportunistic: ssl.SSLContext = field(default_factory=lambda: opportunistic_context())
    _verifying: ssl.SSLContext | None = None
    _failed: dict[tuple[str, str], float] = field(default_factory=dict)
    _kept: dict[str, Kept] | None = None  # all policies that the store has: who relays does it alone
    _told: bool = False

    @property
    def verifying(self) -> ssl.SSLContext:
        """TLS that proves a host's name. Made when it is first needed: reading all authorities takes its time."""
        if self._verifying is None:
            self._verifying = client_context()
        return self._verifying

    def context(self, demand: Demand) -> ssl.SSLContext:
        """The TLS for a demand. Who is PINNED is looked at after the handshake."""
        return self.verifying if demand.level is Level.VERIFIED else self.opportunistic

    async def of_domain(self, hop: Hop, *, loose: bool = False) -> Ground:
        """What is asked of all hosts of a domain; ``loose``: what the domain asks doesn't count. Errors: `NoRoute`."""
        name = ascii_name(hop.domain)
        floor = NOTHING
        if hop.strict:
            floor = Demand(Level.VERIFIED, "its sender (REQUIRETLS)")
        elif any(matches(pattern, hop.domain) for pattern in self.verified):
            floor = Demand(Level.VERIFIED, "[relay] tls_verified")
        elif any(matches(pattern, hop.domain) for pattern in self.required):
            floor = Demand(Level.ENCRYPTED, "[relay] tls_required")
        if loose and not hop.strict:  # RFC 8689 §8.4: "as if it does not support DANE or MTA-STS"
            return Ground(name, floor, None, proved=False)
        policy = await self._policy(name) if self.sts else None
        proved = (self.dane or hop.strict) and await self.resolver.vouched(name)
        if self.dane and not proved and not self._told:
            await self._tell()
        # RFC 8689 §4.2.1: the names of the hosts have to be proved, by DNSSEC or MTA-STS.
        if hop.strict and not proved and (policy is None or policy.mode is not Mode.ENFORCE):
            raise NoRoute(
                f"nothing proves which servers {hop.domain} has: its MX records are not signed (DNSSEC), or the"
                " resolver doesn't say so, and it has no MTA-STS policy",
                temporary=False,
                enhanced="5.7.10",
            )
        return Ground(name, floor, policy, proved)

    async def of_host(self, ground: Ground, host: str) -> Demand:
        """What is asked of one host. Errors: `NoRoute` for one that may not get the letter, now at least."""
        if self.dane and ground.proved:
            base, rows = await self.resolver.pinned(host, self.port)
            records = tuple(Tlsa(*row) for row in rows)
            if any(record.usable for record in records):
                return Demand(Level.PINNED, "DANE", records, (base, ground.domain))
            if records:  # RFC 7672 §2.2: encrypted all the same
                return max(ground.floor, Demand(Level.ENCRYPTED, "DANE"), key=lambda demand: demand.level)
        policy = ground.policy
        if policy is None or policy.mode is Mode.NONE:
            return ground.floor
        demand = Demand(Level.VERIFIED, "MTA-STS", lenient=policy.mode is Mode.TESTING)
        if policy.allows(host):
            return ground.floor if demand.lenient and ground.floor.level >= demand.level else demand
        if not demand.lenient:
            raise NoRoute(
                f"{host} is none of the servers that the MTA-STS policy of {ground.domain} names",
                temporary=True,
                enhanced="4.7.5",
            )
        log.warning("%s is none of the servers of %s's MTA-STS policy, which is in testing", host, ground.domain)
        return ground.floor

    async def _tell(self) -> None:
        """Once: that DANE is of no effect, where it is so."""
        self._told = True
        if not await self.resolver.validates():
            log.warning(
                "the resolver doesn't check DNSSEC (or isn't on this machine, and [dns] trusted doesn't say that it may"
                " be believed): letters go without DANE. A resolver like unbound on this machine makes it work."
            )

    # -- MTA-STS -------------------------------------------------------------------------------------------------

    async def _policy(self, domain: str) -> Policy | None:
        now = int(self.clock())
        try:
            kept = (await self._all()).get(domain)
            found = await self._discover(domain, kept, now)
            if found is not None and found is not kept:
                (await self._all())[domain] = found
                expires = found.fetched + found.policy.max_age
                patterns = " ".join(found.policy.patterns)
                fresh = sts.Row(found.ident, found.policy.mode.value, patterns, found.fetched, expires)
                await self.store.write(sts.keep, domain, fresh)
        except StoreError as error:
            log.error("the MTA-STS policy of %s can't be kept: %s", domain, error)
            return None
        return None if found is None else found.policy

    async def _all(self) -> dict[str, Kept]:
        if self._kept is None:
            self._kept = {domain: _kept(row) for domain, row in await self.store.read(sts.list_all)}
        return self._kept

    async def keep_fresh(self) -> None:
        """Look at the kept policies anew from time to time, until cancelled (RFC 8461 §3.3: once a day).

        Else one would end unnoticed while nobody writes to its domain, and the next letter could be led astray (§10.2).
        """
        while self.sts:
            await asyncio.sleep(LOOK_SECONDS)
            await self.refresh()

    async def refresh(self) -> None:
        """Look at those anew whose day is over; who is about to end comes first."""
        now = self.clock()
        try:
            every = await self._all()
        except StoreError as error:
            log.error("the MTA-STS policies can't be read: %s", error)
            return
        due = [
            (kept.fetched + kept.policy.max_age, domain)
            for domain, kept in every.items()
            if now >= kept.fetched + mta_sts.REFRESH_SECONDS
        ]
        for _, domain in sorted(due)[:MAX_REFRESHED]:
            await self._policy(domain)

    async def _discover(self, domain: str, kept: Kept | None, now: int) -> Kept | None:
        steps = mta_sts.discover(domain, kept, now)
        answer: Sequence[str] | bytes | None = None
        try:
            question = next(steps)
            while True:
                if isinstance(question, mta_sts.Texts):
                    answer = await self._texts(question.name)
                else:
                    answer = await self._fetch(question, kept)
                question = steps.send(answer)
        except StopIteration as stop:
            found: Kept | None = stop.value
            return found

    async def _texts(self, name: str) -> Sequence[str] | None:
        try:
            return await self.resolver.texts(name)
        except NoRoute as error:
            return None if error.temporary else ()

    async def _fetch(self, wish: mta_sts.Fetch, kept: Kept | None) -> bytes | None:
        key = (wish.host, wish.ident)
        if self._failed.get(key, 0.0) > self.clock():
            return None
        try:
            async with aclosing(self.resolver.addresses(wish.host)) as kinds:
                (address, *_) = await anext(kinds)
            answer = await https.ask(
                wish.host,
                "/.well-known/mta-sts.txt",
                context=self.verifying,
                limit=mta_sts.MAX_SIZE,
                seconds=FETCH_SECONDS,
                address=address,
                port=self.https_port,
            )
            if answer.status == 200 and answer.media_type == "text/plain":
                return answer.body
            why = f"the web server answered {answer.status}, {answer.media_type or 'no media type'}"
        except PosthouseError as error:
            why = str(error)
        # RFC 8461 §3.3: administrators should hear of it.
        log.warning("the MTA-STS policy of %s can't be fetched: %s", wish.host.partition(".")[2], why)
        if len(self._failed) >= MAX_FAILURES:
            self._failed.clear()
        self._failed[key] = self.clock() + FETCH_AGAIN_SECONDS
        return None


def _kept(row: sts.Row) -> Kept:
    return Kept(Policy(Mode(row.mode), tuple(row.patterns.split()), row.expires - row.fetched), row.ident, row.fetched)


def waives_tls(header: bytes) -> bool:
    """Whether a letter's header says `TLS-Required: No`: RFC 8689 §3. Said twice, it isn't said as it has to be."""
    if b"tls-required" not in header.lower():  # nearly always
        return False
    return [value.strip().lower() for value in Headers(header).get_all("tls-required")] == ["no"]


def opportunistic_context() -> ssl.SSLContext:
    """TLS that keeps listeners out, and proves nothing about who is there.

    RFC 7435: the name of the MX host came from a DNS that anybody may have forged, and the alternative is clear text;
    so a certificate isn't verified, as all servers have it between themselves where no policy asks for more.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
