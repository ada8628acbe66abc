"""Processes beside the server's, and how they end."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from typing import ClassVar

import pytest

from posthouse.server import companion
from posthouse.server.companion import Companion
from processes import eventually, holds_inode


class Waiting(Companion):
    """It waits until its line ends."""

    name: ClassVar[str] = "waiter"

    def work(self, line: socket.socket) -> None:
        line.recv(1)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_one_that_is_stopped_is_killed_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(companion, "PATIENCE", 0.1)
    with Waiting(tmp_path) as first, Waiting(tmp_path) as second:
        os.kill(second.process, signal.SIGSTOP)
    assert [record.message for record in caplog.records] == [
        f"the waiter (process {second.process}) doesn't end; it is killed"
    ]
    assert not Path(f"/proc/{first.process}").exists()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_each_has_its_own_line_only(tmp_path: Path) -> None:
    """Else one that hangs would keep those alive that were begun before it."""
    with Waiting(tmp_path) as first, Waiting(tmp_path) as second:
        mine = {os.fstat(line.fileno()).st_ino for line in Companion._lines}
        for process in (first.process, second.process):
            eventually(lambda: not any(holds_inode(process, str(inode)) for inode in mine), "it keeps a line")  # noqa: B023
