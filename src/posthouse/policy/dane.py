"""DANE for SMTP: TLSA records say by which certificate a mail host is known (RFC 6698, RFC 7671, RFC 7672).

Only records that DNSSEC vouches for may come here. Usages 0 and 1 say nothing among mail hosts (RFC 7672 §3.1.3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

# RFC 7218 §2.1
TRUST_ANCHOR, END_ENTITY = 2, 3
# RFC 7218 §2.2: what of a certificate is meant, and §2.3: in which form it is told.
SELECTORS: dict[int, Callable[[x509.Certificate], bytes]] = {
    0: lambda certificate: certificate.public_bytes(Encoding.DER),
    1: lambda certificate: certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
}
MATCHINGS: dict[int, Callable[[bytes], bytes]] = {
    0: lambda octets: octets,
    1: lambda octets: hashlib.sha256(octets).digest(),
    2: lambda octets: hashlib.sha512(octets).digest(),
}
# Certificates of a chain that are looked at; real ones have four at most.
MAX_CHAIN = 10


@dataclass(frozen=True, slots=True)
class Tlsa:
    """One TLSA record (RFC 6698 §2.1)."""

    usage: int
    selector: int
    matching: int
    data: bytes

    @property
    def usable(self) -> bool:
        """Whether it says something that we understand; RFC 7672 §2.2 tells what follows where no record does."""
        return self.usage in (TRUST_ANCHOR, END_ENTITY) and self.selector in SELECTORS and self.matching in MATCHINGS

    def matches(self, certificate: x509.Certificate) -> bool:
        """Whether it means this certificate."""
        return MATCHINGS[self.matching](SELECTORS[self.selector](certificate)) == self.data


def objection(records: Collection[Tlsa], chain: Sequence[bytes], names: Collection[str], now: int) -> str:
    """Why a host isn't the one that the records mean, in words that end a sentence; empty: it is.

    ``chain``: the certificates that it showed, DER, its own first. ``names``: what may stand in its certificate where
    the records name its issuer: the host's name and the domain's (RFC 7672 §3.2.2).
    """
    usable = [record for record in records if record.usable]
    try:
        certificates = [x509.load_der_x509_certificate(octets) for octets in chain[:MAX_CHAIN]]
    except ValueError:
        return "its certificate can't be read"
    if not certificates:
        return "it showed no certificate"
    leaf = certificates[0]
    # §3.1.1: neither its names nor its dates count.
    if any(record.usage == END_ENTITY and record.matches(leaf) for record in usable):
        return ""
    anchors = [record for record in usable if record.usage == TRUST_ANCHOR]
    if not anchors:
        return "its certificate is another than the TLSA records name"
    # A whole certificate in the DNS may be what the host's chain lacks.
    given = [one for record in anchors if record.selector == record.matching == 0 for one in _read(record.data)]
    if not _leads_to(anchors, leaf, [*certificates[1:], *given], datetime.fromtimestamp(now, UTC)):
        return "its certificate doesn't come from the issuer that the TLSA records name, or isn't valid now"
    if not any(_is_for(leaf, name) for name in names):
        return f"its certificate isn't for {' or '.join(sorted(names))}"
    return ""


def _read(octets: bytes) -> list[x509.Certificate]:
    try:
        return [x509.load_der_x509_certificate(octets)]
    except ValueError:
        return []


def _leads_to(
    anchors: Collection[Tlsa], leaf: x509.Certificate, issuers: Sequence[x509.Certificate], now: datetime
) -> bool:
    """Whether signatures lead from a certificate to one that is an anchor, all valid now."""
    below, depth = leaf, 0
    rest = list(issuers)
    while _in_time(below, now):
        issuer = next((one for one in rest if _issued(one, below, depth)), None)
        if issuer is None:
            return False
        if any(record.matches(issuer) for record in anchors):
            return _in_time(issuer, now)
        rest.remove(issuer)
        below, depth = issuer, depth + 1
    return False


def _in_time(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _issued(issuer: x509.Certificate, certificate: x509.Certificate, below: int) -> bool:
    """Whether a certificate comes from this issuer, which may issue it with so many authorities below itself."""
    try:
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        if not constraints.ca or (constraints.path_length is not None and constraints.path_length < below):
            return False
        certificate.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, ValueError, TypeError, InvalidSignature):
        return False
    return True


def _is_for(certificate: x509.Certificate, name: str) -> bool:
    """Whether a certificate is for a host: RFC 6125 §6.4.3, RFC 7672 §3.2.3."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    parent = name.lower().partition(".")[2]
    wanted = {name.lower(), f"*.{parent}"} if parent else {name.lower()}
    return any(one.rstrip(".").lower() in wanted for one in names.get_values_for_type(x509.DNSName))
