"""IMAP sessions in memory, over a real store: several clients in one transcript, no sockets.

::

    1: a1 SELECT INBOX              what client 1 says, with CR LF
    1< * 2 EXISTS                   a line it must be told; "..." at its end: whatever follows
    2< ...                          any number of lines, also none, up to the next one that is expected

A line that a client says is answered before the next one is read. Lines that a client is told and that nobody expects
are an error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from posthouse.sessions.house import House
from posthouse.sessions.imap import ImapSession
from posthouse.sessions.logins import Logins
from posthouse.sessions.recent import Recents
from posthouse.sessions.session import Peer
from posthouse.store.account import Account
from posthouse.store.engine import Store
from posthouse.wire.machine import Tls

LIMIT = 1_000_000
PATIENCE = 20  # seconds; then what should come won't


class MemoryLine:
    """A connection that keeps what it should send."""

    def __init__(self) -> None:
        self.peer = Peer("127.0.0.1", 40_000)
        self.cipher = ""
        self.bindings: dict[str, bytes] = {}
        self.certified: tuple[str, ...] = ()
        self.woken = asyncio.Event()
        self.sent = bytearray()
        self.session: ImapSession | None = None

    async def flush(self) -> None:
        assert self.session is not None
        self.sent += self.session.machine.data_to_send()

    def wake(self) -> None:
        self.woken.set()


class Client:
    """One client, logged in, and the session that answers it."""

    def __init__(self, house: House, account: Account) -> None:
        self.line = MemoryLine()
        self.session = ImapSession(house, self.line, tls=False)
        self.line.session = self.session
        assert house.present.enter(account.id)
        self.session.account = account
        self.session.server.authenticated()

    async def say(self, octets: bytes) -> bytes:
        """Everything that comes back, also of what the client was told without asking."""
        self.session.machine.receive_data(octets)
        for event in self.session.machine.events():
            await self.session.handle(event)
            assert self.session.machine.tls is Tls.NONE
        return await self.heard()

    async def listen(self) -> bytes:
        """What the client is told without asking; the store's feed comes from another thread."""
        async with asyncio.timeout(PATIENCE):
            while True:
                await self.line.woken.wait()
                if octets := await self.heard():  # else what it was woken for may not be told now
                    return octets

    async def heard(self) -> bytes:
        """What the client was told meanwhile."""
        if self.line.woken.is_set():
            self.line.woken.clear()
            await self.session.woken()
        await self.line.flush()
        octets = bytes(self.line.sent)
        self.line.sent.clear()
        return octets


class SeenBefore(Recents):
    """Some other program is always told of a letter a moment earlier."""

    async def take(self, store: Store, mailbox_id: int, start: int, stop: int) -> list[tuple[int, int]]:
        await super().take(store, mailbox_id, start, stop)
        return []


class Conversation:
    r"""Clients, by number or letter; they come when they first speak. They are all of one account, but for guests.

    ``recent``: whether they are the first to hear of letters, and so are told of ``\Recent`` (RFC 3501 §2.3.2).
    """

    def __init__(self, store: Store, account: Account, *, recent: bool = False) -> None:
        self.runner = asyncio.Runner()
        self.house = House(
            hostname="mail.example.org",
            store=store,
            logins=Logins(store),
            tls_available=False,
            clear_text_on_loopback=True,
            message_size=LIMIT,
            recipients=100,
            errors_per_connection=20,
            hops=30,
            recents=Recents() if recent else SeenBefore(),
        )
        self.account = account
        self.clients: dict[str, Client] = {}
        self.guests: dict[str, Account] = {}  # clients of other accounts

    def client(self, name: str) -> Client:
        if name not in self.clients:
            self.clients[name] = Client(self.house, self.guests.get(name, self.account))
        return self.clients[name]

    def say(self, text: str | bytes, name: str = "1") -> list[str]:
        """What one client is told when it says this, as lines."""
        octets = text if isinstance(text, bytes) else text.encode() + b"\r\n"
        return lines(self.runner.run(self.client(name).say(octets)))

    def run(self, transcript: str) -> None:
        """Hold the conversation."""
        told: dict[str, list[str]] = {}
        for speaker, said, expected in exchanges(transcript):
            if said is not None:
                told[speaker] = told.get(speaker, []) + self.say(said, speaker)
            else:
                told[speaker] = told.get(speaker, []) + lines(self.runner.run(self.client(speaker).listen()))
            check(told.pop(speaker), expected, said or "")

    def close(self) -> None:
        for client in self.clients.values():
            client.session.ended()
        self.house.logins.close()
        self.runner.close()


def exchanges(transcript: str) -> Iterator[tuple[str, str | None, list[str]]]:
    """Who says what, and what that client must be told then; None: it says nothing, and listens."""
    current: tuple[str, str | None, list[str]] | None = None
    for raw in transcript.splitlines():
        line = raw.strip()
        if not line:
            continue
        speaker, kind, rest = line[0], line[1], line[2:].removeprefix(" ")
        if kind == ":":
            if current is not None:
                yield current
            current = (speaker, rest, [])
        elif kind == "<":
            if current is None or current[0] != speaker:
                if current is not None:
                    yield current
                current = (speaker, None, [])
            current[2].append(rest)
        else:
            raise AssertionError(f"a transcript has no such line: {line}")
    if current is not None:
        yield current


def check(told: list[str], expected: list[str], said: str) -> None:
    """Compare what was told with the transcript's lines."""
    at = 0
    anything = False
    for wanted in expected:
        if wanted == "...":
            anything = True
            continue
        if anything:
            while at < len(told) and not fits(told[at], wanted):
                at += 1
            anything = False
        assert at < len(told), f"{said!r}: {wanted!r} was not told, only {told}"
        assert fits(told[at], wanted), f"{said!r}: told {told[at]!r}, wanted {wanted!r}; all: {told}"
        at += 1
    assert anything or at == len(told), f"{said!r}: also told {told[at:]}"


def fits(line: str, wanted: str) -> bool:
    return line.startswith(wanted[:-3]) if wanted.endswith("...") else line == wanted


def lines(octets: bytes) -> list[str]:
    assert octets.endswith(b"\r\n") or not octets, octets
    return octets.decode(errors="backslashreplace").split("\r\n")[:-1]


def listed(told: list[str], word: str = "LIST") -> Any:
    """What LIST told: attributes by name, as they stand."""
    pairs = [line.removeprefix(f"* {word} (").split(') "/" ', 1) for line in told if line.startswith(f"* {word} (")]
    return {name: attributes for attributes, name in pairs}
