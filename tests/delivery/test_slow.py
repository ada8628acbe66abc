"""Mail hosts that answer an octet a minute: RFC 5321 §4.5.3.2 says how long the relay waits."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import jumping
from mail_hosts import SLOWLY, Host, world

ANSWER = "250 2.0.0 I am thinking about it, and about what came before it"


class Watched(Host):
    """One whose last connection has a beginning and an end."""

    began = ended = 0.0

    def __init__(self, *scripts: dict[str, str]) -> None:
        super().__init__(*scripts)
        self.gone = asyncio.Event()

    def clock(self) -> float:
        return asyncio.get_running_loop().time()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.began = self.clock()
        await super().serve(reader, writer)
        self.ended = self.clock()
        self.gone.set()


@pytest.mark.parametrize(
    ("verb", "answer", "minutes"),
    [
        ("", "220 the host of a domain that is slow in everything", 5),  # §4.5.3.2.1
        ("EHLO", ANSWER, 5),
        ("MAIL", ANSWER, 5),  # §4.5.3.2.2
        ("RCPT", ANSWER, 5),  # §4.5.3.2.3
        ("DATA", "354 go on, and end your letter with a dot", 2),  # §4.5.3.2.4
        (".", ANSWER, 10),  # §4.5.3.2.6
    ],
)
def test_an_octet_a_minute(tmp_path: Path, verb: str, answer: str, minutes: int) -> None:
    async def run() -> None:
        host = Watched({verb: SLOWLY + answer})
        async with world(tmp_path, host) as here:
            await here.add("ann@[127.0.0.1]")
            while not (entry := (await here.entries())[0]).attempts:  # noqa: ASYNC110  (the store tells nobody)
                await asyncio.sleep(10)
            took = host.clock() - host.began
        assert entry.reply == f"the server's answer was not complete after {minutes * 60} seconds"
        assert minutes * 60 <= took < len(answer) * 60, "it didn't hear the end"
        assert host.connections == 1

    jumping.run(run())


def test_a_goodbye_that_takes_its_time_keeps_nobody(tmp_path: Path) -> None:
    async def run() -> None:
        host = Watched({"QUIT": SLOWLY + "221 it was a pleasure to hear from you"})
        async with world(tmp_path, host) as here:
            await here.add("ann@[127.0.0.1]")
            await host.gone.wait()
            assert not await here.entries()
        assert "QUIT" in host.said and host.ended - host.began < 15 * 60, "some octets, and we are gone"

    jumping.run(run())
