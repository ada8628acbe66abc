"""INPROGRESS (RFC 9585): a command that takes long says that it goes on. Over a real socket, under a real lock."""

from __future__ import annotations

import imaplib
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from live import PASSWORDS, Live
from posthouse.sessions import imap_progress
from posthouse.store.sqlite import Sqlite
from store_helpers import letter

ADA = "ada@example.org"


@contextmanager
def nobody_writes(house: Live) -> Iterator[None]:
    """Another process would hold the store so: every writer waits."""
    connection = Sqlite(house.config.data).connect()
    connection.begin()
    try:
        yield
    finally:
        connection.rollback()
        connection.close()


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("t1 COPY 1 Copies", '"t1"'),
        ("t2 STORE 1 +FLAGS (\\Flagged)", '"t2"'),
        ("t]3 COPY 1 Copies", "NIL"),  # §4: "if it contains the "]" character, it MUST be set to NIL"
        ("t4 DELETE Other", '"t4"'),
        ("t5 APPEND INBOX {3+}\r\nabc", '"t5"'),
    ],
)
def test_a_command_that_waits(posthouse: Live, monkeypatch: pytest.MonkeyPatch, line: str, named: str) -> None:
    monkeypatch.setattr(imap_progress, "INTERVAL", 0.1)
    client = imaplib.IMAP4(posthouse.host, posthouse.port("imap"))
    client.starttls(posthouse.tls)
    client.login(ADA, PASSWORDS[ADA])
    assert "INPROGRESS" in client.capability()[1][0].decode().split()
    for name in ("Copies", "Other"):
        client.create(name)
    client.append("INBOX", "", "", letter())
    client.select()
    with nobody_writes(posthouse):
        client.send(line.encode() + b"\r\n")
        told = [client.readline().decode().strip() for _ in range(2)]
    while not told[-1].startswith(line.split()[0]):
        told.append(client.readline().decode().strip())
    progress = [one for one in told if "INPROGRESS" in one]
    assert told[:2] == progress[:2] and set(progress) == {f"* OK [INPROGRESS ({named} NIL NIL)] Still at it"}
    assert re.match(r"\S+ OK", told[-1]), told
    client.logout()


def test_a_command_that_is_quick_says_nothing(posthouse: Live) -> None:
    client = imaplib.IMAP4(posthouse.host, posthouse.port("imap"))
    client.starttls(posthouse.tls)
    client.login(ADA, PASSWORDS[ADA])
    client.select()
    assert client.search(None, "ALL")[0] == "OK"
    assert "INPROGRESS" not in client.untagged_responses
    client.logout()
