"""TLS as a client: whom we trust, and what a failed handshake means in plain words."""

from __future__ import annotations

import contextlib
import socket
import ssl

from posthouse.errors import TlsError

# What OpenSSL says when the other side's first octets are no TLS record: it speaks clear text first.
NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"})
# X.509 verification results of OpenSSL, x509_vfy.h.
EXPIRED, NOT_YET_VALID, HOSTNAME_MISMATCH, IP_ADDRESS_MISMATCH = 10, 9, 62, 64


def client_context() -> ssl.SSLContext:
    """A context that verifies: certificates that the system trusts, and the file that SSL_CERT_FILE names.

    TLS 1.2 or newer (RFC 8996 forbids what is older).
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def explain(error: Exception, host: str, port: int) -> TlsError:
    """What a failed handshake with ``host``, as its client, means and what to do about it."""
    where = f"{host}:{port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return _explain_certificate(error, host)
    if isinstance(error, ssl.SSLError) and error.reason in NOT_TLS:
        return speaks_first(host, port)
    if isinstance(error, TimeoutError):
        return TlsError(f"{where} did not finish the TLS handshake in time", advice="Try again in a few minutes.")
    if isinstance(error, ssl.SSLError) and error.reason and not isinstance(error, ssl.SSLEOFError):
        reason = error.reason.replace("_", " ").lower()
        return TlsError(
            f"{where} and this computer could not agree on how to encrypt: {reason}",
            advice="The server may be too old for TLS 1.2; ask whoever runs it.",
        )
    return TlsError(f"{where} closed the connection when TLS began", advice="Check the port: is it the right server?")


def speaks_first(host: str, port: int) -> TlsError:
    """Octets came where the server should have waited for our handshake."""
    return TlsError(
        f"{host}:{port} does not begin with TLS: it speaks clear text first",
        advice="That is a port for STARTTLS: add ?tls=starttls to the address, or use the port for TLS from the"
        " start (993 for IMAP, 465 for sending, 995 for POP3).",
    )


def _explain_certificate(error: ssl.SSLCertVerificationError, host: str) -> TlsError:
    if error.verify_code in (HOSTNAME_MISMATCH, IP_ADDRESS_MISMATCH):
        return TlsError(
            f"the certificate that the server shows is not for {host}",
            advice="Use the name that the provider gives for its server; the certificate names the server, and that"
            " may differ from your own domain.",
        )
    if error.verify_code in (EXPIRED, NOT_YET_VALID):
        return TlsError(
            f"the certificate of {host} is {'expired' if error.verify_code == EXPIRED else 'not valid yet'}",
            advice="Check this computer's date; if it is right, whoever runs the server must renew the certificate.",
        )
    reason = error.verify_message or "it can't be verified"
    return TlsError(
        f"the certificate of {host} is not trusted: {reason}",
        advice="If this is your own server, trust its certificate with"
        " SSL_CERT_FILE=/path/to/certificate.pem; otherwise somebody may be listening in.",
    )


def answer_to_tls(host: str, port: int, seconds: float) -> bytes:
    """The first octet with which a server answers a TLS handshake that comes unannounced; ``b""`` for none.

    Each step takes at most ``seconds``. Nothing is sent but the handshake's first message.
    """
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    handshake = client_context().wrap_bio(incoming, outgoing, server_hostname=host)
    with contextlib.suppress(ssl.SSLWantReadError):
        handshake.do_handshake()
    try:
        with socket.create_connection((host, port), seconds) as probe:
            probe.sendall(outgoing.read())
            return probe.recv(1)
    except OSError:
        return b""
