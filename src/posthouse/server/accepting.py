"""Listeners where a connection has something to do before its conversation begins: TLS from the first octet, or to say
who is behind a proxy. What is still at it when the server stops is cut off; `asyncio.Server` would wait for it.

A proxy's header comes before TLS, and TLS can't be begun on a transport that has read ahead. So connections are
accepted as plain sockets here, and become transports when their header, not an octet more, has been read.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from functools import partial

from posthouse.config import Network
from posthouse.errors import RemoteProtocolError
from posthouse.sessions.session import Peer
from posthouse.wire.proxy import Source, read_header

from .connection import GOODBYE_SECONDS, HANDSHAKE_SECONDS
from .limits import Doorkeeper

log = logging.getLogger("posthouse.server")

# Connections that are accepted before others get a turn.
FAIR_SHARE = 100
# Seconds without accepting when there are no descriptors left.
OUT_OF_FILES = 1.0


class Listener:
    """Sockets that listen, and what comes of the connections: in place of `asyncio.Server`, with its words."""

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        make: Callable[[Peer | None], asyncio.Protocol],
        tls: ssl.SSLContext | None,
        proxies: Sequence[Network],
        patience: float,
        doorkeeper: Doorkeeper,
    ) -> None:
        """``make``: a connection for the peer, None for the one at the socket; ``tls``: from the first octet;
        ``patience``: seconds that a proxy has for its header; ``doorkeeper``: counts those in their handshake."""
        self.sockets = sockets
        self._make = make
        self._tls = tls
        self._proxies = proxies
        self._patience = patience
        self._doorkeeper = doorkeeper
        self._loop = asyncio.get_running_loop()
        self._beginning: set[asyncio.Task[None]] = set()
        self._closed = False
        self._accept_again()

    def close(self) -> None:
        """Accept no more."""
        self._closed = True
        for listening in self.sockets:
            self._loop.remove_reader(listening)
            listening.close()
        for task in self._beginning:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait for what was in the middle of beginning."""
        await asyncio.gather(*self._beginning, return_exceptions=True)

    def _accept_again(self) -> None:
        if not self._closed:
            for listening in self.sockets:
                self._loop.add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(FAIR_SHARE):
            try:
                accepted, address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                log.error("connections can't be accepted: %s", error.strerror)
                for one in self.sockets:
                    self._loop.remove_reader(one)
                self._loop.call_later(OUT_OF_FILES, self._accept_again)
                return
            accepted.setblocking(False)
            peer = Peer(str(address[0]).partition("%")[0], int(address[1]))
            task = self._loop.create_task(self._begin(accepted, peer))
            self._beginning.add(task)
            task.add_done_callback(partial(self._begun, accepted))

    def _begun(self, accepted: socket.socket, task: asyncio.Task[None]) -> None:
        self._beginning.discard(task)
        if task.cancelled():  # perhaps before its first step, in which nobody could have closed it
            accepted.close()

    async def _begin(self, accepted: socket.socket, peer: Peer) -> None:
        source: Source | None = None
        try:
            if any(peer.ip in network for network in self._proxies):
                async with asyncio.timeout(self._patience):
                    source = await self._read(accepted)
            behind = None if source is None else Peer(source.address, source.port)
            if self._tls is None:
                await self._loop.connect_accepted_socket(lambda: self._make(behind), accepted)
            else:
                await self._shake_hands(accepted, behind or peer, lambda: self._make(behind))
        except BaseException as error:
            accepted.close()
            if isinstance(error, TimeoutError):
                log.warning("closed %s: the proxy sent no PROXY header within %g s", peer, self._patience)
            elif isinstance(error, RemoteProtocolError):
                log.warning("closed %s, which [listen] proxies names: %s", peer, error)
            elif isinstance(error, OSError):  # it left, or its handshake failed, or there are too many
                log.info("no connection with %s: %s", peer, error)
            else:
                raise

    async def _shake_hands(self, accepted: socket.socket, peer: Peer, make: Callable[[], asyncio.Protocol]) -> None:
        refusal = self._doorkeeper.enter(peer)
        try:
            if refusal:
                raise ConnectionRefusedError(refusal)
            await self._loop.connect_accepted_socket(
                make,
                accepted,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=GOODBYE_SECONDS,
            )
        finally:
            self._doorkeeper.leave(peer)

    async def _read(self, accepted: socket.socket) -> Source | None:
        """The header, octet for octet."""
        parser = read_header()
        wanted = next(parser)
        octets = b""
        with contextlib.closing(parser):
            while True:
                try:
                    piece = accepted.recv(wanted - len(octets))
                except (BlockingIOError, InterruptedError):
                    await self._readable(accepted)
                    continue
                if not piece:
                    raise ConnectionResetError("it left before its PROXY header had come")
                octets += piece
                if len(octets) == wanted:
                    try:
                        wanted = parser.send(octets)
                    except StopIteration as stop:
                        source: Source | None = stop.value
                        return source
                    octets = b""

    async def _readable(self, accepted: socket.socket) -> None:
        ready = self._loop.create_future()

        def arrived() -> None:
            if not ready.done():
                ready.set_result(None)

        self._loop.add_reader(accepted, arrived)
        try:
            await ready
        finally:
            self._loop.remove_reader(accepted)
