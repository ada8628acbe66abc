"""Where the servers of a mail address are, when nobody has said.

Asked in turn, the first answer counts: the table of big providers; the domain's SRV records (RFC 6186, RFC 8314 §5.1);
the autoconfig file that mail programs read (of the domain itself: nobody else learns who asks); the provider that the
domain's MX records point to; the names that nearly everybody uses. What is found this way is tried before it is used.

SRV records come over a line that nobody vouches for, and a certificate proves only that the server is who the record
says. So a host outside of the domain isn't believed (RFC 6186 §6): where nothing better is found, its name is told, and
who knows it says so.
"""

from __future__ import annotations

import re
import ssl
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from posthouse.errors import ConfigError, ConnectionFailed, PosthouseError
from posthouse.net.service import Service, fetch_file, find_exchanges, find_services
from posthouse.net.stream import Stream

from . import imap, pop3, smtp
from .drive import drive, finish
from .providers import PROVIDERS
from .url import Protocol, Security, Server

# Whose mail exchanges stand for which provider's servers.
EXCHANGES = {
    "google.com": "gmail.com",
    "googlemail.com": "gmail.com",
    "outlook.com": "outlook.com",
    "messagingengine.com": "fastmail.com",
    "yahoodns.net": "yahoo.com",
    "icloud.com": "icloud.com",
    "mailbox.org": "mailbox.org",
    "zoho.com": "zoho.com",
    "yandex.net": "yandex.com",
    "posteo.de": "posteo.de",
}
# RFC 6186 §3.1, RFC 8314 §5.1: TLS from the first octet is looked for first.
SERVICES = {
    Protocol.SMTP: (("_submissions._tcp", Security.IMPLICIT), ("_submission._tcp", Security.STARTTLS)),
    Protocol.IMAP: (("_imaps._tcp", Security.IMPLICIT), ("_imap._tcp", Security.STARTTLS)),
    Protocol.POP3: (("_pop3s._tcp", Security.IMPLICIT), ("_pop3._tcp", Security.STARTTLS)),
}
# What hosts are called where nothing else is known, and the ports to knock at.
PREFIXES = {
    Protocol.SMTP: ("smtp.", "mail.", ""),
    Protocol.IMAP: ("imap.", "mail.", ""),
    Protocol.POP3: ("pop.", "pop3.", "mail.", ""),
}
PORTS = {
    Protocol.SMTP: ((465, Security.IMPLICIT), (587, Security.STARTTLS)),
    Protocol.IMAP: ((993, Security.IMPLICIT), (143, Security.STARTTLS)),
    Protocol.POP3: ((995, Security.IMPLICIT), (110, Security.STARTTLS)),
}
# Mozilla's autoconfig format; "plain" is left out: nothing is sent in clear text.
SOCKET_TYPES = {"SSL": Security.IMPLICIT, "STARTTLS": Security.STARTTLS}
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)

# Seconds for a server that is only guessed at to take a connection.
PROBE_SECONDS = 4.0

# Connects to a server and hangs up again; raises what is in the way.
Probe = Callable[[Server, ssl.SSLContext | None], None]


@dataclass(frozen=True, slots=True)
class Sources:
    """Whom to ask; a test asks others."""

    services: Callable[[str, str], list[Service]] = find_services
    exchanges: Callable[[str], list[str]] = find_exchanges
    file: Callable[[str], bytes | None] = lambda url: finish(fetch_file(url))


def find_server(
    address: str, domain: str, protocol: Protocol, probe: Probe, context: ssl.SSLContext | None, sources: Sources
) -> Server:
    """The server of an address for one protocol. `ConfigError` if none is found, with what was tried.

    ``probe`` sees whether one is there. An answer of the domain itself that can't be reached is an error, not a reason
    to go on guessing.
    """
    known = _of_provider(domain, protocol)
    if known is not None:
        return known
    failure: PosthouseError | None = None
    by_srv = list(_by_srv(domain, protocol, sources))
    elsewhere = next((server for server in by_srv if not _belongs_to(server.host, domain)), None)
    inside = (server for server in by_srv if _belongs_to(server.host, domain))
    for candidates in (inside, _by_file(address, domain, protocol, sources)):
        for server in candidates:
            try:
                probe(server, context)
            except PosthouseError as error:
                failure = failure or error
            else:
                return server
        if failure is not None:
            raise failure
    provider = next(filter(None, (_exchange_of(host) for host in sources.exchanges(domain))), None)
    if provider and (known := _of_provider(provider, protocol)):
        return known
    for server in _guesses(domain, protocol):
        try:
            probe(server, context)
        except ConnectionFailed:
            continue
        return server
    scheme = protocol.value
    if elsewhere is not None:
        raise ConfigError(
            f"the DNS says that {domain} has its {scheme.upper()} server at {elsewhere.host}, and nothing proves it",
            advice=f'If that is your provider, name it: {scheme}="{elsewhere}", or --{scheme}.',
        )
    raise ConfigError(
        f"the {scheme.upper()} server of {domain} can't be found: its DNS names none, "
        f"and neither {PREFIXES[protocol][0]}{domain} nor mail.{domain} answers",
        advice=f'Name it: {scheme}="{scheme}://mail.{domain}", or --{scheme}; the provider\'s help pages tell.',
    )


