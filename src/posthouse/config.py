"""The configuration: one TOML file, read once, made into frozen values that are handed down; never a global.

Every key, its default and its meaning stand in the classes below; `posthouse config` prints them. An unknown key is an
error that names the nearest known one, because a misspelt setting that silently keeps its default is worse than none.
"""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
import os
import re
import tomllib
import typing
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from posthouse.errors import ConfigError

T = TypeVar("T")

# Where a service is expected when nothing else is said (RFC 1939, 6409, 8314, 9051); also the offsets of --base-port.
STANDARD_PORTS = {
    "smtp": 25,
    "submission": 587,
    "submissions": 465,
    "imap": 143,
    "imaps": 993,
    "pop3": 110,
    "pop3s": 995,
    "lmtp": 24,
    "http": 80,
    "https": 443,
}
UNIX = "unix:"


# More are no quicker: all of them write to one store.
MAX_WORKERS = 64


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address with a port: ``"host:port"``, ``"[::1]:port"``; for a listener, port 0 lets the system choose.

    Or, for a listener, a socket in the file system, ``"unix:/run/posthouse/lmtp"``: then ``path`` has its name.
    """

    host: str
    port: int
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        if text.startswith(UNIX):
            path = text.removeprefix(UNIX)
            if not path.startswith("/"):
                raise ConfigError(
                    f'"{text}" is no socket\'s name', advice='Write its whole path, as in "unix:/run/posthouse/lmtp".'
                )
            return cls("", 0, path)
        host, colon, port = text.rpartition(":")
        if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ConfigError(f'"{text}" is no address with a port', advice='Write "host:port", as in "0.0.0.0:25".')
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise ConfigError(f'"{text}" is no address with a port', advice=f'Write "[{host}]:{port}".')
        return cls(host or "0.0.0.0", int(port))  # noqa: S104  (":25" means every interface, as everywhere)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost" or self.path:
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        if self.path:
            return UNIX + self.path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose certificate it is: ``"fingerprint = address"``; the fingerprint is SHA-256 in hexadecimal digits."""

    fingerprint: str
    address: str

    @classmethod
    def parse(cls, text: str) -> Owner:
        fingerprint, equals, address = (part.strip() for part in text.partition("="))
        digits = fingerprint.replace(":", "").lower()
        if not equals or not re.fullmatch(r"[0-9a-f]{64}", digits) or "@" not in address:
            raise ConfigError(
                f'"{text}" gives no certificate to an account',
                advice='Write "FINGERPRINT = ada@example.org"; `openssl x509 -noout -fingerprint -sha256 -in FILE`'
                " prints the fingerprint.",
            )
        return cls(digits, address)

    def __str__(self) -> str:
        return f"{self.fingerprint} = {self.address}"


