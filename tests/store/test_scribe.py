"""The scribe: letters that come side by side are written by a process of its own; here by a thread that has what such a
process has."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import pytest

from posthouse.errors import NotFound, OverQuota, StoreError
from posthouse.store import account, domain
from posthouse.store.engine import Store, Tx
from posthouse.store.scribe import LENGTH, Dictation, Frames, Scribe
from posthouse.store.writer import MAX_BATCH

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


def test_when_the_scribe_ends_the_store_writes_everything_itself(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        asked = asyncio.ensure_future(side_by_side(office.store, "wait", "c.example"))
        await asyncio.to_thread(ENTERED.wait, 20)
        assert office.store.dictation is not None and office.store.dictation.waited() > 0
        # As if it were killed: the line ends while it has something in hand.
        transport = office.store.dictation._transport
        assert transport is not None
        transport.abort()
        for error in await asked:
            assert isinstance(error, StoreError) and error.in_doubt
        LEAVE.set()
        assert await side_by_side(office.store, "e.example", "f.example") == ["store-writer", "store-writer"]

    ENTERED.clear()
    LEAVE.clear()
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


def test_a_server_that_reads_no_answers_holds_up_nobody(office: Office) -> None:
    deaf = office.line()
    frame = pickle.dumps([(add_all, "gone", None)] * 50)
    sending = threading.Thread(target=_send_until_full, args=(deaf, LENGTH.pack(len(frame)) + frame))
    sending.start()
    sending.join(20)

    async def scenario() -> None:
        assert await side_by_side(office.store, "a.example", "b.example") == ["scribe", "scribe"]

    run(office, scenario)
    deaf.close()


def _send_until_full(line: socket.socket, octets: bytes) -> None:
    """Calls whose answers take more than what fits into a socket."""
    for _ in range(400):
        line.sendall(octets)


def test_more_than_a_batch(office: Office) -> None:
    names = [f"d{number}.example" for number in range(MAX_BATCH + 10)]

    async def scenario() -> None:
        assert await side_by_side(office.store, *names) == ["scribe"] * len(names)

    run(office, scenario)
    assert len(office.store.look(domain.list_all)) == len(names)


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
