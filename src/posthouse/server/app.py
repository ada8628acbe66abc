"""The server as a whole: start, reload, stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import logging
import os
import resource
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import uvloop

from posthouse.config import Config, Endpoint
from posthouse.delivery import relay
from posthouse.delivery.relay import Relay
from posthouse.errors import ConfigError
from posthouse.net.dns import Resolver
from posthouse.sessions.guard import Rules
from posthouse.sessions.house import House
from posthouse.sessions.logins import Logins
from posthouse.sessions.session import Peer
from posthouse.store.engine import Store

from .background import Background
from .connection import GOODBYE_SECONDS, HANDSHAKE_SECONDS, Connection
from .doors import DOORS, Door
from .limits import Doorkeeper
from .notify import notify
from .proxied import ProxiedListener, bind
from .tls import ServerTls

log = logging.getLogger("posthouse.server")

# Connections that the kernel holds for us while the loop is busy; Linux caps it at net.core.somaxconn (4096).
BACKLOG = 4096
STOPPING = "the server is shutting down; try again in a few minutes"


class Server:
    """All listeners over one store, and the relay. ``async with Server(config) as server`` starts and stops it."""

    def __init__(
        self, config: Config, *, open_store: Callable[[Path], Store] = Store.open, relay_port: int = relay.PORT
    ) -> None:
        """``open_store``: what makes the store of a data folder, for who wants it on another disk or clock.
        ``relay_port``: where other servers listen; another than 25 in tests only.
        """
        self.config = config
        self._relay_port = relay_port
        self._relay: Relay | None = None
        self._open_store = open_store
        self.endpoints: dict[str, list[Endpoint]] = {}  # where each door really listens: port 0 has become a number
        self._tls: dict[bool, ServerTls | None] = {}  # by whether the door is for people
        self._listeners: list[asyncio.Server | ProxiedListener] = []
        self._connections: set[Connection] = set()
        self._doorkeeper = Doorkeeper(config.limits)
        self._empty: asyncio.Event | None = None  # while stopping: set when the last connection is gone
        self._background: Background | None = None
        self.house: House | None = None

    async def __aenter__(self) -> Server:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Open the store and every listener. `ConfigError` says what is in the way; then nothing stays open."""
        self._tls = {people: ServerTls.load(self.config.tls, people=people) for people in (False, True)}
        store = await asyncio.to_thread(self._open_store, self.config.data)
        self.house = self._furnish(store)
        try:
            await self.house.logins.start()
            for door in DOORS:
                for endpoint in getattr(self.config.listen, door.name):
                    await self._listen(door, endpoint)
            if self._listeners:
                await self._start_relay(store)
        except BaseException:
            await self.stop()
            raise
        if not self._listeners:
            await self.stop()
            raise ConfigError(
                f"{self.config.path}: [listen] names no door, so there is nothing to serve",
                advice='Write, for example, submission = "127.0.0.1:587" under [listen].',
            )
        self._background = Background(store)
        self._background.start()

    async def _start_relay(self, store: Store) -> None:
        servers = [(server.host, server.port) for server in self.config.dns.servers]
        self._relay = Relay(store, Resolver(servers), hostname=self.config.hostname, port=self._relay_port)
        await self._relay.start()

    def _furnish(self, store: Store) -> House:
        limits = self.config.limits
        return House(
            hostname=self.config.hostname,
            store=store,
            logins=Logins(store, self._rules()),
            tls_available=self._tls[False] is not None,
            clear_text_on_loopback=self.config.login.clear_text_on_loopback,
            message_size=limits.message_size,
            recipients=limits.recipients,
            commands_per_connection=limits.commands_per_connection,
            errors_per_connection=limits.errors_per_connection,
            hops=limits.hops,
        )

    def _rules(self) -> Rules:
        limits = self.config.limits
        return Rules(
            per_address=limits.failed_logins_per_address,
            per_account=limits.failed_logins_per_account,
            ban_seconds=limits.ban_seconds,
            delay_seconds=limits.failed_login_delay,
            never_banned=(*self.config.login.never_banned, *self.config.listen.proxies),
        )

    async def _listen(self, door: Door, endpoint: Endpoint) -> None:
        tls = self._tls[door.people]
        implicit = tls.context if tls is not None and door.implicit_tls else None
        make = functools.partial(self._connect, door)
        try:
            listener = await self._open(make, endpoint, implicit)
        except socket.gaierror as error:
            raise ConfigError(f"{door.name} can't listen on {endpoint}: there is no host of that name") from error
        except OSError as error:
            raise ConfigError(*_why(door, endpoint, error)) from error
        self._listeners.append(listener)
        for opened in listener.sockets:
            actual = Endpoint(*opened.getsockname()[:2])
            self.endpoints.setdefault(door.name, []).append(actual)
            log.info("%s listens on %s", door.name, actual)

    async def _open(
        self, make: Callable[[Peer | None], Connection], endpoint: Endpoint, tls: ssl.SSLContext | None
    ) -> asyncio.Server | ProxiedListener:
        proxies = self.config.listen.proxies
        if proxies:
            sockets = await bind(endpoint, BACKLOG)
            return ProxiedListener(sockets, make, tls, proxies, self.config.limits.proxy_header_seconds)
        return await asyncio.get_running_loop().create_server(
            lambda: make(None),
            endpoint.host,
            endpoint.port,
            backlog=BACKLOG,
            ssl=tls,
            ssl_handshake_timeout=HANDSHAKE_SECONDS if tls else None,
            ssl_shutdown_timeout=GOODBYE_SECONDS if tls else None,
        )

    def _connect(self, door: Door, peer: Peer | None) -> Connection:
        assert self.house is not None
        return Connection(
            functools.partial(door.open, self.house),
            tls=self._tls[door.people],
            admit=functools.partial(self._admit, door),
            gone=self._gone,
            peer=peer,
        )

    def _admit(self, door: Door, connection: Connection) -> str:
        self._connections.add(connection)
        refusal = self._doorkeeper.enter(connection.peer)
        assert self.house is not None
        return self.house.logins.guard.closed(connection.peer, logins_only=door.people) or refusal

    def _gone(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
            self._doorkeeper.leave(connection.peer)
            if self._empty is not None and not self._connections:
                self._empty.set()

    def statistics(self) -> dict[str, int]:
        """How many connections are open, from how many addresses."""
        return self._doorkeeper.statistics()

    async def stop(self) -> None:
        """Close the doors, let conversations finish what they are in the middle of, close the store."""
        for listener in self._listeners:
            listener.close()
        relaying = asyncio.create_task(self._relay.stop(self.config.limits.stop_seconds)) if self._relay else None
        for connection in list(self._connections):
            connection.stop(STOPPING)
        if self._connections:
            self._empty = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), self.config.limits.stop_seconds)
        for connection in list(self._connections):
            log.info("cut off %s: still busy after %d s", connection.peer, self.config.limits.stop_seconds)
            connection.abort()
        for listener in self._listeners:
            await listener.wait_closed()
        self._listeners.clear()
        if relaying is not None:
            await relaying
            self._relay = None
        if self._background is not None:
            await self._background.stop()
            self._background = None
        if self.house is not None:
            await self.house.logins.stop()
            await asyncio.to_thread(self.house.store.close)
            self.house = None

    def reload(self) -> None:
        """Take up a renewed certificate: connections that begin from now on use it."""
        try:
            for tls in filter(None, self._tls.values()):
                tls.renew()
                log.info("took up the certificate %s", self.config.tls.certificate)
        except ConfigError as error:
            log.error("kept the certificate in use: %s", error)


