"""A server that carries letters is killed, again and again, while the hosts that it carries them to fail at random.

Every letter that was accepted arrives or comes back. It arrives once, but for what RFC 5321 §4.5.4.1 can't avoid: the
host's "yes" was lost on its way, or could not be written down before the server was killed. Both are counted, letter by
letter, and nothing else may arrive twice.

Some rounds run with `make test-foreign`; `make test-crash` runs more (RELAY_ROUNDS).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import smtplib
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from live import PASSWORDS
from nameserver import name_server
from postfix import free_port
from posthouse.delivery.record import MOST_PENDING
from posthouse.store import account, domain, queue
from posthouse.store.engine import Store, Tx
from posthouse.store.password import hash_password
from posthouse.store.queue import Which

pytestmark = pytest.mark.foreign  # it takes its time

ROUNDS = int(os.environ.get("RELAY_ROUNDS", "3"))
LETTERS = 1_000  # in each
KILLS = 4
SENDERS = 6  # connections that letters come by
DOMAINS = 5
CONNECTIONS = 20  # to each domain
ADA = "ada@example.org"
WORKER = Path(__file__).resolve().parents[1] / "relay_worker.py"
MORE = """\
[login]
clear_text_on_loopback = true
[dns]
servers = "127.0.0.1:{dns}"
[relay]
delays = ["1s"]
connections_per_destination = {connections}
[limits]
commands_per_connection = 1000000
"""


# -- where the letters go --------------------------------------------------------------------------------------------


@dataclass
class Sink:
    """Mail hosts that fail at random, and count. A token stands for a recipient of a letter."""

    chance: random.Random
    confirmed: Counter[str] = field(default_factory=Counter)  # it has the letter, and said so
    unheard: Counter[str] = field(default_factory=Counter)  # it has the letter, and hung up instead
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._converse(reader, writer)
            # What was said last arrives: a socket that is closed with octets unread would take it back.
            writer.write_eof()
            await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.connections -= 1
            writer.close()

    def _fails(self) -> bool:
        return self.chance.random() < 0.01

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        able = self.chance.choice(["250 SIZE", "250 PIPELINING", "250-PIPELINING\r\n250 CHUNKING"])
        writer.write(b"421 busy\r\n" if self._fails() else b"220 sink\r\n")
        begun, tokens = False, list[str]()  # the transaction
        while True:
            line = (await reader.readuntil(b"\r\n")).decode().strip()
            if self._fails():
                return
            verb, answer = line[:4].upper(), "250 OK"
            if verb == "EHLO":
                answer = f"250-sink\r\n{able}"
            elif verb == "MAIL":
                begun, tokens = not self._fails(), []
                answer = answer if begun else "451 not now"
            elif verb == "RCPT":
                answer = self._recipient(line, tokens) if begun else "503 from whom?"
            elif verb == "DATA" and tokens:
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                if not (answer := self._end(tokens)):
                    return
            elif verb == "BDAT":
                _, size, *last = line.split()
                await reader.readexactly(int(size))
                if not tokens:
                    answer = "503 nobody to take it"
                elif last and not (answer := self._end(tokens)):
                    return
            elif verb == "DATA":
                answer = "503 nobody to take it"
            writer.write(answer.encode() + b"\r\n")
            if verb == "QUIT":
                return
            await writer.drain()

    def _recipient(self, line: str, tokens: list[str]) -> str:
        found = re.search(r"<(\w+)@", line)
        assert found is not None, line
        if found[1].startswith("no"):
            return "550 5.1.1 nobody of that name"
        if self._fails():
            return "450 4.2.0 not now"
        tokens.append(found[1])
        return "250 OK"

    def _end(self, tokens: list[str]) -> str:
        """What the whole letter is answered; nothing: the line is dropped."""
        how = self.chance.random()
        if how < 0.02:
            return ""
        if how < 0.04:
            return "451 4.3.0 not now"
        if how < 0.06:
            self.unheard.update(tokens)
            return ""
        self.confirmed.update(tokens)
        return "250 2.0.0 taken"


@contextlib.contextmanager
def hosts(sink: Sink) -> Iterator[int]:
    """They listen at 127.0.1.n, all at the same port, on a loop of their own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def listen() -> tuple[int, list[asyncio.Server]]:
        servers: list[asyncio.Server] = []
        for number in range(DOMAINS):
            port = servers[0].sockets[0].getsockname()[1] if servers else 0
            servers.append(await asyncio.start_server(sink.serve, f"127.0.1.{number + 1}", port))
        return servers[0].sockets[0].getsockname()[1], servers

    async def close(servers: list[asyncio.Server]) -> None:
        for server in servers:
            server.close()
        while sink.connections:  # noqa: ASYNC110  (they tell nobody)
            await asyncio.sleep(0.01)

    try:
        port, servers = asyncio.run_coroutine_threadsafe(listen(), loop).result()
        yield port
        asyncio.run_coroutine_threadsafe(close(servers), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


# -- who sends them --------------------------------------------------------------------------------------------------


@dataclass
class Senders:
    """They hand letters in at the server, and go on when it is back."""

    port: int
    left: list[int]
    accepted: set[str] = field(default_factory=set)
    uncertain: set[str] = field(default_factory=set)  # no answer came
    errors: list[BaseException] = field(default_factory=list)

    def run(self) -> None:
        try:
            while self.left:
                with (
                    contextlib.suppress(OSError, smtplib.SMTPException),
                    smtplib.SMTP("127.0.0.1", self.port) as client,
                ):
                    client.login(ADA, PASSWORDS[ADA])
                    while self.left:
                        self._send(client, self.left.pop())
                time.sleep(0.05)
        except BaseException as error:
            self.errors.append(error)
            raise

    def _send(self, client: smtplib.SMTP, number: int) -> None:
        chance = random.Random(number)
        names = [f"{chance.choice(['t'] * 9 + ['no'])}{number}x{n}" for n in range(chance.choice([1, 1, 1, 2, 3]))]
        to = [f"{name}@d{chance.randrange(DOMAINS)}.test" for name in names]
        self.uncertain.update(names)
        assert client.sendmail(ADA, to, f"Subject: {number}\r\n\r\n{'x' * chance.randrange(3000)}\r\n") == {}
        self.uncertain.difference_update(names)
        self.accepted.update(names)


@contextlib.contextmanager
def server(folder: Path, relay_port: int) -> Iterator[subprocess.Popen[str]]:
    """A server in a process of its own, which hears of its end by a kill alone."""
    search = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(WORKER), str(folder / "posthouse.toml"), str(relay_port)]
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=search)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", (folder / "log").read_text()[-5000:]
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]


