"""`workers = 3`: processes over the same doors and one store."""

from __future__ import annotations

import imaplib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from processes import ADA, BOB, LISTEN, WORKERS, House, eventually, serving, sockets


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with serving(tmp_path) as running:
        yield running


def test_a_delivery_in_one_process_wakes_idle_in_every_other(house: House) -> None:
    clients = house.in_different_workers(ADA)
    for client in clients.values():
        client.select("INBOX")
        client.send(b"x IDLE\r\n")
        assert client.readline().startswith(b"+")
    house.send()
    for client in clients.values():
        client.socket().settimeout(10)
        assert client.readline() == b"* 1 EXISTS\r\n"
    house.send(300)
    for client in clients.values():  # woken a few times, not 300 times
        told = [client.readline()]
        while told[-1] != b"* 301 EXISTS\r\n":
            told.append(client.readline())
        assert len(told) < 50, told
        client.shutdown()


def test_each_letter_is_recent_in_one_process(house: House) -> None:
    """RFC 3501 §2.3.2: of the sessions that hear of it at the same time, each in another worker, one is the first."""
    clients = list(house.in_different_workers(ADA).values())
    letters = 10
    for client in clients:
        client.socket().settimeout(10)
        assert client.select("INBOX")[0] == "OK"
        client.send(b"x IDLE\r\n")
        assert client.readline().startswith(b"+")
    for number in range(1, letters + 1):
        house.send()
        for client in clients:
            while client.readline() != b"* %d EXISTS\r\n" % number:  # RECENT stands behind the last one
                pass
    found = []
    for client in clients:
        client.send(b"DONE\r\n")
        while not client.readline().startswith(b"x OK"):
            pass
        found += client.search(None, "RECENT")[1][0].split()
        client.logout()
    assert sorted(map(int, found)) == list(range(1, letters + 1))


def test_notify_tells_in_one_worker_of_what_happens_in_another(house: House) -> None:
    """RFC 5465, of the selected mailbox and of others: messages, flags, names and subscriptions."""
    watching, working, *others = house.in_different_workers(ADA).values()
    for client in others:
        client.logout()
    for client in (watching, working):
        client.select("INBOX")
    watching.send(
        b"n NOTIFY SET (SELECTED (MessageNew (UID) MessageExpunge FlagChange)) (PERSONAL (MessageNew MessageExpunge"
        b" FlagChange MailboxName SubscriptionChange))\r\n"
    )
    while not (line := watching.readline()).startswith(b"n "):
        pass
    assert line.startswith(b"n OK")
    watching.socket().settimeout(10)
    letter = b"Subject: x\r\n\r\nx\r\n"
    for work, told in (
        (lambda: working.append("INBOX", "", "", letter), [b"* 1 EXISTS", b"* 1 FETCH (UID 1)"]),
        (lambda: working.append("Archive", "", "", letter), [b"* STATUS Archive (UIDNEXT 2 MESSAGES 1)"]),
        (lambda: working.store("1", "+FLAGS", "(\\Deleted)"), [b"* 1 FETCH (UID 1 FLAGS (\\Deleted))"]),
        (lambda: working.copy("1", "Archive"), [b"* STATUS Archive (UIDNEXT 3 MESSAGES 2)"]),
        (lambda: working.expunge(), [b"* 1 EXPUNGE"]),
        (lambda: working.create("New"), [b'* LIST (\\HasNoChildren) "/" New']),
        (lambda: working.rename("New", "Old"), [b'* LIST (\\HasNoChildren) "/" Old ("OLDNAME" (New))']),
        (lambda: working.subscribe("Old"), [b'* LIST (\\HasNoChildren \\Subscribed) "/" Old']),
        (lambda: working.delete("Old"), [b'* LIST (\\NonExistent \\HasNoChildren \\Subscribed) "/" Old']),
    ):
        assert work()[0] == "OK"
        for line in told:
            assert watching.readline().rstrip() == line
    for client in (watching, working):
        client.shutdown()


def test_a_worker_that_is_killed_is_replaced_and_loses_nothing_but_its_connections(house: House) -> None:
    eventually(lambda: house.at_duty("relay") in house.workers, "nobody relays")
    clients = house.in_different_workers(BOB)
    victim = house.at_duty("relay")
    os.kill(victim, signal.SIGKILL)
    cut_off = clients.pop(victim)
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        cut_off.noop()
    cut_off.shutdown()
    for client in clients.values():
        assert client.noop()[0] == "OK", "the others don't notice"
        client.logout()
    eventually(lambda: house.at_duty("relay") not in (0, victim), "its turn went to nobody")
    eventually(lambda: len(house.workers) == WORKERS, "nobody took its place")
    assert house.at_duty("relay") in house.workers
    clients = house.in_different_workers(ADA)
    assert all(client.select("INBOX")[0] == "OK" for client in clients.values())
    assert f"(process {victim}) ended: Killed; another takes its place" in house.log
    for client in clients.values():
        client.logout()


def test_a_stop_ends_all_of_them_in_peace(house: House) -> None:
    workers = house.workers
    client = house.log_in(ADA)
    house.parent.send_signal(signal.SIGTERM)
    assert client.readline().startswith(b"* BYE")
    client.shutdown()
    assert house.parent.wait(timeout=20) == 0
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", house.port("smtp")))


def test_without_their_parent_they_end_too(house: House) -> None:
    workers = house.workers
    house.parent.kill()
    eventually(lambda: not any(Path(f"/proc/{worker}/fd").exists() for worker in workers), "they live on")
    assert not any(local == house.port("smtp") and state == LISTEN for local, _, state, _ in sockets())


def test_a_port_in_use_is_told_in_one_sentence(house: House) -> None:
    """Although the workers of one server share theirs."""
    again = subprocess.run(
        [sys.executable, "-m", "posthouse", "serve", "--config", str(house.config.path)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert again.returncode == 1
    assert "another program does already" in again.stderr
    assert "Traceback" not in again.stderr


def test_what_keeps_a_worker_from_starting_is_told_in_one_sentence(house: House, tmp_path: Path) -> None:
    house.parent.terminate()
    house.parent.wait(timeout=20)
    (tmp_path / "tls" / "key.pem").unlink()
    again = subprocess.run(
        [sys.executable, "-m", "posthouse", "serve", "--config", str(house.config.path)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert again.returncode == 1
    assert "key.pem can't be read" in again.stderr
    assert "Traceback" not in again.stderr
