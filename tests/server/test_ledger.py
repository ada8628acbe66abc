"""The limits of all workers together: two of them over one ledger, in one process."""

from __future__ import annotations

import asyncio
import mmap
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.config import Limits
from posthouse.server.ledger import RECORD, TOLD, Ledger
from posthouse.server.limits import Doorkeeper
from posthouse.sessions.colleagues import Alone, Failure
from posthouse.sessions.failures import ANEW, WINDOW, Failures
from posthouse.sessions.guard import Guard, Rules
from posthouse.sessions.present import Present
from posthouse.sessions.session import Peer
from posthouse.sessions.tally import Tally
from posthouse.store import ban
from posthouse.store.engine import Store

EVE, BOB, NEAR, FAR = (Peer(address, 4) for address in ("203.0.113.7", "203.0.113.8", "2001:db8::1", "2001:db8:0:1::1"))


def failure(number: int, at: float = 0.0) -> Failure:
    return Failure(number.to_bytes(8, "big"), b"whatever", at)


# -- what is open ------------------------------------------------------------------------------------------------------


def test_connections_from_one_address_count_in_all_workers() -> None:
    ledger = Ledger(3)
    limits = Limits(connections_per_address=3)
    doors = [Doorkeeper(limits, "connections", ledger.page(number)) for number in range(3)]
    assert [door.enter(EVE) for door in doors] == ["", "", ""]
    for door in doors:
        assert door.enter(EVE) == "too many connections from 203.0.113.7; try again later"
        assert door.enter(BOB) == ""
        door.leave(EVE)
    doors[1].leave(EVE)
    assert [doors[2].enter(EVE), doors[0].enter(EVE) != ""] == ["", True]
    assert [door.statistics()["connections"] for door in doors] == [3, 1, 3], "each tells of its own"


def test_ipv6_and_loopback_are_as_in_one_worker() -> None:
    ledger = Ledger(2)
    first, second = (Doorkeeper(Limits(connections_per_address=1), "c", ledger.page(number)) for number in range(2))
    assert first.enter(NEAR) == ""
    assert second.enter(Peer("2001:db8::ffff", 4)) != ""
    assert second.enter(FAR) == ""
    for _ in range(3):
        assert first.enter(Peer("127.0.0.1", 1)) == second.enter(Peer("::1", 1)) == ""


def test_connections_in_all() -> None:
    ledger = Ledger(2)
    first, second = (Doorkeeper(Limits(connections=3), "connections", ledger.page(number)) for number in range(2))
    shaking = Doorkeeper(Limits(connections=3), "handshakes", ledger.page(0))
    assert [first.enter(EVE), second.enter(BOB), first.enter(NEAR), shaking.enter(FAR)] == ["", "", "", ""]
    assert second.enter(FAR) == "too many connections to this server; try again later"
    second.leave(FAR)
    first.leave(NEAR)
    assert second.enter(FAR) == ""


def test_conversations_of_one_account() -> None:
    ledger = Ledger(2)
    first, second = (Present(2, ledger.page(number)) for number in range(2))
    assert [first.enter(7), second.enter(7), first.enter(7), second.enter(7), second.enter(8)] == [1, 1, 0, 0, 1]
    second.leave(7)
    assert [first.enter(7), second.enter(7)] == [True, False]


def test_what_a_worker_that_has_ended_had_open_is_forgotten() -> None:
    ledger = Ledger(2)
    first, second = (Tally("x", ledger.page(number)) for number in range(2))
    assert [first.enter("a"), first.enter("b"), second.enter("a"), second.enter("b")] == [1, 1, 2, 2]
    ledger.clear(0)
    assert second.enter("a") == 2
    again = Tally("x", ledger.page(0))
    assert again.enter("a") == 3
    again.leave("a")
    assert second.enter("a") == 3


