"""The server's side of TLS: its certificate, and the one that `posthouse init` makes where there is none."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import os
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from posthouse.config import Tls
from posthouse.errors import ConfigError

from .binding import end_point, exporter_works, tls_exporter

# Apple's programs refuse certificates that are valid for longer than 825 days, even those trusted by hand.
SELF_SIGNED_DAYS = 820


def server_context(tls: Tls, *, people: bool = False) -> ssl.SSLContext | None:
    """The context for listeners, or None where no certificate is configured. `ConfigError` says what is wrong.

    ``people``: for doors where people log in. There a certificate of the client's counts; at the others it isn't asked
    for, because another server's, from an authority that isn't ours, would end the handshake and lose a letter.
    """
    if tls.certificate is None or tls.key is None:
        return None
    for path in filter(None, (tls.certificate, tls.key, tls.client_ca)):
        try:
            path.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"the certificate file {path} can't be read: {error.strerror}",
                advice="Check [tls] in the configuration, and who may read the file.",
            ) from error
    # RFC 8996 retires TLS 1.0 and 1.1; Python's defaults choose the ciphers.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=_no_pass_phrase)
    except ssl.SSLError as error:
        raise ConfigError(
            f"{tls.certificate} and {tls.key} are no certificate with its key: {error.reason or error}",
            advice="Both must be PEM files, and the key must belong to the certificate.",
        ) from error
    if people and tls.client_ca is not None:
        try:
            context.load_verify_locations(tls.client_ca)
        except ssl.SSLError as error:
            raise ConfigError(
                f"[tls] client_ca: {tls.client_ca} has no certificates in it: {error.reason or error}",
                advice="It is a PEM file with the certificates of those who sign your people's certificates.",
            ) from error
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


class ServerTls:
    """TLS at a kind of door: the context, and what a conversation may know of a connection."""

    def __init__(self, settings: Tls, context: ssl.SSLContext, *, people: bool, bind: bool) -> None:
        self.context = context
        self._settings = settings
        self._people = people
        self._owners = {owner.fingerprint: owner.address for owner in settings.client_certificates}
        self._exporter = bind and exporter_works(context)
        self._end_point = self._own()

    @classmethod
    def load(cls, settings: Tls, *, people: bool, bind: bool = False) -> ServerTls | None:
        """From the configuration; None where it names no certificate. ``bind``: logins may be bound to a connection.

        Errors: ConfigError.
        """
        context = server_context(settings, people=people)
        return None if context is None else cls(settings, context, people=people, bind=bind)

    def renew(self) -> None:
        """Take up a renewed certificate: connections that begin from now on use it. Errors: ConfigError."""
        server_context(self._settings, people=self._people)  # proves the files before the running context is touched
        assert self._settings.certificate is not None
        self.context.load_cert_chain(self._settings.certificate, self._settings.key)
        self._end_point = self._own()

    def bindings(self, tls: ssl.SSLObject) -> dict[str, bytes]:
        """What the connection can be named by, for SCRAM; empty where that doesn't include what clients need."""
        exported = tls_exporter(tls) if self._exporter else None
        if exported is None:
            return {}
        found = {"tls-exporter": exported, "tls-server-end-point": self._end_point}
        return {name: data for name, data in found.items() if data is not None}

    def certified(self, tls: ssl.SSLObject) -> tuple[str, ...]:
        """The addresses that the client's certificate, verified in the handshake, stands for: whom [tls] gives it to,
        else those in it (RFC 5280 §4.2.1.6, rfc822Name)."""
        if self.context.verify_mode is ssl.CERT_NONE or not (octets := tls.getpeercert(binary_form=True)):
            return ()
        owner = self._owners.get(hashlib.sha256(octets).hexdigest())
        if owner is not None:
            return (owner,)
        names = cast("tuple[tuple[str, str], ...]", (tls.getpeercert() or {}).get("subjectAltName", ()))
        return tuple([name for kind, name in names if kind == "email"])

    def _own(self) -> bytes | None:
        assert self._settings.certificate is not None
        return end_point(self._settings.certificate.read_bytes())


def _no_pass_phrase() -> str:
    """Nobody is there to be asked when a service starts."""
    raise ConfigError(
        "the key of [tls] is protected by a pass phrase",
        advice="Write it without one: openssl pkey -in key.pem -out plain.pem; the file's mode protects it.",
    )


def make_self_signed(folder: Path, hostname: str) -> tuple[Path, Path]:
    """Make ``certificate.pem`` and ``key.pem`` in ``folder`` for ``hostname`` and this machine's own names.

    `FileExistsError` where there is one: a key that somebody made is not thrown away.
    ECDSA on P-256: a handshake costs the server half of what RSA costs. The names: hostname, localhost, 127.0.0.1, ::1.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname[:64])])
    names: Sequence[x509.GeneralName] = [
        *(x509.DNSName(host) for host in dict.fromkeys([hostname.encode("idna").decode(), "localhost"])),
        *(x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")),
    ]
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))  # clocks differ
        .not_valid_after(now + datetime.timedelta(days=SELF_SIGNED_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        # It is its own authority: that lets a client trust it by file, and nothing else be signed in its name.
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    certificate_path, key_path = folder / "certificate.pem", folder / "key.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with os.fdopen(os.open(key_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
    with certificate_path.open("xb") as file:
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
    return certificate_path, key_path
