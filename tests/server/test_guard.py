"""Whoever guesses passwords is slowed down and shut out; nobody else is, and there is always a way back in."""

from __future__ import annotations

import asyncio
import imaplib
import json
import logging
import os
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from behind import FROM, Imap, Smtp, behind, connect, everything, header
from live import PASSWORDS, Live, live
from mailboxes import eventually
from posthouse.errors import NotFound, StoreError
from posthouse.server.app import serving
from posthouse.sessions import failures, guard
from posthouse.sessions.guard import Guard, Rules
from posthouse.sessions.session import Peer
from posthouse.store import account, ban
from posthouse.store.engine import Store
from sasl_client import exchange, smtp_takes

ADA, BOB, NOBODY = "ada@example.org", "bob@example.org", "nobody@example.org"
EVE, HOME, OTHER = "203.0.113.7", "203.0.113.80", "203.0.113.90"
FEW = "[limits]\nfailed_logins_per_address = 3\nfailed_logins_per_account = 5\nfailed_login_delay = 0\n"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Live]:
    with behind(tmp_path, FEW + '[login]\nnever_banned = ["203.0.113.80"]') as running:
        yield running


def command(house: Live, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "posthouse", *arguments, "--config", str(house.config.path)],
        capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONWARNINGS": "error"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def bans(house: Live) -> list[ban.Ban]:
    assert house.server.house is not None
    return house.server.house.store.look(ban.list_all)


def guess(house: Live, address: str, times: int = 3, user: str = ADA, word: str = "guess{}") -> str:
    """Try wrong passwords on one connection; what the last try was told."""
    client = Imap(house, address)
    said = ""
    for number in range(times):
        with pytest.raises(imaplib.IMAP4.error) as refused:
            client.login(user, word.format(number))
        said = str(refused.value)
    client.shutdown()
    return said


def may_log_in(house: Live, address: str, user: str = ADA) -> bool:
    try:
        client = Imap(house, address)
    except imaplib.IMAP4.error as error:
        assert "too many logins have failed from your network" in str(error).lower()
        return False
    try:
        client.login(user, PASSWORDS[user])
    except imaplib.IMAP4.error as error:
        assert "UNAVAILABLE" in str(error), "no program throws its password away"
        return False
    finally:
        client.shutdown()
    return True


def test_whoever_guesses_is_shut_out_and_nobody_else(house: Live, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "posthouse.guard")
    with Imap(house, EVE) as early:
        assert "AUTHENTICATIONFAILED" in guess(house, EVE)
        # A connection that stood before is no way round.
        with pytest.raises(imaplib.IMAP4.error, match=r"UNAVAILABLE.*Too many logins have failed from your network"):
            early.login(ADA, PASSWORDS[ADA])
    assert "posthouse ban lift 203.0.113.7/32" in caplog.text
    for door in ("imap", "submission"):
        with connect(house, door, FROM.format(EVE)) as peer:
            said = everything(peer)
            assert b"oo many logins have failed from your network; no more are taken from there until 2" in said
    assert not may_log_in(house, EVE, BOB)
    assert may_log_in(house, OTHER), "the account is open, and so is the proxy that both come through"


def test_letters_of_other_servers_still_come_from_there(house: Live) -> None:
    guess(house, EVE)
    with Smtp(house, EVE, "smtp") as client:
        assert client.sendmail("e@elsewhere.example", BOB, "Subject: x\r\n\r\nx") == {}
        with pytest.raises(smtplib.SMTPAuthenticationError) as paused:
            client.login(ADA, PASSWORDS[ADA])
        assert paused.value.smtp_code == 454
        assert paused.value.smtp_error.startswith(b"4.7.0 Too many logins have failed from your network")


@pytest.mark.parametrize("address", [HOME, "127.0.0.1", "192.0.2.9"], ids=["home", "this machine", "a proxy"])
def test_who_is_never_banned(house: Live, address: str) -> None:
    """The networks of the configuration, this machine, and the proxies, whose clients are meant."""
    assert "AUTHENTICATIONFAILED" in guess(house, address, times=8)
    assert bans(house) == []
    assert may_log_in(house, address)
    command(house, "ban", "add", address)
    command(house, "ban", "add", ADA)
    assert may_log_in(house, address)


def test_a_program_with_an_old_password_is_no_guesser(house: Live) -> None:
    assert "AUTHENTICATIONFAILED" in guess(house, EVE, times=8, word="the old password")
    assert bans(house) == []
    assert may_log_in(house, EVE)


