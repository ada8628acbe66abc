"""One question to a web server, over TLS with a verified certificate: no redirects, no cache, a limit on everything."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import h11

from posthouse.errors import ConnectionFailed, RemoteProtocolError

from .stream import AsyncStream


@dataclass(frozen=True, slots=True)
class Answer:
    """``media_type`` in lower case, without parameters: "text/plain". ``location``: where it has moved to."""

    status: int
    media_type: str
    body: bytes
    location: str = ""


async def ask(
    host: str,
    target: str,
    *,
    context: ssl.SSLContext | None,
    limit: int,
    seconds: float,
    address: str = "",
    port: int = 443,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Answer:
    """Ask ``https://host/target``; its answer, of ``limit`` octets at most, within ``seconds`` in all.

    ``context``: None for a service of this machine, in clear text. ``address``: where the host is, for who has looked
    it up already. Errors: `ConnectionFailed`, `RemoteProtocolError`.
    """
    fields = {"Host": host if port == 443 else f"{host}:{port}", "User-Agent": "Posthouse", "Connection": "close"}
    if body:
        fields["Content-Length"] = str(len(body))
    request = h11.Request(method=method, target=target, headers=list((fields | dict(headers or {})).items()))
    try:
        async with asyncio.timeout(seconds):
            stream = await AsyncStream.connect(address or host, port, seconds)
            try:
                stream.host = host
                if context is not None:
                    await stream.start_tls(context, seconds)
                return await _exchange(stream, request, body, limit, seconds)
            finally:
                stream.abort()
    except TimeoutError as error:
        raise ConnectionFailed(
            f"{host} did not answer within {seconds:g} seconds", advice="Try again later."
        ) from error
    except h11.RemoteProtocolError as error:
        raise RemoteProtocolError(f"{host} doesn't speak HTTP as it should: {error}") from error


async def _exchange(stream: AsyncStream, request: h11.Request, body: bytes, limit: int, seconds: float) -> Answer:
    machine = h11.Connection(h11.CLIENT)
    octets = machine.send(request) or b""
    if body:
        octets += machine.send(h11.Data(data=body)) or b""
    await stream.send(octets + (machine.send(h11.EndOfMessage()) or b""), seconds)
    status, media_type, location, received = 0, "", "", bytearray()
    while True:
        event = machine.next_event()
        if event is h11.NEED_DATA:
            machine.receive_data(await stream.receive(seconds) or b"")
        elif isinstance(event, h11.Response):
            status = event.status_code
            kind = next((value for name, value in event.headers if name == b"content-type"), b"")
            media_type = kind.decode("latin-1").partition(";")[0].strip().lower()
            location = next((value for name, value in event.headers if name == b"location"), b"").decode("latin-1")
        elif isinstance(event, h11.Data):
            received += event.data
            if len(received) > limit:
                raise RemoteProtocolError(f"the answer of {stream.host} is larger than {limit} octets")
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            return Answer(status, media_type, bytes(received), location)
