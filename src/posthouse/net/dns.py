"""Where letters for a domain go: MX records and addresses (RFC 5321 §5, RFC 7505), from a resolver that is asked.

Answers are kept as long as their TTL says, those that say "there is none" too.
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import AsyncGenerator, Callable, MutableSequence, Sequence

import dns.asyncresolver
import dns.exception
import dns.flags
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

    async def vouched(self, domain: str) -> bool:
        """Whether DNSSEC vouches for what `exchanges` says, or for whose name the host must prove there: its own.

        A resolver checks the signatures, so it is one on this machine that is believed (RFC 6698 §4, appendix A.3).
        """
        name = ascii_name(domain)
        answer = await self._answer(name, "MX")  # kept, as a rule
        return answer.rrset is None or self._proved(answer)

    async def pinned(self, host: str, port: int) -> tuple[str, list[tuple[int, int, int, bytes]]]:
        """The TLSA records of a mail host that DNSSEC vouches for: their name, and (usage, selector, matching, data) of
        each; none where there are none. Errors: `NoRoute`, where it can't be known at the moment.

        RFC 7672 §2.2.2: first the addresses. Where nothing vouches for these there are no records that could count, and
        name servers that can't answer the question for them aren't asked (many of big providers can't).
        """
        bases: list[str] = []
        for kind in ("A", "AAAA"):
            answer = await self._answer(host, kind)
            if answer.rrset is not None and self._proved(answer):
                final = answer.canonical_name.to_text(omit_final_dot=True).lower()
                bases = list(dict.fromkeys([final, host]))
                break
        for base in bases:
            try:
                answer = await self._answer(f"_{port}._tcp.{base}", "TLSA")
            except NoRoute as error:
                if error.temporary:
                    raise
                continue  # there is no such name
            if answer.rrset is not None and self._proved(answer):
                return base, [(one.usage, one.selector, one.mtype, one.cert) for one in answer.rrset]
        return host, []

    async def texts(self, name: str) -> list[str]:
        """The TXT records of a name, each of its strings put together. Errors: `NoRoute`."""
        return [b"".join(record.strings).decode("utf-8", "replace") for record in await self._ask(name, "TXT")]

    async def validates(self) -> bool:
        """Whether the resolver checks signatures, and is believed: nothing counts as proved otherwise."""
        try:
            return self._proved(await self._answer(".", "NS"))
        except NoRoute:
            return False

    def _proved(self, answer: dns.resolver.Answer) -> bool:
        """Whether DNSSEC vouches for an answer, says a resolver that is believed: RFC 6698 appendix A.3."""
        if not answer.response.flags & dns.flags.AD or answer.nameserver is None:
            return False
        return self._trusted or ipaddress.ip_address(answer.nameserver).is_loopback

    async def addresses(self, host: str) -> AsyncGenerator[list[str], None]:
        """The IP addresses of a host, IPv4 first: those of the second kind are asked for when they are wanted.

        IPv4 first: more servers have a name for their IPv4 address (PTR), without which many peers take nothing.
        Errors: `NoRoute`, where there is none, or one of the kinds can't be known at the moment.
        """
        known = False
        failure: NoRoute | None = None
        for kind in ("A", "AAAA"):
            try:
                found = [record.address for record in await self._ask(host, kind)]
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

    async def _ask(self, name: str, kind: str) -> list:  # type: ignore[type-arg]  # records have the fields of their kind
        """The records of a kind, none where the name has none. `NoRoute` for a name that isn't there."""
        return list((await self._answer(name, kind)).rrset or ())

    async def _answer(self, name: str, kind: str) -> dns.resolver.Answer:
        try:
            return await self._asked().resolve(
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

    def _asked(self) -> dns.asyncresolver.Resolver:
        """The resolver, made with the first question: /etc/resolv.conf may be written after we start."""
        if self._resolver is None:
            made = dns.asyncresolver.Resolver(configure=not self._servers)
            if self._servers:
                made.nameservers = [dns.nameserver.Do53Nameserver(address, port) for address, port in self._servers]
            made.timeout = TRY_SECONDS
            made.flags = dns.flags.RD | dns.flags.AD  # RFC 6840 §5.7: say in the answer whether it was proved
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
