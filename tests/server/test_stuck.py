"""A process that hangs while it writes is named in the log; the others wait, and go on when it does."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import smtplib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from posthouse.server.stuck import watch
from posthouse.store import domain
from posthouse.store.engine import Store
from processes import ADA, House, eventually, serving

HOLD = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from posthouse.store.sqlite import Sqlite
Sqlite(Path(sys.argv[1])).connect().begin()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_process_that_hangs_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "posthouse.server")
    store = Store.open(tmp_path, readers=1)
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None and other.stdout.readline() == "held\n"
    os.kill(other.pid, signal.SIGSTOP)

    async def main() -> None:
        watching = asyncio.create_task(watch(store, patience=0.1))
        writing = asyncio.create_task(store.write(domain.add, "example.org"))
        await asyncio.to_thread(eventually, lambda: bool(caplog.messages), "nothing was told")
        assert not writing.done()
        assert f"process {other.pid} (" in caplog.text
        assert f"is stopped: kill -CONT {other.pid} lets it go on" in caplog.text
        other.kill()
        await writing
        await asyncio.to_thread(eventually, lambda: len(caplog.messages) > 1, "nothing was told of the end")
        assert caplog.messages[1:] == ["the store takes writes again"], "once each, not again and again"
        watching.cancel()

    asyncio.run(main())
    other.communicate()
    store.close()


def test_a_scribe_that_hangs_is_ended_and_letters_go_on(tmp_path: Path) -> None:
    """Also where it doesn't hold the store, so that only what it has in hand stands still."""
    with serving(tmp_path, workers=1) as house:
        for _ in range(2):
            send_side_by_side(house)
        os.kill(house.scribe, signal.SIGSTOP)
        assert all(code == 250 for code, _ in send_side_by_side(house, count=2)), (
            "the server writes what it had in hand"
        )
        assert all(code == 250 for code, _ in send_side_by_side(house))
        assert f"the scribe process {house.scribe} (" in house.log
        assert "has not answered for" in house.log
        assert "holds the store" not in house.log


def send_side_by_side(house: House, count: int = 10) -> list[tuple[int, bytes]]:
    """The answers to letters over four connections."""

    def send(_: int) -> list[tuple[int, bytes]]:
        answers = []
        with smtplib.SMTP("127.0.0.1", house.port("smtp"), timeout=60) as client:
            for _ in range(count):
                client.ehlo_or_helo_if_needed()
                client.mail("eve@elsewhere.example")
                client.rcpt(ADA)
                answers.append(client.data("Subject: x\r\n\r\nx\r\n"))
        return answers

    with ThreadPoolExecutor(4) as pool:
        return [answer for answers in pool.map(send, range(4)) for answer in answers]


def test_nothing_is_told_of_a_store_that_goes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = Store.open(tmp_path, readers=1)
    assert (store.waited(), store.holder()) == (0.0, None)

    async def main() -> None:
        watching = asyncio.create_task(watch(store, patience=0.01))
        for number in range(20):
            await store.write(domain.add, f"{number}.example")
        watching.cancel()

    asyncio.run(main())
    store.close()
    assert not caplog.messages
