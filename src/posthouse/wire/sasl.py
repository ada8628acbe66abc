"""Logging in: the mechanisms of SASL (RFC 4422), each a dialogue without I/O, for both sides; here PLAIN and LOGIN.

A server's mechanism is a generator. It yields a `Challenge` and is sent the client's response; it yields a question
for whoever keeps the passwords (`Credentials`: are these right?) and is sent the answer. It returns the `Identity` that
has logged in, or raises `LoginRefused`, or `RemoteProtocolError` for what the mechanism doesn't allow::

    exchange = plain_server(initial_response)
    step = next(exchange)              # a Challenge: send it, then exchange.send(the client's response)
                                       # Credentials: look them up, then exchange.send(True or False)
                                       # StopIteration: its value is the Identity

A client's mechanism yields what it sends, first the initial response (None: the server speaks first), and is sent the
server's challenges.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from posthouse.errors import LocalProtocolError, LoginRefused, RemoteProtocolError

T = TypeVar("T")

# RFC 4648 §4, padded
BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
# Octets of a user name or a password. RFC 4616 §2 asks for at least 255.
MAX_FIELD = 1024


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the server sends to the client; answered with the client's response."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name and a password: a server's question, answered with a bool; and what a client logs in with.

    ``authcid`` is whose password it is; ``authzid`` whom to act as, empty for the same. What no server could accept
    raises `LoginRefused`.
    """

    authcid: str
    password: str
    authzid: str = ""

    def __post_init__(self) -> None:
        if not self.authcid or not self.password:
            raise LoginRefused("the user name or the password is missing")
        for text in (self.authcid, self.password, self.authzid):
            try:
                octets = text.encode()
            except UnicodeEncodeError as error:
                raise LoginRefused("the user name or the password can't be written as UTF-8") from error
            if b"\0" in octets or len(octets) > MAX_FIELD:
                raise LoginRefused(f"user names and passwords have at most {MAX_FIELD} octets, and no NUL")

    def __repr__(self) -> str:
        """Without the password: it must not get into a log by accident."""
        return f"Credentials(authcid={self.authcid!r}, authzid={self.authzid!r})"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who has logged in: the account whose password it was, and whom it wants to act as (empty: itself).

    ``proof``: which of the answers to the mechanism's question it was, where there were several.
    """

    authcid: str
    authzid: str = ""
    proof: object = field(default=None, compare=False, repr=False)


Step: TypeAlias = Challenge | Credentials
Answer: TypeAlias = bytes | bool
ServerExchange: TypeAlias = Generator[Step, Answer, T]
ClientExchange: TypeAlias = Generator[bytes | None, bytes, None]


# -- the steps of a server's mechanism -------------------------------------------------------------------------------


def _response(challenge: bytes) -> ServerExchange[bytes]:
    answer = yield Challenge(challenge)
    if not isinstance(answer, bytes):
        raise LocalProtocolError("a challenge is answered with the client's response")
    return answer


def _verified(credentials: Credentials) -> ServerExchange[Identity]:
    answer = yield credentials
    if not isinstance(answer, bool):
        raise LocalProtocolError("the question for a password is answered with True or False")
    if not answer:
        raise LoginRefused("the user name or the password is wrong")
    return Identity(credentials.authcid, credentials.authzid)


def _text(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise RemoteProtocolError("the user name or the password is not UTF-8") from error


# -- PLAIN: RFC 4616 -------------------------------------------------------------------------------------------------


def plain_server(initial: bytes | None) -> ServerExchange[Identity]:
    """The server's exchange."""
    # RFC 4616 §2: message = [authzid] UTF8NUL authcid UTF8NUL passwd
    message = (yield from _response(b"")) if initial is None else initial
    fields = message.split(b"\0")
    if len(fields) != 3:
        raise RemoteProtocolError("PLAIN takes three fields: whom to act as, user name, password")
    authzid, authcid, password = map(_text, fields)
    return (yield from _verified(Credentials(authcid, password, authzid)))


def plain_client(credentials: Credentials) -> ClientExchange:
    """The client's exchange."""
    yield f"{credentials.authzid}\0{credentials.authcid}\0{credentials.password}".encode()


# -- LOGIN: draft-murchison-sasl-login, older than the standard and still what many programs choose ------------------


def login_server(initial: bytes | None) -> ServerExchange[Identity]:
    """The server's exchange."""
    # Clients don't read the prompts, but count them; some send the name as initial response.
    authcid = (yield from _response(b"Username:")) if initial is None else initial
    password = yield from _response(b"Password:")
    return (yield from _verified(Credentials(_text(authcid), _text(password))))


def login_client(credentials: Credentials) -> ClientExchange:
    """The client's exchange."""
    yield None
    yield credentials.authcid.encode()
    yield credentials.password.encode()


# -- base64, as SMTP, IMAP and POP3 carry the messages ---------------------------------------------------------------


def encode_base64(data: bytes) -> bytes:
    """The octets as base64, in one line."""
    return binascii.b2a_base64(data, newline=False)


def decode_base64(text: bytes) -> bytes:
    """The octets of a base64 text. `RemoteProtocolError` for any other character and any stray ``=`` (RFC 4954 §4)."""
    # Python's strict mode alone lets "AAAA=" and "AAAA====" pass.
    if not BASE64.fullmatch(text):
        raise RemoteProtocolError("this is not base64")
    return binascii.a2b_base64(text)
