"""Streams on real sockets: blocking, under asyncio's loop, and under uvloop's. They do the same and fail the same."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import pytest
import uvloop

from posthouse.errors import ConnectionFailed, TlsError
from posthouse.net import stream as streams
from posthouse.net.stream import AsyncStream, Stream
from posthouse.net.tls import answer_to_tls, client_context
from scripted import ScriptedServer, trusting_context


class Faced:
    """A stream of either kind, used by a test that does not wait."""

    def __init__(self, runner: asyncio.Runner | None, port: int, host: str = "localhost", seconds: float = 5) -> None:
        self._runner = runner
        self._stream: Any = self._run((AsyncStream if runner else Stream).connect(host, port, seconds))

    def _run(self, result: Any) -> Any:
        return self._runner.run(result) if self._runner and asyncio.iscoroutine(result) else result

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._stream, name)
        return (lambda *args: self._run(member(*args))) if callable(member) else member

    def __enter__(self) -> Faced:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def receive_all(self) -> bytes:
        received = b""
        while data := self.receive(5):
            received += data
        assert data == b"", "nothing came"
        return received


@pytest.fixture(params=["blocking", "asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner | None]:
    if request.param == "blocking":
        yield None
        return
    factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as loop:
        yield loop


def test_what_is_sent_arrives_and_what_comes_is_received(runner: asyncio.Runner | None) -> None:
    with ScriptedServer("S: hello\nC: you\nS: bye\nCLOSE") as server, Faced(runner, server.port) as stream:
        assert stream.receive(5) == b"hello\r\n"
        stream.send(b"you\r\n", 5)
        assert stream.receive_all() == b"bye\r\n"
        assert stream.receive(5) == b""
        assert stream.loopback


def test_silence_is_an_answer(runner: asyncio.Runner | None) -> None:
    with ScriptedServer("WAIT") as server, Faced(runner, server.port) as stream:
        assert stream.receive(0.01) is None
        assert stream.receive(0) is None


def test_tls_in_the_middle(runner: asyncio.Runner | None) -> None:
    script = "S: go\nTLS\nC: secret\nS: yours\nCLOSE"
    with ScriptedServer(script) as server, Faced(runner, server.port) as stream:
        assert stream.receive(5) == b"go\r\n"
        stream.start_tls(trusting_context(), 5)
        stream.send(b"secret\r\n", 5)
        assert stream.receive_all() == b"yours\r\n"


def test_more_than_any_buffer_holds(runner: asyncio.Runner | None) -> None:
    line = "0123456789" * 500_000
    with ScriptedServer("TLS\nC: 01*89\nS: thanks\nCLOSE") as server, Faced(runner, server.port) as stream:
        stream.start_tls(trusting_context(), 5)
        stream.send(line.encode() + b"\r\n", 20)
        assert stream.receive_all() == b"thanks\r\n"
    assert server.lines == [line]


def test_a_flood_is_held_back_until_it_is_read(runner: asyncio.Runner | None) -> None:
    line = "x" * 1000
    with ScriptedServer(f"S: {line}\n" * 5000 + "CLOSE") as server, Faced(runner, server.port) as stream:
        assert stream.receive_all() == (line.encode() + b"\r\n") * 5000


@pytest.mark.parametrize(
    ("names", "script", "context", "sentence", "advice"),
    [
        (("localhost",), "TLS", client_context, "is not trusted", "SSL_CERT_FILE"),
        (("other.example",), "TLS", trusting_context, "is not for localhost", "the name that the provider gives"),
        (("localhost",), "S: 220 hello\nWAIT", trusting_context, "does not begin with TLS", "tls=starttls"),
        (("localhost",), "WAIT", trusting_context, "did not finish the TLS handshake in time", "Try again"),
        (("localhost",), "CLOSE", trusting_context, "closed the connection when TLS began", "the right server"),
    ],
)
def test_why_a_handshake_failed(
    runner: asyncio.Runner | None, names: tuple[str, ...], script: str, context: Any, sentence: str, advice: str
) -> None:
    server = ScriptedServer(script, names=names)
    # What the server thinks of a client that refuses its certificate isn't the subject.
    with contextlib.suppress(ssl.SSLError, ConnectionError), server, Faced(runner, server.port) as stream:
        with pytest.raises(TlsError, match=sentence) as refused:
            stream.start_tls(context(), 0.5)
        assert advice in refused.value.advice


def test_nothing_listens(runner: asyncio.Runner | None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionFailed, match=f"nothing listens at localhost:{port}") as refused:
        Faced(runner, port)
    assert refused.value.advice


def test_what_can_be_no_name(runner: asyncio.Runner | None) -> None:
    with pytest.raises(ConnectionFailed, match=r"there is no computer named a\.\.b") as refused:
        Faced(runner, 1, "a..b")
    assert "spelling" in refused.value.advice


@pytest.mark.parametrize(
    ("error", "sentence", "advice"),
    [
        (socket.gaierror(socket.EAI_NONAME, "not known"), "there is no computer named h.example", "spelling"),
        (socket.gaierror(socket.EAI_AGAIN, "try again"), "can't be looked up at the moment", "network"),
        (TimeoutError(), "did not answer within 30 seconds", "465 (TLS from the start) or 587"),
        (OSError(101, "Network is unreachable"), "can't be reached: Network is unreachable", "network"),
    ],
)
def test_other_reasons_in_plain_words(error: OSError, sentence: str, advice: str) -> None:
    failed = streams.explain_connect(error, "h.example", 25, 30)
    assert sentence in str(failed)
    assert advice in failed.advice


def test_the_peer_stops_listening(runner: asyncio.Runner | None) -> None:
    with ScriptedServer("CLOSE") as server, Faced(runner, server.port) as stream:
        assert stream.receive(5) == b""
        with pytest.raises(ConnectionFailed, match="was cut off"):
            for _ in range(100):
                stream.send(b"x" * 65536, 5)


def test_a_peer_that_takes_nothing(runner: asyncio.Runner | None) -> None:
    def send_without_end(stream: Faced) -> None:
        while True:
            stream.send(b"x" * 1_000_000, 0.1)

    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        Faced(runner, listener.getsockname()[1]) as stream,
        pytest.raises(ConnectionFailed, match=r"took nothing for 0\.1 seconds"),
    ):
        send_without_end(stream)


def test_how_a_port_answers_tls() -> None:
    # The probe hangs up in the middle of the handshake, which the server may say.
    with contextlib.suppress(OSError), ScriptedServer("TLS") as server:
        assert answer_to_tls("localhost", server.port, 5) == b"\x16"  # RFC 8446 §5.1: handshake(22)
    with ScriptedServer("S: 220 hello\nWAIT") as server:
        assert answer_to_tls("localhost", server.port, 5) == b"2"
    with ScriptedServer("WAIT") as server:
        assert answer_to_tls("localhost", server.port, 0.05) == b""
    assert answer_to_tls("localhost", server.port, 5) == b""  # nothing listens there any more