def test_subjects_that_share_their_slots_make_a_limit_hold_early_and_never_late() -> None:
    ledger = Ledger(2, slots=1)
    first, second = (Tally("x", ledger.page(number)) for number in range(2))
    assert [first.enter("a"), first.enter("b")] == [1, 1], "its own are exact"
    assert second.enter("a") == 3
    first.leave("b")
    assert second.enter("a") == 3


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from("abcdefgh"), st.booleans()), max_size=60), st.integers(1, 8)
)
def test_no_count_is_too_low(steps: list[tuple[int, str, bool]], slots: int) -> None:
    ledger = Ledger(3, slots=slots)
    tallies = [Tally("x", ledger.page(number)) for number in range(3)]
    open_now: Counter[tuple[int, str]] = Counter()
    for worker, who, comes in steps:
        if comes:
            open_now[worker, who] += 1
            exact = sum(open_now[number, who] for number in range(3))
            assert exact <= tallies[worker].enter(who) <= len(steps)
        elif open_now[worker, who]:
            open_now[worker, who] -= 1
            tallies[worker].leave(who)
    for (worker, who), count in open_now.items():
        for _ in range(count):
            tallies[worker].leave(who)
    assert [tally.enter("a") for tally in tallies] == [1, 2, 3], "nothing is left behind"


# -- what has failed ---------------------------------------------------------------------------------------------------


def counting(workers: int = 2) -> list[Failures]:
    ledger = Ledger(workers)
    return [Failures(ledger.page(number)) for number in range(workers)]


def test_failures_count_in_all_workers_and_the_same_again_once() -> None:
    first, second = counting()
    tried = [first.digest(str(number)) for number in range(4)]
    assert second.digest("0") == tried[0] != Failures(Alone()).digest("0")
    assert [first.count("eve", tried[0], 1.0), second.count("eve", tried[1], 2.0)] == [1, 2]
    assert [first.count("eve", tried[1], 3.0), second.count("eve", tried[0], 4.0)] == [2, 2]
    assert [first.count("bob", tried[2], 5.0), second.count("eve", tried[3], 6.0)] == [1, 3]


def test_after_a_ban_the_count_begins_anew_in_all() -> None:
    first, second, third = counting(3)
    one, other = first.digest("one"), first.digest("other")
    assert [first.count("eve", one, 1.0), second.count("eve", other, 2.0)] == [1, 2]
    second.begin_anew("eve", 2.0)
    assert [first.count("eve", one, 3.0), third.count("eve", other, 4.0), second.count("eve", one, 5.0)] == [1, 2, 2]


def test_failures_count_within_the_window_whoever_saw_them() -> None:
    first, second = counting()
    assert first.count("eve", first.digest("one"), 0.0) == 1
    assert second.count("eve", first.digest("other"), WINDOW - 1.0) == 2
    assert first.count("eve", first.digest("third"), WINDOW + 1.0) == 2
    assert second.count("eve", first.digest("one"), 2 * WINDOW) == 2


def test_a_worker_that_takes_the_place_of_another_knows_what_failed() -> None:
    ledger = Ledger(2)
    first, second = (Failures(ledger.page(number)) for number in range(2))
    tried = [first.digest(str(number)) for number in range(4)]
    first.count("eve", tried[0], 1.0)
    second.count("eve", tried[1], 2.0)
    ledger.clear(0)
    again = Failures(ledger.page(0))
    again.hear(3.0)
    assert again.count("eve", tried[2], 3.0) == 3
    assert second.count("eve", tried[3], 4.0) == 4


WHO, WHAT, LATER = (st.sampled_from(some) for some in (["eve", "bob"], [*"abcdef"], [1.0, 900.0, 4000.0]))
STEPS = st.lists(st.tuples(st.integers(0, 2), WHO, WHAT, LATER), max_size=60)


