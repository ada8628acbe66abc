"""POP3 over real sockets: every mechanism, app passwords, a clean stop, many messages, a client that doesn't read."""

from __future__ import annotations

import poplib
import smtplib
import threading
from pathlib import Path
from typing import Any

import pytest

from live import PASSWORDS, Live, live
from posthouse.errors import LoginPaused
from posthouse.store import account, app_password, mail, mailbox
from posthouse.store.engine import Store, Tx
from posthouse.wire import scram
from sasl_client import exchange, exported, pop3_takes
from store_helpers import House

ADA, BOB = "ada@example.org", "bob@example.org"


def connect(house: Live) -> poplib.POP3_SSL:
    return poplib.POP3_SSL(house.host, house.port("pop3s"), context=house.tls, timeout=30)


def log_in(house: Live, password: str = PASSWORDS[BOB]) -> poplib.POP3_SSL:
    server = connect(house)
    server.user(BOB)
    try:
        server.pass_(password)
    except poplib.error_proto:
        server.close()
        raise
    return server


def deliver(house: Live, *bodies: str) -> None:
    with smtplib.SMTP(house.host, house.port("smtp")) as s:
        for body in bodies:
            s.sendmail(ADA, BOB, f"Subject: x\n\n{body}\n")


@pytest.mark.parametrize("mechanism", [name + suffix for name in scram.HASHES for suffix in ("", "-PLUS")])
def test_scram(tmp_path: Path, mechanism: str) -> None:
    with live(tmp_path, "[login]\nchannel_binding = true\n") as house:
        server = connect(house)
        assert mechanism in server.capa()["SASL"]
        bindings = {"tls-exporter": exported(server.sock)} if mechanism.endswith("-PLUS") else {}
        assert not pop3_takes(server, mechanism, exchange(mechanism, BOB, "guess", bindings))
        assert not pop3_takes(server, mechanism, exchange(mechanism, "nobody@example.org", "guess", bindings))
        assert pop3_takes(server, mechanism, exchange(mechanism, BOB, PASSWORDS[BOB], bindings))
        assert server.stat() == (0, 0)
        server.quit()


def test_app_passwords(posthouse: Live) -> None:
    assert posthouse.server.house is not None
    store = posthouse.server.house.store
    bob = store.look(account.existing, BOB).id
    fetching, reading = app_password.generate(), app_password.generate()
    store.run(app_password.add, bob, "fetcher", app_password.digest(fetching), ["pop3"])
    store.run(app_password.add, bob, "reader", app_password.digest(reading), ["imap"])
    log_in(posthouse, fetching).quit()
    with pytest.raises(poplib.error_proto, match="wrong"):
        log_in(posthouse, reading)


def test_a_pause_is_no_wrong_password(posthouse: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    async def paused(*_: object) -> None:
        raise LoginPaused("too many logins failed; try again in ten minutes")

    monkeypatch.setattr("posthouse.sessions.pop3.log_in", paused)
    with pytest.raises(poplib.error_proto, match=r"-ERR \[SYS/TEMP\] Too many logins failed"):
        log_in(posthouse)


def test_an_idle_client_is_told_of_a_stop(tmp_path: Path) -> None:
    with live(tmp_path) as house:
        deliver(house, "one")
        server = log_in(house)
        server.dele(1)
    assert server._getline()[0].startswith(b"-ERR [SYS/TEMP] The server is shutting down")  # type: ignore[attr-defined]
    server.close()
    assert messages(house) == 1


def test_a_stop_waits_for_an_update(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    remove = mail.remove

    def slow(tx: Tx, *arguments: Any) -> list[int]:
        begun.set()
        go_on.wait(10)
        return remove(tx, *arguments)

    monkeypatch.setattr(mail, "remove", slow)
    with live(tmp_path) as house:
        deliver(house, "one", "two")
        server = log_in(house)
        server.dele(2)
        server._putcmd("QUIT")  # type: ignore[attr-defined]
        assert begun.wait(10)
        threading.Timer(0.2, go_on.set).start()  # the stop has begun by then, or comes right behind
    assert server._getline()[0] == b"+OK Goodbye"  # type: ignore[attr-defined]
    server.close()
    assert messages(house) == 1


def messages(house: Live) -> int:
    """How many messages are in Bob's inbox, of a server that has stopped."""
    store = Store.open(house.config.data)
    try:
        box = store.look(mailbox.existing, store.look(account.existing, BOB).id, "INBOX")
        return box.exists
    finally:
        store.close()


def test_many_messages(posthouse: Live) -> None:
    assert posthouse.server.house is not None
    store = posthouse.server.house.store
    house = House(store)
    house.fill(house.box(store.look(account.existing, BOB)), 5_000)
    server = log_in(posthouse)
    count, size = server.stat()
    lines = server.list()[1]
    assert count == len(lines) == len(server.uidl()[1]) == 5_000
    assert size == sum(int(line.split()[1]) for line in lines)
    for number in range(1, 5_001, 2):
        server._putcmd(f"DELE {number}")  # type: ignore[attr-defined]
    assert {server._getline()[0][:3] for _ in range(2_500)} == {b"+OK"}  # type: ignore[attr-defined]
    server.quit()
    server = log_in(posthouse)
    assert server.stat()[0] == 2_500
    server.quit()


def test_a_client_that_does_not_read_holds_up_nobody(posthouse: Live) -> None:
    deliver(posthouse, "x" * 900 + "\n", ("y" * 900 + "\n") * 8_000)
    stuck = log_in(posthouse)
    for _ in range(20):
        stuck._putcmd("RETR 2")  # type: ignore[attr-defined]  # 150 MB of answers, and nobody reads them
    other = log_in(posthouse)
    assert len(other.retr(2)[1]) > 8_000
    other.quit()
    stuck.close()
