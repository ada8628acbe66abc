"""Hints between processes: here, two stores over the same folder, which know of each other only by sockets."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from posthouse.store import change, neighbour
from posthouse.store.engine import Store
from posthouse.store.neighbour import Neighbours
from store_helpers import House


def nothing(modseqs: Mapping[int, int]) -> None:
    raise AssertionError(f"nobody should hear {modseqs}")


def test_a_commit_elsewhere_wakes_a_session_here(tmp_path: Path) -> None:
    here, elsewhere = Store.open(tmp_path, readers=1), Store.open(tmp_path, readers=1)
    house = House(elsewhere)
    ada = house.account()

    async def scenario() -> None:
        heard: asyncio.Queue[int] = asyncio.Queue()
        here.feed.subscribe(ada.id, heard.put_nowait)
        (appended,) = await asyncio.to_thread(house.append, house.box(ada))
        while await heard.get() < appended.modseq:  # that the account was made may be heard of late
            pass
        assert here.look(change.changes, ada.id, 0).modseq == appended.modseq

    asyncio.run(scenario())
    here.close()
    elsewhere.close()
    assert list((tmp_path / "run" / "feed").iterdir()) == []


@pytest.mark.parametrize("depth", [0, 12], ids=["short path", "long path"])
def test_everything_is_heard_in_the_end(tmp_path: Path, depth: int) -> None:
    folder = tmp_path.joinpath(*["deeply-nested"] * depth)
    heard: dict[int, int] = {}
    ear, mouth = Neighbours(folder, heard.update), Neighbours(folder, nothing)
    ear.listen()
    ear.listen()
    for modseq in range(1, 501):
        mouth.tell(dict.fromkeys(range(1, 6), modseq))
    mouth.tell(dict.fromkeys(range(100, 5000), 7))
    mouth.close()
    ear.close()
    assert heard == {**dict.fromkeys(range(1, 6), 500), **dict.fromkeys(range(100, 5000), 7)}


def test_the_dead_are_buried(tmp_path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    folder = os.open(tmp_path, os.O_RDONLY)
    dead.bind(f"/proc/self/fd/{folder}/1234.dead")
    dead.close()
    os.close(folder)
    mouth = Neighbours(tmp_path, nothing)
    mouth.tell({1: 1})
    mouth.close()
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_hangs_costs_others_nothing(tmp_path: Path) -> None:
    """Once a moment, in which nobody spins; then hints reach the others as ever, and it, too, when it reads again."""
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hung,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as us,
    ):
        hung.bind(os.fspath(tmp_path / "0.hung"))
        us.connect(os.fspath(tmp_path / "0.hung"))
        us.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                us.send(b"2 2\n")
        heard = threading.Event()
        ear, mouth = Neighbours(tmp_path, lambda _: heard.set()), Neighbours(tmp_path, nothing)
        ear.listen()
        before = time.process_time()
        for modseq in range(5):
            heard.clear()
            mouth.tell({1: modseq})
            assert heard.wait(10)
        assert time.process_time() - before < neighbour.PATIENCE / 2
        hung.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                hung.recv(100)
        mouth.tell({1: 1000})
        hung.settimeout(10)
        assert hung.recv(100) == b"1 1000\n"
        mouth.close()
        ear.close()


def test_nobody_is_there(tmp_path: Path) -> None:
    alone = Neighbours(tmp_path / "none", nothing)
    alone.tell({1: 1})
    alone.close()
    alone.close()
    alone.tell({1: 2})
    alone.listen()
