"""Where a domain's services are: SRV records (RFC 2782), its mail exchanges, and files on its web server."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import dns.exception
import dns.resolver

from posthouse.errors import ConnectionFailed, ProtocolError

from . import https
from .tls import client_context

# Seconds for a question, and for a file in all: somebody waits.
DNS_SECONDS = 5.0
WEB_SECONDS = 8.0
# Octets of a file: Mozilla's largest autoconfig file has 5 KB.
MAX_FILE = 64 * 1024
WEB_PORT = 443
# Providers keep one file for all the domains that they host, and send those who ask there.
MOVED, MAX_MOVES = (301, 302, 303, 307, 308), 4


@dataclass(frozen=True, slots=True)
class Service:
    """A host and a port."""

    host: str
    port: int


def find_services(domain: str, service: str) -> list[Service]:
    """The hosts of a service (``_imaps._tcp``) in the order in which to try them; none if the domain names none."""
    try:
        answer = dns.resolver.resolve(f"{service}.{domain}", "SRV", lifetime=DNS_SECONDS, search=False)
    except (dns.exception.DNSException, OSError):
        return []
    records = sorted(answer, key=lambda record: (record.priority, -record.weight))
    hosts = [(record.target.to_text(omit_final_dot=True), record.port) for record in records]
    # RFC 2782: a target of "." says that the service is decidedly not available.
    return [Service(host.lower(), port) for host, port in hosts if host not in ("", ".") and port]


def find_exchanges(domain: str) -> list[str]:
    """The hosts that take a domain's mail, the preferred one first; none if nobody knows."""
    try:
        answer = dns.resolver.resolve(domain, "MX", lifetime=DNS_SECONDS, search=False)
    except (dns.exception.DNSException, OSError):
        return []
    records = sorted(answer, key=lambda record: record.preference)
    return [record.exchange.to_text(omit_final_dot=True).lower() for record in records]


async def fetch_file(url: str) -> bytes | None:
    """A small file over HTTPS; None where there is none. Certificates are verified; where it has moved it is followed,
    over HTTPS only."""
    if not url.startswith("https://"):
        raise ValueError(f"{url} is not private")
    context = client_context()
    try:
        for _ in range(MAX_MOVES):
            where = urlsplit(url)
            if where.scheme != "https" or not where.hostname:
                return None
            target = (where.path or "/") + (f"?{where.query}" if where.query else "")
            answer = await https.ask(
                where.hostname,
                target,
                context=context,
                limit=MAX_FILE,
                seconds=WEB_SECONDS,
                port=where.port or WEB_PORT,
            )
            if answer.status not in MOVED:
                return answer.body if answer.status == 200 else None
            url = urljoin(url, answer.location)
    except (ConnectionFailed, ProtocolError, ValueError):
        pass
    return None
