"""The pump: octets between one socket and one session."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import struct
from collections.abc import Callable, Mapping
from typing import Any, cast

from posthouse.sessions.session import BrokenOff, Peer, Session
from posthouse.wire.machine import Tls

from . import eager
from .tls import ServerTls

log = logging.getLogger("posthouse.server")

# Octets that may wait unread while a session is busy; beyond them the socket is left alone until they are answered.
READ_AHEAD = 64 * 1024
# unix(7): struct ucred { pid_t pid; uid_t uid; gid_t gid; }
CREDENTIALS = struct.Struct("iII")
# Events that one connection may have answered before the others get a turn.
FAIR_SHARE = 50
# Octets of answers to pipelined commands that gather before they are sent.
WRITE_BEHIND = 64 * 1024
# Octets that prove within a session's patience that somebody is there who sends, where no command is complete: two a
# second, for a letter on a bad line. Were one enough, an octet a minute would keep a connection for ever.
SIGN_OF_LIFE = 512
# Seconds for a TLS handshake. Postfix and Dovecot take minutes; real handshakes take a second on a bad line.
HANDSHAKE_SECONDS = 30.0
# Seconds for the peer to agree to the end of TLS. What we had to say is sent; RFC 8446 §6.1 lets us close without it.
GOODBYE_SECONDS = 1.0


class Connection(asyncio.Protocol):
    """One connection, from accept to close. It is also the `Line` that its session sees."""

    def __init__(
        self,
        open_session: Callable[[Connection], Session[Any]],
        *,
        tls: ServerTls | None,
        admit: Callable[[Connection], str],
        gone: Callable[[Connection], None],
        peer: Peer | None = None,
    ) -> None:
        """``admit`` returns why a connection is not wanted, or ""; ``gone`` is told of each end. ``peer``: who is
        behind a proxy; else the socket knows."""
        self._open_session = open_session
        self._tls = tls
        self._admit = admit
        self._gone = gone
        self._transport: asyncio.Transport | None = None
        self._session: Session[Any] | None = None
        self._pumping = False
        self._task: asyncio.Task[None] | None = None  # of the pump, where it waits for something
        self._handshake: asyncio.Task[asyncio.Transport | None] | None = None  # of STARTTLS, while it goes on
        self._again = False  # octets or a wake-up came while the pump ran
        self._woken = False
        self._paused = False  # reading is paused
        self._room: asyncio.Future[None] | None = None  # set while the peer reads too slowly
        self._stopping = ""
        self._alive = 0.0  # when it was last certain that the peer goes on
        self._unproved = 0  # octets that came since
        self._timer: asyncio.TimerHandle | None = None
        self._proxied = peer is not None
        self.peer = peer or Peer("0.0.0.0", 0)  # noqa: S104  (until connection_made tells)
        self.cipher = ""

    # -- called by the event loop --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are not registered as such
        if not self._proxied:
            # The peer may be gone already; then there is no name to be had.
            address = transport.get_extra_info("peername") or ("0.0.0.0", 0)  # noqa: S104
            opened = transport.get_extra_info("socket")
            if opened.family == socket.AF_UNIX:  # a program on this machine
                self.peer = Peer("127.0.0.1", 0, _user(opened))
            else:
                self.peer = Peer(str(address[0]).partition("%")[0], int(address[1]))
        self._note_cipher()
        self._session = self._open_session(self)
        refusal = self._admit(self)
        if refusal:
            log.info("refused %s: %s", self.peer, refusal)
            self._close(refusal)
            return
        self._session.begin()
        self._send()
        self._note_life()
        self._watch()

    def data_received(self, data: bytes) -> None:
        if self._session is None:
            return
        self._unproved += len(data)
        if self._unproved >= SIGN_OF_LIFE:
            self._note_life()
        self._session.machine.receive_data(data)
        if self._pumping and not self._paused and self._session.machine.unread > READ_AHEAD:
            self._pause()
        self._pump_now()

    def eof_received(self) -> bool:
        if self._session is not None:
            self._session.machine.receive_eof()
            self._pump_now()
        # A peer that has said all (`printf … | nc`) still hears the answers; TLS has no half-open connections.
        return not self.cipher

    def pause_writing(self) -> None:
        if self._room is None:
            self._room = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        self._note_life()  # it has taken what a buffer holds
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        if self._pumping and self._session is not None:
            self._session.left()
        elif not self._pumping:
            self._end()
        self._transport = None
        self.resume_writing()
        self._gone(self)

    # -- what a session sees (sessions.session.Line) -------------------------------------------------------------

    @property
    def bindings(self) -> Mapping[str, bytes]:
        tls = self._ssl_object
        return {} if tls is None or self._tls is None else self._tls.bindings(tls)

    @property
    def certified(self) -> tuple[str, ...]:
        tls = self._ssl_object
        return () if tls is None or self._tls is None else self._tls.certified(tls)

    @property
    def _ssl_object(self) -> ssl.SSLObject | None:
        return None if self._transport is None else self._transport.get_extra_info("ssl_object")

    async def flush(self) -> None:
        self._send()
        if self._room is not None:
            await self._room
        if self._transport is None:
            raise ConnectionResetError("the peer is gone")

    def wake(self) -> None:
        # Not at once: whoever wakes many sessions is in the middle of something.
        if not self._woken:
            self._woken = True
            asyncio.get_running_loop().call_soon(self._pump_now)

    # -- the pump ------------------------------------------------------------------------------------------------

    def _pump_now(self) -> None:
        """Answer what has come, as far as nothing has to be waited for; a task does the rest."""
        self._again = True
        if not self._pumping and self._transport is not None:
            self._pumping = True
            self._task = eager.begin(self._pump())

    async def _pump(self) -> None:
        session = self._session
        assert session is not None
        try:
            while self._again and self._transport is not None:
                self._again = False
                if self._woken:
                    self._woken = False
                    await session.woken()
                await self._answer(session)
        except ConnectionError:
            pass  # the peer left in the middle of an answer: connection_lost tells
        except BrokenOff as error:
            log.error("closed %s: %s", self.peer, error)
            self.abort()
        except Exception:
            log.exception("%s session with %s failed", session.protocol, self.peer)
            self._close("internal error; the server's log has the details")
        finally:
            self._pumping = False
            if self._transport is None:
                self._end()
            elif self._stopping and not session.in_progress:
                self._close(self._stopping)

    async def _answer(self, session: Session[Any]) -> None:
        """Answer every event in the octets that are here."""
        machine = session.machine
        for count, event in enumerate(machine.events(), 1):
            await session.handle(event)
            if count % FAIR_SHARE == 0:
                await asyncio.sleep(0)  # a hundred thousand pipelined commands are no reason for others to wait
            if machine.output_size > WRITE_BEHIND:
                await self.flush()
            if self._paused and machine.unread <= READ_AHEAD // 2:
                self._resume()
        if machine.tls is Tls.WANTED:
            self._pause()  # what comes after the go-ahead is for the handshake, which begins a moment later
        await self.flush()
        if machine.closed:
            if self._transport is not None:
                self._transport.close()
        elif machine.tls is Tls.WANTED:
            await self._begin_tls()
            self._again = True
        if machine.interrupted:
            self._again = True
            await asyncio.sleep(0)
        elif self._paused:
            self._resume()  # whatever waits unread is the beginning of something: the machine asks for the rest

    async def _begin_tls(self) -> None:
        """The handshake of STARTTLS. What the peer sent before it is forgotten by the machine.

        It is forgotten now, not afterwards: nothing is read any more in clear text, and what comes together with the
        handshake's last octets is encrypted, and counts.
        """
        assert self._transport is not None and self._tls is not None and self._session is not None
        self._session.machine.tls_started()
        loop = asyncio.get_running_loop()
        self._handshake = loop.create_task(
            loop.start_tls(
                self._transport,
                self,
                self._tls.context,
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=GOODBYE_SECONDS,
            )
        )
        await asyncio.wait((self._handshake,))
        handshake, self._handshake = self._handshake, None
        transport = None if handshake.cancelled() or handshake.exception() else handshake.result()
        if transport is None or transport.is_closing():
            # Whoever leaves during the handshake is not reported to connection_lost.
            log.info("TLS with %s failed: %s", self.peer, "" if handshake.cancelled() else handshake.exception())
            if self._transport is not None:
                self._transport.abort()
                self.connection_lost(None)
            raise ConnectionResetError("no TLS")
        self._transport = transport
        self._paused = False  # start_tls reads again
        self._note_cipher()
        self._session.secured()

    def _note_cipher(self) -> None:
        tls = self._ssl_object
        if tls is not None and (agreed := tls.cipher()) is not None:
            name, version, bits = agreed
            self.cipher = f"{version} with cipher {name} ({bits} bits)"

    def _send(self) -> None:
        if self._session is not None and self._transport is not None:
            data = self._session.machine.data_to_send()
            if data and not self._transport.is_closing():
                self._note_life()  # it is answered: it has said something whole
                self._transport.write(data)

    def _note_life(self) -> None:
        self._alive = asyncio.get_running_loop().time()
        self._unproved = 0

    def _pause(self) -> None:
        if self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        self._paused = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # -- its end -------------------------------------------------------------------------------------------------

    def stop(self, reason: str) -> None:
        """The server stops: close now, or when what is in progress is done."""
        self._stopping = reason
        if self._handshake is not None:
            self.abort()  # in the middle of a handshake nothing can be said
        elif not self._pumping and (self._session is None or not self._session.in_progress):
            self._close(reason)

    def abort(self) -> None:
        """Close at once."""
        if self._handshake is not None:
            self._handshake.cancel()
        elif self._transport is not None:
            self._transport.abort()

    def _close(self, reason: str) -> None:
        """Say why, and close."""
        if self._session is not None and self._transport is not None and not self._session.machine.closed:
            self._session.farewell(reason)
            self._send()
        if self._transport is not None:
            self._transport.close()

    def _end(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.ended()

    def _watch(self) -> None:
        """Close the connection of a peer that was silent, or didn't read, for longer than its session's patience.

        RFC 5321 §4.5.3.2.7: five minutes for a command. Who sends an octet now and then has not sent one.
        """
        if self._transport is None or self._session is None:
            return
        loop = asyncio.get_running_loop()
        silent = loop.time() - self._alive
        stuck = not self._pumping or self._room is not None
        if stuck and silent >= self._session.patience:
            log.info("closed %s: silent for %.0f s", self.peer, silent)
            self._close("idle for too long")
            loop.call_later(1.0, self.abort)  # a peer that reads nothing doesn't read the farewell either
            return
        self._timer = loop.call_later(max(self._session.patience - silent, 1.0), self._watch)


def _user(opened: socket.socket) -> int | None:
    """The user whose program is at the other end, as the kernel knows it; None where it doesn't tell."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    credentials = opened.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    _, uid, _ = CREDENTIALS.unpack(credentials)
    return int(uid)
