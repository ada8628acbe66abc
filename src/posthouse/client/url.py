"""Where a server is and how to talk to it: ``imap://ada@mail.example.org:143?tls=starttls``."""

from __future__ import annotations

import enum
import ipaddress
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import idna

from posthouse.errors import ConfigError
from posthouse.wire.mechanism import MECHANISMS


class Security(enum.Enum):
    """When a connection becomes private."""

    IMPLICIT = "implicit"  # TLS from the first octet (RFC 8314 §3)
    STARTTLS = "starttls"  # after a command in clear text; refused if the server doesn't offer it
    NONE = "none"  # never; no password leaves then, except to this very computer


class Protocol(enum.Enum):
    """What is spoken."""

    SMTP = "smtp"
    LMTP = "lmtp"
    IMAP = "imap"
    POP3 = "pop3"


# scheme -> protocol, port, security. A letter of one's own is handed in at the submission ports (RFC 6409 §3.1,
# RFC 8314 §7.3), so smtp:// without a port means 587; 25 is for servers among themselves, and must be written out.
SCHEMES: dict[str, tuple[Protocol, int, Security]] = {
    "smtp": (Protocol.SMTP, 587, Security.STARTTLS),
    "submission": (Protocol.SMTP, 587, Security.STARTTLS),
    "smtps": (Protocol.SMTP, 465, Security.IMPLICIT),
    "submissions": (Protocol.SMTP, 465, Security.IMPLICIT),
    # RFC 2033 §3: no port is registered; 24, for "any private mail system", is the usual one.
    "lmtp": (Protocol.LMTP, 24, Security.NONE),
    "imap": (Protocol.IMAP, 143, Security.STARTTLS),
    "imaps": (Protocol.IMAP, 993, Security.IMPLICIT),
    "pop3": (Protocol.POP3, 110, Security.STARTTLS),
    "pop3s": (Protocol.POP3, 995, Security.IMPLICIT),
}
# A port that means TLS from the first octet, whatever the scheme says, unless ?tls= says otherwise.
IMPLICIT_PORTS = frozenset({465, 993, 995})

EXAMPLES = {
    Protocol.SMTP: "smtp://ada@mail.example.org:587?tls=starttls",
    Protocol.LMTP: "lmtp://127.0.0.1:24",
    Protocol.IMAP: "imap://ada@mail.example.org:143?tls=starttls",
    Protocol.POP3: "pop3://ada@mail.example.org:110?tls=starttls",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A server's address. ``host`` is a name (in ASCII form) or an IP address; ``user`` may be empty.

    ``auth``: the SASL mechanism to log in by, in upper case; empty: the best that the server offers. Raises
    `ConfigError` for what can't be one.
    """

    protocol: Protocol
    host: str
    port: int
    tls: Security
    user: str = ""
    auth: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.port <= 65535:
            raise ConfigError(f"{self.port} is no port", advice="Ports go from 1 to 65535.")
        if any(c.isspace() or not c.isprintable() for c in self.user):
            raise ConfigError(f"{self.user!r} is no user name", advice="User names have no blanks.")
        if self.auth and self.auth not in MECHANISMS:
            raise ConfigError(
                f"{self.auth} is no way to log in that is known here",
                advice=f"There are {', '.join(name.lower() for name in MECHANISMS)}.",
            )
        object.__setattr__(self, "host", _host(self.host))

    @classmethod
    def parse(cls, url: str, protocol: Protocol) -> Server:
        """Read ``scheme://[user@]host[:port][?tls=starttls|implicit|none&auth=plain]``, for ``protocol``."""
        example = f"Write it like {EXAMPLES[protocol]}"
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ConfigError(f"{url!r} is no server address: {error}", advice=example) from error
        known = SCHEMES.get(parts.scheme)
        if known is None or known[0] is not protocol:
            fitting = ", ".join(f"{scheme}://" for scheme, row in SCHEMES.items() if row[0] is protocol)
            raise ConfigError(f"{url!r} does not begin with one of {fitting}", advice=example)
        # Most people's user name is an e-mail address, and few write its @ as %40: the last @ ends the user.
        user, _, _ = parts.netloc.rpartition("@")
        if ":" in user:
            raise ConfigError(
                "a password does not belong into a server address",
                advice="Put it into the environment variable POSTHOUSE_PASSWORD, or leave it out to be asked.",
            )
        if parts.path not in ("", "/") or parts.fragment:
            raise ConfigError(f"{url!r} has more than a server address behind the host", advice=example)
        _, standard_port, security = known
        port = standard_port if port is None else port
        if port in IMPLICIT_PORTS:
            security = Security.IMPLICIT
        auth = ""
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            if name == "auth" and value:
                auth = value.upper()
                continue
            if name != "tls" or value not in {security.value for security in Security}:
                raise ConfigError(
                    f"{name}={value} is no option of a server address",
                    advice="There are ?tls=starttls, ?tls=implicit or ?tls=none, and ?auth=plain.",
                )
            security = Security(value)
        return cls(protocol, parts.hostname or "", port, security, unquote(user), auth)

    def __str__(self) -> str:
        user = quote(self.user, safe="@+!$&'()*,;=") + "@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        auth = f"&auth={self.auth.lower()}" if self.auth else ""
        return f"{self.protocol.value}://{user}{host}:{self.port}?tls={self.tls.value}{auth}"


def _host(host: str) -> str:
    """The host in the form that goes into DNS and is compared with certificates (RFC 5890)."""
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        pass
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        # Names in a local network may have what DNS allows and IDNA doesn't: an underscore.
        if host and host.isascii() and all(c.isalnum() or c in "-_." for c in host):
            return host.lower()
        raise ConfigError(
            f"{host!r} is no name of a computer", advice="Check the spelling of the server's name."
        ) from None
