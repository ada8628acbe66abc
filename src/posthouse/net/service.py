"""Where a domain's services are: SRV records (RFC 2782), its mail exchanges, and files on its web server."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass

import dns.exception
import dns.resolver

# Seconds for a question and for a file: somebody waits.
DNS_SECONDS = 5.0
WEB_SECONDS = 8.0
# Octets of a file: Mozilla's largest autoconfig file has 5 KB.
MAX_FILE = 64 * 1024


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


def fetch_file(url: str) -> bytes | None:
    """A small file over HTTPS; None where there is none. Certificates are verified."""
    if not url.startswith("https://"):
        raise ValueError(f"{url} is not private")
    try:
        with urllib.request.urlopen(url, timeout=WEB_SECONDS) as answer:  # noqa: S310  (https, as checked)
            octets: bytes = answer.read(MAX_FILE + 1)
    except (OSError, urllib.error.URLError, http.client.HTTPException, ValueError):
        return None
    return octets if len(octets) <= MAX_FILE else None
