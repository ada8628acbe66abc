"""What tests with a running server ask of its mailboxes."""

from __future__ import annotations

import imaplib
import time
from collections.abc import Callable

from live import PASSWORDS, Live
from posthouse.store import account, alias, quota
from posthouse.store.engine import Store

ADA, BOB, EVE = "ada@example.org", "bob@example.org", "eve@elsewhere.example"


def store_of(house: Live) -> Store:
    assert house.server.house is not None
    return house.server.house.store


def limit(house: Live, address: str, *, size: int | None = None, messages: int | None = None) -> None:
    store = store_of(house)
    store.run(quota.set_limits, store.look(account.existing, address).id, size=size, messages=messages)


def add_alias(house: Live, address: str, account_address: str) -> None:
    store_of(house).run(alias.add, address, account_address)


def inbox(house: Live, address: str) -> list[bytes]:
    """The letters in an inbox, whole, the oldest first."""
    with imaplib.IMAP4_SSL(house.host, house.port("imaps"), ssl_context=house.tls) as client:
        client.login(address, PASSWORDS[f"{address.partition('@')[0]}@example.org"])  # at whatever home
        if client.select("INBOX", readonly=True)[1] == [b"0"]:
            return []
        _, data = client.fetch("1:*", "(BODY.PEEK[])")
        return [part[1] for part in data if isinstance(part, tuple)]


def eventually(true: Callable[[], object], seconds: float = 30) -> None:
    """Wait until something is true that takes a moment, from one server to the other."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it has not come"
        time.sleep(0.05)
