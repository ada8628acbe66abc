"""The server as a whole: start, reload, stop."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from posthouse.config import Config, Endpoint
from posthouse.delivery import relay
from posthouse.delivery.relay import Relay
from posthouse.errors import ConfigError
from posthouse.imap import chosen
from posthouse.sessions.colleagues import Alone, Colleagues
from posthouse.sessions.guard import Rules
from posthouse.sessions.house import House
from posthouse.sessions.logins import Logins, Tokens
from posthouse.sessions.present import Present
from posthouse.sessions.session import Peer
from posthouse.store.engine import Store
from posthouse.store.scribe import Dictation

from . import steward
from .accepting import Listener
from .connection import Connection
from .doors import Door
from .limits import Doorkeeper
from .listening import BACKLOG, Listening, close_doors, open_doors
from .relaying import make_relay
from .stuck import watch
from .tls import ServerTls
from .turn import Turn

if TYPE_CHECKING:
    from .http import Http, HttpConnection

log = logging.getLogger("posthouse.server")

STOPPING = "the server is shutting down; try again in a few minutes"


class Server:
    """All listeners over one store, and the relay. ``async with Server(config) as server`` starts and stops it."""

    def __init__(
        self,
        config: Config,
        *,
        listening: Sequence[Listening] | None = None,
        open_store: Callable[[Path], Store] = Store.open,
        relay_port: int = relay.PORT,
        has_steward: bool = False,
        scribe: tuple[socket.socket, int] | None = None,
        colleagues: Colleagues | None = None,
    ) -> None:
        """``listening``: sockets that are open already; else it opens those of the configuration itself.
        ``open_store``: what makes the store of a data folder, for who wants it on another disk or clock.
        ``has_steward``: a process beside it makes files, tidies up and indexes, as long as that lives.
        ``scribe``: a line to a process beside it that writes letters, which the server closes; and that process.
        ``relay_port``: where other servers listen; another than 25 in tests only.
        ``colleagues``: the processes with which it shares its limits.
        """
        self.config = config
        self._colleagues = colleagues or Alone()
        self._listening = listening
        self._relay_port = relay_port
        self._has_steward = has_steward
        self._scribe = scribe
        self._dictation: Dictation | None = None
        self._relay: Relay | None = None
        self._open_store = open_store
        self.endpoints: dict[str, list[Endpoint]] = {}  # where each door really listens: port 0 has become a number
        self._tls: dict[bool, ServerTls | None] = {}  # by whether the door is for people
        self._listeners: list[asyncio.Server | Listener] = []
        self._connections: set[Connection | HttpConnection] = set()
        self._http: Http | None = None  # where a door is for it
        self._doorkeeper = Doorkeeper(config.limits, "connections", self._colleagues)
        self._handshakes = Doorkeeper(config.limits, "handshakes", self._colleagues)
        self._empty: asyncio.Event | None = None  # while stopping: set when the last connection is gone
        self._turns: list[Turn] = []
        self._watching: asyncio.Task[None] | None = None
        self.house: House | None = None

    async def __aenter__(self) -> Server:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Open the store and every listener. `ConfigError` says what is in the way; then nothing stays open."""
        bind = self.config.login.channel_binding
        self._tls = {people: ServerTls.load(self.config.tls, people=people, bind=bind) for people in (False, True)}
        tokens = self._tokens()
        listening = self._listening if self._listening is not None else open_doors(self.config)[0]
        try:
            store = await asyncio.to_thread(self._open_store, self.config.data)
        except BaseException:
            close_doors(listening)
            raise
        self.house = furnish(
            self.config,
            store,
            tls_available=self._tls[False] is not None,
            tokens=tokens,
            colleagues=self._colleagues,
        )
        if self._scribe is not None:
            self._dictation = await Dictation.begin(store, *self._scribe)
        self._watching = asyncio.create_task(watch(store))
        try:
            await self.house.logins.start()
            chosen.prepare()
            if any(one.door.open is None for one in listening):
                from .http import Http  # it takes a while to load, and a server without this door needs none of it

                self._http = Http(self.house, self.config)
            for one in listening:
                await self._listen(one)
            begin = functools.partial(self._begin_relay, store)
            relaying = Turn(store.data / "run" / "relay.lock", begin, self._end_relay)
            chores = steward.duties(store)
            self._turns = [relaying, chores]
            await relaying.start()
            await chores.start(steward.PATIENCE if self._has_steward else 0.0)
        except BaseException:
            await self.stop()
            close_doors(listening)
            raise

    async def _begin_relay(self, store: Store) -> None:
        """One process carries the queue for all."""
        self._relay = make_relay(store, self.config, port=self._relay_port)
        await self._relay.start()

    async def _end_relay(self) -> None:
        if self._relay is not None:
            await self._relay.stop(self.config.limits.stop_seconds)
            self._relay = None

    def _tokens(self) -> Tokens | None:
        if not self.config.oauth.on:
            return None
        from .token import TokenCheck  # few need it, and it takes a while to load

        return TokenCheck(self.config.oauth)

    async def _listen(self, listening: Listening) -> None:
        door = listening.door
        tls = self._tls[door.people]
        implicit = tls.context if tls is not None and door.implicit_tls else None
        listener = await self._accept(listening, functools.partial(self._connect, door), implicit)
        self._listeners.append(listener)
        self.endpoints.setdefault(door.name, []).append(listening.endpoint)
        log.info("%s listens on %s", door.name, listening.endpoint)

    async def _accept(
        self, listening: Listening, make: Callable[[Peer | None], asyncio.Protocol], tls: ssl.SSLContext | None
    ) -> asyncio.Server | Listener:
        proxies = self.config.listen.proxies
        if listening.socket.family == socket.AF_UNIX:
            return await asyncio.get_running_loop().create_unix_server(
                lambda: make(None), sock=listening.socket, backlog=BACKLOG, ssl=tls
            )
        if proxies or tls is not None:
            patience = self.config.limits.proxy_header_seconds
            return Listener([listening.socket], make, tls, proxies, patience, self._handshakes)
        return await asyncio.get_running_loop().create_server(
            lambda: make(None),
            sock=listening.socket,
            backlog=BACKLOG,
        )

    def _connect(self, door: Door, peer: Peer | None) -> Connection | HttpConnection:
        assert self.house is not None
        if door.open is None:
            assert self._http is not None
            return self._http.connect(peer, functools.partial(self._admit, door), self._gone)
        return Connection(
            functools.partial(door.open, self.house),
            tls=self._tls[door.people],
            admit=functools.partial(self._admit, door),
            gone=self._gone,
            peer=peer,
        )

    def _admit(self, door: Door, connection: Connection | HttpConnection) -> str:
        self._connections.add(connection)
        refusal = self._doorkeeper.enter(connection.peer)
        assert self.house is not None
        return self.house.logins.guard.closed(connection.peer, logins_only=door.people) or refusal

    def _gone(self, connection: Connection | HttpConnection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
            self._doorkeeper.leave(connection.peer)
            if self._empty is not None and not self._connections:
                self._empty.set()

    def statistics(self) -> dict[str, int]:
        """How many connections this process has open, from how many addresses."""
        return self._doorkeeper.statistics()

    async def stop(self) -> None:
        """Close the doors, let conversations finish what they are in the middle of, close the store."""
        for listener in self._listeners:
            listener.close()
        ending = [asyncio.create_task(turn.stop()) for turn in self._turns]
        if self._http is not None:
            self._http.stop()
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
        await asyncio.gather(*ending)
        self._turns.clear()
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None
        if self._dictation is not None:
            self._dictation.close()
            self._dictation = None
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


def furnish(
    config: Config,
    store: Store,
    *,
    tls_available: bool = False,
    tokens: Tokens | None = None,
    colleagues: Colleagues | None = None,
) -> House:
    """What every conversation over a store is given."""
    limits = config.limits
    rules = Rules(
        per_address=limits.failed_logins_per_address,
        per_account=limits.failed_logins_per_account,
        ban_seconds=limits.ban_seconds,
        delay_seconds=limits.failed_login_delay,
        never_banned=(*config.login.never_banned, *config.listen.proxies),
    )
    return House(
        hostname=config.hostname,
        store=store,
        logins=Logins(store, rules, tokens, colleagues),
        tls_available=tls_available,
        clear_text_on_loopback=config.login.clear_text_on_loopback,
        message_size=limits.message_size,
        recipients=limits.recipients,
        commands_per_connection=limits.commands_per_connection,
        errors_per_connection=limits.errors_per_connection,
        hops=limits.hops,
        hold_seconds=limits.hold_days * 86_400,
        held_letters=limits.held_letters,
        verify_after_login=config.smtp.verify_after_login,
        lifetime=config.relay.lifetime.seconds,
        senders=tuple((one.user, one.pattern) for one in config.sendmail.senders),
        present=Present(limits.conversations_per_account, colleagues),
    )


@contextlib.contextmanager
def serving(
    config: Config,
    *,
    listening: Sequence[Listening] | None = None,
    open_store: Callable[[Path], Store] = Store.open,
    relay_port: int = relay.PORT,
) -> Iterator[Server]:
    """Run the server on a thread of its own, beside the calling code: for the demo, and for tests."""
    loop = uvloop.new_event_loop()
    server = Server(config, listening=listening, open_store=open_store, relay_port=relay_port)
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
