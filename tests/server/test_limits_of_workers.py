"""`workers = 2`: each limit is one for both, as the administrator has written it."""

from __future__ import annotations

import contextlib
import imaplib
import os
import signal
import socket
import ssl
from collections.abc import Iterator

import pytest

from behind import everything, header
from live import PASSWORDS
from posthouse.store import ban
from posthouse.store.engine import Store
from processes import ADA, House, eventually, serving

EVE, BOB, CAT, DAN, FAY, GUS = (f"203.0.113.{number}" for number in range(6))
LIMITS = """[limits]
connections = 12
connections_per_address = 4
conversations_per_account = 3
failed_logins_per_address = 4
failed_login_delay = 0
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One for all tests here: each has addresses of its own, and leaves nothing open."""
    with serving(tmp_path_factory.mktemp("house"), 2, LIMITS, listen='proxies = ["127.0.0.1"]') as running:
        yield running


class Imap(imaplib.IMAP4):
    """A client with that worker, at that address, in TLS."""

    def __init__(self, house: House, worker: int, address: str) -> None:
        self._peer = house.connect("imap", worker)
        self._peer.sendall(header(address).encode())
        super().__init__("localhost", timeout=20)
        self.starttls(ssl.create_default_context(cafile=str(house.config.tls.certificate)))

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return self._peer


def come(house: House, worker: int, address: str) -> tuple[socket.socket, bytes]:
    """A connection, and its greeting."""
    peer = house.connect("imap", worker)
    peer.sendall(header(address).encode())
    return peer, peer.recv(1000)


def stay(house: House, worker: int, address: str) -> socket.socket:
    """A connection that is welcome, once those that have just been closed are forgotten."""
    for _ in range(200):
        peer, said = come(house, worker, address)
        if said.startswith(b"* OK"):
            return peer
        peer.close()
    raise AssertionError(said)


def is_welcome(house: House, worker: int, address: str) -> bool:
    peer, said = come(house, worker, address)
    with peer:
        return said.startswith(b"* OK")


def guess(house: House, worker: int, address: str, word: str) -> str:
    client = Imap(house, worker, address)
    with pytest.raises(imaplib.IMAP4.error) as refused:
        client.login(ADA, word)
    client.shutdown()
    return str(refused.value)


def bans(house: House) -> list[tuple[str, str]]:
    with contextlib.closing(Store.open(house.config.data)) as store:
        return [(one.subject, one.reason) for one in store.look(ban.list_all)]


def test_connections_from_one_address(house: House) -> None:
    first, second = house.workers
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(stay(house, worker, EVE)) for worker in (first, second, first, second)]
        for worker in (first, second):
            peer, said = come(house, worker, EVE)
            with peer:
                assert b"* BYE Too many connections from 203.0.113.0" in said + everything(peer)
        assert is_welcome(house, first, BOB)
        peers[0].close()
        eventually(lambda: is_welcome(house, second, EVE), "the other worker doesn't hear that one has left")


def test_conversations_of_one_account(house: House) -> None:
    first, second = house.workers
    with contextlib.ExitStack() as stack:
        for number, worker in enumerate((first, second, second)):
            client = Imap(house, worker, f"198.51.100.{number}")
            stack.callback(client.shutdown)
            client.login(ADA, PASSWORDS[ADA])
        for worker in (first, second):
            client = Imap(house, worker, "198.51.100.99")
            with pytest.raises(imaplib.IMAP4.error, match=r"\[LIMIT\] .* 3 conversations open already"):
                client.login(ADA, PASSWORDS[ADA])
            client.shutdown()


def test_failed_logins(house: House) -> None:
    first, second = house.workers
    for worker in (first, second, first, second):  # an old password, over and over
        assert "AUTHENTICATIONFAILED" in guess(house, worker, BOB, "old")
    for number, worker in enumerate((first, second, first)):
        assert "AUTHENTICATIONFAILED" in guess(house, worker, CAT, str(number))
    assert bans(house) == []
    assert "AUTHENTICATIONFAILED" in guess(house, second, CAT, "3")
    assert bans(house) == [(f"{CAT}/32", "4 failed logins within 60 minutes")]


def test_connections_in_all(house: House) -> None:
    first, second = house.workers
    with contextlib.ExitStack() as stack:
        for number in range(12):
            stack.enter_context(stay(house, (first, second)[number % 2], f"198.51.100.{number}"))
        for worker in (first, second):
            peer, said = come(house, worker, DAN)
            with peer:
                assert b"* BYE Too many connections to this server" in said + everything(peer)


def test_a_worker_that_is_killed_has_nothing_open_and_what_failed_still_counts(house: House) -> None:
    first, second = house.workers
    for number in range(3):
        guess(house, first, FAY, str(number))
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(stay(house, first, GUS))
        assert not is_welcome(house, second, GUS)
        os.kill(first, signal.SIGKILL)
        eventually(lambda: is_welcome(house, second, GUS), "they are counted for ever")
    eventually(lambda: len(house.workers) == 2, "nobody took its place")
    (third,) = set(house.workers) - {second}
    assert is_welcome(house, third, GUS)
    assert "AUTHENTICATIONFAILED" in guess(house, third, FAY, "3")
    assert (f"{FAY}/32", "4 failed logins within 60 minutes") in bans(house)