def parse_network(text: str) -> Network:
    """An address or a network: ``"192.0.2.1"``, ``"2001:db8::/32"``."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ConfigError(
            f'"{text}" is no address and no network', advice='Write "192.0.2.1", "192.0.2.0/24" or "2001:db8::/32".'
        ) from None


@dataclass(frozen=True, slots=True)
class Span:
    """A time that something takes: ``"90s"``, ``"5m"``, ``"4h"``, ``"5d"``."""

    seconds: int

    @classmethod
    def parse(cls, text: str) -> Span:
        match = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
        if match is None:
            raise ConfigError(f'"{text}" is no length of time', advice='Write "90s", "5m", "4h" or "5d".')
        return cls(int(match[1]) * SPANS[match[2]])

    def __str__(self) -> str:
        unit = next((unit for unit in "dhm" if self.seconds and self.seconds % SPANS[unit] == 0), "s")
        return f"{self.seconds // SPANS[unit]}{unit}"


SPANS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Route:
    """Where some letters go instead of where the DNS says: ``"example.net = lmtp://127.0.0.1:24"``.

    ``pattern``: an address, a domain, ``*.example.net`` for whatever is below it, ``*`` for all; of the recipient, or
    of the sender where it begins with ``from:``. ``target``: a server, or ``mx``.
    """

    pattern: str
    target: str

    @classmethod
    def parse(cls, text: str) -> Route:
        pattern, equals, target = (part.strip() for part in text.partition("="))
        if not equals or not pattern.removeprefix("from:") or (target != "mx" and "://" not in target):
            raise ConfigError(
                f'"{text}" is no route',
                advice='Write "example.net = lmtp://127.0.0.1:24", "from:example.org = submissions://user@host"'
                ' or "example.com = mx".',
            )
        return cls(pattern.lower(), target)

    def __str__(self) -> str:
        return f"{self.pattern} = {self.target}"


@dataclass(frozen=True, slots=True)
class Sender:
    """What a local user may send as: ``"www-data = *@example.org"``. ``user`` may be ``*``: everybody."""

    user: str
    pattern: str

    @classmethod
    def parse(cls, text: str) -> Sender:
        user, equals, pattern = (part.strip() for part in text.partition("="))
        if not equals or not user or (pattern != "*" and "@" not in pattern):
            raise ConfigError(
                f'"{text}" allows no user an address', advice='Write "www-data = *@example.org" or "backup = *".'
            )
        return cls(user, pattern)

    def __str__(self) -> str:
        return f"{self.user} = {self.pattern}"


# What a list in the configuration may be of, and how each of it is read.
LISTS: dict[Any, Callable[[str], Any]] = {
    tuple[str, ...]: str,
    tuple[Span, ...]: Span.parse,
    tuple[Route, ...]: Route.parse,
    tuple[Endpoint, ...]: Endpoint.parse,
    tuple[Network, ...]: parse_network,
    tuple[Owner, ...]: Owner.parse,
    tuple[Sender, ...]: Sender.parse,
}


def setting(default: Any, meaning: str, *, least: int = 1) -> Any:
    """A key with its default and the words that `posthouse config` prints beside it; ``least``: for a limit."""
    return field(default=default, metadata={"meaning": meaning, "least": least})


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """[listen]"""

    smtp: tuple[Endpoint, ...] = setting((), "letters from other servers (MX); a program that logs in may submit here")
    submission: tuple[Endpoint, ...] = setting((), "letters from mail programs, STARTTLS")
    submissions: tuple[Endpoint, ...] = setting((), "letters from mail programs, TLS from the first octet")
    imap: tuple[Endpoint, ...] = setting((), "mailboxes for mail programs, STARTTLS")
    imaps: tuple[Endpoint, ...] = setting((), "mailboxes for mail programs, TLS from the first octet")
    pop3: tuple[Endpoint, ...] = setting((), "the inbox for programs that fetch it, STLS")
    pop3s: tuple[Endpoint, ...] = setting((), "the inbox for programs that fetch it, TLS from the first octet")
    lmtp: tuple[Endpoint, ...] = setting(
        (), 'letters from a mail server beside this one, which is trusted; "127.0.0.1:24" or "unix:/run/posthouse/lmtp"'
    )
    http: tuple[Endpoint, ...] = setting(
        (), "the mail program in the browser: on this machine, and for proxies of [web]; others are led to https"
    )
    https: tuple[Endpoint, ...] = setting((), "the mail program in the browser, TLS")
    sendmail: tuple[Endpoint, ...] = setting(
        (), 'letters from programs on this machine, by `posthouse sendmail`: "unix:/run/posthouse/sendmail"'
    )
    proxies: tuple[Network, ...] = setting(
        (), 'from where connections begin with a PROXY header, and no others do: "192.0.2.1", "10.0.0.0/8"'
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """[tls]"""

    certificate: Path | None = setting(None, "the certificate chain, PEM; made by `posthouse init` where there is none")
    key: Path | None = setting(None, "its private key, PEM")
    client_ca: Path | None = setting(
        None, "who signs certificates of people, PEM: where they log in, these count as passwords (SASL EXTERNAL)"
    )
    client_certificates: tuple[Owner, ...] = setting(
        (), 'whose certificates are, where they don\'t say it themselves: "SHA-256 fingerprint = ada@example.org"'
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """[login]"""

    clear_text_on_loopback: bool = setting(False, "accept passwords without TLS from this machine (127.0.0.0/8, ::1)")
    channel_binding: bool = setting(
        False, "offer SCRAM-…-PLUS, under TLS 1.3; mutt and NeoMutt choose it where it is offered, and then can't do it"
    )
    never_banned: tuple[Network, ...] = setting(
        (), 'networks whose failed logins are not counted: "192.0.2.0/24"; this machine never is'
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Smtp:
    """[smtp]"""

    verify_after_login: bool = setting(False, "answer VRFY and EXPN, to people who have logged in")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sendmail:
    """[sendmail]"""

    senders: tuple[Sender, ...] = setting(
        (), 'addresses that local users may send as, beside their own: "www-data = *@example.org", "backup = *"'
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Oauth:
    """[oauth]"""

    introspection: str = setting("", "the URL that tells whether a token is good and whose it is (RFC 7662)")
    client_id: str = setting("", "this server's name there, if it needs one")
    client_secret: Path | None = setting(None, "a file with its password there")
    jwks: str = setting("", "or: the URL of the keys that tokens (JWT) are signed with")
    jwks_file: Path | None = setting(None, "or: a file with these keys")
    issuer: str = setting("", "who signs them, as tokens name it")
    audience: str = setting("", "whom tokens have to be for: this server, as their issuer names it")
    scope: str = setting("", "what tokens have to allow, if anything in particular")
    claim: str = setting("email", "where a token has the address of its account")
    discovery: str = setting("", "the URL that mail programs are told of, to get a token: …/openid-configuration")

    @property
    def on(self) -> bool:
        """Whether tokens are taken."""
        return bool(self.introspection or self.jwks or self.jwks_file)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dns:
    """[dns]"""

    servers: tuple[Endpoint, ...] = setting((), 'the resolvers to ask, as in "127.0.0.1:53"; else those of the system')
    trusted: bool = setting(
        False, "the network up to them is safe: believe what they say of DNSSEC, as of resolvers on this machine"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """[relay]"""

    smarthost: str = setting("", 'the server that takes all letters for elsewhere: "submissions://user@smtp.gmail.com"')
    credentials: Path | None = setting(
        None, "passwords and OAuth2 tokens for smarthost and routes, a TOML file that only the server's user reads"
    )
    routes: tuple[Route, ...] = setting(
        (),
        'other ways for some, the first that fits: "example.net = lmtp://127.0.0.1:24", "*.example.com = mx",'
        ' "from:example.org = submissions://user@host"',
    )
    delays: tuple[Span, ...] = setting(
        tuple(map(Span, (60, 300, 900, 1_800, 3_600, 7_200, 14_400))),
        "until the next attempt, after the first, the second, ...; the last for all that follow",
    )
    lifetime: Span = setting(Span(5 * 86_400), "after so long a letter is given up, and its sender told")
    warn_after: Span = setting(Span(4 * 3_600), "after so long a sender is told of the delay, once")
    connections: int = setting(100, "connections to other servers at a time")
    connections_per_destination: int = setting(20, "to one domain, or to a smarthost")
    letters_per_connection: int = setting(500, "letters after which a connection is closed")
    letters_per_minute: int = setting(0, "letters to one domain in a minute; 0: as many as it takes")
    tls_required: tuple[str, ...] = setting(
        (), 'domains whose letters go encrypted or not at all: "bank.example", "*.example.com", "*"'
    )
    tls_verified: tuple[str, ...] = setting((), "the same, to servers only whose certificate proves their name")
    dane: bool = setting(True, "keep to TLSA records (RFC 7672); it takes a resolver that checks DNSSEC")
    mta_sts: bool = setting(True, "keep to policies that domains publish on the web (RFC 8461)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """[web]"""

    proxies: tuple[Network, ...] = setting(
        (), "from where requests come through a web server in front, whose X-Forwarded-For and -Proto are believed"
    )
    idle: Span = setting(Span(14 * 86_400), "after so long without a request a login in the browser ends")
    longest: Span = setting(Span(90 * 86_400), "after so long it ends in any case")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """[limits]"""

    message_size: int = setting(
        75 * 1024 * 1024, "octets of a letter, a file of 50 MB in it; larger ones are refused with 552"
    )
    recipients: int = setting(1000, "recipients of one letter; RFC 5321 §4.5.3.1.8 asks for at least 100")
    connections: int = setting(10_000, "open connections in all")
    connections_per_address: int = setting(50, "open connections from one address (IPv6: /64); loopback is exempt")
    conversations_per_account: int = setting(100, "IMAP connections in which one account is logged in")
    commands_per_connection: int = setting(3000, "SMTP commands without a letter after which a connection is closed")
    errors_per_connection: int = setting(20, "refused commands after which a connection is closed")
    failed_logins_per_address: int = setting(10, "failed logins within an hour that ban an address (IPv6: /64)")
    failed_logins_per_account: int = setting(100, "the same for an account; networks that it is used from stay open")
    ban_seconds: int = setting(600, "how long a first ban lasts; the next within a day twice as long, up to a day")
    failed_login_delay: int = setting(
        5, "seconds that the answer to a failed login waits at most: 0, 1, 2, 4 … for one after the other", least=0
    )
    proxy_header_seconds: int = setting(10, "how long a proxy has to send the header of a connection")
    hops: int = setting(50, "Received lines after which a letter is taken to be in a loop (RFC 5321 §6.3)")
    hold_days: int = setting(365, "how far ahead a program may set the time at which a letter leaves (RFC 4865)")
    held_letters: int = setting(1000, "letters of one account that may wait for such a time")
    stop_seconds: int = setting(10, "how long a stop waits for conversations in the middle of a command")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """posthouse.toml. Relative paths are relative to the folder it stands in."""

    hostname: str = setting("", "this server's name, as other servers see it: mail.example.org")
    data: Path = setting(Path("data"), "the folder of the store")
    workers: int = setting(1, "equal processes that serve; as many as processors, where one doesn't keep up")
    listen: Listen = field(default_factory=Listen)
    tls: Tls = field(default_factory=Tls)
    login: Login = field(default_factory=Login)
    smtp: Smtp = field(default_factory=Smtp)
    sendmail: Sendmail = field(default_factory=Sendmail)
    oauth: Oauth = field(default_factory=Oauth)
    dns: Dns = field(default_factory=Dns)
    relay: Relay = field(default_factory=Relay)
    web: Web = field(default_factory=Web)
    limits: Limits = field(default_factory=Limits)
    path: Path = field(default=Path("posthouse.toml"), metadata={"computed": True})

    def settings(self) -> Iterator[tuple[str, str, Any, str]]:
        """Every key as (section, key, value, meaning), the top level's section being empty."""
        for top in dataclasses.fields(self):
            value = getattr(self, top.name)
            if dataclasses.is_dataclass(value):
                for inner in dataclasses.fields(value):
                    yield top.name, inner.name, getattr(value, inner.name), inner.metadata["meaning"]
            elif not top.metadata.get("computed"):
                yield "", top.name, value, top.metadata["meaning"]


