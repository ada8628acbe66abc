"""The first words of a server, and what it means when they don't come or make no sense."""

from __future__ import annotations

from typing import TypeVar

from posthouse.errors import ConnectionFailed, RemoteProtocolError, TlsError
from posthouse.wire.reader import EndOfInput, Parse, Reader
from posthouse.wire.steps import ProbeTls, Receive, StartTls, Steps, receive

from .url import Security, Server

T = TypeVar("T")

# Servers greet at once, except those that test a client's patience (Postfix's postscreen: 6 seconds) or look up who
# calls. After this long we ask whether the port is one for TLS.
SILENCE = 7.0
# A person waits in front of it. Who carries the letters of others has the five minutes of RFC 5321 (§4.5.3.2.1), in
# which a server that is too busy keeps its callers waiting.
PATIENCE = 60.0
# RFC 8446 §5.1: ContentType alert(21) and handshake(22). No greeting begins with such an octet.
TLS_RECORDS = (b"\x15", b"\x16")


def receive_greeting(reader: Reader, parse: Parse[T], server: Server, timeout: float = PATIENCE) -> Steps[T]:
    """Begin TLS if that comes first, and run the parser of the greeting. `ConnectionFailed` if there is none."""
    where = f"{server.host}:{server.port}"
    if server.tls is Security.IMPLICIT:
        yield StartTls()
    data = yield Receive(SILENCE)
    if data is None:
        if server.tls is not Security.IMPLICIT and (yield ProbeTls()) in TLS_RECORDS:
            raise TlsError(
                f"{where} expects TLS from the first octet on",
                advice="Add ?tls=implicit to the server's address.",
            )
        data = yield Receive(timeout - SILENCE)
    if data is None:
        raise ConnectionFailed(
            f"{where} took the connection and said nothing for {timeout:g} seconds",
            advice="Check the port; if it is right, the server is overloaded: try again later.",
        )
    if data:
        reader.feed(data)
    else:
        reader.feed_eof()
    try:
        return (yield from receive(reader, parse, timeout, whole=True))
    except EndOfInput as error:
        raise ConnectionFailed(
            f"{where} closed the connection without a word", advice="Check the port; if it is right, try again later."
        ) from error
    except RemoteProtocolError as error:
        raise ConnectionFailed(
            f"{where} does not speak {server.protocol.name}: {error}", advice="Check the port of the server's address."
        ) from error
