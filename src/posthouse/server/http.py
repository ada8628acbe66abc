"""HTTP at the doors `http` and `https`: uvicorn's connections over our own sockets, and the mail program behind them.

uvicorn's `Server` would open and close sockets, count connections and handle signals by itself; here that is done for
all doors alike (`server/app`), so only its connection is taken: bans, the counts of `[limits]`, a renewed certificate
and a proxy's header are the same at this door as at the others.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from posthouse.config import Config
from posthouse.sessions.house import House
from posthouse.sessions.login import log_in
from posthouse.sessions.session import Peer
from posthouse.store.account import Account
from posthouse.store.web_login import Lifetime
from posthouse.web import limits
from posthouse.web.app import application
from posthouse.web.desk import Desk, Settings

log = logging.getLogger("posthouse.http")


class Http:
    """The mail program, as the doors need it."""

    def __init__(self, house: House, config: Config) -> None:
        self._house = house
        self.desk = Desk(house.store, self._check, _settings(house, config))
        self._config = uvicorn.Config(
            application(self.desk),
            http=HttpConnection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # web/front.py knows whom to believe
            server_header=False,
            date_header=False,  # web/headers.py tells it
            timeout_keep_alive=limits.KEEP_ALIVE_SECONDS,
            h11_max_incomplete_event_size=limits.HEADER_SIZE,
        )
        self._config.load()
        self._state = ServerState()

    def connect(
        self, peer: Peer | None, admit: Callable[[HttpConnection], str], gone: Callable[[HttpConnection], None]
    ) -> HttpConnection:
        """A connection that has just been accepted; the arguments are as for `Connection`."""
        return HttpConnection(self._config, self._state, peer=peer, admit=admit, gone=gone)

    def stop(self) -> None:
        """Pages that wait for news are told to come back later."""
        self.desk.stop()

    async def _check(self, peer: tuple[str, int], address: str, password: str) -> Account:
        """The web's login: as at every door. Raises `LoginRefused`, `LoginPaused`."""
        return await log_in(self._house, Peer(*peer), "web", address, password)


def _settings(house: House, config: Config) -> Settings:
    return Settings(
        hostname=config.hostname,
        lifetime=Lifetime(config.web.idle.seconds, config.web.longest.seconds),
        proxies=config.web.proxies,
        https_port=next((one.port for one in config.listen.https), 0),
        message_size=config.limits.message_size,
        carried=house.lifetime,
    )


class HttpConnection(H11Protocol):
    """One connection, from accept to close."""

    def __init__(
        self,
        config: uvicorn.Config,
        state: ServerState,
        *,
        peer: Peer | None,
        admit: Callable[[HttpConnection], str],
        gone: Callable[[HttpConnection], None],
    ) -> None:
        super().__init__(config, state, {})
        self._proxied = peer is not None
        self._admit = admit
        self._gone = gone
        self._patience: asyncio.TimerHandle | None = None  # while the header of a request is on its way
        self.peer = peer or Peer("0.0.0.0", 0)  # noqa: S104  (until connection_made tells)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))  # uvloop's are not registered as such
        if transport.get_extra_info("socket").family == socket.AF_UNIX:
            self.client = self.server = ("127.0.0.1", 0)  # a program on this machine
        if not self._proxied:
            address = self.client or ("0.0.0.0", 0)  # noqa: S104  (the peer may be gone already)
            self.peer = Peer(address[0].partition("%")[0], address[1])
        self.client = self.peer.address, self.peer.port
        if refusal := self._admit(self):
            log.info("refused %s: %s", self.peer, refusal)
            self._refuse(refusal)
            return
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)
        self._gone(self)

    def stop(self, reason: str) -> None:
        """The server stops: close now, or when what is in progress is done."""
        self.shutdown()

    def abort(self) -> None:
        """Close at once."""
        self.transport.abort()

    def _watch(self) -> None:
        """A request whose header has begun, or a connection that has sent nothing yet, has some seconds for it."""
        if self.conn.their_state is not h11.IDLE or self.transport.is_closing():
            self._unwatch()
        elif self._patience is None:
            self._patience = self.loop.call_later(limits.HEADER_SECONDS, self._too_slow)

    def _unwatch(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _too_slow(self) -> None:
        self._patience = None
        log.info("closed %s: no request within %d s", self.peer, limits.HEADER_SECONDS)
        self.transport.close()

    def _refuse(self, reason: str) -> None:
        """Answer before there is a request."""
        body = f"{reason}\n".encode()
        headers: list[tuple[bytes, bytes]] = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        events: list[Any] = [h11.Response(status_code=503, headers=headers), h11.Data(data=body), h11.EndOfMessage()]
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
