"""The process beside the server that makes files, tidies up and indexes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from processes import House, eventually, serving


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with serving(tmp_path, workers=1) as running:
        yield running


def files(house: House) -> int:
    return len(list((house.config.data / "messages").glob("*/*/*.eml")))


def test_it_makes_the_files_of_what_the_server_takes(house: House) -> None:
    eventually(lambda: house.at_duty("chores") == house.steward != 0, "nobody does the chores")
    assert house.at_duty("relay") == house.parent.pid
    house.send(3)
    eventually(lambda: files(house) == 3, "a letter has no file")


def test_what_it_leaves_the_server_takes_up(house: House) -> None:
    eventually(lambda: house.at_duty("chores") == house.steward != 0, "nobody does the chores")
    os.kill(house.steward, signal.SIGKILL)
    eventually(lambda: house.at_duty("chores") == house.parent.pid, "its turn went to nobody")
    house.send()
    eventually(lambda: files(house) == 1, "a letter has no file")
    assert "the turn for chores is this process's now" in house.log


def test_it_outlives_neither_a_stop_nor_a_kill(house: House) -> None:
    steward = house.steward
    house.parent.kill()
    eventually(lambda: not Path(f"/proc/{steward}/fd").exists(), "it lives on")


def test_signals_to_all_processes_leave_the_end_to_the_server(house: House) -> None:
    """As systemd and a terminal send them."""
    steward = house.steward
    os.kill(steward, signal.SIGTERM)
    house.send()
    house.parent.terminate()
    assert house.parent.wait(timeout=20) == 0
    assert not Path(f"/proc/{steward}").exists()
    assert files(house) == 1
    assert "Traceback" not in house.log
