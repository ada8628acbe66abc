"""DANE: which certificate chains the TLSA records of a host mean."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from posthouse.policy.dane import Tlsa, objection

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOST = "mail.example.org"


class Cert:
    """A certificate and its key."""

    def __init__(
        self, name: str, issuer: Cert | None = None, *, ca: bool = False, days: int = 30, path: int | None = None
    ) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = issuer or self
        built = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(signer.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=100))
            .not_valid_after(NOW + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=path), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        )
        self.x509 = built.sign(signer.key, hashes.SHA256())
        self.der = self.x509.public_bytes(Encoding.DER)
        self.spki = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


ROOT = Cert("root", ca=True)
MIDDLE = Cert("middle", ROOT, ca=True)
LEAF = Cert(HOST, MIDDLE)
OLD = Cert("other.example", MIDDLE, days=-1)
CHAIN = [LEAF.der, MIDDLE.der, ROOT.der]


def sha256(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()


def why(*records: Tlsa, chain: list[bytes] = CHAIN, names: tuple[str, ...] = (HOST,)) -> str:
    return objection(records, chain, names, int(NOW.timestamp()))


@pytest.mark.parametrize(
    "record",
    [
        Tlsa(3, 1, 1, sha256(LEAF.spki)),
        Tlsa(3, 0, 1, sha256(LEAF.der)),
        Tlsa(3, 1, 2, hashlib.sha512(LEAF.spki).digest()),
        Tlsa(3, 0, 0, LEAF.der),
        Tlsa(2, 0, 1, sha256(ROOT.der)),
        Tlsa(2, 1, 1, sha256(ROOT.spki)),
        Tlsa(2, 0, 1, sha256(MIDDLE.der)),
    ],
)
def test_the_host_that_is_meant(record: Tlsa) -> None:
    assert why(record) == ""
    assert why(Tlsa(3, 1, 1, b"another"), record) == "", "one of them is enough: keys are changed with two"


def test_a_key_of_its_own_counts_whatever_the_certificate_says() -> None:
    """RFC 7672 §3.1.1: neither names nor dates."""
    assert why(Tlsa(3, 1, 1, sha256(OLD.spki)), chain=[OLD.der]) == ""


def test_an_issuer_that_the_host_leaves_out_may_stand_in_the_dns() -> None:
    assert why(Tlsa(2, 0, 0, ROOT.der), chain=[LEAF.der, MIDDLE.der]) == ""
    assert "issuer" in why(Tlsa(2, 0, 1, sha256(ROOT.der)), chain=[LEAF.der, MIDDLE.der])


def test_another_host() -> None:
    assert "another than the TLSA records name" in why(Tlsa(3, 1, 1, sha256(ROOT.spki)))
    assert "doesn't come from the issuer" in why(Tlsa(2, 0, 1, sha256(Cert("evil", ca=True).der)))
    assert "isn't for far.example" in why(Tlsa(2, 0, 1, sha256(ROOT.der)), names=("far.example",))
    assert "isn't valid now" in why(Tlsa(2, 0, 1, sha256(ROOT.der)), chain=[OLD.der, MIDDLE.der, ROOT.der])
    assert "no certificate" in why(Tlsa(3, 1, 1, b""), chain=[])
    assert "can't be read" in why(Tlsa(3, 1, 1, b""), chain=[b"\x30\x00"])


def test_a_certificate_that_may_not_issue_issues_nothing() -> None:
    fake = Cert(HOST, LEAF)
    assert "issuer" in why(Tlsa(2, 0, 1, sha256(ROOT.der)), chain=[fake.der, LEAF.der, MIDDLE.der, ROOT.der])
    short = Cert("short", ca=True, path=0)
    below = Cert("below", short, ca=True)
    leaf = Cert(HOST, below)
    assert "issuer" in why(Tlsa(2, 0, 1, sha256(short.der)), chain=[leaf.der, below.der, short.der])


def test_usages_that_say_nothing_among_mail_hosts() -> None:
    """RFC 7672 §3.1.3; what is unknown too."""
    assert not any(Tlsa(*kind, b"").usable for kind in ((0, 0, 1), (1, 1, 1), (3, 2, 1), (3, 1, 3), (9, 9, 9)))
