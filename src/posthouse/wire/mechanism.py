"""The SASL mechanisms, one row each: what it needs, and how its dialogue begins at either end.

SMTP, IMAP and POP3 carry them in different words and otherwise alike (RFC 4954, RFC 9051 §6.2.2, RFC 5034). A server's
side is carried by sessions/login, a client's by `client_login`.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Collection, Generator, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from . import external, oauth, sasl, scram
from .external import Certified
from .oauth import Token
from .sasl import Challenge, ClientExchange, Credentials, Identity
from .scram import Channel, Keys, KeysWanted

# What a server asks whoever keeps the secrets, and the answers.
Question: TypeAlias = Credentials | KeysWanted | Token | Certified
Answer: TypeAlias = bytes | bool | tuple[Keys, ...]
Exchange: TypeAlias = Generator[Challenge | Question, Any, Identity]
# What a client logs in with.
Secret: TypeAlias = Credentials | Token | Certified


class Needs(enum.Enum):
    """What has to be there at the server for a mechanism to work."""

    PASSWORD = "a password, or its hash"  # noqa: S105
    KEYS = "keys for SCRAM beside every password"
    BINDING = "keys, and TLS that both ends can name"
    TOKENS = "somebody who can tell whether a token is good"
    CERTIFICATE = "a client's certificate that is trusted"


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One row. ``begin``: the server's exchange, from the initial response or None, and what it is given.

    ``secret`` is what a client has for it, and ``client`` the client's exchange. ``mutual``: the server proves itself,
    too, and who lets a client in before that is not the server.
    """

    name: str
    needs: Needs
    begin: Callable[[bytes | None, Channel], Exchange]
    secret: type[Secret]
    client: Callable[[Any, Channel], ClientExchange]
    mutual: bool = False


def _scram(digest: str, plus: bool, initial: bytes | None, channel: Channel) -> Exchange:
    return (yield from scram.server(digest, initial, channel, plus=plus))


def _scrams(suffix: str, needs: Needs) -> list[Mechanism]:
    return [
        Mechanism(
            name + suffix,
            needs,
            functools.partial(_scram, digest, bool(suffix)),
            Credentials,
            functools.partial(scram.client, digest, plus=bool(suffix)),
            mutual=True,
        )
        for name, digest in scram.HASHES.items()
    ]


# The best first: the order in which a server lists them, and a client prefers them.
MECHANISMS: dict[str, Mechanism] = {
    row.name: row
    for row in (
        Mechanism(
            "EXTERNAL",
            Needs.CERTIFICATE,
            lambda initial, _: external.server(initial),
            Certified,
            lambda certified, _: external.client(certified),
        ),
        *_scrams("-PLUS", Needs.BINDING),
        *_scrams("", Needs.KEYS),
        Mechanism(
            "OAUTHBEARER",
            Needs.TOKENS,
            lambda initial, channel: oauth.bearer_server(initial, channel.discovery),
            Token,
            lambda token, _: oauth.bearer_client(token),
        ),
        Mechanism(
            "XOAUTH2",
            Needs.TOKENS,
            lambda initial, _: oauth.xoauth2_server(initial),
            Token,
            lambda token, _: oauth.xoauth2_client(token),
        ),
        Mechanism(
            "PLAIN",
            Needs.PASSWORD,
            lambda initial, _: sasl.plain_server(initial),
            Credentials,
            lambda credentials, _: sasl.plain_client(credentials),
        ),
        Mechanism(
            "LOGIN",
            Needs.PASSWORD,
            lambda initial, _: sasl.login_server(initial),
            Credentials,
            lambda credentials, _: sasl.login_client(credentials),
        ),
    )
}


def usable(offered: Collection[str], secret: Secret, channel: Channel) -> Iterator[Mechanism]:
    """The mechanisms that a client may log in with at a server, one of each need, the best first.

    A second one is for where the first is refused: a server may offer SCRAM and have no keys for this account, which it
    doesn't tell (RFC 5802 §7: it would tell who has an account). All of them presume a line that is private: whether
    it is, the caller knows.
    """
    tried: set[Needs] = set()
    for row in MECHANISMS.values():
        binds = row.needs is not Needs.BINDING or channel.bindings
        if row.name in offered and isinstance(secret, row.secret) and binds and row.needs not in tried:
            tried.add(row.needs)
            yield row
