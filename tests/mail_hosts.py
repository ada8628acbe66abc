"""A relay, and mail hosts that do as they are told: on loopback, found through a real name server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from nameserver import name_server
from postfix import free_port
from posthouse.delivery.relay import Relay, Settings
from posthouse.net.dns import Resolver
from posthouse.store import account, domain, queue
from posthouse.store.engine import Store, Tx
from posthouse.store.queue import Entry, Onward, Terms, To, Which
from store_helpers import Clock, keep, letter

ZONE = """
x.example MX 10 one.example.
x.example MX 20 two.example.
y.example MX 10 two.example.
one.example A 127.0.0.1
two.example A 127.0.0.2
dead.example A 127.0.0.3
null.example MX 0 .
ours.example MX 10 mail.example.org.
backed.example MX 10 dead.example.
backed.example MX 20 mail.example.org.
backed.example MX 30 two.example.
six.example AAAA ::1
mail.example.org A 127.0.0.1
broken.example SERVFAIL
"""
ADA = "ada@example.org"
DROP = "drop"
# Before an answer: it comes an octet a minute; it is all that comes.
SLOWLY = "slowly "
HALF = "half "
NO_TERMS = Terms()
LARGEST = 16 * 1024 * 1024  # octets of a letter that a host reads
# What a host answers where its script says nothing.
ANSWERS = {
    "": "220 host ESMTP",
    "EHLO": "250-host\r\n250 8BITMIME",
    "MAIL": "250 2.1.0 OK",
    "RCPT": "250 2.1.5 OK",
    "DATA": "354 go on",
    ".": "250 2.0.0 taken",
    "RSET": "250 OK",
    "QUIT": "221 bye",
}


class Host:
    """A mail host. ``scripts``: for each connection, verb -> another answer; afterwards it takes everything."""

    def __init__(self, *scripts: dict[str, str]) -> None:
        self.scripts = list(scripts)
        self.connections = 0
        self.letters: list[bytes] = []
        self.said: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        answers = ANSWERS | (self.scripts.pop(0) if self.scripts else {})
        verb = ""
        try:
            while True:
                if answers[verb] == DROP:
                    return
                if not await self._say(answers[verb], writer):
                    return
                if verb in ("QUIT", "STARTTLS"):  # no host here goes through with TLS
                    return
                if verb == "DATA" and answers[verb].startswith("354"):
                    self.letters.append((await reader.readuntil(b"\r\n.\r\n"))[:-3])
                    verb = "."
                    continue
                line = (await reader.readuntil(b"\r\n")).decode("ascii", "replace").strip()
                self.said.append(line)
                verb = line.split()[0].upper()
                if verb not in answers:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _say(self, answer: str, writer: asyncio.StreamWriter) -> bool:
        """Whether there is more to come."""
        if answer.startswith(HALF):
            writer.write(answer.removeprefix(HALF).encode())
            return False
        octets = answer.removeprefix(SLOWLY).encode("latin-1") + b"\r\n"
        if not answer.startswith(SLOWLY):
            writer.write(octets)
            return True
        for octet in octets:
            writer.write(bytes([octet]))
            await writer.drain()
            await asyncio.sleep(60)
        return True


class World:
    """A store with a queue, a relay, and the hosts around it."""

    def __init__(self, store: Store, relay: Relay, clock: Clock, port: int) -> None:
        self.port = port
        self.store = store
        self.relay = relay
        self.clock = clock

    async def add(
        self, *addresses: str, sender: str = ADA, raw: bytes = b"", notify: str = "", terms: Terms = NO_TERMS
    ) -> int:
        to = [To(one, one.rpartition("@")[2], notify) for one in addresses]
        blob = await asyncio.to_thread(keep, self.store, raw or letter())
        header = (raw or letter()).index(b"\r\n\r\n") + 4
        return await self.store.write(queue.add, blob, header, Onward(b"Received: x\r\n", sender, to, terms))

    async def entries(self) -> list[Entry]:
        return [Entry._make(row[1:]) for row in await self.store.read(queue.list_some, Which())]

    async def inbox(self) -> list[str]:
        """The letters that Ada has, the oldest first."""

        def look(tx: Tx) -> list[Any]:
            return tx.all("SELECT m.blob_id, b.size FROM message m JOIN blob b ON b.id = m.blob_id ORDER BY m.id")

        rows = await self.store.read(look)
        return [self.store.blobs.read(blob_id, 0, size).decode() for blob_id, size in rows]

    async def until(self, true: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(10):
            while not await true():  # noqa: ASYNC110  (the store tells nobody)
                await asyncio.sleep(0.01)

    async def empty(self) -> None:
        async def nobody() -> bool:
            return not await self.entries()

        await self.until(nobody)

    async def tried(self, times: int = 1) -> Entry:
        async def attempted() -> bool:
            return (await self.entries())[0].attempts >= times

        await self.until(attempted)
        return (await self.entries())[0]


@asynccontextmanager
async def world(folder: Path, *hosts: Host, delays: tuple[int, ...] = (3600,)) -> AsyncIterator[World]:
    """Host number n listens at 127.0.0.n, all at the same port."""
    clock = Clock()
    store = Store.open(folder, readers=1, clock=clock)
    await store.write(domain.add, "example.org")
    await store.write(account.add, ADA, "hash")
    servers: list[asyncio.Server] = []
    for number, host in enumerate(hosts, 1):
        port = servers[0].sockets[0].getsockname()[1] if servers else 0
        servers.append(await asyncio.start_server(host.serve, f"127.0.0.{number}", port, limit=LARGEST))
    port = servers[0].sockets[0].getsockname()[1] if servers else free_port()
    with name_server(ZONE) as dns:
        resolver = Resolver([("127.0.0.1", dns.port)])
        settings = Settings(delays=delays, connections_per_destination=5)
        relay = Relay(store, resolver, hostname="mail.example.org", port=port, settings=settings, clock=clock)
        await relay.start()
        try:
            yield World(store, relay, clock, port)
        finally:
            await relay.stop(1)
            for server in servers:
                server.close()
            await asyncio.to_thread(store.close)
