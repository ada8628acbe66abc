"""EXTERNAL (RFC 4422, appendix A): who it is, the TLS handshake has told; the client only says whom it wants to be."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from posthouse.errors import LocalProtocolError, LoginRefused, RemoteProtocolError

from .sasl import MAX_FIELD, Challenge, ClientExchange, Identity

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Certified:
    """Whose the client's certificate is (empty: whoever it names): a server's question, and a client's secret."""

    user: str


ExternalExchange: TypeAlias = Generator[Challenge | Certified, bytes | bool, T]


def server(initial: bytes | None) -> ExternalExchange[Identity]:
    """A server's exchange."""
    message: bytes | bool | None = initial
    if message is None:
        message = yield Challenge(b"")
    if not isinstance(message, bytes):
        raise LocalProtocolError("a challenge is answered with the client's response")
    if b"\0" in message or len(message) > MAX_FIELD:
        raise RemoteProtocolError(f"a user name has at most {MAX_FIELD} octets, and no NUL")
    try:
        user = message.decode()
    except UnicodeDecodeError as error:
        raise RemoteProtocolError("the user name is not UTF-8") from error
    answer = yield Certified(user)
    if not isinstance(answer, bool):
        raise LocalProtocolError("the question for a certificate is answered with True or False")
    if not answer:
        raise LoginRefused("the certificate is for somebody else")
    return Identity(user)


def client(certified: Certified) -> ClientExchange:
    """A client's exchange."""
    yield certified.user.encode()
