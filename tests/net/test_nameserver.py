"""One name server: what comes from elsewhere, what is too long for a datagram, and who doesn't answer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence

import pytest

from posthouse.errors import NoRoute
from posthouse.net import dns_wire
from posthouse.net.dns import Resolver
from posthouse.net.nameserver import MAX_QUESTIONS, Nameserver

Reaction = Callable[[bytes], Sequence[bytes]]


def silent(_: bytes) -> Sequence[bytes]:
    return ()


def answer(question: bytes, *, flags: int = 0x8180, data: bytes = b"\xc0\0\2\1") -> bytes:
    """An address: 192.0.2.1."""
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c" + len(data).to_bytes(2) + data
    return question[:2] + flags.to_bytes(2) + b"\0\1\0\1\0\0\0\0" + question[12:] + record


class Server(asyncio.DatagramProtocol):
    """Answers over both, as it is told; ``ports``: those that the questions came from."""

    def __init__(self, by_datagram: Reaction, by_stream: Reaction) -> None:
        self.by_datagram, self.by_stream = by_datagram, by_stream
        self.ports: list[int] = []
        self.streams = 0

    async def __aenter__(self) -> Server:
        loop = asyncio.get_running_loop()
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._listener.sockets[0].getsockname()[1]
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, ("127.0.0.1", self.port))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.close()
        self._listener.close()
        await self._listener.wait_closed()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        pass

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.ports.append(addr[1])
        for one in self.by_datagram(data):
            self._transport.sendto(one, addr)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.streams += 1
        question = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
        for one in self.by_stream(question):
            writer.write(len(one).to_bytes(2) + one)
        writer.close()
        await writer.wait_closed()


async def found(*servers: Server) -> list[str]:
    resolver = Resolver([("127.0.0.1", one.port) for one in servers], seconds=1.0)
    return await anext(resolver.addresses("host.example"))


def test_what_a_forger_guesses_wrong_is_not_heard() -> None:
    def forged(question: bytes) -> Sequence[bytes]:
        bad = b"\xc0\0\2\x66"
        another = dns_wire.ask("other.example", "A").octets
        return [
            b"",
            b"\0",
            answer(bytes([question[0] ^ 1]) + question[1:], data=bad),
            answer(question[:2] + another[2:], data=bad),
            answer(question, flags=0x0180, data=bad),
            answer(question),
            answer(question, data=bad),
        ]

    async def ask() -> list[str]:
        async with Server(forged, silent) as server:
            return await found(server)

    assert asyncio.run(ask()) == ["192.0.2.1"]


@pytest.mark.parametrize(
    "first",
    [
        lambda question: [answer(question, flags=0x8380)],  # it was too long
        lambda question: [answer(question[:12] + question[12:].swapcase(), data=b"\xc0\0\2\x66")],  # in another case
    ],
)
def test_the_second_question_goes_over_tcp(first: Reaction) -> None:
    async def ask() -> tuple[list[str], int]:
        async with Server(first, lambda question: [answer(question)]) as server:
            return await found(server), server.streams

    assert asyncio.run(ask()) == (["192.0.2.1"], 1)


@pytest.mark.parametrize(
    "by_stream",
    [silent, lambda question: [question], lambda question: [answer(bytes(2) + question[2:])], lambda _: [b"x"]],
)
def test_nonsense_over_tcp(by_stream: Reaction) -> None:
    async def ask() -> None:
        async with Server(lambda question: [answer(question, flags=0x8380)], by_stream) as server:
            await found(server)

    with pytest.raises(NoRoute, match="gives no answer"):
        asyncio.run(ask())


@pytest.mark.parametrize("bad", [lambda question: [answer(question, data=b"123")], lambda q: [answer(q, flags=0x8182)]])
def test_another_server_is_asked(bad: Reaction) -> None:
    async def ask() -> list[str]:
        async with Server(bad, silent) as first, Server(lambda question: [answer(question)], silent) as second:
            return await found(first, second)

    assert asyncio.run(ask()) == ["192.0.2.1"]


def test_where_nothing_listens() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    async def ask() -> list[str]:
        async with Server(lambda question: [answer(question)], silent) as second:
            resolver = Resolver([("127.0.0.1", port), ("127.0.0.1", second.port)])
            return await anext(resolver.addresses("host.example"))

    assert asyncio.run(ask()) == ["192.0.2.1"]


def test_many_questions_share_sockets_and_none_is_left_open() -> None:
    count = 3 * MAX_QUESTIONS

    async def ask() -> tuple[int, int]:
        async with Server(lambda question: [answer(question)], silent) as server:
            asked = Nameserver("127.0.0.1", server.port)
            questions = [dns_wire.ask(f"host{number}.example", "A") for number in range(count)]
            octets = await asyncio.gather(*[asked.answer(one, 5.0) for one in questions])
            assert all(one.check(two) for one, two in zip(questions, octets, strict=True))
            together = len(set(server.ports))
            for _ in range(5):
                await asked.answer(dns_wire.ask("host.example", "A"), 5.0)
            return together, len(set(server.ports)) - together

    together, alone = asyncio.run(ask())
    assert 3 <= together <= 6  # two questions of the same number don't share one
    assert alone >= 4  # a port each: chance may choose one again


def test_who_asks_the_same_waits_for_the_same_answer() -> None:
    async def ask() -> tuple[int, list[object]]:
        async with Server(lambda question: [answer(question)], silent) as server:
            resolver = Resolver([("127.0.0.1", server.port)])
            first = asyncio.create_task(anext(resolver.addresses("host.example")))  # type: ignore[arg-type]
            rest = [asyncio.create_task(anext(resolver.addresses("host.example"))) for _ in range(5)]  # type: ignore[arg-type]
            await asyncio.sleep(0)
            first.cancel()  # another one asks in its place
            results = await asyncio.gather(*rest, return_exceptions=True)
            await asyncio.gather(first, return_exceptions=True)
            return len(server.ports), list(results)

    questions, results = asyncio.run(ask())
    assert results == [["192.0.2.1"]] * 5
    assert questions <= 2
