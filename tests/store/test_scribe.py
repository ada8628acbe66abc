"""The scribe: letters that come side by side are written by a process of its own; here by a thread that has what such a
process has."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import pytest
import uvloop

from posthouse import errors
from posthouse.errors import NotFound, OverQuota, StoreError, StoreFull
from posthouse.store import account, domain, engine, scribe
from posthouse.store.engine import Store, Tx
from posthouse.store.scribe import LENGTH, Dictation, Frames, Outcome, Scribe
from posthouse.store.sqlite import Connection, Sqlite
from posthouse.store.writer import MAX_BATCH
from processes import eventually
from store_helpers import process_of_each

# A function that is named "wait" has begun; it may end.
ENTERED, LEAVE = threading.Event(), threading.Event()


def add_all(tx: Tx, names: Sequence[str]) -> list[str | StoreError]:
    """A store function for many: domains; and where it ran."""
    outcomes: list[str | StoreError] = []
    for name in names:
        if name == "wait":
            ENTERED.set()
            assert LEAVE.wait(20)
        if name == "full":
            outcomes.append(OverQuota("There is no room.", never=True, advice="Make some."))
        elif name == "nonsense":
            tx.run("DELETE FROM nonsense")
        elif name in ("gone", "wait"):
            outcomes.append(NotFound("there is no such thing"))
        elif name == "defect":
            raise LookupError("not meant to happen")
        else:
            domain.add(tx, name)
            outcomes.append(threading.current_thread().name)
    return outcomes


def count_all(tx: Tx, names: Sequence[str]) -> list[tuple[str, int] | StoreError]:
    """A store function that tells each what it was, and among how many."""
    assert threading.current_thread().name == "scribe"
    return [NotFound(name) if name.endswith("3") else (name, len(names)) for name in names]


def fill_all(tx: Tx, rows: Sequence[int]) -> list[None]:
    for count in rows:
        tx.many("INSERT INTO domain (name) VALUES (:name)", [{"name": f"{number:0500}"} for number in range(count)])
    return [None] * len(rows)


def limit_pages(tx: Tx, pages: Sequence[int]) -> list[str | StoreError]:
    """As if the disk had room for so many pages more."""
    for more in pages:
        tx.value(f"PRAGMA max_page_count = {tx.value('PRAGMA page_count') + more}")
    return [threading.current_thread().name] * len(pages)


def upper(name: str) -> str:
    if name == "illegible":
        raise ValueError("nobody can read this")
    return f"{name}.example"


class Office:
    """A scribe at work, and the store of a server that has a line to it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.store = Store.open(data, readers=1)
        self.opened: list[Store] = []
        self.broken = False
        self._lines, self._theirs = socket.socketpair()
        self._thread = threading.Thread(target=self._work, name="scribe")
        self._thread.start()

    def _work(self) -> None:
        with self._theirs:
            Scribe(self._theirs, self._open).work()

    def _open(self) -> Store:
        if self.broken:
            raise StoreError("it can't be opened")
        self.opened.append(Store.open(self.data, readers=0))
        return self.opened[0]

    def line(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._lines, [b"+"], [theirs.fileno()])
        return ours

    def leave(self) -> None:
        """The scribe's end."""
        self._lines.close()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def close(self) -> None:
        self.leave()
        self.store.close()