def probe(server: Server, context: ssl.SSLContext | None) -> None:
    """Connect, begin TLS as the address says, hear the greeting, and hang up. Raises what is in the way."""
    stream = Stream.connect(server.host, server.port, PROBE_SECONDS)
    try:
        if server.protocol is Protocol.SMTP:
            greeted = smtp.connect(smtp.Conversation(server, "localhost", loopback=stream.loopback))
        elif server.protocol is Protocol.POP3:
            greeted = pop3.connect(pop3.Conversation(server, loopback=stream.loopback))
        else:
            greeted = imap.connect(imap.Conversation(server, loopback=stream.loopback))
        drive(stream, greeted, context)
    finally:
        stream.close()


def _of_provider(domain: str, protocol: Protocol) -> Server | None:
    known = PROVIDERS.get(domain.lower())
    if known is None or protocol is Protocol.POP3:  # all of these have IMAP
        return None
    return Server.parse(known[0 if protocol is Protocol.SMTP else 1], protocol)


def _by_srv(domain: str, protocol: Protocol, sources: Sources) -> Iterator[Server]:
    for name, security in SERVICES[protocol]:
        for service in sources.services(domain, name):
            yield Server(protocol, service.host, service.port, security)


def _by_file(address: str, domain: str, protocol: Protocol, sources: Sources) -> Iterator[Server]:
    path = "mail/config-v1.1.xml"
    for url in (
        f"https://autoconfig.{domain}/{path}?emailaddress={quote(address)}",
        f"https://{domain}/.well-known/autoconfig/{path}",
    ):
        octets = sources.file(url)
        if octets is not None:
            yield from read_autoconfig(octets, address, protocol)
            return


def read_autoconfig(octets: bytes, address: str, protocol: Protocol) -> Iterator[Server]:
    """The servers of one protocol in an autoconfig file; none in what is none."""
    if _DOCTYPE.search(octets):  # an entity may stand for gigabytes
        return
    try:
        root = ElementTree.fromstring(octets)  # noqa: S314  (without a DOCTYPE there are no entities)
    except ElementTree.ParseError:
        return
    name = protocol.value
    for one in root.iter("outgoingServer" if protocol is Protocol.SMTP else "incomingServer"):
        security = SOCKET_TYPES.get((one.findtext("socketType") or "").strip())
        port = (one.findtext("port") or "").strip()
        if one.get("type") != name or security is None or not port.isdigit():
            continue
        user = (one.findtext("username") or "").strip()
        user = user.replace("%EMAILADDRESS%", address).replace("%EMAILLOCALPART%", address.rpartition("@")[0])
        try:
            yield Server(protocol, (one.findtext("hostname") or "").strip(), int(port), security, user)
        except ConfigError:
            continue


def _belongs_to(host: str, domain: str) -> bool:
    """Whether the domain itself has this host; or a big provider, of which everybody knows who it is."""
    known = {urlsplit(url).hostname for urls in PROVIDERS.values() for url in urls}
    return f".{host}".endswith(f".{domain.lower()}") or host in known


def _exchange_of(host: str) -> str | None:
    return next((provider for suffix, provider in EXCHANGES.items() if f".{host}".endswith(f".{suffix}")), None)


def _guesses(domain: str, protocol: Protocol) -> Iterable[Server]:
    return (
        Server(protocol, prefix + domain, port, security)
        for port, security in PORTS[protocol]
        for prefix in PREFIXES[protocol]
    )
