"""Logging in with a token that another server gave out: OAUTHBEARER (RFC 7628), and XOAUTH2, its elder.

The dialogues have the form of `sasl`. A server's yields `Token` as its question, and is answered with True when the
token is good for the user.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from posthouse.errors import LocalProtocolError, LoginRefused, RemoteProtocolError

from .sasl import Challenge, ClientExchange, Identity

T = TypeVar("T")

# Octets of the client's message. Tokens of large providers have up to some 4,000; AUTH carries at most 9 KB.
MAX_MESSAGE = 8192
# RFC 6750 §2.1
TOKEN = re.compile(rb"[A-Za-z0-9._~+/-]+=*")
# RFC 5801 §4, without channel binding: gs2-header = "n" / "y" "," [ "a=" saslname ] ","
HEADER = re.compile(rb"([nyp][^,]*),(?:a=((?:[^\x00=,]|=2C|=3D)+))?,")


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """A token, and for whom it is (empty: whoever it belongs to): a server's question, and what a client logs in with.

    What no server could accept raises `LoginRefused`.
    """

    user: str
    token: str

    def __post_init__(self) -> None:
        # RFC 7628 §3.1: \1 ends a field.
        if not TOKEN.fullmatch(self.token.encode(errors="replace")) or not self.user.isprintable():
            raise LoginRefused("this is no token, or no user name, that could be sent")

    def __repr__(self) -> str:
        """Without the token: it must not get into a log by accident."""
        return f"Token(user={self.user!r})"


OauthExchange: TypeAlias = Generator[Challenge | Token, bytes | bool, T]


def bearer_server(initial: bytes | None, discovery: str = "") -> OauthExchange[Identity]:
    """OAUTHBEARER. ``discovery``: the URL that tells clients where to get tokens (RFC 7628 §3.2.2)."""
    # RFC 7628 §3.1: client-resp = (gs2-header kvsep *kvpair kvsep) / kvsep
    message = (yield from _response(b"")) if initial is None else initial
    header, _, pairs = message.partition(b"\1")
    match = HEADER.fullmatch(header)
    if match is None or match[1].startswith(b"p") or not pairs.endswith(b"\1\1"):
        raise RemoteProtocolError("this is no message of OAUTHBEARER")
    user = _text(match[2] or b"").replace("=2C", ",").replace("=3D", "=")
    refusal = {"status": "invalid_token"} | ({"openid-configuration": discovery} if discovery else {})
    return (yield from _verified(user, _bearer(pairs), refusal, {b"\1", b""}))


def xoauth2_server(initial: bytes | None) -> OauthExchange[Identity]:
    """XOAUTH2, as Google describes it."""
    message = (yield from _response(b"")) if initial is None else initial
    user, _, pairs = message.partition(b"\1")
    if not user.startswith(b"user=") or not pairs.endswith(b"\1\1"):
        raise RemoteProtocolError("this is no message of XOAUTH2")
    name = _text(user.removeprefix(b"user="))
    return (yield from _verified(name, _bearer(pairs), {"status": "400", "schemes": "bearer"}, {b"", b"\1"}))


def _verified(user: str, token: str, refusal: dict[str, str], dummies: set[bytes]) -> OauthExchange[Identity]:
    # RFC 7628 §4.3: without a token the refusal is what the client asks for: it tells where there are some.
    answer = (yield Token(user, token)) if token else False
    if not isinstance(answer, bool):
        raise LocalProtocolError("the question for a token is answered with True or False")
    if not answer:
        # RFC 7628 §3.2.3: the client hears why as a challenge, answers with nothing, and only then is refused.
        if (yield from _response(json.dumps(refusal).encode())) not in dummies:
            raise RemoteProtocolError("the refusal of a token is answered with nothing")
        raise LoginRefused("the token is not good here")
    return Identity(user)


def _bearer(pairs: bytes) -> str:
    """The token in ``auth=Bearer …``; empty where there is none, or nothing that could be one. Other pairs (host, port)
    are of no use to a server that has one name."""
    for pair in pairs.split(b"\1"):
        key, _, value = pair.partition(b"=")
        scheme, _, token = value.partition(b" ")
        if key.lower() == b"auth" and scheme.lower() == b"bearer" and TOKEN.fullmatch(token):
            return token.decode("ascii")
    return ""


def _response(challenge: bytes) -> OauthExchange[bytes]:
    answer = yield Challenge(challenge)
    if not isinstance(answer, bytes):
        raise LocalProtocolError("a challenge is answered with the client's response")
    return answer


def _text(octets: bytes) -> str:
    if len(octets) > MAX_MESSAGE:
        raise RemoteProtocolError(f"a user name has at most {MAX_MESSAGE} octets")
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise RemoteProtocolError("the user name is not UTF-8") from error


# -- the client's side -----------------------------------------------------------------------------------------------


def bearer_client(token: Token) -> ClientExchange:
    """OAUTHBEARER: RFC 7628 §3.1. A challenge tells why the token isn't taken; nothing is the answer (§3.2.3)."""
    # RFC 5801 §4: "=" and "," in a name are written as =3D and =2C.
    name = token.user.replace("=", "=3D").replace(",", "=2C")
    yield f"n,a={name},\1auth=Bearer {token.token}\1\1".encode()
    yield b"\1"


def xoauth2_client(token: Token) -> ClientExchange:
    """XOAUTH2; its dummy answer is an empty one."""
    yield f"user={token.user}\1auth=Bearer {token.token}\1\1".encode()
    yield b""


def explain(challenge: bytes) -> str:
    """What a challenge says of a token that isn't taken (RFC 7628 §3.2.2); empty for one that says nothing."""
    try:
        status = json.loads(challenge)["status"]
    except (ValueError, KeyError, TypeError):
        return ""
    return status if isinstance(status, str) else ""
