"""Connected streams of octets, as a client opens them: blocking, and under asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from typing import Any, cast

from posthouse.errors import ConnectionFailed

from .tls import explain as explain_tls
from .tls import speaks_first

# One system call's worth. Larger reads bring nothing on a network, smaller ones cost calls.
RECEIVE_SIZE = 256 * 1024
# Octets that may wait to be read before the peer is made to wait (asyncio's own streams: 2 × 64 KiB).
READ_AHEAD = 1024 * 1024
# A goodbye is courtesy: who doesn't answer it within this many seconds is hung up on.
CLOSE_TIMEOUT = 3.0
# A host with several addresses (most have an IPv6 and an IPv4 one) gets this many seconds for each but the last, so
# that a network that swallows IPv6 doesn't eat the whole time-out.
NEXT_ADDRESS_AFTER = 4.0
# What is spoken where (RFC 8314 §7.3), for who knocks in vain.
PORTS = {
    25: "Port 25 is for servers among themselves, and most networks block it: to send, use 465 (TLS from the start) or"
    " 587 (STARTTLS).",
    465: "Port 465 takes letters, with TLS from the start. If the name is right, a network may block it: try 587"
    " (STARTTLS).",
    587: "Port 587 takes letters, with STARTTLS. If the name is right, a network may block it: try 465 (TLS from the"
    " start).",
    143: "Port 143 is IMAP with STARTTLS; many providers have only 993 (TLS from the start). Check the server's name,"
    " too.",
    993: "Port 993 is IMAP with TLS from the start. Check the server's name; some servers have only 143 (STARTTLS).",
    110: "Port 110 is POP3 with STARTTLS; many providers have only 995 (TLS from the start). Check the server's name,"
    " too.",
    995: "Port 995 is POP3 with TLS from the start. Check the server's name; some servers have only 110 (STARTTLS).",
}


def explain_connect(error: OSError | UnicodeError, host: str, port: int, seconds: float) -> ConnectionFailed:
    """What a connection that did not come about means, and what to do about it."""
    where = f"{host}:{port}"
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return ConnectionFailed(
            f"the name {host} can't be looked up at the moment", advice="Check the network connection."
        )
    if isinstance(error, socket.gaierror | UnicodeError):
        return ConnectionFailed(f"there is no computer named {host}", advice="Check the spelling of the server's name.")
    if isinstance(error, ConnectionRefusedError):
        return ConnectionFailed(
            f"nothing listens at {where}",
            advice=PORTS.get(port, "Check the name and the port, and whether the server is running."),
        )
    if isinstance(error, TimeoutError):
        return ConnectionFailed(
            f"{where} did not answer within {seconds:g} seconds",
            advice=PORTS.get(port, "Check the name and the port, and whether the server is running."),
        )
    return ConnectionFailed(
        f"{where} can't be reached: {error.strerror or error}", advice="Check the network connection."
    )


def _addresses(found: list[tuple[Any, ...]]) -> list[str]:
    """The addresses in what getaddrinfo returned, in its order (RFC 6724: the likeliest first)."""
    return [str(address[0]) for *_, address in found]


def _cut_off(host: str, port: int) -> ConnectionFailed:
    return ConnectionFailed(f"the connection to {host}:{port} was cut off", advice="Try again.")


def _send_timed_out(host: str, port: int, seconds: float) -> ConnectionFailed:
    return ConnectionFailed(f"{host}:{port} took nothing for {seconds:g} seconds", advice="Try again.")


def _is_loopback(address: str) -> bool:
    """Whether a connection to this address stays within this computer."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


