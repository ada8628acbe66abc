"""The two loops that grant an operation's wishes: over a blocking stream, and under asyncio.

What fails while a wish is granted is raised inside the operation, where the wish stands; so an operation may clean
up, or say better than the network could what went wrong.

``context``: whom to trust when TLS begins; None: those whom the system trusts. Their certificates are read only then:
that takes longer than to send a hundred letters.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from posthouse.errors import ConnectionFailed
from posthouse.net.stream import AsyncStream, Stream
from posthouse.net.tls import answer_to_tls, client_context
from posthouse.wire.steps import Read, Receive, StartTls, Steps

T = TypeVar("T")

# RFC 5321 §4.5.3.2.5: three minutes for a block of data to leave.
SEND_TIMEOUT = 180.0
# A handshake is two round trips and some arithmetic.
TLS_TIMEOUT = 30.0
# A server that is there answers a probe in a round trip.
PROBE_TIMEOUT = 3.0


def drive(stream: Stream, steps: Steps[T], context: ssl.SSLContext | None) -> T:
    """Run an operation over a blocking stream, and return its result."""
    answer: bytes | None = None
    failure: ConnectionFailed | None = None
    until = 0.0  # when the time to receive is over
    while True:
        try:
            wish = steps.throw(failure) if failure else steps.send(answer)
        except StopIteration as stop:
            result: T = stop.value
            return result
        answer = failure = None
        try:
            if isinstance(wish, bytes):
                stream.send(wish, SEND_TIMEOUT)
            elif isinstance(wish, Receive):
                until = until if wish.goes_on else time.monotonic() + wish.timeout
                answer = stream.receive(max(until - time.monotonic(), 0.0))
            elif isinstance(wish, Read):
                answer = wish.source[wish.start : wish.end]
            elif isinstance(wish, StartTls):
                stream.start_tls(context or client_context(), TLS_TIMEOUT)
            else:
                answer = answer_to_tls(stream.host, stream.port, PROBE_TIMEOUT)
        except ConnectionFailed as error:
            failure = error


async def adrive(stream: AsyncStream, steps: Steps[T], context: ssl.SSLContext | None) -> T:
    """Run an operation over a stream under asyncio, and return its result."""
    answer: bytes | None = None
    failure: ConnectionFailed | None = None
    clock = asyncio.get_running_loop().time
    until = 0.0  # when the time to receive is over
    while True:
        try:
            wish = steps.throw(failure) if failure else steps.send(answer)
        except StopIteration as stop:
            result: T = stop.value
            return result
        answer = failure = None
        try:
            if isinstance(wish, bytes):
                await stream.send(wish, SEND_TIMEOUT)
            elif isinstance(wish, Receive):
                until = until if wish.goes_on else clock() + wish.timeout
                answer = await stream.receive(max(until - clock(), 0.0))
            elif isinstance(wish, Read):
                answer = await asyncio.to_thread(wish.source.__getitem__, slice(wish.start, wish.end))
            elif isinstance(wish, StartTls):
                await stream.start_tls(context or client_context(), TLS_TIMEOUT)
            else:
                answer = await asyncio.to_thread(answer_to_tls, stream.host, stream.port, PROBE_TIMEOUT)
        except ConnectionFailed as error:
            failure = error


def finish(result: Coroutine[Any, Any, T]) -> T:
    """Wait for a coroutine; on a thread of its own where this one is in an event loop already (a notebook's)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(result)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, result).result()


async def afinish(result: Coroutine[Any, Any, T]) -> T:
    """Wait for a coroutine."""
    return await result


def call(function: Callable[..., T], *arguments: object) -> T:
    """Call a function that blocks."""
    return function(*arguments)


async def acall(function: Callable[..., T], *arguments: object) -> T:
    """Call a function that blocks, on a thread of its own."""
    return await asyncio.to_thread(function, *arguments)
