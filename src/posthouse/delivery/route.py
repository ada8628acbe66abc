"""Which way a letter goes: to the hosts that the DNS names for its domain, or to a server that the operator names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from posthouse.client.url import Protocol, Server
from posthouse.errors import ConfigError, StoreError
from posthouse.store.address import canonical_domain

MX = "mx"
FROM = "from:"


@dataclass(frozen=True, slots=True)
class Hop:
    """The next hop of a letter. Letters with the same ``key`` share connections.

    ``server``: the operator's word; None: the hosts that the DNS names for ``domain``. ``strict``: only to a host that
    proves its name and promises to keep the letter encrypted (RFC 8689 §4.2.1).
    """

    key: str
    domain: str
    server: Server | None
    strict: bool

    @property
    def only_domain(self) -> str | None:
        """The domain all of whose letters go this way, and no other's; None where it isn't so simple."""
        return self.domain if self.key == self.domain else None


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: str
    of_sender: bool
    server: Server | None


def matches(pattern: str, domain: str) -> bool:
    """Whether a pattern of the configuration means a domain: itself, ``*.example.net`` (below it), ``*`` (all)."""
    if pattern == "*":
        return True
    return domain.endswith(pattern[1:]) if pattern.startswith("*.") else domain == pattern


class Routes:
    """The operator's routes, the first that fits, and the smarthost for all others."""

    def __init__(self, routes: Sequence[tuple[str, str]] = (), smarthost: str = "") -> None:
        """``routes``: pattern and target of each (config.Route). `ConfigError` for what is no server."""
        self._rules = [_rule(pattern, target) for pattern, target in routes]
        if smarthost:
            self._rules.append(_Rule("*", False, _server(smarthost)))
        # Whether a domain's letters may go different ways: where they can't, its name is the key.
        self._plain = not self._rules

    def hop(self, sender: str, domain: str, strict: bool) -> Hop:
        """Where a letter goes next. ``domain``: canonical, of the recipient."""
        server = None if self._plain else self._find(sender.lower(), domain)
        key = domain if server is None else str(server)
        return Hop(f"{key} (encrypted only)" if strict else key, domain, server, strict)

    def _find(self, sender: str, domain: str) -> Server | None:
        home = sender.rpartition("@")[2]
        for rule in self._rules:
            if rule.of_sender:
                fits = rule.pattern == sender if "@" in rule.pattern else bool(home) and matches(rule.pattern, home)
            else:
                fits = matches(rule.pattern, domain)
            if fits:
                return rule.server
        return None


def _rule(pattern: str, target: str) -> _Rule:
    of_sender = pattern.startswith(FROM)
    name = pattern.removeprefix(FROM).strip()
    wild = "*." if name.startswith("*.") else ""
    if name != "*" and not (of_sender and "@" in name):
        try:
            name = wild + canonical_domain(name.removeprefix("*."))
        except StoreError as error:
            raise ConfigError(f"[relay] routes: {error}", advice=error.advice) from error
    return _Rule(name, of_sender, None if target == MX else _server(target))


def _server(url: str) -> Server:
    protocol = Protocol.LMTP if url.startswith("lmtp:") else Protocol.SMTP
    try:
        return Server.parse(url, protocol)
    except ConfigError as error:
        raise ConfigError(f"[relay] {error}", advice=error.advice) from error
