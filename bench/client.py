"""The client library against the standard library, on one connection to the same sink.

    python -m bench client [--letters 2000] [--delay 0] [--rounds 5]

The sink is a process of its own that takes letters and keeps nothing; `--delay` puts that many milliseconds before each
of its answers, as a line with such a round trip would.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import smtplib
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection

from posthouse import SmtpClient
from posthouse import aio as face

LETTER = (
    b"From: ada@x.org\r\nTo: bob@x.org\r\nSubject: hi\r\n\r\n" + b"Lorem ipsum dolor sit amet, consectetur.\r\n" * 95
)
SENDER, TO = "ada@x.org", ["bob@x.org"]


class Sink(asyncio.Protocol):
    """Takes every letter."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.buffer = bytearray()
        self.in_letter = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        self.answer(b"220 sink\r\n")

    def answer(self, data: bytes) -> None:
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, self.transport.write, data)
        else:
            self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        answers = []
        while True:
            mark = b"\r\n.\r\n" if self.in_letter else b"\r\n"
            end = self.buffer.find(mark)
            if end < 0:
                break
            verb = bytes(self.buffer[:4]).upper()
            del self.buffer[: end + len(mark)]
            if self.in_letter:
                self.in_letter = False
                answers.append(b"250 2.0.0 taken\r\n")
            elif verb == b"EHLO":
                answers.append(b"250-sink\r\n250-PIPELINING\r\n250-SIZE\r\n250 8BITMIME\r\n")
            elif verb == b"DATA":
                self.in_letter = True
                answers.append(b"354 go on\r\n")
            elif verb == b"QUIT":
                answers.append(b"221 2.0.0 bye\r\n")
            else:
                answers.append(b"250 2.1.0 ok\r\n")
        if answers:
            self.answer(b"".join(answers))


def serve(port: Connection, delay: float) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: Sink(delay), "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@contextlib.contextmanager
def sink(delay: float) -> Iterator[int]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(theirs, delay), daemon=True)
    process.start()
    yield ours.recv()
    process.terminate()
    process.join()


def with_smtplib(port: int, letters: int) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.ehlo()
        for _ in range(letters):
            client.sendmail(SENDER, TO, LETTER)


def one_by_one(port: int, letters: int) -> None:
    with SmtpClient.connect(f"smtp://127.0.0.1:{port}?tls=none") as client:
        for _ in range(letters):
            client.send(SENDER, TO, LETTER)


def send_many(port: int, letters: int) -> None:
    with SmtpClient.connect(f"smtp://127.0.0.1:{port}?tls=none") as client:
        for result in client.send_many((SENDER, TO, LETTER) for _ in range(letters)):
            result.check()


def send_many_asyncio(port: int, letters: int) -> None:
    async def run() -> None:
        async with await face.SmtpClient.connect(f"smtp://127.0.0.1:{port}?tls=none") as client:
            async for result in client.send_many((SENDER, TO, LETTER) for _ in range(letters)):
                result.check()

    asyncio.run(run())


WAYS: dict[str, Callable[[int, int], None]] = {
    "smtplib, sendmail": with_smtplib,
    "posthouse, send": one_by_one,
    "posthouse, send_many": send_many,
    "posthouse.aio, send_many": send_many_asyncio,
}


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench client")
    parser.add_argument("--letters", type=int, default=2000, help=f"of {len(LETTER)} octets")
    parser.add_argument("--delay", type=float, default=0.0, help="milliseconds before each answer")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    rates: dict[str, list[float]] = {name: [] for name in WAYS}
    with sink(options.delay / 1000) as port:
        for _ in range(options.rounds):
            for name, send in WAYS.items():
                begin = time.perf_counter()
                send(port, options.letters)
                rates[name].append(options.letters / (time.perf_counter() - begin))
    base = statistics.median(rates["smtplib, sendmail"])
    print(
        f"{options.letters} letters of {len(LETTER)} octets on one connection, {options.delay:g} ms before each answer"
    )
    for name, measured in rates.items():
        median = statistics.median(measured)
        print(f"  {name:<26} {median:>8,.0f} letters/s   {median / base:.2f} × smtplib")