def waiting(store: Store) -> set[str]:
    """The tokens in the queue."""
    found: set[str] = set()
    after = (0, 0)
    while rows := store.look(queue.list_some, Which(), after=after):
        found.update(row[3].partition("@")[0] for row in rows)
        after = (rows[-1][1], rows[-1][0])
    return found


def bounces(store: Store) -> Counter[str]:
    """How often Ada was told of each token that it failed."""

    def look(tx: Tx) -> list[tuple[str, int]]:
        return tx.all("SELECT m.blob_id, b.size FROM message m JOIN blob b ON b.id = m.blob_id")

    told: Counter[str] = Counter()
    for blob_id, size in store.look(look):
        text = store.blobs.read(blob_id, 0, size).decode()
        assert "\r\nAction: failed\r\n" in text
        told.update(re.findall(r"Final-Recipient: rfc822; (\w+)@", text))
    return told


@pytest.mark.parametrize("number", range(ROUNDS))
def test_no_letter_is_lost_and_none_doubled(tmp_path: Path, number: int) -> None:
    chance = random.Random(number)
    sink = Sink(random.Random(number))
    port = free_port()
    zone = "\n".join(f"d{n}.test MX 10 mx{n}.test.\nmx{n}.test A 127.0.1.{n + 1}" for n in range(DOMAINS))
    with hosts(sink) as relay_port, name_server(zone) as dns:
        more = MORE.format(dns=dns.port, connections=CONNECTIONS)
        toml = f'hostname = "mail.example.org"\ndata = "data"\n[listen]\nsubmission = "127.0.0.1:{port}"\n{more}'
        (tmp_path / "posthouse.toml").write_text(toml)
        store = Store.open(tmp_path / "data", readers=1)
        store.run(domain.add, "example.org")
        store.run(account.add, ADA, hash_password(PASSWORDS[ADA]))
        senders = Senders(port, list(range(LETTERS)))
        threads = [threading.Thread(target=senders.run) for _ in range(SENDERS)]
        for thread in threads:
            thread.start()
        excused: Counter[str] = Counter()  # a kill came between their "yes" and the disk
        for kill in range(KILLS + 1):
            with server(tmp_path, relay_port) as process:
                if kill < KILLS:
                    time.sleep(chance.uniform(0.2, 2.0))
                else:
                    for thread in threads:
                        thread.join()
                    while waiting(store):
                        assert process.poll() is None
                        time.sleep(0.1)
            while sink.connections:  # what was on its way has come
                time.sleep(0.01)
            at_risk = {one for one in waiting(store) if sink.confirmed[one] > excused[one]}
            excused.update(at_risk)
            assert len(at_risk) <= MOST_PENDING + DOMAINS * CONNECTIONS
        assert senders.errors == []
        told = bounces(store)
        store.close()
    known = senders.accepted | senders.uncertain
    assert len(senders.accepted) >= LETTERS * 0.9 and set(sink.confirmed) | set(told) <= known
    for token in known:
        least = int(token in senders.accepted)
        if token.startswith("no"):
            assert least <= told[token] <= 1, f"{token} came back {told[token]} times"
            assert not sink.confirmed[token]
        else:
            assert told[token] == 0
            came, most = sink.confirmed[token], 1 + excused[token]
            assert least <= came <= most, f"{token} arrived {came} times: {sink.unheard[token]} answers were lost"
    doubled = sum(count - 1 for count in sink.confirmed.values() if count)
    print(
        f"recipients: {len(senders.accepted)} accepted, {len(senders.uncertain)} without an answer; {len(told)} came"
        f" back; {sum(sink.unheard.values())} answers lost; {sum(excused.values())} at risk in {KILLS} kills,"
        f" {doubled} of them doubled"
    )