def load(path: Path) -> Config:
    """Read a configuration file. `ConfigError` says what is wrong with it, and where."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"there is no configuration at {path}",
            advice="Make one with `posthouse init DIR --domain example.org`, or name it with --config.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise ConfigError(f"{path} can't be read: {reason}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is no valid TOML: {error}") from error
    return build(table, path)


def build(table: dict[str, Any], path: Path) -> Config:
    """Make the values from a parsed table; ``path`` is the file that errors name and relative paths start from."""
    config = _build(Config, table, path, "")
    check_values(config)
    return config


def _build(kind: type[T], table: dict[str, Any], path: Path, section: str) -> T:
    """Make one dataclass, and the sections below it, from a table."""
    check_keys(table, kind, path, f"[{section}] " if section else "")
    hints = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    for key in dataclasses.fields(kind):  # type: ignore[arg-type]  # every kind here is a dataclass
        wanted = hints[key.name]
        if key.metadata.get("computed"):
            values[key.name] = path
        elif isinstance(wanted, type) and dataclasses.is_dataclass(wanted) and wanted is not Span:
            if not isinstance(table.get(key.name, {}), dict):
                raise ConfigError(f"{path}: {key.name} is a section: write [{key.name}] on a line of its own")
            values[key.name] = _build(wanted, table.get(key.name, {}), path, key.name)
        elif key.name in table:
            values[key.name] = _value(wanted, table[key.name], path, f"[{section}] {key.name}" if section else key.name)
        elif isinstance(key.default, Path):
            values[key.name] = path.resolve().parent / key.default
    return kind(**values)


def _value(wanted: Any, value: object, path: Path, where: str) -> Any:
    """Turn one TOML value into what its key wants."""
    if wanted is bool or wanted is int:
        if type(value) is wanted:  # True is an int for Python, but no number for a person
            return value
        words = "true or false" if wanted is bool else "a whole number"
        raise ConfigError(f"{path}: {where} wants {words}, not {value!r}")
    parse = LISTS.get(wanted)
    given = value if parse is not None and isinstance(value, list) else [value]
    texts = [text for text in given if isinstance(text, str)]
    if len(texts) < len(given):
        raise ConfigError(f"{path}: {where} wants a text in quotes, not {value!r}")
    if parse is not None:
        try:
            return tuple(map(parse, texts))
        except ConfigError as error:
            raise ConfigError(f"{path}: {where}: {error}", advice=error.advice) from None
    if wanted is Span:
        try:
            return Span.parse(texts[0])
        except ConfigError as error:
            raise ConfigError(f"{path}: {where}: {error}", advice=error.advice) from None
    return texts[0] if wanted is str else path.resolve().parent / texts[0]


def check_keys(table: dict[str, Any], kind: type, path: Path, where: str) -> None:
    """Refuse a key that ``kind`` doesn't have, and name the nearest one that it has."""
    known = [key.name for key in dataclasses.fields(kind) if not key.metadata.get("computed")]
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            advice = f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(known)}."
            raise ConfigError(f"{path}: {where}{key} is no setting", advice=advice)


