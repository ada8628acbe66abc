"""What the two loops do with time: an answer that doesn't end isn't waited for longer than one that doesn't begin."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

import pytest

from posthouse.client.drive import adrive, drive
from posthouse.errors import ConnectionFailed
from posthouse.net.stream import AsyncStream, Stream
from posthouse.wire.reader import Reader
from posthouse.wire.steps import receive

SECONDS = 0.3


@contextlib.contextmanager
def dripping() -> Iterator[int]:
    """A server that says an octet every tenth of a second."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with listener.accept()[0] as peer, contextlib.suppress(OSError):
                while not over.wait(SECONDS / 3):
                    peer.sendall(b"2")

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            thread.join()


def blocking(port: int) -> None:
    stream = Stream.connect("127.0.0.1", port, 5)
    reader = Reader()
    try:
        drive(stream, receive(reader, reader.read_line(1000), SECONDS, whole=True), ssl.create_default_context())
    finally:
        stream.close()


def under_asyncio(port: int) -> None:
    async def run() -> None:
        stream = await AsyncStream.connect("127.0.0.1", port, 5)
        reader = Reader()
        try:
            steps = receive(reader, reader.read_line(1000), SECONDS, whole=True)
            await adrive(stream, steps, ssl.create_default_context())
        finally:
            stream.abort()

    asyncio.run(run())


@pytest.mark.parametrize("ask", [blocking, under_asyncio])
def test_an_answer_that_never_ends(ask: Callable[[int], None]) -> None:
    with dripping() as port, pytest.raises(ConnectionFailed, match="was not complete after"):
        ask(port)
