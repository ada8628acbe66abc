"""How letters leave: large ones in pieces, as they are read; and in ASCII for servers that take nothing else."""

from __future__ import annotations

import asyncio
import tracemalloc
from pathlib import Path

import pytest

from mail_hosts import Host, world
from posthouse.delivery.content import IN_MEMORY
from posthouse.message import body, mime
from posthouse.message.header import Headers
from posthouse.store import queue
from posthouse.store.queue import Terms, Which
from store_helpers import letter

OLD = {"EHLO": "250-host\r\n250 PIPELINING"}
GREETING = "From: ada@example.org\r\nSubject: Grüße\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nÄ\r\n".encode()


class Sink:
    """A host that keeps nothing but the number of octets, for letters that don't fit into a test's memory."""

    def __init__(self, chunking: bool) -> None:
        self.chunking = chunking
        self.sizes: list[int] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 host\r\n")
        size = 0
        while line := await reader.readline():
            verb, *words = line.decode().upper().split()
            answer = b"250 OK\r\n"
            if verb == "EHLO":
                answer = b"250-host\r\n250-PIPELINING\r\n250 CHUNKING\r\n" if self.chunking else b"250 host\r\n"
            elif verb == "DATA":
                writer.write(b"354 go\r\n")
                while (line := await reader.readline()) != b".\r\n":
                    size += len(line)
            elif verb == "BDAT":
                left = int(words[0])
                size += left
                while left and (octets := await reader.read(min(left, 65_536))):
                    left -= len(octets)
            if verb == "DATA" or (verb == "BDAT" and "LAST" in words):
                self.sizes.append(size)
                size = 0
            writer.write(answer)
        writer.close()


@pytest.mark.parametrize("chunking", [True, False])
def test_many_large_letters_at_a_time_take_no_memory(tmp_path: Path, chunking: bool) -> None:
    sink = Sink(chunking)
    raw = letter() + (b"y" * 900 + b"\r\n") * (4 * 1024 * 1024 // 900)

    async def run() -> int:
        async with world(tmp_path) as here:
            server = await asyncio.start_server(sink.serve, "127.0.0.1", here.port)
            for _ in range(6):
                await here.add("ann@x.example", raw=raw)
            tracemalloc.start()
            await here.empty()
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            server.close()
            return peak

    peak = asyncio.run(run())
    assert sink.sizes == [len(raw) + len(b"Received: x\r\n")] * 6
    assert peak < len(raw) * 2, "24 MB in all"


def test_a_large_letter_arrives_as_it_is(tmp_path: Path) -> None:
    raw = letter() + b"".join(b".%d\r\n" % number for number in range(IN_MEMORY // 4))

    async def run() -> None:
        host = Host()
        async with world(tmp_path, host) as here:
            await here.add("ann@x.example", raw=raw)
            await here.empty()
        assert host.letters == [b"Received: x\r\n" + raw.replace(b"\r\n.", b"\r\n..")]

    asyncio.run(run())


def test_a_file_that_lost_its_end_is_no_letter(tmp_path: Path) -> None:
    raw = letter() + b"x\r\n" * IN_MEMORY

    async def run() -> None:
        host = Host()
        async with world(tmp_path, host) as here:
            later = int(here.clock.now) + 60
            await here.add("ann@x.example", raw=raw, terms=Terms(release=later))
            (path,) = (tmp_path / "messages").rglob("*.eml")
            path.write_bytes(raw[: len(raw) // 2])
            here.clock.now = later
            await here.store.write(queue.retry, Which())
            assert (await here.tried()).reply == "the letter can't be read on this server"
        assert host.letters == []

    asyncio.run(run())


@pytest.mark.parametrize("more", [b"", "ü\r\n".encode() * IN_MEMORY])
def test_a_host_that_takes_ascii_only(tmp_path: Path, more: bytes) -> None:
    async def run() -> None:
        host = Host(OLD)
        async with world(tmp_path, host) as here:
            await here.add("ann@x.example", raw=GREETING + more)
            await here.empty()
            assert await here.inbox() == []
        (got,) = host.letters
        assert got.isascii() and not any("BODY=" in line for line in host.said)
        got = got.replace(b"\r\n..", b"\r\n.")
        root = mime.scan(got)
        assert body.content(root, got) == "Ä\r\n".encode() + more
        assert Headers(got[: root.body]).get("subject") == "Grüße"

    asyncio.run(run())


def test_a_host_without_smtputf8_gets_a_header_in_ascii(tmp_path: Path) -> None:
    async def run() -> None:
        host = Host()
        async with world(tmp_path, host) as here:
            await here.add("ann@x.example", raw=GREETING)
            await here.empty()
        (got,) = host.letters
        assert got.endswith("\r\n\r\nÄ\r\n".encode()) and b"\r\nSubject: =?utf-8?" in got.lower().replace(
            b"subject", b"Subject"
        )
        assert "MAIL FROM:<ada@example.org> BODY=8BITMIME" in host.said

    asyncio.run(run())


def test_only_who_has_an_address_beyond_ascii_is_refused(tmp_path: Path) -> None:
    async def run() -> None:
        host = Host()
        async with world(tmp_path, host) as here:
            await here.add("ann@x.example", "jürgen@x.example")
            await here.empty()
            (report,) = await here.inbox()
        assert len(host.letters) == 1 and "RCPT TO:<ann@x.example>" in host.said
        assert "the server takes only addresses in ASCII" in report and "Status: 5.6.7\r\n" in report
        assert "utf-8; j\\x{FC}rgen@x.example" in report and "ann@" not in report

    asyncio.run(run())


def test_a_signature_is_not_broken(tmp_path: Path) -> None:
    raw = (
        'From: ada@example.org\r\nContent-Type: multipart/signed; boundary="b"\r\n\r\n--b\r\n'
        "Content-Transfer-Encoding: 8bit\r\n\r\nü\r\n--b\r\n"
        "Content-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n"
    ).encode()

    async def run() -> None:
        host = Host(OLD)
        async with world(tmp_path, host) as here:
            await here.add("ann@x.example", raw=raw)
            await here.empty()
            (report,) = await here.inbox()
        assert host.letters == []
        assert "takes only ASCII: the letter is signed" in report and "Status: 5.6.3\r\n" in report

    asyncio.run(run())