def test_an_account_that_many_guess_at_stays_open_where_it_is_used(house: Live) -> None:
    assert may_log_in(house, OTHER)
    for user in (ADA, NOBODY):
        for number in range(5):
            guess(house, f"198.51.100.{number}", times=1, user=user, word=f"{user}{number}")
    assert {one.subject for one in bans(house)} == {ADA, NOBODY}
    assert may_log_in(house, OTHER)
    assert may_log_in(house, EVE, BOB)
    said = [guess(house, "203.0.113.8", times=1, user=user, word=PASSWORDS[ADA]) for user in (ADA, NOBODY)]
    assert said[0] == said[1], "it doesn't tell whether there is the account"
    assert "UNAVAILABLE] Too many logins have failed for this account" in said[0]


def test_every_mechanism_counts(house: Live) -> None:
    with Smtp(house, EVE) as client:
        for _ in range(3):
            assert not smtp_takes(client, "SCRAM-SHA-256", exchange("SCRAM-SHA-256", ADA, "guess"))
    assert [one.subject for one in bans(house)] == [f"{EVE}/32"]


def test_ipv6_is_counted_by_its_64(house: Live) -> None:
    for number in range(3):
        guess(house, f"2001:db8:1:2::{number}", times=1, word=f"guess{number}")
    assert [one.subject for one in bans(house)] == ["2001:db8:1:2::/64"]
    assert not may_log_in(house, "2001:db8:1:2:ffff::1")
    assert may_log_in(house, "2001:db8:1:3::1")
    assert command(house, "ban", "lift", "2001:db8:1:2::5") == "Lifted the ban of 2001:db8:1:2::/64.\n"
    assert may_log_in(house, "2001:db8:1:2::1")


def test_the_administrator_sees_and_lifts_every_ban_beside_the_running_server(house: Live) -> None:
    assert command(house, "ban", "list") == ""
    guess(house, EVE)
    (line,) = command(house, "ban", "list", "--json").splitlines()
    shown = json.loads(line)
    assert (shown["subject"], shown["scope"], shown["kind"]) == ("203.0.113.7/32", "logins", "network")
    assert shown["reason"] == "3 failed logins within 60 minutes"
    assert shown["until"] > shown["made"]
    assert not may_log_in(house, EVE)
    assert command(house, "ban", "lift", EVE) == "Lifted the ban of 203.0.113.7/32.\n"
    assert may_log_in(house, EVE)


def test_the_administrator_shuts_out_a_network(house: Live) -> None:
    said = command(house, "ban", "add", "198.51.100.0/24", "--for", "7d", "--reason", "a botnet")
    assert said.startswith("198.51.100.0/24\tconnections\t") and said.endswith("\ta botnet\n")
    with connect(house, "smtp", FROM.format("198.51.100.77")) as peer:
        assert b"421 4.3.2 The administrator of this server takes no connections from your network" in everything(peer)
    with connect(house, "smtp", FROM.format("198.51.101.1")) as peer:
        assert peer.recv(1000).startswith(b"220 ")
    assert command(house, "ban", "lift", "--all") == "Lifted the ban of 198.51.100.0/24.\n"
    with connect(house, "smtp", FROM.format("198.51.100.77")) as peer:
        assert peer.recv(1000).startswith(b"220 ")


def test_a_ban_holds_after_a_restart_and_in_every_process(tmp_path: Path) -> None:
    with behind(tmp_path, FEW) as house:
        guess(house, EVE)
        with serving(house.config) as second:
            other = Live(house.config, second)
            assert not may_log_in(other, EVE)
            guess(other, OTHER)
            command(other, "ban", "list")  # by the time that it has run the hint has come
            assert not may_log_in(house, OTHER)
    with serving(house.config) as third:
        assert not may_log_in(Live(house.config, third), EVE)


def test_connections_are_counted_by_who_is_behind_the_proxy(tmp_path: Path) -> None:
    with behind(tmp_path, "[limits]\nconnections_per_address = 2") as house:
        first, second = Imap(house, "2001:db8::1"), Imap(house, "2001:db8::2")
        with connect(house, "imap", "PROXY TCP6 2001:db8::3 2001:db8::1 40000 25\r\n") as third:
            assert b"BYE Too many connections from 2001:db8::3" in everything(third)
        other = Imap(house, EVE)
        for client in (first, second, other):
            client.shutdown()


def test_handshakes_are_counted(tmp_path: Path) -> None:
    """Who connects to a door of TLS and says nothing takes a place, too."""
    with behind(tmp_path, "[limits]\nconnections_per_address = 2") as house:
        silent = [connect(house, "imaps", header(EVE)) for _ in range(3)]
        assert everything(silent[-1]) == b""
        with (
            connect(house, "imaps", header(OTHER)) as raw,
            house.tls.wrap_socket(raw, server_hostname="localhost") as tls,
        ):
            assert tls.recv(100).startswith(b"* OK")
        for one in silent:
            one.close()
        eventually(lambda: can_greet(house))


