"""Where letters for a domain go: MX records and addresses (RFC 5321 §5, RFC 7505), from a resolver that is asked.

Answers are kept as long as their TTL says, those that say "there is none" too.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, MutableSequence, Sequence
from typing import Any

import dns.resolver
import idna

from posthouse.errors import NoRoute, ProtocolError

from . import dns_wire
from .dns_wire import Answer
from .nameserver import Nameserver

# Answers in memory. Each takes about 1 KB: 10 MB at the most.
CACHE_SIZE = 10_000
# Seconds to wait before servers that didn't answer are asked again; each time twice as long, up to the second.
AGAIN_SECONDS = (0.1, 2.0)
# Seconds for one try, and for a question with all its tries at all servers.
TRY_SECONDS = 3.0
QUESTION_SECONDS = 10.0
# MX hosts of a domain that are looked at: big providers name five; what comes behind is never reached.
MAX_EXCHANGES = 20


class Resolver:
    """Questions about mail. ``servers``: (address, port) of the resolvers to ask; none: those of the system.

    ``shuffle`` puts hosts of equal preference into an order of chance (RFC 5321 §5.1). ``trusted``: the resolvers are
    believed when they say that DNSSEC proves an answer, wherever they are; else only those on this machine.
    """

    def __init__(
        self,
        servers: Sequence[tuple[str, int]] = (),
        *,
        shuffle: Callable[[MutableSequence[tuple[int, str]]], None] = random.shuffle,
        seconds: float = QUESTION_SECONDS,
        trusted: bool = False,
    ) -> None:
        self._servers = servers
        self._trusted = trusted
        self._shuffle = shuffle
        self._seconds = seconds
        self._nameservers: list[Nameserver] | None = None
        self._kept: OrderedDict[tuple[str, str], tuple[float, Answer]] = OrderedDict()  # and until when
        self._asking: dict[tuple[str, str], asyncio.Future[Answer | NoRoute | None]] = {}

    async def exchanges(self, domain: str) -> list[tuple[int, str]]:
        """(preference, host) of the servers for a domain, in the order in which to try them. Errors: `NoRoute`.

        A domain without MX records is its own server, at preference 0 (RFC 5321 §5.1).
        """
        name = ascii_name(domain)
        found: Sequence[tuple[int, str]] = await self._ask(name, "MX")
        if not found:
            return [(0, name)]
        # RFC 7505 §3: a single MX record with preference 0 and the root for a name. Beside others it means nothing.
        hosts = [(preference, host) for preference, host in found if host]
        if not hosts:
            raise NoRoute(
                f"{domain} takes no mail: its DNS says so",
                temporary=False,
                enhanced="5.1.10",
                advice="Check the spelling of the address behind the @.",
            )
        self._shuffle(hosts)
        return sorted(hosts, key=lambda host: host[0])[:MAX_EXCHANGES]

    async def vouched(self, domain: str) -> bool:
        """Whether DNSSEC vouches for what `exchanges` says, or for whose name the host must prove there: its own.

        A resolver checks the signatures, so it is one on this machine that is believed (RFC 6698 §4, appendix A.3).
        """
        name = ascii_name(domain)
        answer = await self._answer(name, "MX")  # kept, as a rule
        return not answer.records or answer.proved

    async def pinned(self, host: str, port: int) -> tuple[str, list[tuple[int, int, int, bytes]]]:
        """The TLSA records of a mail host that DNSSEC vouches for: their name, and (usage, selector, matching, data) of
        each; none where there are none. Errors: `NoRoute`, where it can't be known at the moment.

        RFC 7672 §2.2.2: first the addresses. Where nothing vouches for these there are no records that could count, and
        name servers that can't answer the question for them aren't asked (many of big providers can't).
        """
        bases: list[str] = []
        for kind in ("A", "AAAA"):
            answer = await self._answer(host, kind)
            if answer.records and answer.proved:
                bases = list(dict.fromkeys([answer.name, host]))
                break
        for base in bases:
            try:
                answer = await self._answer(f"_{port}._tcp.{base}", "TLSA")
            except NoRoute as error:
                if error.temporary:
                    raise
                continue  # there is no such name
            if answer.records and answer.proved:
                records: Sequence[Any] = answer.records
                return base, list(records)
        return host, []

    async def texts(self, name: str) -> list[str]:
        """The TXT records of a name, each of its strings put together. Errors: `NoRoute`."""
        return [record.decode("utf-8", "replace") for record in await self._ask(name, "TXT")]

    async def validates(self) -> bool:
        """Whether the resolver checks signatures, and is believed: nothing counts as proved otherwise."""
        try:
            return (await self._answer(".", "NS")).proved
        except NoRoute:
            return False

    async def addresses(self, host: str) -> AsyncGenerator[list[str], None]:
        """The IP addresses of a host, IPv4 first: those of the second kind are asked for when they are wanted.

        IPv4 first: more servers have a name for their IPv4 address (PTR), without which many peers take nothing.
        Errors: `NoRoute`, where there is none, or one of the kinds can't be known at the moment.
        """
        known = False
        failure: NoRoute | None = None
        for kind in ("A", "AAAA"):
            try:
                found = list(await self._ask(host, kind))
            except NoRoute as error:
                if not error.temporary:
                    break  # there is no such name; who asks has it from the domain's own MX record, as a rule
                failure = error
                continue
            if found:
                known = True
                yield found
        if not known:
            raise failure or NoRoute(f"the DNS knows no address of {host}", temporary=False, enhanced="5.4.4")

    async def _ask(self, name: str, kind: str) -> Sequence[Any]:
        """The records of a kind, none where the name has none. `NoRoute` for a name that isn't there."""
        return (await self._answer(name, kind)).records

    async def _answer(self, name: str, kind: str) -> Answer:
        """Kept, or asked for; who asks for the same meanwhile waits for the same answer. Errors: `NoRoute`."""
        answer: Answer | NoRoute | None = self._find(name, kind)
        while answer is None and (asking := self._asking.get((name, kind))) is not None:
            answer = await asyncio.shield(asking)  # None: whoever asked has been stopped
        if answer is None:
            asking = self._asking[name, kind] = asyncio.get_running_loop().create_future()
            try:
                answer = await self._look_up(name, kind)
            finally:
                del self._asking[name, kind]
                asking.set_result(answer)
        if isinstance(answer, NoRoute):
            raise answer
        if answer.rcode == dns_wire.NXDOMAIN:
            raise NoRoute(
                f"there is no domain {name}",
                temporary=False,
                enhanced="5.1.2",
                advice="Check the spelling of the address behind the @.",
            )
        return answer

    def _find(self, name: str, kind: str) -> Answer | None:
        """What is kept. That there is no such name holds for all kinds (RFC 2308 §5)."""
        now = time.monotonic()
        for key in ((name, kind), (name, "")):
            until, answer = self._kept.get(key, (0.0, None))
            if answer is not None and until > now:
                self._kept.move_to_end(key)
                return answer
        return None

    async def _look_up(self, name: str, kind: str) -> Answer | NoRoute:
        try:
            answer = await self._ask_servers(name, kind)
        except ProtocolError as error:
            return NoRoute(str(error), temporary=False, enhanced="5.1.2")
        if answer is None:
            # SERVFAIL, REFUSED, no answer in time, an answer that makes no sense: the next question may do better.
            return NoRoute(f"the DNS gives no answer about {name} at the moment", temporary=True, enhanced="4.4.3")
        if answer.ttl:
            key = (name, "" if answer.rcode == dns_wire.NXDOMAIN else kind)
            self._kept[key] = (time.monotonic() + answer.ttl, answer)
            self._kept.move_to_end(key)
            if len(self._kept) > CACHE_SIZE:
                self._kept.popitem(last=False)
        return answer

    async def _ask_servers(self, name: str, kind: str) -> Answer | None:
        """One after the other, and those that only didn't answer in time again; None when all is in vain.

        Errors: ProtocolError for what can be no name.
        """
        until = time.monotonic() + self._seconds
        pause, longest = AGAIN_SECONDS
        servers = list(self._servers_to_ask())
        while servers:
            for server in list(servers):
                question = dns_wire.ask(name, kind)
                left = until - time.monotonic()
                if left <= 0:
                    return None
                try:
                    octets = await server.answer(question, min(TRY_SECONDS, left))
                    answer = dns_wire.parse(octets, name, kind, self._believed(server))
                    if answer.rcode in (dns_wire.NOERROR, dns_wire.NXDOMAIN):
                        return answer
                except TimeoutError:
                    continue
                except (OSError, ProtocolError):
                    pass
                servers.remove(server)
            if servers:
                await asyncio.sleep(min(pause, max(until - time.monotonic(), 0)))
                pause = min(2 * pause, longest)
        return None

    def _believed(self, server: Nameserver) -> bool:
        """Whether a resolver counts when it says that DNSSEC vouches for an answer: RFC 6698 appendix A.3."""
        return self._trusted or server.here

    def _servers_to_ask(self) -> list[Nameserver]:
        """They are read with the first question: /etc/resolv.conf may be written after we start."""
        if self._nameservers is None:
            servers = self._servers or _of_system()
            self._nameservers = [Nameserver(address, port) for address, port in servers]
        return self._nameservers


def _of_system() -> list[tuple[str, int]]:
    """The resolvers that the system names, none where it names none."""
    try:
        found = dns.resolver.Resolver()
    except dns.resolver.NoResolverConfiguration:
        return []
    return [(str(one), found.port) for one in found.nameservers if isinstance(one, str)]


def ascii_name(domain: str) -> str:
    """A domain in A-labels (RFC 5890), lower case. `NoRoute` where it can be none."""
    plain = domain.rstrip(".").lower()
    try:
        # DNS allows what IDNA doesn't: an underscore, for example.
        name = plain if plain.isascii() else idna.encode(plain, uts46=True).decode("ascii")
        dns_wire.encode_name(name)
    except (idna.IDNAError, ProtocolError) as error:
        raise NoRoute(f"{domain} can't be a domain", temporary=False, enhanced="5.1.2") from error
    return name


def literal_address(domain: str) -> str | None:
    """The IP address in an address literal (RFC 5321 §4.1.3), ``[192.0.2.1]``; None for a name."""
    if not domain.startswith("["):
        return None
    text = domain.strip("[]").lower().removeprefix("ipv6:")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise NoRoute(f"{domain} is no address", temporary=False, enhanced="5.1.2") from None
