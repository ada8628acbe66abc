"""SASL with the standard library's clients, which know PLAIN and LOGIN themselves."""

from __future__ import annotations

import imaplib
import poplib
import smtplib
import ssl
from collections.abc import Mapping

from posthouse.server import binding
from posthouse.wire import scram
from posthouse.wire.sasl import ClientExchange, Credentials, decode_base64, encode_base64


def exchange(
    mechanism: str, user: str, secret: str, bindings: Mapping[str, bytes] | None = None, nonce: str = "c" * 24
) -> ClientExchange:
    channel = scram.Channel(nonce, bindings or {})
    digest = scram.HASHES[mechanism.removesuffix("-PLUS")]
    return scram.client(digest, Credentials(user, secret), channel, plus=mechanism.endswith("-PLUS"))


def imap_takes(client: imaplib.IMAP4_SSL, mechanism: str, steps: ClientExchange) -> bool:
    """imaplib sends no initial response: the server's first challenge is empty."""
    first = [next(steps)]

    def answer(challenge: bytes) -> bytes:
        return (first.pop() if first else steps.send(challenge)) or b""

    try:
        return client.authenticate(mechanism, answer)[0] == "OK"
    except imaplib.IMAP4.error as error:
        assert "AUTHENTICATIONFAILED" in str(error), error
        return False


def smtp_takes(client: smtplib.SMTP, mechanism: str, steps: ClientExchange) -> bool:
    code, text = client.docmd("AUTH", f"{mechanism} {encode_base64(next(steps) or b'').decode()}")
    while code == 334:
        answer = encode_base64(steps.send(decode_base64(text)) or b"")
        code, text = client.docmd(answer.decode())
    assert code in (235, 535), text
    return code == 235


def pop3_takes(client: poplib.POP3_SSL, mechanism: str, steps: ClientExchange) -> bool:
    """poplib knows no AUTH: its inner methods send the lines."""
    client._putcmd(f"AUTH {mechanism} {encode_base64(next(steps) or b'').decode()}")  # type: ignore[attr-defined]
    while (line := client._getline()[0]).startswith(b"+ "):  # type: ignore[attr-defined]
        answer = encode_base64(steps.send(decode_base64(line[2:])) or b"")
        client._putcmd(answer.decode())  # type: ignore[attr-defined]
    assert line.startswith((b"+OK", b"-ERR [AUTH]")), line
    return bool(line.startswith(b"+OK"))


def exported(sock: object) -> bytes:
    assert isinstance(sock, ssl.SSLSocket)
    found = binding.tls_exporter(sock)  # type: ignore[arg-type]  # has what an SSLObject has
    assert found is not None
    return found
