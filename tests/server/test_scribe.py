"""The process beside the server that writes letters which come side by side."""

from __future__ import annotations

import os
import signal
import smtplib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from posthouse.store import account, mail, mailbox, verify
from posthouse.store.engine import Store
from processes import ADA, House, eventually, serving

CONNECTIONS = 6
LETTERS = 20  # each


@pytest.fixture(params=[1, 2], ids=["one server", "two workers"])
def house(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    with serving(tmp_path, workers=request.param) as running:
        yield running


def has_store(process: int) -> bool:
    links = [str(path.readlink()) for path in Path(f"/proc/{process}/fd").iterdir()]
    return any(link.endswith("/posthouse.sqlite3") for link in links)


def send(house: House, who: int, taken: set[str], begun: threading.Barrier | None = None, word: str = "") -> None:
    """Letters over one connection; the subjects of those that were taken. It ends when the server does."""
    try:
        with smtplib.SMTP("127.0.0.1", house.port("smtp"), timeout=20) as client:
            if begun is not None:
                begun.wait(20)
            for number in range(LETTERS):
                subject = f"{who}.{number}"
                try:
                    client.sendmail("eve@elsewhere.example", [ADA], f"Subject: {word}{subject}\r\n\r\nx\r\n")
                    taken.add(subject)
                except smtplib.SMTPDataError as error:
                    assert error.smtp_code == 421, error  # the server stops
                    return
    except (OSError, smtplib.SMTPServerDisconnected):
        pass


def send_side_by_side(house: House, word: str = "") -> set[str]:
    taken: set[str] = set()
    barrier = threading.Barrier(CONNECTIONS)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(lambda who: send(house, who, taken, barrier, word), range(CONNECTIONS)))
    return taken


def subjects(data: Path) -> list[str]:
    store = Store.open(data)
    try:
        assert verify.verify(store) == []
        inbox = store.look(mailbox.existing, store.look(account.existing, ADA).id, "INBOX")
        return [subject for _, subject in store.look(mail.fetch, inbox.id, mail.ALL, ["subject"])]
    finally:
        store.close()


def stop(house: House) -> None:
    house.parent.terminate()
    assert house.parent.wait(timeout=20) == 0
    assert "Traceback" not in house.log


def test_it_writes_letters_that_come_side_by_side(house: House) -> None:
    scribe = house.scribe
    house.send(3)
    assert not has_store(scribe), "one after the other they are the server's own"
    taken = send_side_by_side(house)
    assert len(taken) == CONNECTIONS * LETTERS
    assert has_store(scribe)
    stop(house)
    assert not Path(f"/proc/{scribe}").exists()
    assert sorted(subjects(house.config.data)) == sorted([*taken, "0", "1", "2"])
    assert len(list((house.config.data / "messages").glob("*/*/*.eml"))) == len(taken) + 3


def test_when_it_is_killed_nothing_is_lost_that_was_taken(house: House) -> None:
    """What it had in hand, and hasn't done, the server does: nobody is refused, and nothing is there twice."""
    taken: set[str] = set()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        sending = [pool.submit(send, house, who, taken) for who in range(CONNECTIONS)]
        eventually(lambda: len(taken) > CONNECTIONS, "no letter is taken")
        os.kill(house.scribe, signal.SIGKILL)
        for one in sending:
            one.result()
    eventually(lambda: "the scribe has ended; the server writes letters itself" in house.log, "nobody says so")
    assert len(taken) == CONNECTIONS * LETTERS
    again = {f"again {subject}" for subject in send_side_by_side(house, "again ")}
    assert len(again) == CONNECTIONS * LETTERS
    stop(house)
    there = subjects(house.config.data)
    assert taken | again == set(there)
    assert len(there) == len(set(there)), "nothing is there twice"


def test_who_idles_hears_of_what_it_has_written(house: House) -> None:
    client = house.log_in(ADA)
    client.socket().settimeout(10)
    client.select("INBOX")
    client.send(b"x IDLE\r\n")
    assert client.readline().startswith(b"+")
    taken = send_side_by_side(house)
    assert has_store(house.scribe)
    while client.readline() != b"* %d EXISTS\r\n" % len(taken):
        pass
    client.shutdown()


@pytest.mark.parametrize("house", [2], indirect=True)
def test_workers_come_and_go_beside_it(house: House) -> None:
    """Each has a line of its own; one that is begun when the scribe has ended does without."""
    send_side_by_side(house, "first ")
    taken = kill_a_worker(house, "second ")
    assert house.scribe and "the scribe has ended" not in house.log
    os.kill(house.scribe, signal.SIGKILL)
    taken |= kill_a_worker(house, "third ")
    last = {f"last {subject}" for subject in send_side_by_side(house, "last ")}
    assert len(last) == CONNECTIONS * LETTERS
    stop(house)
    assert taken | last <= set(subjects(house.config.data))


def kill_a_worker(house: House, word: str) -> set[str]:
    """While letters come; the subjects of those that were taken. Then there is another in its place."""
    taken: set[str] = set()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        sending = [pool.submit(send, house, who, taken, None, word) for who in range(CONNECTIONS)]
        eventually(lambda: len(taken) > CONNECTIONS, "no letter is taken")
        victim = house.workers[0]
        os.kill(victim, signal.SIGKILL)
        for one in sending:
            one.result()
    eventually(lambda: len(house.workers) == 2 and victim not in house.workers, "nobody took its place")
    eventually(lambda: f"(process {victim}) ended: Killed" in house.log, "nobody says so")
    return {f"{word}{subject}" for subject in taken}


def test_it_outlives_no_kill_of_the_server(house: House) -> None:
    send_side_by_side(house)
    scribe = house.scribe
    house.parent.kill()
    eventually(lambda: not Path(f"/proc/{scribe}/fd").exists(), "it lives on")


def test_signals_to_all_processes_leave_the_end_to_the_server(house: House) -> None:
    """As systemd and a terminal send them, while letters come."""
    taken: set[str] = set()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        sending = [pool.submit(send, house, who, taken) for who in range(CONNECTIONS)]
        eventually(lambda: len(taken) > CONNECTIONS, "no letter is taken")
        for process in (house.scribe, house.steward, *house.workers, house.parent.pid):
            os.kill(process, signal.SIGTERM)
        for one in sending:
            one.result()
    assert house.parent.wait(timeout=20) == 0
    assert "Traceback" not in house.log
    assert taken <= set(subjects(house.config.data))
