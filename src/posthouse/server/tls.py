"""The server's side of TLS: its certificate, and the one that `posthouse init` makes where there is none."""

from __future__ import annotations

import datetime
import ipaddress
import os
import ssl
from collections.abc import Sequence
from pathlib import Path

from posthouse.config import Tls
from posthouse.errors import ConfigError

# Apple's programs refuse certificates that are valid for longer than 825 days, even those trusted by hand.
SELF_SIGNED_DAYS = 820


def server_context(tls: Tls) -> ssl.SSLContext | None:
    """The context for all listeners, or None where no certificate is configured. `ConfigError` says what is wrong."""
    if tls.certificate is None or tls.key is None:
        return None
    for path in (tls.certificate, tls.key):
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
    return context


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
