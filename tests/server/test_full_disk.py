"""A disk without room: every door says so in its words, nothing is lost, and all goes on when there is room again."""

from __future__ import annotations

import errno
import imaplib
import os
import smtplib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from faulty_sqlite import EIO, FULL, faulty_sqlite
from live import PASSWORDS, Live, live, prepare
from posthouse.server.app import serving
from posthouse.store.disk import Disk
from posthouse.store.engine import Store

ADA, BOB = "ada@example.org", "bob@example.org"
SMALL = b"Subject: small\r\n\r\nx\r\n"
MIDDLING = b"Subject: middling\r\n\r\n" + b"x" * 76 * 1_000 + b"\r\n"  # in memory while it arrives, then in a file
LARGE = b"Subject: large\r\n\r\n" + b"x" * 76 * 10_000 + b"\r\n"  # goes to the disk while it arrives
STEPS = ["create", "write", "sync", "rename", "sync_directory"]


class FullDisk(Disk):
    """A disk on which, while ``full``, the named steps fail."""

    def __init__(self) -> None:
        self.full: set[str] = set()
        self.error = errno.ENOSPC

    def _fail(self, step: str) -> None:
        if step in self.full:
            raise OSError(self.error, os.strerror(self.error))

    def create(self, path: str) -> int:
        self._fail("create")
        return super().create(path)

    def write(self, descriptor: int, data: bytes) -> None:
        self._fail("write")
        super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        self._fail("sync")
        super().sync(descriptor)

    def rename(self, source: str, target: str) -> None:
        self._fail("rename")
        super().rename(source, target)

    def sync_directory(self, path: Path) -> None:
        self._fail("sync_directory")
        super().sync_directory(path)


@pytest.fixture
def disk() -> FullDisk:
    return FullDisk()


@pytest.fixture
def house(tmp_path: Path, disk: FullDisk) -> Iterator[Live]:
    config = prepare(tmp_path)
    with serving(config, open_store=partial(Store.open, disk=disk)) as server:
        yield Live(config, server)


def count(house: Live) -> int:
    """The letters in Bob's inbox, as IMAP tells them."""
    with imaplib.IMAP4_SSL(house.host, house.port("imaps"), ssl_context=house.tls) as client:
        client.login(BOB, PASSWORDS[BOB])
        _, data = client.select("INBOX")
        return int(data[0] or b"0")


@pytest.mark.parametrize("letter", [MIDDLING, LARGE], ids=["middling", "large"])
@pytest.mark.parametrize("step", STEPS)
def test_smtp_refuses_for_now_and_takes_the_letter_later(house: Live, disk: FullDisk, step: str, letter: bytes) -> None:
    with smtplib.SMTP(house.host, house.port("smtp")) as client:
        disk.full = {step}
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("eve@elsewhere.example", BOB, letter)
        assert refused.value.smtp_code == 452
        assert b"no room" in refused.value.smtp_error
        assert count(house) == 0
        disk.full = set()
        client.sendmail("eve@elsewhere.example", BOB, letter)
    assert count(house) == 1
    assert [path.read_bytes() for path in house.letters()] == [letter]
    assert list((house.config.data / "messages" / "tmp").iterdir()) == [], "nothing is left lying about"


@pytest.mark.parametrize("letter", [MIDDLING, LARGE], ids=["middling", "large"])
@pytest.mark.parametrize("step", STEPS)
def test_append_refuses_for_now_and_takes_the_letter_later(
    house: Live, disk: FullDisk, step: str, letter: bytes
) -> None:
    with imaplib.IMAP4_SSL(house.host, house.port("imaps"), ssl_context=house.tls) as client:
        client.login(BOB, PASSWORDS[BOB])
        disk.full = {step}
        status, data = client.append("INBOX", "", "", letter)
        assert status == "NO"
        assert data[0].startswith(b"[UNAVAILABLE] ")
        disk.full = set()
        assert client.append("INBOX", "", "", letter)[0] == "OK"
        assert client.select("INBOX") == ("OK", [b"1"])
        assert client.fetch("1", "(BODY.PEEK[])")[1][0][1] == letter


@pytest.mark.parametrize("step", STEPS)
def test_a_broken_disk_is_no_ok_either(house: Live, disk: FullDisk, step: str) -> None:
    disk.error = errno.EIO
    with smtplib.SMTP(house.host, house.port("smtp")) as client:
        disk.full = {step}
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("eve@elsewhere.example", BOB, MIDDLING)
        assert refused.value.smtp_code == 451
        assert count(house) == 0
        disk.full = set()
        client.sendmail("eve@elsewhere.example", BOB, MIDDLING)
    assert count(house) == 1


@pytest.mark.parametrize("step", STEPS)
def test_a_small_letter_needs_no_file_to_be_accepted(house: Live, disk: FullDisk, step: str) -> None:
    disk.full = {step}
    with smtplib.SMTP(house.host, house.port("smtp")) as client:
        client.sendmail("eve@elsewhere.example", BOB, SMALL)
    with imaplib.IMAP4_SSL(house.host, house.port("imaps"), ssl_context=house.tls) as client:
        client.login(BOB, PASSWORDS[BOB])
        assert client.select("INBOX") == ("OK", [b"1"])
        assert SMALL in client.fetch("1", "(BODY.PEEK[])")[1][0][1]
        disk.full = set()
        assert [path.read_bytes() for path in house.letters()] == [SMALL]
        assert SMALL in client.fetch("1", "(BODY.PEEK[])")[1][0][1]


@pytest.mark.parametrize(
    ("step", "codes", "reply"),
    [("write", FULL, 452), ("write", EIO, 451), ("sync", EIO, 451)],
    ids=["full", "broken writes", "broken syncs"],
)
def test_the_database_has_no_room_or_a_broken_disk(
    tmp_path: Path, step: str, codes: dict[str, int], reply: int
) -> None:
    with (
        faulty_sqlite() as faults,
        live(tmp_path) as house,
        smtplib.SMTP(house.host, house.port("smtp")) as smtp,
        imaplib.IMAP4_SSL(house.host, house.port("imaps"), ssl_context=house.tls) as imap,
    ):
        smtp.sendmail("eve@elsewhere.example", BOB, SMALL)
        imap.login(BOB, PASSWORDS[BOB])
        assert imap.select("INBOX") == ("OK", [b"1"])
        faults.arm(step, 0, codes, times=10**6)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            smtp.sendmail("eve@elsewhere.example", BOB, SMALL)
        assert refused.value.smtp_code == reply
        for status, _ in (
            imap.append("INBOX", "", "", SMALL),
            imap.store("1", "+FLAGS", "(\\Flagged)"),
            imap.copy("1", "Archive"),
            imap.create("New"),
        ):
            assert status == "NO"
        assert imap.fetch("1", "(FLAGS)") == ("OK", [b"1 (FLAGS (\\Recent))"]), "what is there can be read"
        faults.clear()
        smtp.sendmail("eve@elsewhere.example", BOB, SMALL)
        assert imap.store("1", "+FLAGS", "(\\Flagged)")[0] == imap.create("New")[0] == "OK"
        assert imap.select("INBOX") == ("OK", [b"2"])