def can_greet(house: Live) -> bool:
    try:
        with (
            connect(house, "imaps", header(EVE)) as raw,
            house.tls.wrap_socket(raw, server_hostname="localhost") as tls,
        ):
            return tls.recv(100).startswith(b"* OK")
    except OSError:
        return False


def test_commands_are_limited(tmp_path: Path) -> None:
    with live(tmp_path, "[limits]\ncommands_per_connection = 5") as house:
        with connect(house, "smtp", b"NOOP\r\n" * 8) as peer:
            said = everything(peer)
        assert said.endswith(b"421 4.7.0 Too many commands on this connection; connect again to go on\r\n")


# -- the guard alone, with a clock that goes as it is told -------------------------------------------------------------


class Clock:
    """In place of the module `time`, and of the event loop's sleep."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.slept: list[float] = []

    def time(self) -> float:
        return self.now

    monotonic = time

    @staticmethod
    def gmtime(seconds: int) -> object:
        return __import__("time").gmtime(seconds)

    @staticmethod
    def strftime(shape: str, when: object) -> str:
        return str(__import__("time").strftime(shape, when))

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(guard, "time", made)
    monkeypatch.setattr(guard, "pause", made.sleep)
    return made


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    opened = Store.open(tmp_path, clock=clock.time)
    yield opened
    opened.close()


PEER = Peer(EVE, 4)


def test_a_ban_ends_and_the_next_lasts_twice_as_long(store: Store, clock: Clock) -> None:
    async def play() -> list[float]:
        watch = Guard(store, Rules(per_address=2, ban_seconds=600, delay_seconds=0))
        await watch.start()
        lasted = []
        for _ in range(10):
            await watch.failed(PEER, ADA, "one")
            assert await watch.refusal(PEER, BOB) == ""
            await watch.failed(PEER, ADA, "two")
            begin = clock.now
            while await watch.refusal(PEER, BOB):
                assert watch.closed(PEER, logins_only=True) and not watch.closed(PEER, logins_only=False)
                clock.now += 300
            lasted.append(clock.now - begin)
        clock.now += 86_400
        for secret in ("one", "two"):
            await watch.failed(PEER, ADA, secret)
        assert await watch.refusal(PEER, BOB)
        clock.now += 600
        assert await watch.refusal(PEER, BOB) == ""
        await watch.stop()
        return lasted

    lasted = asyncio.run(play())
    assert lasted == [600, 1200, 2400, 4800, 9600, 19200, 38400, 76800, 86400, 86400]
    assert len(store.look(ban.list_all)) == 0


def test_failures_slow_down_what_follows(store: Store, clock: Clock) -> None:
    async def play() -> None:
        watch = Guard(store, Rules(per_address=100, per_account=100, delay_seconds=5))
        for number in range(6):
            await watch.failed(PEER, ADA, str(number))
        clock.now += failures.WINDOW + 1
        await watch.failed(PEER, ADA, "after a while")
        for number in range(3):  # of one account, from everywhere
            await watch.failed(Peer(f"198.51.100.{number}", 1), BOB, str(number))
        await watch.failed(Peer("127.0.0.1", 1), BOB, "this machine")

    asyncio.run(play())
    assert clock.slept == [0, 1, 2, 4, 5, 5, 0, 0, 1, 2]


def test_what_is_remembered_is_limited(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "COUNTED", 10)
    monkeypatch.setattr(guard, "NOTED", 10)

    async def play() -> None:
        watch = Guard(store, Rules())
        for number in range(50):
            await watch.failed(Peer(f"198.51.100.{number}", 1), f"{number}@example.org", "x")
            await watch.succeeded(Peer(f"198.51.100.{number}", 1), ada)
        assert (len(watch._failures), len(watch._noted)) == (10, 10)

    ada = store.run(account.add, ADA, "hash")
    asyncio.run(play())


def test_a_look_at_the_bans_asks_the_store_nothing(store: Store, clock: Clock) -> None:
    store.run(ban.add, "network", "198.51.100.0/24", scope="connections", reason="x", seconds=None)

    async def play() -> None:
        watch = Guard(store)
        await watch.start()
        before = store.statistics()
        for number in range(256):
            peer = Peer(f"198.51.{number}.1", 1)
            assert (
                bool(watch.closed(peer, logins_only=False)) == bool(await watch.refusal(peer, ADA)) == (number == 100)
            )
        assert store.statistics() == before
        await watch.stop()

    asyncio.run(play())


def test_what_can_be_banned(store: Store) -> None:
    assert ban.subject("[2001:DB8::1]") == ("network", "2001:db8::1/128")
    assert ban.subject("192.0.2.77/24") == ("network", "192.0.2.0/24")
    assert ban.subject("ADA@example.org") == ("account", ADA)
    with pytest.raises(StoreError, match="is no address, no network and no account"):
        ban.subject("example.org")
    with pytest.raises(NotFound):
        store.run(ban.lift, "account", ADA)
