"""Clients that send an octet a minute, or take one: RFC 5321 §4.5.3.2.7 gives them five minutes for a command."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

import jumping
from live import prepare
from posthouse.server.app import Server

Dialogue = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ENVELOPE = b"EHLO x\r\nMAIL FROM:<e@x.example>\r\nRCPT TO:<bob@example.org>\r\n"


def converse(folder: Path, dialogue: Dialogue) -> float:
    """The minutes that it takes, and no letter comes of it unless it has been said so."""

    async def run() -> float:
        async with Server(prepare(folder)) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.endpoints["smtp"][0].port)
            assert (await reader.readline()).startswith(b"220 ")
            began = asyncio.get_running_loop().time()
            await dialogue(reader, writer)
            took = asyncio.get_running_loop().time() - began
            assert server.statistics()["connections"] == 0
            writer.close()
            return took / 60

    return jumping.run(run())


async def drip(octets: bytes, writer: asyncio.StreamWriter) -> None:
    """An octet a minute, until the other side has had enough."""
    for octet in octets:
        if writer.is_closing():
            return
        writer.write(bytes([octet]))
        await asyncio.sleep(60)


async def all_of(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:  # it wrote when we had closed
        return b""


@pytest.mark.parametrize(
    "first", [b"", ENVELOPE, ENVELOPE + b"DATA\r\nSubject: slow\r\n", ENVELOPE + b"BDAT 100\r\nSubject: slow\r\n"]
)
def test_an_octet_a_minute(tmp_path: Path, first: bytes) -> None:
    said = []

    async def dialogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        dripping = asyncio.create_task(drip(b"X-Slow: x" * 10, writer))
        said.append(await all_of(reader))
        dripping.cancel()

    assert 4.99 <= converse(tmp_path, dialogue) < 45, "it could have gone on for an hour and a half"
    assert said[0].endswith(b"421 4.3.2 Idle for too long\r\n")
    assert not list((tmp_path / "data" / "messages").rglob("*.eml"))


def test_a_letter_on_a_bad_line_comes_through(tmp_path: Path) -> None:
    """Four octets a second are slow, and they are a letter."""
    said = []

    async def dialogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ENVELOPE + b"DATA\r\n")
        for _ in range(20):
            writer.write(b"x" * 238 + b"\r\n")
            await asyncio.sleep(60)
        writer.write(b".\r\nQUIT\r\n")
        said.append(await all_of(reader))

    assert converse(tmp_path, dialogue) >= 20
    assert said[0].splitlines()[-2].startswith(b"250 2.0.0 ")


def test_whoever_reads_nothing_is_hung_up_on(tmp_path: Path) -> None:
    async def run() -> float:
        async with Server(prepare(tmp_path)) as server:
            loop = asyncio.get_running_loop()
            with socket.socket() as peer:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                peer.setblocking(False)
                await loop.sock_connect(peer, ("127.0.0.1", server.endpoints["smtp"][0].port))
                began = loop.time()
                talking = asyncio.create_task(loop.sock_sendall(peer, b"EHLO x\r\n" * 200_000))
                await asyncio.sleep(60)
                while server.statistics()["connections"]:  # noqa: ASYNC110  (it tells nobody)
                    await asyncio.sleep(10)
                talking.cancel()
                return (loop.time() - began) / 60

    assert jumping.run(run()) < 45