class Stream:
    """A connected socket that blocks. Not for use by two threads at once."""

    def __init__(self, connection: socket.socket, host: str, port: int) -> None:
        self._socket = connection
        self.host = host
        self.port = port
        here = connection.family == socket.AF_UNIX
        self.loopback = here or _is_loopback(connection.getpeername()[0])
        self.local_address: str = "" if here else connection.getsockname()[0]

    @classmethod
    def connect(cls, host: str, port: int, seconds: float) -> Stream:
        """Connect to the first of the host's addresses that answers; each gets at most ``seconds`` seconds."""
        try:
            *others, last = _addresses(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            for address in others:
                with contextlib.suppress(OSError):
                    return cls._connected(address, host, port, min(seconds, NEXT_ADDRESS_AFTER))
            return cls._connected(last, host, port, seconds)
        except (OSError, UnicodeError) as error:
            raise explain_connect(error, host, port, seconds) from error

    @classmethod
    def connect_path(cls, path: str, seconds: float) -> Stream:
        """Connect to a socket in the file system."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(seconds)
        try:
            connection.connect(path)
        except OSError as error:
            connection.close()
            raise explain_connect(error, path, 0, seconds) from error
        return cls(connection, path, 0)

    @classmethod
    def _connected(cls, address: str, host: str, port: int, seconds: float) -> Stream:
        connection = socket.create_connection((address, port), seconds)
        # What we send is gathered into flights already; waiting for more would only delay it.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(connection, host, port)

    def start_tls(self, context: ssl.SSLContext, seconds: float) -> None:
        """Encrypt from here on; the certificate must be for ``self.host``."""
        self._socket.settimeout(seconds)
        try:
            self._socket = context.wrap_socket(self._socket, server_hostname=self.host)
        except (OSError, ValueError) as error:
            raise explain_tls(error, self.host, self.port) from error

    def send(self, data: bytes, seconds: float) -> None:
        """Send all of it within ``seconds`` seconds."""
        self._socket.settimeout(seconds)
        try:
            self._socket.sendall(data)
        except TimeoutError as error:
            raise _send_timed_out(self.host, self.port, seconds) from error
        except OSError as error:
            raise _cut_off(self.host, self.port) from error

    def receive(self, seconds: float) -> bytes | None:
        """What came; ``b""`` when the peer closed; None when nothing came within ``seconds`` seconds."""
        # A socket whose time-out is 0 would not block at all, and say so by another error.
        self._socket.settimeout(max(seconds, 0.001))
        try:
            return self._socket.recv(RECEIVE_SIZE)
        except TimeoutError:
            return None
        except OSError as error:
            raise _cut_off(self.host, self.port) from error

    def close(self) -> None:
        """Close the connection; never fails."""
        self._socket.close()

    abort = close  # a blocking socket's close waits for nothing


class AsyncStream(asyncio.Protocol):
    """A connected socket under asyncio. Not for use by two tasks at once.

    Whoever receives waits on a bare future, and one timer of the loop serves one wait after the other: a wait with a
    time-out of its own (`asyncio.timeout`) costs as much as all else that is done for a line.
    """

    _transport: asyncio.Transport

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.loopback = False
        self.local_address = ""
        self._received = bytearray()
        self._ended = False
        self._error: Exception | None = None
        self._paused_reading = False
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[bool] | None = None  # whoever receives: octets came, or the end; or not in time
        self._until = 0.0  # when its time is over
        self._timer: asyncio.TimerHandle | None = None
        self._lost = asyncio.Event()

    @classmethod
    async def connect(cls, host: str, port: int, seconds: float) -> AsyncStream:
        """Connect to the first of the host's addresses that answers; each gets at most ``seconds`` seconds."""
        loop = asyncio.get_running_loop()
        try:
            *others, last = _addresses(await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            for address in others:
                with contextlib.suppress(OSError):
                    return await cls._connected(address, host, port, min(seconds, NEXT_ADDRESS_AFTER))
            return await cls._connected(last, host, port, seconds)
        except (OSError, UnicodeError) as error:
            raise explain_connect(error, host, port, seconds) from error

    @classmethod
    async def _connected(cls, address: str, host: str, port: int, seconds: float) -> AsyncStream:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(seconds):
            _, stream = await loop.create_connection(lambda: cls(host, port), address, port)
        return stream

    async def start_tls(self, context: ssl.SSLContext, seconds: float) -> None:
        """Encrypt from here on; the certificate must be for ``self.host``."""
        if self._received:
            # OpenSSL would say so of a blocking socket, where these octets would still wait to be read.
            raise speaks_first(self.host, self.port)
        loop = asyncio.get_running_loop()
        try:
            if self._ended:
                raise ConnectionResetError("closed before the handshake")
            # start_tls has a time-out of its own, but never returns where the connection is lost in the same moment.
            async with asyncio.timeout(seconds):
                transport = await loop.start_tls(self._transport, self, context, server_hostname=self.host)
            if transport is None:
                raise ConnectionResetError("lost during the handshake")
        except (OSError, ValueError) as error:
            # asyncio doesn't tell the protocol that a connection was lost during its handshake.
            self._transport.abort()
            self._lost.set()
            raise explain_tls(error, self.host, self.port) from error
        self._transport = transport

    @property
    def ended(self) -> bool:
        """Whether the peer has closed the connection, as far as we have heard."""
        return self._ended

    def shown_certificates(self) -> list[bytes]:
        """The certificates that the peer showed, DER, its own first; whether they prove anything was not looked at."""
        tls = self._transport.get_extra_info("ssl_object")
        if tls is None:
            return []
        # Python 3.13 has it in the open; 3.11 and 3.12 on the object below.
        chain = getattr(tls, "get_unverified_chain", None) or tls._sslobj.get_unverified_chain
        return [
            one if isinstance(one, bytes) else ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in chain() or ()
        ]

    async def send(self, data: bytes, seconds: float) -> None:
        """Hand it to the system within ``seconds`` seconds, except for what fits a buffer (64 KiB)."""
        if self._lost.is_set():
            raise _cut_off(self.host, self.port) from self._error
        self._transport.write(data)
        if not self._may_write.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self._may_write.wait()
            except TimeoutError as error:
                raise _send_timed_out(self.host, self.port, seconds) from error
        if self._error:
            raise _cut_off(self.host, self.port) from self._error

    async def receive(self, seconds: float) -> bytes | None:
        """What came; ``b""`` when the peer closed; None when nothing came within ``seconds`` seconds."""
        if not self._received and not self._ended and not await self._wait(seconds):
            return None
        if not self._received and self._error:
            raise _cut_off(self.host, self.port) from self._error
        data = bytes(self._received)
        self._received.clear()
        if self._paused_reading:
            self._paused_reading = False
            self._transport.resume_reading()
        return data

    async def _wait(self, seconds: float) -> bool:
        """Until there is something to receive; False when the time is over."""
        self._until = self._loop.time() + seconds
        if self._timer is not None and self._timer.when() > self._until:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(self._until, self._look_at_time)
        self._waiter = self._loop.create_future()
        try:
            return await self._waiter
        finally:
            self._waiter = None

    def _look_at_time(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() < self._until:  # the timer was for a wait before this one
            self._timer = self._loop.call_at(self._until, self._look_at_time)
        else:
            self._waiter.set_result(False)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(True)

    def abort(self) -> None:
        """Drop the connection: what waits to be sent is lost."""
        self._transport.abort()

    async def close(self) -> None:
        """Close the connection; never fails."""
        if self._may_write.is_set():
            self._transport.close()
        else:  # what a peer hasn't taken until now, it won't take while we leave
            self._transport.abort()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._lost.wait()
        except TimeoutError:
            self._transport.abort()

    # -- called by asyncio ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast("asyncio.Transport", transport)
        self.loopback = _is_loopback(transport.get_extra_info("peername")[0])
        self.local_address = transport.get_extra_info("sockname")[0]

    def data_received(self, data: bytes) -> None:
        """Octets came."""
        self._received += data
        if len(self._received) > READ_AHEAD and not self._paused_reading:
            self._paused_reading = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """The peer sends nothing more; asyncio then closes our side too."""
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._ended = True
        if not isinstance(exc, ssl.SSLEOFError):
            self._error = exc
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._lost.set()
        self._may_write.set()
        self._wake()

    def pause_writing(self) -> None:
        """The network takes no more for now."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """The network takes octets again."""
        self._may_write.set()