def check_values(config: Config) -> None:
    """What types can't say."""
    path = config.path
    _check_relay(config.relay, path)
    if not config.hostname:
        raise ConfigError(f"{path}: hostname is missing", advice='Write hostname = "mail.example.org" at the top.')
    if any(c.isspace() or not c.isprintable() for c in config.hostname) or len(config.hostname) > 253:
        raise ConfigError(f"{path}: {config.hostname!r} is no host name")
    if (config.tls.certificate is None) != (config.tls.key is None):
        raise ConfigError(f"{path}: [tls] needs both certificate and key")
    if not 1 <= config.workers <= MAX_WORKERS:
        raise ConfigError(f"{path}: workers must be from 1 to {MAX_WORKERS}")
    for limit in dataclasses.fields(config.limits):
        least = limit.metadata["least"]
        if getattr(config.limits, limit.name) < least:
            raise ConfigError(f"{path}: [limits] {limit.name} must be at least {least}")
    for server in config.dns.servers:
        if not _is_ip(server.host) or not server.port:
            raise ConfigError(
                f"{path}: [dns] servers: {server} can't be asked",
                advice='Write an IP address with its port, as in "127.0.0.1:53".',
            )
    if config.tls.client_ca is not None and config.tls.certificate is None:
        raise ConfigError(f"{path}: [tls] client_ca needs certificate and key: clients show theirs under TLS only")
    for endpoint in config.listen.sendmail:
        if not endpoint.path:
            raise ConfigError(
                f"{path}: [listen] sendmail: {endpoint} doesn't tell which user comes",
                advice='Write the name of a socket in the file system, as in "unix:/run/posthouse/sendmail".',
            )
    _check_oauth(config.oauth, path)
    tls_only = [key for key in ("submissions", "imaps", "pop3s", "https") if getattr(config.listen, key)]
    if tls_only and config.tls.certificate is None:
        raise ConfigError(
            f"{path}: [listen] {tls_only[0]} speaks TLS, but [tls] names no certificate",
            advice="`posthouse init` makes a self-signed one; name yours with certificate and key.",
        )


