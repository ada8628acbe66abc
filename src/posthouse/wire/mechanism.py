"""The SASL mechanisms that a server knows, as rows: what each needs, and how its dialogue begins.

SMTP, IMAP and POP3 carry them in different words and otherwise alike (RFC 4954, RFC 9051 §6.2.2, RFC 5034).
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeAlias

from . import external, oauth, scram
from .external import Certified
from .oauth import Token
from .sasl import MECHANISMS, Challenge, Credentials, Identity
from .scram import Channel, Keys, KeysWanted

Question: TypeAlias = Credentials | KeysWanted | Token | Certified
Answer: TypeAlias = bytes | bool | tuple[Keys, ...]
Exchange: TypeAlias = Generator[Challenge | Question, Any, Identity]


class Needs(enum.Enum):
    """What has to be there for a mechanism to work."""

    PASSWORD = "a password, or its hash"  # noqa: S105
    KEYS = "keys for SCRAM beside every password"
    BINDING = "keys, and TLS that both ends can name"
    TOKENS = "somebody who can tell whether a token is good"
    CERTIFICATE = "a client's certificate that is trusted"


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One row. ``begin``: the server's exchange, from the initial response or None, and what it is given."""

    name: str
    needs: Needs
    begin: Callable[[bytes | None, Channel], Exchange]


def _scram(digest: str, plus: bool, initial: bytes | None, channel: Channel) -> Exchange:
    return (yield from scram.server(digest, initial, channel, plus=plus))


def _scrams(suffix: str, needs: Needs) -> list[Mechanism]:
    return [
        Mechanism(name + suffix, needs, functools.partial(_scram, digest, bool(suffix)))
        for name, digest in scram.HASHES.items()
    ]


# The best first: the order in which they are listed.
SERVER: dict[str, Mechanism] = {
    row.name: row
    for row in (
        Mechanism("EXTERNAL", Needs.CERTIFICATE, lambda initial, _: external.server(initial)),
        *_scrams("-PLUS", Needs.BINDING),
        *_scrams("", Needs.KEYS),
        Mechanism(
            "OAUTHBEARER", Needs.TOKENS, lambda initial, channel: oauth.bearer_server(initial, channel.discovery)
        ),
        Mechanism("XOAUTH2", Needs.TOKENS, lambda initial, _: oauth.xoauth2_server(initial)),
        Mechanism("PLAIN", Needs.PASSWORD, lambda initial, _: MECHANISMS["PLAIN"].server(initial)),
        Mechanism("LOGIN", Needs.PASSWORD, lambda initial, _: MECHANISMS["LOGIN"].server(initial)),
    )
}
