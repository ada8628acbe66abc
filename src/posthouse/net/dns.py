"""Where letters for a domain go: MX records and addresses (RFC 5321 §5, RFC 7505), from a resolver that is asked.

Answers are kept as long as their TTL says, those that say "there is none" too.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
from collections.abc import Callable, MutableSequence, Sequence

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver
import idna

from posthouse.errors import NoRoute

# Answers in memory. Each takes about 2 KB: 20 MB at the most.
CACHE_SIZE = 10_000
# Seconds for one try, and for a question with all its tries at all servers.
TRY_SECONDS = 3.0
QUESTION_SECONDS = 10.0
# MX hosts of a domain that are looked at: big providers name five; what comes behind is never reached.
MAX_EXCHANGES = 20


class Resolver:
    """Questions about mail. ``servers``: (address, port) of the resolvers to ask; none: those of the system.

    ``shuffle`` puts hosts of equal preference into an order of chance (RFC 5321 §5.1).
    """

    def __init__(
        self,
        servers: Sequence[tuple[str, int]] = (),
        *,
        shuffle: Callable[[MutableSequence[tuple[int, str]]], None] = random.shuffle,
        seconds: float = QUESTION_SECONDS,
    ) -> None:
        self._servers = servers
        self._shuffle = shuffle
        self._seconds = seconds
        self._resolver: dns.asyncresolver.Resolver | None = None

    async def exchanges(self, domain: str) -> list[tuple[int, str]]:
        """(preference, host) of the servers for a domain, in the order in which to try them. Errors: `NoRoute`.

        A domain without MX records is its own server, at preference 0 (RFC 5321 §5.1).
        """
        name = ascii_name(domain)
        found = await self._ask(name, "MX")
        if not found:
            return [(0, name)]
        # RFC 7505 §3: a single MX record with preference 0 and the root for a name. Beside others it means nothing.
        hosts = [(record.preference, record.exchange.to_text(omit_final_dot=True).lower()) for record in found]
        hosts = [(preference, host) for preference, host in hosts if host not in ("", ".", "@")]
        if not hosts:
            raise NoRoute(
                f"{domain} takes no mail: its DNS says so",
                temporary=False,
                enhanced="5.1.10",
                advice="Check the spelling of the address behind the @.",
            )
        self._shuffle(hosts)
        return sorted(hosts, key=lambda host: host[0])[:MAX_EXCHANGES]

    async def addresses(self, host: str) -> list[str]:
        """The IP addresses of a host, IPv4 first. Errors: `NoRoute`.

        IPv4 first: more servers have a name for their IPv4 address (PTR), without which many peers take nothing.
        """
        answers = await asyncio.gather(self._ask(host, "A"), self._ask(host, "AAAA"), return_exceptions=True)
        found: list[str] = []
        failures = []
        for answer in answers:
            if isinstance(answer, BaseException):
                failures.append(answer)
            else:
                found += [record.address for record in answer]
        if found:
            return found
        if failures:
            raise failures[0]
        raise NoRoute(f"the DNS knows no address of {host}", temporary=False, enhanced="5.4.4")

    async def _ask(self, name: str, kind: str) -> list:  # type: ignore[type-arg]  # records have the fields of their kind
        """The records of a kind, none where the name has none. `NoRoute` for a name that isn't there."""
        try:
            answer = await self._asked().resolve(
                name, kind, raise_on_no_answer=False, search=False, lifetime=self._seconds
            )
        except dns.resolver.NXDOMAIN as error:
            raise NoRoute(
                f"there is no domain {name}",
                temporary=False,
                enhanced="5.1.2",
                advice="Check the spelling of the address behind the @.",
            ) from error
        except dns.exception.DNSException as error:
            # SERVFAIL, REFUSED, no answer in time, an answer that makes no sense: the next question may do better.
            raise NoRoute(
                f"the DNS gives no answer about {name} at the moment", temporary=True, enhanced="4.4.3"
            ) from error
        return list(answer.rrset or ())

    def _asked(self) -> dns.asyncresolver.Resolver:
        """The resolver, made with the first question: /etc/resolv.conf may be written after we start."""
        if self._resolver is None:
            made = dns.asyncresolver.Resolver(configure=not self._servers)
            if self._servers:
                made.nameservers = [dns.nameserver.Do53Nameserver(address, port) for address, port in self._servers]
            made.timeout = TRY_SECONDS
            made.cache = dns.resolver.LRUCache(CACHE_SIZE)
            self._resolver = made
        return self._resolver


def ascii_name(domain: str) -> str:
    """A domain in A-labels (RFC 5890), lower case. `NoRoute` where it can be none."""
    plain = domain.rstrip(".").lower()
    try:
        # DNS allows what IDNA doesn't: an underscore, for example.
        name = plain if plain.isascii() else idna.encode(plain, uts46=True).decode("ascii")
        dns.name.from_text(name)
    except (idna.IDNAError, dns.exception.DNSException) as error:
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