def _check_oauth(oauth: Oauth, path: Path) -> None:
    ways = [key for key in ("introspection", "jwks", "jwks_file") if getattr(oauth, key)]
    if len(ways) > 1:
        raise ConfigError(f"{path}: [oauth] has both {ways[0]} and {ways[1]}", advice="One of them is enough.")
    if ways and ways != ["introspection"] and not (oauth.issuer and oauth.audience):
        raise ConfigError(
            f"{path}: [oauth] {ways[0]} needs issuer and audience",
            advice="Else every token that its issuer signed would open the mailbox, whatever it was given out for.",
        )
    for key in ("introspection", "jwks"):
        url = urllib.parse.urlsplit(getattr(oauth, key))
        safe = url.scheme == "https" or (url.scheme == "http" and Endpoint(url.hostname or "", 0).loopback)
        if url.geturl() and not safe:
            raise ConfigError(
                f"{path}: [oauth] {key}: {url.geturl()} is no URL to send secrets to",
                advice="It begins with https://; http:// is for this machine alone (127.0.0.1, ::1, localhost).",
            )


def _check_relay(relay: Relay, path: Path) -> None:
    for name in ("connections", "connections_per_destination", "letters_per_connection"):
        if getattr(relay, name) < 1:
            raise ConfigError(f"{path}: [relay] {name} must be at least 1")
    if relay.letters_per_minute < 0:
        raise ConfigError(f"{path}: [relay] letters_per_minute must be 0 or more")
    if not relay.delays or min(delay.seconds for delay in relay.delays) < 1:
        raise ConfigError(f"{path}: [relay] delays needs at least one, each of at least a second")


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def default_path() -> Path:
    """Where the configuration is looked for when the command line names none."""
    return Path(os.environ.get("POSTHOUSE_CONFIG", "posthouse.toml"))
