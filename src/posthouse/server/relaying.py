"""The relay as the configuration wants it."""

from __future__ import annotations

from posthouse.config import Config
from posthouse.delivery.credentials import Wallet
from posthouse.delivery.relay import Relay, Settings
from posthouse.delivery.route import Routes
from posthouse.delivery.security import Security
from posthouse.net.dns import Resolver
from posthouse.store.address import canonical_domain
from posthouse.store.engine import Store


def make_routes(config: Config) -> Routes:
    """`[relay]` smarthost and routes. `ConfigError` for what is no server."""
    return Routes([(route.pattern, route.target) for route in config.relay.routes], config.relay.smarthost)


def make_relay(store: Store, config: Config, *, port: int) -> Relay:
    """A relay that is not started. ``port`` is another than 25 in tests only. Errors: ConfigError."""
    relay = config.relay
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
        routes=make_routes(config),
        security=Security(
            store,
            resolver,
            required=[_pattern(one) for one in relay.tls_required],
            verified=[_pattern(one) for one in relay.tls_verified],
            dane=relay.dane,
            sts=relay.mta_sts,
            port=port,
        ),
        wallet=Wallet(relay.credentials),
    )


def _pattern(text: str) -> str:
    """A pattern of domains, as they are kept. Errors: StoreError."""
    if text == "*":
        return text
    wild = "*." if text.startswith("*.") else ""
    return wild + canonical_domain(text.removeprefix("*."))