def _why(door: Door, endpoint: Endpoint, error: OSError) -> tuple[str]:
    """One sentence, with the next step, for a door that can't be opened."""
    if error.errno == errno.EADDRINUSE:
        return (
            f"{door.name} can't listen on {endpoint}: another program does already; "
            f"`ss -ltnp 'sport = :{endpoint.port}'` shows which",
        )
    if error.errno == errno.EACCES:
        return (
            f"{door.name} can't listen on {endpoint}: ports below 1024 are for root, or for a service with the "
            "capability CAP_NET_BIND_SERVICE",
        )
    return (f"{door.name} can't listen on {endpoint}: {os.strerror(error.errno) if error.errno else error}",)


async def _serve(config: Config, ready: Callable[[Server], None]) -> None:
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    async with Server(config) as server:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, asked.set)
        loop.add_signal_handler(signal.SIGHUP, server.reload)
        ready(server)
        notify("READY=1")
        await asked.wait()
        log.info("stopping")
        notify("STOPPING=1")


def serve(config: Config, ready: Callable[[Server], None]) -> None:
    """Run the server until SIGTERM or SIGINT; ``ready`` is called when every listener accepts."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each connection is an open file; shells allow 1,024
    uvloop.run(_serve(config, ready))


@contextlib.contextmanager
def serving(
    config: Config, *, open_store: Callable[[Path], Store] = Store.open, relay_port: int = relay.PORT
) -> Iterator[Server]:
    """Run the server on a thread of its own, beside the calling code: for the demo, and for tests."""
    loop = uvloop.new_event_loop()
    server = Server(config, open_store=open_store, relay_port=relay_port)
    thread = threading.Thread(target=loop.run_forever, name="posthouse", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result()
        try:
            yield server
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