@given(STEPS, st.sampled_from([3, 5, 100]))
def test_three_workers_count_as_one_does(steps: list[tuple[int, str, str, float]], limit: int) -> None:
    ledger = Ledger(3)
    alone = Failures(Alone())
    together = [Failures(ledger.page(number)) for number in range(3)]
    now = 0.0
    for worker, subject, tried, later in steps:
        now += later
        counts = [one.count(subject, one.digest(tried), now) for one in (alone, together[worker])]
        assert counts[0] == counts[1]
        if counts[0] >= limit:
            for one in (alone, together[worker]):
                one.begin_anew(subject, now)


def test_the_ring_keeps_the_latest_failures() -> None:
    ledger = Ledger(2, ring=4)
    first, second = ledger.page(0), ledger.page(1)
    assert list(second.news()) == []
    for number in range(3):
        first.tell(failure(number))
    assert list(second.news()) == [failure(number) for number in range(3)]
    for number in range(3, 6):  # round its end
        first.tell(failure(number))
    assert list(second.news()) == [failure(number) for number in range(3, 6)]
    for number in range(6, 17):  # and more than it holds
        first.tell(failure(number))
    assert list(second.news()) == [failure(number) for number in range(13, 17)]
    assert list(second.news()) == list(first.news()) == []


def test_news_come_in_the_order_in_which_they_happened() -> None:
    ledger = Ledger(3)
    first, second, third = (ledger.page(number) for number in range(3))
    for number, page in enumerate([second, first, first, second, first]):
        page.tell(failure(number, at=float(number)))
    assert list(third.news()) == [failure(number, at=float(number)) for number in range(5)]
    third.tell(failure(9, at=9.0))
    assert list(third.news()) == [], "one's own are none"
    assert [one.subject[-1] for one in first.news()] == [0, 3, 9]


def test_what_is_being_written_over_is_passed_over() -> None:
    ledger = Ledger(2, ring=4)
    first, second = ledger.page(0), ledger.page(1)
    for number in range(3):
        first.tell(failure(number))
    ledger._memory[TOLD + RECORD + 3] ^= 1  # in the middle of the second
    assert list(second.news()) == [failure(0), failure(2)]
    first.tell(failure(3))
    assert list(second.news()) == [failure(3)]


def test_nothing_that_failed_looks_like_the_mark_of_a_new_count() -> None:
    assert Failures(Alone()).digest("") != ANEW


def test_a_page_is_shared_with_processes_that_are_forked() -> None:
    ledger = Ledger(2)
    process = os.fork()
    if process == 0:
        try:
            page = ledger.page(0)
            page.enter("x")
            page.tell(failure(7))
        finally:
            os._exit(0)
    os.waitpid(process, 0)
    page = ledger.page(1)
    assert (page.enter("x"), list(page.news())) == (1, [failure(7)])
    assert len(ledger._memory) % mmap.PAGESIZE == 0


# -- the guards of two workers -----------------------------------------------------------------------------------------


def test_a_ban_comes_after_as_many_failures_in_two_workers_as_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        ledger = Ledger(2)
        rules = Rules(per_address=4, per_account=6, delay_seconds=0)
        guards = [Guard(store, rules, ledger.page(number)) for number in range(2)]
        for guard in guards:
            await guard.start()
        for number in range(3):
            for guard in guards:  # the same in both: once
                await guard.failed(EVE, "ada@example.org", str(number))
        assert store.look(ban.list_all) == []
        await guards[1].failed(EVE, "ada@example.org", "3")
        assert [one.subject for one in store.look(ban.list_all)] == ["203.0.113.7/32"]
        for number in range(4, 6):  # the account's go on
            await guards[number % 2].failed(BOB, "ada@example.org", str(number))
        assert {one.subject: one.reason for one in store.look(ban.list_all)} == {
            "203.0.113.7/32": "4 failed logins within 60 minutes",
            "ada@example.org": "6 failed logins within 60 minutes",
        }
        for guard in guards:
            await guard.stop()

    store = Store.open(tmp_path)
    asyncio.run(play())
    store.close()
