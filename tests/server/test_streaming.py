"""A letter on its way in: memory stays flat, the limit is kept while it arrives, who is slow holds up nobody else."""

from __future__ import annotations

import smtplib
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from live import Live, live, prepare
from mailboxes import ADA, EVE, inbox
from posthouse.server import connection
from posthouse.server.app import serving
from posthouse.sessions import smtp as sessions
from posthouse.store.disk import Disk
from posthouse.store.engine import Store

MIB = 1024 * 1024
# The search index reads text as a whole, one letter after the other, and looks into no picture.
HEADER = b"Content-Type: image/png\r\n\r\n"
PIECE = (b"x" * 62 + b"\r\n") * 1024  # 64 KiB


@contextmanager
def sending(house: Live, *, counted: bool = False) -> Iterator[smtplib.SMTP]:
    """A client that has said DATA, or is about to say BDAT."""
    with smtplib.SMTP(house.host, house.port("smtp"), timeout=30) as client:
        client.ehlo()
        client.mail(EVE)
        client.rcpt(ADA)
        if not counted:
            client.docmd("DATA")
        yield client


@pytest.mark.parametrize("counted", [False, True], ids=["DATA", "BDAT"])
def test_memory_stays_flat(posthouse: Live, counted: bool) -> None:
    with sending(posthouse, counted=counted) as client:
        tracemalloc.start()
        try:
            if counted:
                client.send(b"BDAT %d LAST\r\n" % (len(HEADER) + 20 * MIB))
            client.send(HEADER)
            for _ in range(20 * 16):
                client.send(PIECE)
            if not counted:
                client.send(b".\r\n")
            assert client.getreply()[0] == 250
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 4 * MIB
    assert [len(path.read_bytes()) for path in posthouse.letters()] == [len(HEADER) + 20 * MIB]


def test_the_limit_is_kept_while_the_letter_arrives(tmp_path: Path) -> None:
    with live(tmp_path, f"[limits]\nmessage_size = {MIB}") as house:
        spools = house.config.data / "messages" / "tmp"
        with sending(house) as client:
            for _ in range(20):
                client.send(PIECE)
            client.send(b".\r\n")
            code, text = client.getreply()
            assert (code, text) == (552, b"5.3.4 The message is larger than this server accepts")
            assert client.docmd("MAIL", f"FROM:<{EVE}> SIZE={MIB + 1}")[0] == 552, "nor need it be tried"
            assert client.mail(EVE)[0] == 250
        assert house.letters() == [] and list(spools.iterdir()) == []


def test_a_client_that_leaves_leaves_nothing(posthouse: Live) -> None:
    with sending(posthouse) as client:
        for _ in range(20):
            client.send(PIECE)
        assert client.sock is not None
        client.sock.close()
        client.sock = None
        client.file = None
    with smtplib.SMTP(posthouse.host, posthouse.port("smtp")) as other:
        other.noop()
        while posthouse.server.statistics()["connections"] > 1:
            other.noop()
    assert list((posthouse.config.data / "messages" / "tmp").iterdir()) == []


class SlowDisk(Disk):
    """A disk that takes no octets until it is told to."""

    def __init__(self) -> None:
        self.stuck = threading.Event()
        self.go_on = threading.Event()

    def write(self, descriptor: int, data: bytes) -> None:
        self.stuck.set()
        assert self.go_on.wait(30)
        super().write(descriptor, data)


def test_a_disk_that_is_slow_holds_up_only_who_writes(tmp_path: Path) -> None:
    disk = SlowDisk()
    settings = prepare(tmp_path)
    with serving(settings, open_store=partial(Store.open, disk=disk)) as server:
        house = Live(settings, server)
        with sending(house) as client:
            for _ in range(5):
                client.send(PIECE)
            assert disk.stuck.wait(30)
            with smtplib.SMTP(house.host, house.port("smtp"), timeout=10) as other:
                assert other.ehlo()[0] == 250 and other.mail(EVE)[0] == 250 and other.rcpt(ADA)[0] == 250
            disk.go_on.set()
            client.send(b".\r\n")
            assert client.getreply()[0] == 250
        assert len(inbox(house, ADA)) == 1


def test_who_says_nothing_is_told_so_and_shut_out(posthouse: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 5321 §4.5.3.2.7: not before five minutes."""
    assert sessions.PATIENCE >= 300
    monkeypatch.setattr(sessions, "PATIENCE", 0.2)
    with socket.create_connection((posthouse.host, posthouse.port("smtp")), timeout=10) as silent:
        said = b""
        while piece := silent.recv(1000):
            said += piece
    assert said.splitlines()[-1].startswith(b"421 4.3.2 Idle for too long")
    with sending(posthouse) as client:  # … in the middle of a letter, too
        client.send(b"Subject: x\r\n")
        assert client.getreply()[0] == 421
    assert posthouse.letters() == []


def test_who_does_not_read_is_waited_for_without_memory(posthouse: Live) -> None:
    """A client that pipelines for ever and never reads an answer fills no queue of ours."""
    with socket.create_connection((posthouse.host, posthouse.port("smtp")), timeout=10) as deaf:
        deaf.settimeout(0.5)
        tracemalloc.start()
        try:
            with suppress(TimeoutError, ConnectionError):  # the server waits, or has had enough
                for _ in range(1000):
                    deaf.send(b"HELP\r\n" * 10_000)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 4 * MIB
        assert connection.READ_AHEAD + connection.WRITE_BEHIND < MIB
