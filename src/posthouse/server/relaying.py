"""The relay as the configuration wants it."""

from __future__ import annotations

from posthouse.client.url import Security as Encryption
from posthouse.config import Config, Endpoint
from posthouse.delivery.credentials import Wallet
from posthouse.delivery.relay import Relay, Settings
from posthouse.delivery.route import FROM, Routes
from posthouse.delivery.security import Security
from posthouse.errors import ConfigError
from posthouse.net.dns import Resolver
from posthouse.store.address import canonical_domain
from posthouse.store.engine import Store


def make_routes(config: Config) -> Routes:
    """`[relay]` smarthost and routes. `ConfigError` for what is no server."""
    return Routes([(route.pattern, route.target) for route in config.relay.routes], config.relay.smarthost)


def make_relay(store: Store, config: Config, *, port: int) -> Relay:
    """A relay that is not started. ``port`` is another than 25 in tests only. Errors: ConfigError."""
    relay = config.relay
    routes = make_routes(config)
    _check_clear(config, routes)
    servers = [(server.host, server.port) for server in config.dns.servers]
    resolver = Resolver(servers, trusted=config.dns.trusted)
    return Relay(
        store,
        resolver,
        hostname=config.hostname,
        port=port,
        settings=Settings(
            delays=tuple(delay.seconds for delay in relay.delays),
            warn_after=relay.warn_after.seconds,
            connections=relay.connections,
            connections_per_destination=relay.connections_per_destination,
            letters_per_connection=relay.letters_per_connection,
            letters_per_minute=relay.letters_per_minute,
        ),
        routes=routes,
        security=Security(
            store,
            resolver,
            required=[_pattern(one) for one in relay.tls_required],
            verified=[_pattern(one) for one in relay.tls_verified],
            dane=relay.dane,
            sts=relay.mta_sts,
            port=port,
        ),
        wallet=Wallet(relay.credentials, store=store),
    )


def _check_clear(config: Config, routes: Routes) -> None:
    """A server that is to be reached in clear text can't be the way to a domain that asks for more. `ConfigError`."""
    relay = config.relay
    froms = [route.pattern.removeprefix(FROM) for route in relay.routes if route.pattern.startswith(FROM)]
    senders = ["", *(one if "@" in one else f"any@{one.replace('*', 'any')}" for one in froms)]
    for key, patterns in (("tls_required", relay.tls_required), ("tls_verified", relay.tls_verified)):
        for pattern in patterns:
            for sender in senders:
                server = routes.hop(sender, _pattern(pattern).replace("*", "any"), strict=False).server
                if server is None or server.tls is not Encryption.NONE or Endpoint(server.host, 0).loopback:
                    continue
                raise ConfigError(
                    f"[relay] {key} asks for encryption for {pattern}, and the way there is {server} without any",
                    advice="Take ?tls=none away, or give the domain another route.",
                )


def _pattern(text: str) -> str:
    """A pattern of domains, as they are kept. Errors: StoreError."""
    if text == "*":
        return text
    wild = "*." if text.startswith("*.") else ""
    return wild + canonical_domain(text.removeprefix("*."))