@pytest.fixture(autouse=True)
def crowded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is: the next letters are expected to come side by side, too, and are one batch."""
    monkeypatch.setattr(engine, "CROWDED", 60.0)
    monkeypatch.setattr(scribe, "LONGEST", 60.0)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with contextlib.closing(Office(tmp_path / "data")) as office:
        yield office


def run(office: Office, scenario: Callable[[], Awaitable[None]], *, crowded: bool = True) -> None:
    async def main() -> None:
        dictation = await Dictation.begin(office.store, office.line(), 0)
        try:
            async with asyncio.timeout(30):
                if crowded:  # now the next ones are expected to come side by side
                    await side_by_side(office.store, "gone", "gone")
                await scenario()
        finally:
            dictation.close()

    asyncio.run(main())


async def side_by_side(store: Store, *names: str, ready: Callable[[str], str] | None = None) -> list[object]:
    """What came of each; where it was written, if it was."""
    return await asyncio.gather(
        *(store.write_each(add_all, name, ready=ready) for name in names), return_exceptions=True
    )


def test_letters_side_by_side_are_for_the_scribe_and_a_lone_one_is_not(office: Office) -> None:
    async def scenario() -> None:
        assert await office.store.write_each(add_all, "one.example") == "store-writer"
        assert not office.opened, "it opens the store when there is something to write"
        assert await side_by_side(office.store, "a.example", "b.example") == ["store-writer", "scribe"]
        # For a moment the next ones are expected to come so, too; what isn't a letter never goes there.
        assert await office.store.write_each(add_all, "c.example") == "scribe"
        before = office.store.statistics().writes
        await asyncio.gather(*(office.store.write(domain.add, name) for name in ("d.example", "e.example")))
        assert office.store.statistics().writes == before + 2

    run(office, scenario, crowded=False)
    assert office.store.look(domain.list_all) == [f"{name}.example" for name in ("a", "b", "c", "d", "e", "one")]


def test_soon_a_lone_letter_is_the_stores_own_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "CROWDED", 0.05)

    async def scenario() -> None:
        number = 0
        while await office.store.write_each(add_all, f"{number}.example") == "scribe":
            number += 1

    run(office, scenario)


def test_each_caller_has_what_came_of_its_own(office: Office) -> None:
    async def scenario() -> None:
        good, full, gone, last = await side_by_side(office.store, "a.example", "full", "gone", "b.example")
        assert (good, last) == ("scribe", "scribe")
        assert isinstance(full, OverQuota) and full.never and full.advice == "Make some."
        assert str(full) == "There is no room."
        assert isinstance(gone, NotFound)

    run(office, scenario)
    assert office.store.look(domain.list_all) == ["a.example", "b.example"]


def test_a_defect_reaches_its_caller_and_the_log_has_its_place(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        good, broken, last = await side_by_side(office.store, "a.example", "defect", "b.example")
        assert (good, last) == ("scribe", "scribe"), "when it raises for all, each is tried alone"
        assert isinstance(broken, RuntimeError) and str(broken) == "LookupError: not meant to happen"

    run(office, scenario)
    assert 'raise LookupError("not meant to happen")' in caplog.text
    assert office.store.look(domain.list_all) == ["a.example", "b.example"]


@pytest.mark.parametrize("alone", [False, True])
def test_what_is_made_ready_before_the_transaction(office: Office, alone: bool) -> None:
    async def scenario() -> None:
        if alone:  # the store does it in the same way
            assert await office.store.write_each(add_all, "a", ready=upper) == "store-writer"
            with pytest.raises(ValueError, match="nobody can read this"):
                await office.store.write_each(add_all, "illegible", ready=upper)
            return
        good, illegible, last = await side_by_side(office.store, "a", "illegible", "b", ready=upper)
        assert (good, last) == ("scribe", "scribe")
        assert isinstance(illegible, RuntimeError) and "nobody can read this" in str(illegible)

    run(office, scenario, crowded=not alone)
    assert office.store.look(domain.list_all) == ["a.example"] + ["b.example"] * (not alone)


def test_what_cant_be_sent_the_store_writes_itself(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        def here_only(name: str) -> str:  # a function within another can't be pickled
            return f"{name}.example"

        assert await side_by_side(office.store, "a", "b", ready=here_only) == ["store-writer", "store-writer"]

    run(office, scenario)
    assert "a letter can't be given to the scribe; the server writes it" in caplog.text
    assert office.store.look(domain.list_all) == ["a.example", "b.example"]


async def end_with_something_in_hand(office: Office, end: Callable[[Dictation], None]) -> None:
    """What was asked by then is in doubt."""
    ENTERED.clear()
    LEAVE.clear()
    asked = asyncio.ensure_future(side_by_side(office.store, "wait", "gone"))
    await asyncio.to_thread(ENTERED.wait, 20)
    dictation = office.store.dictation
    assert dictation is not None and dictation.waited() > 0
    end(dictation)
    for error in await asked:
        assert isinstance(error, StoreError) and error.in_doubt
    LEAVE.set()


def transport_of(dictation: Dictation) -> asyncio.Transport:
    assert dictation._transport is not None
    return dictation._transport


def test_when_the_scribe_ends_the_store_writes_everything_itself(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        await end_with_something_in_hand(
            office, lambda dictation: transport_of(dictation).abort()
        )  # as if it were killed
        assert await side_by_side(office.store, "e.example", "f.example") == ["store-writer", "store-writer"]

    run(office, scenario)
    assert [record.message for record in caplog.records] == [
        "the scribe has ended; the server writes letters itself until its next start"
    ]


def test_what_it_has_not_tried_the_store_writes_itself(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office.broken = True

    async def scenario() -> None:
        written = await side_by_side(office.store, "a.example", "b.example", "full")
        assert written[:2] == ["store-writer", "store-writer"] and isinstance(written[2], OverQuota)
        office.broken = False
        assert await side_by_side(office.store, "c.example", "d.example") == ["scribe", "scribe"]

    run(office, scenario)
    assert "the scribe can't open the store, the server writes letters itself: it can't be opened" in caplog.text


def test_what_comes_back_when_the_store_is_closed_is_refused(office: Office) -> None:
    office.broken = True

    async def scenario() -> None:
        asked = asyncio.ensure_future(side_by_side(office.store, "a.example", "b.example"))
        for _ in range(3):  # it makes its tasks, they are accepted, they are handed over
            await asyncio.sleep(0)
        office.store.close()
        for error in await asked:
            assert isinstance(error, StoreError) and str(error) == "the store is closed"

    run(office, scenario)


def test_the_databases_own_error_comes_along_for_the_log(office: Office) -> None:
    async def scenario() -> None:
        (error, *_) = await side_by_side(office.store, "nonsense", "a.example")
        assert isinstance(error, StoreError) and "no such table: nonsense" in str(error.__cause__)

    run(office, scenario)


def test_two_servers_share_it_and_one_that_leaves_is_no_others_trouble(office: Office) -> None:
    other = Store.open(office.data, readers=1)

    async def scenario() -> None:
        theirs = await Dictation.begin(other, office.line(), 0)
        await side_by_side(other, "gone", "gone")
        mine, both = await asyncio.gather(
            side_by_side(office.store, "a.example", "b.example"), side_by_side(other, "c.example", "full")
        )
        assert mine == ["scribe", "scribe"]
        assert both[0] == "scribe" and isinstance(both[1], OverQuota)
        lost = asyncio.ensure_future(side_by_side(other, "wait", "gone"))
        await asyncio.to_thread(ENTERED.wait, 20)
        kept = asyncio.ensure_future(side_by_side(office.store, "d.example", "e.example"))
        await asyncio.sleep(0)
        theirs.close()
        for error in await lost:
            assert isinstance(error, StoreError) and error.in_doubt
        LEAVE.set()
        assert await kept == ["scribe", "scribe"]

    ENTERED.clear()
    LEAVE.clear()
    run(office, scenario)
    other.close()


def test_what_a_server_that_left_had_waiting_is_dropped(office: Office) -> None:
    """Nobody hears of it, and it will be sent again. What is being written is written."""
    other = Store.open(office.data, readers=1)
    in_hand = ["wait", "hand.example", *["gone"] * (MAX_BATCH - 2)]

    async def scenario() -> None:
        theirs = await Dictation.begin(other, office.line(), 0)
        await side_by_side(other, "gone", "gone")
        lost = asyncio.ensure_future(side_by_side(other, *in_hand, "c.example", "d.example"))
        await asyncio.to_thread(ENTERED.wait, 20)
        kept = asyncio.ensure_future(side_by_side(office.store, "a.example", "b.example"))
        await asyncio.sleep(0)
        theirs.close()
        assert all(isinstance(error, StoreError) and error.in_doubt for error in await lost)
        LEAVE.set()
        assert await kept == ["scribe", "scribe"]

    ENTERED.clear()
    LEAVE.clear()
    run(office, scenario)
    other.close()
    assert office.store.look(domain.list_all) == ["a.example", "b.example", "hand.example"]


def test_a_server_that_takes_leave_writes_itself_and_is_told_nothing(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "posthouse")

    async def scenario() -> None:
        await end_with_something_in_hand(office, Dictation.close)
        assert await side_by_side(office.store, "a.example", "b.example") == ["store-writer", "store-writer"]

    run(office, scenario)
    assert not caplog.records


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_line_that_has_ended_already(
    tmp_path: Path, new_loop: Callable[[], asyncio.AbstractEventLoop], caplog: pytest.LogCaptureFixture
) -> None:
    """As for a worker that is begun when the scribe has been killed."""
    store = Store.open(tmp_path, readers=1)
    line, other_end = socket.socketpair()
    other_end.close()

    async def main() -> None:
        await Dictation.begin(store, line, 0)
        async with asyncio.timeout(20):
            while store.dictation is not None:  # noqa: ASYNC110  (it tells nobody)
                await asyncio.sleep(0)
        assert await side_by_side(store, "a.example", "b.example") == ["store-writer", "store-writer"]

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())
    store.close()
    assert [record.message for record in caplog.records] == [
        "the scribe has ended; the server writes letters itself until its next start"
    ]


# -- a process that waits, and one that is killed ----------------------------------------------------------------------


@contextlib.contextmanager
def held(data: Path) -> Iterator[Connection]:
    """Nobody else writes now."""
    connection = Sqlite(data).connect()
    connection.begin()
    try:
        yield connection
    finally:
        connection.rollback()
        connection.close()


def test_what_gathers_when_the_store_closes_is_written(office: Office) -> None:
    """By the store: the line may end before the answer is there."""

    async def scenario() -> None:
        asked = asyncio.ensure_future(side_by_side(office.store, "a.example", "b.example"))
        await asyncio.sleep(0)  # it makes its tasks
        await asyncio.sleep(0)  # they are accepted, and not handed over yet
        office.store.close()
        assert await asked == ["store-writer", "store-writer"]

    run(office, scenario)
    again = Store.open(office.data, readers=1)
    assert again.look(domain.list_all) == ["a.example", "b.example"]
    again.close()


def test_how_long_it_has_been_waited_for(office: Office) -> None:
    async def scenario() -> None:
        dictation = office.store.dictation
        assert dictation is not None
        dictation._heard -= 1_000  # the last answer is long ago
        with held(office.data):
            asked = asyncio.ensure_future(side_by_side(office.store, "a.example", "b.example"))
            await asyncio.to_thread(eventually, lambda: dictation.waited() > 0.05, "nobody waits")
            assert dictation.waited() < 500, "it counts from the first call"
            assert office.store.waited() == 0.0, "the store's own writer has nothing to do"
            assert not asked.done()
        assert await asked == ["scribe", "scribe"]
        assert dictation.waited() == 0.0

    run(office, scenario)


SCRIBE = """
import socket, sys
from pathlib import Path
from posthouse.store.engine import Store
from posthouse.store.scribe import Scribe
Scribe(socket.socket(fileno=int(sys.argv[2])), lambda: Store.open(Path(sys.argv[1]), readers=0)).work()
"""


@contextlib.contextmanager
def scribe_process(data: Path) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
    """A real one, and a line to it."""
    lines, theirs = socket.socketpair()
    ours, end = socket.socketpair()
    with lines:
        with theirs, end:
            process = subprocess.Popen(
                [sys.executable, "-c", SCRIBE, data, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
            socket.send_fds(lines, [b"+"], [end.fileno()])
        yield process, ours
    process.communicate(timeout=20)


def test_a_kill_leaves_what_it_had_in_hand_in_doubt(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = Store.open(tmp_path, readers=1)

    async def main(process: subprocess.Popen[bytes], line: socket.socket) -> None:
        dictation = await Dictation.begin(store, line, process.pid)
        assert await both(store, "1.example", "2.example") == [os.getpid(), process.pid]
        with held(tmp_path):
            asked = both(store, "a.example", "b.example")
            await asyncio.to_thread(eventually, lambda: dictation.waited() > 0.01, "nobody waits")
            process.kill()
            for error in await asked:
                assert isinstance(error, StoreError) and error.in_doubt
                assert str(error) == "the process that writes letters ended while it had this one"
        assert dictation.waited() == 0.0
        assert await both(store, "c.example", "d.example") == [os.getpid()] * 2

    with scribe_process(tmp_path) as (process, line):
        asyncio.run(main(process, line))
    assert store.look(domain.list_all) == [f"{name}.example" for name in ("1", "2", "c", "d")]
    store.close()
    assert [record.message for record in caplog.records] == [
        "the scribe has ended; the server writes letters itself until its next start"
    ]


def test_what_it_had_done_is_not_done_again_and_the_rest_the_store_does(tmp_path: Path) -> None:
    store = Store.open(tmp_path, readers=1)
    store.run(domain.add, "there.example")  # as if the scribe had got so far

    async def main(process: subprocess.Popen[bytes], line: socket.socket) -> None:
        dictation = await Dictation.begin(store, line, process.pid)
        assert await both(store, "1.example", "2.example") == [os.getpid(), process.pid]
        with held(tmp_path):
            asked = asyncio.gather(
                store.write_each(process_of_each, "a.example", done=is_there),
                store.write_each(process_of_each, "there.example", done=is_there),
                store.write_each(process_of_each, "b", ready=upper, done=is_there),
                store.write_each(add_all, "full", done=is_there),
                return_exceptions=True,
            )
            await asyncio.to_thread(eventually, lambda: dictation.waited() > 0.01, "nobody waits")
            process.kill()
            await asyncio.to_thread(process.wait)
        assert (await asked)[:3] == [os.getpid(), None, os.getpid()]
        full = asked.result()[3]
        assert isinstance(full, OverQuota) and full.never

    with scribe_process(tmp_path) as (process, line):
        asyncio.run(main(process, line))
    assert store.look(domain.list_all) == [f"{name}.example" for name in ("1", "2", "a", "b", "there")]
    store.close()


def is_there(tx: Tx, name: str) -> bool:
    return name in domain.list_all(tx)


def both(store: Store, *names: str) -> Awaitable[list[int | BaseException]]:
    """The processes that have written them."""
    return asyncio.gather(*(store.write_each(process_of_each, name) for name in names), return_exceptions=True)


# -- what goes over a line ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [NotFound, errors.AlreadyExists, StoreFull, OverQuota, errors.StoreVersionError])
def test_an_error_is_the_same_on_the_other_side(kind: type[StoreError]) -> None:
    error = kind("there is no such thing", advice="Look elsewhere.")
    error.in_doubt = True
    error.__cause__ = ValueError("for the log")
    there = pickle.loads(pickle.dumps(error))
    assert type(there) is kind
    assert (str(there), there.__dict__) == (str(error), error.__dict__)


def test_who_needs_more_room_than_there_is_is_no_others_trouble(office: Office) -> None:
    async def scenario() -> None:
        assert await office.store.write_each(limit_pages, 20) == "scribe"
        small, big, after = await asyncio.gather(
            office.store.write_each(add_all, "small.example"),
            office.store.write_each(fill_all, 10_000),
            office.store.write_each(add_all, "z.example"),
            return_exceptions=True,
        )
        assert (small, after) == ("scribe", "scribe")
        assert isinstance(big, StoreFull) and big.advice == "Free some space below the data folder."

    run(office, scenario)
    assert office.store.look(domain.list_all) == ["small.example", "z.example"]


def test_a_server_that_reads_no_answers_holds_up_nobody(office: Office) -> None:
    """And has them when it does."""
    deaf = office.line()
    deaf.settimeout(20)
    calls, times = 50, 600
    frame = pickle.dumps([(add_all, "gone", None)] * calls)
    sending = threading.Thread(target=deaf.sendall, args=((LENGTH.pack(len(frame)) + frame) * times,))
    sending.start()
    sending.join(20)
    assert not sending.is_alive()

    async def scenario() -> None:
        assert await side_by_side(office.store, "a.example", "b.example") == ["scribe", "scribe"]

    run(office, scenario)  # it is their turn behind all of these calls
    frames, octets = Frames(), 0
    answers: list[Outcome] = []
    while len(answers) < calls * times:
        data = deaf.recv(1 << 16)
        assert data
        octets += len(data)
        answers += [answer for frame in frames.feed(data) for answer in frame]
    assert all(result is None and failure and isinstance(failure[0], NotFound) for result, failure in answers)
    assert octets > 2 * deaf.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF), "there was room for all of them"
    deaf.close()


def test_what_comes_octet_by_octet(office: Office) -> None:
    with office.line() as line:
        line.settimeout(20)
        frame = pickle.dumps([(add_all, "gone", None), (add_all, "a.example", None)])
        for octet in LENGTH.pack(len(frame)) + frame:
            line.sendall(bytes([octet]))
        frames = Frames()
        answers: list[list[Outcome]] = []
        while not answers:
            answers += frames.feed(line.recv(1))
    [[(nothing, failure), answer]] = answers
    assert nothing is None and failure and isinstance(failure[0], NotFound)
    assert answer == ("scribe", None)


def test_more_than_a_batch_are_several_and_each_has_its_own_answer(office: Office) -> None:
    names = [f"{number}" for number in range(MAX_BATCH + 10)]

    async def scenario() -> None:
        outcomes = await asyncio.gather(
            *(office.store.write_each(count_all, name) for name in names), return_exceptions=True
        )
        for number, (name, outcome) in enumerate(zip(names, outcomes, strict=True)):
            if name.endswith("3"):
                assert isinstance(outcome, NotFound) and str(outcome) == name
            else:
                assert outcome == (name, MAX_BATCH if number < MAX_BATCH else 10)

    run(office, scenario)


def test_who_subscribed_hears_what_the_scribe_has_written(office: Office) -> None:
    async def scenario() -> None:
        heard = asyncio.Event()
        subscription = office.store.feed.subscribe(1, lambda _: heard.set())
        await office.store.write_each(note_all, 1)
        await heard.wait()
        subscription.close()

    run(office, scenario)


def note_all(tx: Tx, accounts: Sequence[int]) -> list[None]:
    assert threading.current_thread().name == "scribe"
    for one in accounts:
        tx.changed(one, 7)
    return [None] * len(accounts)


def test_addresses_that_change_are_known_before_the_change_is_answered(office: Office) -> None:
    before = office.store.feed.directory
    office.store.run(domain.add, "example.org")
    assert office.store.feed.directory > before
    before = office.store.feed.directory
    office.store.run(account.add, "ada@example.org", "hash")
    assert office.store.feed.directory > before


@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_frames_come_in_any_pieces(size: int) -> None:
    contents = [["a", 1], [], [b"x" * 500]]
    octets = b"".join(LENGTH.pack(len(one)) + one for one in map(pickle.dumps, contents))
    frames = Frames()
    assert [one for at in range(0, len(octets), size) for one in frames.feed(octets[at : at + size])] == contents
