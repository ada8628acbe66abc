"""What changed since n, and the feed that tells when it is worth asking."""

from __future__ import annotations

import asyncio
import itertools
from bisect import bisect_left
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from posthouse.errors import NotFound
from posthouse.store import change, mail, mailbox
from posthouse.store.change import Changes, Feed, Own
from posthouse.store.engine import Store
from store_helpers import House


def test_nothing_changed(house: House) -> None:
    ada = house.account()
    now = house.store.look(change.changes, ada.id, 0)
    assert (now.new, now.changed, now.vanished, now.complete) == ([], [], [], True)
    assert len(now.mailboxes) == 6
    assert house.store.look(change.changes, ada.id, now.modseq).mailboxes == []
    with pytest.raises(NotFound):
        house.store.look(change.changes, 999, 0)


def test_new_changed_vanished(house: House) -> None:
    ada = house.account()
    inbox, archive = house.box(ada), house.box(ada, "Archive")
    house.fill(inbox, 5)
    since = house.store.look(change.changes, ada.id, 0).modseq
    flagged = house.store.run(mail.store_flags, inbox.id, [(2, 3)], "add", ["\\Seen"])
    (new,) = house.append(inbox)
    moved = house.store.run(mail.move, inbox.id, [(5, 5)], archive.id)
    house.append(inbox, flags=["\\Deleted"])
    house.store.run(mail.expunge, inbox.id)  # came and went: nobody needs to know

    what = house.store.look(change.changes, ada.id, since)
    assert [(one.mailbox_id, one.uid) for one in what.new] == [(inbox.id, 6), (archive.id, moved.target[0])]
    assert [(one.uid, one.flags, one.modseq) for one in what.changed] == [
        (2, b"\\Seen", flagged),
        (3, b"\\Seen", flagged),
    ]
    assert [(one.mailbox_id, one.uid) for one in what.vanished] == [(inbox.id, 5)]
    assert what.vanished[0].message_id == what.new[1].message_id
    assert what.complete

    inside = house.store.look(change.changes, ada.id, since, archive.id)
    assert (inside.new, inside.changed, inside.vanished) == ([what.new[1]], [], [])
    inside = house.store.look(change.changes, ada.id, since, mailbox_id=inbox.id)
    assert (inside.new, inside.changed, inside.vanished) == ([what.new[0]], what.changed, what.vanished)
    later = house.store.look(change.changes, ada.id, new.modseq)
    assert [one.mailbox_id for one in later.new] == [archive.id]
    assert house.store.look(change.changes, ada.id, what.modseq).new == []


def test_nothing_is_told_where_nothing_happened(house: House) -> None:
    ada, bob = house.account(), house.account("bob@example.org")
    box, other = house.box(ada, "Archive"), house.box(ada)
    house.fill(box, 3)

    def nothing(since: int) -> Changes | None:
        return house.store.look(change.nothing, ada.id, since, box.id)

    now = house.store.look(change.modseq_of, ada.id)
    assert nothing(now) == house.store.look(change.changes, ada.id, now, box.id)
    assert nothing(now - 1) is None
    house.fill(other, 1)
    elsewhere = nothing(now)
    assert elsewhere is not None
    assert elsewhere.modseq == house.store.look(change.modseq_of, ada.id) > now
    assert house.store.look(change.nothing, bob.id, now, box.id) is None
    for step in (
        lambda: house.store.run(mail.store_flags, box.id, [(2, 2)], "add", ["\\Deleted"]),
        lambda: house.store.run(mail.expunge, box.id),
        lambda: house.append(box),
        lambda: house.store.run(mail.copy, other.id, [(1, 1)], box.id),
        lambda: house.store.run(mail.move, box.id, [(1, 1)], other.id),
        lambda: house.store.run(mailbox.delete, ada.id, box.name),
    ):
        since = house.store.look(change.modseq_of, ada.id)
        assert nothing(since) is not None
        step()
        assert nothing(since) is None


def test_what_one_has_done_oneself_needs_no_mention(house: House) -> None:
    ada = house.account()
    inbox = house.box(ada)
    house.fill(inbox, 6)
    since = house.store.look(change.changes, ada.id, 0).modseq
    house.store.run(mail.store_flags, inbox.id, [(1, 1)], "add", ["\\Flagged"])
    house.append(inbox)  # 7, which isn't known yet
    own = house.store.run(mail.store_flags, inbox.id, [(2, 7)], "add", ["\\Deleted"])
    house.store.run(mail.store_flags, inbox.id, [(3, 3)], "add", ["\\Seen"])

    what = house.store.look(change.changes, ada.id, since, inbox.id, own=Own(own, known=6))
    assert [one.uid for one in what.changed] == [1, 3]
    assert [one.uid for one in what.new] == [7]
    own = house.store.run(mail.remove, inbox.id, [(4, 7)]) and house.store.look(change.modseq_of, ada.id)
    house.store.run(mail.remove, inbox.id, [(5, 5), (2, 2)])
    what = house.store.look(change.changes, ada.id, what.modseq, inbox.id, own=Own(own, known=6))
    assert [one.uid for one in what.vanished] == [7, 2]


def test_accounts_are_apart(house: House) -> None:
    ada, bob = house.account("ada@example.org"), house.account("bob@example.org")
    before = house.store.look(change.changes, bob.id, 0)
    house.append(house.box(ada))
    assert house.store.look(change.changes, bob.id, 0) == before


def test_the_feed_speaks_after_the_commit(house: House) -> None:
    async def scenario() -> tuple[int, int, int]:
        heard: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        subscription = house.store.feed.subscribe(ada.id, heard.set_result)
        appended = await asyncio.to_thread(house.append, house.box(ada))
        modseq = await heard
        seen = await house.store.read(change.changes, ada.id, 0)
        subscription.close()
        await asyncio.to_thread(house.append, house.box(ada))  # would set the result again
        return appended[0].modseq, modseq, seen.modseq

    ada = house.account()
    appended, heard, seen = asyncio.run(scenario())
    assert appended == heard == seen


def test_what_is_undone_is_not_told(house: House) -> None:
    ada = house.account()

    def fails(tx: object) -> None:
        change.next_modseq(tx, ada.id)  # type: ignore[arg-type]
        raise LookupError

    async def scenario() -> list[int]:
        heard: list[int] = []
        house.store.feed.subscribe(ada.id, heard.append)
        with pytest.raises(LookupError):
            await house.store.write(fails)
        await asyncio.sleep(0)
        return heard

    assert asyncio.run(scenario()) == []


def test_a_burst_is_a_few_hints(tmp_path: Path) -> None:
    async def scenario() -> list[int]:
        feed = Feed(tmp_path, quiet=0.01)
        heard: list[int] = []
        last = asyncio.Event()

        def hear(modseq: int) -> None:
            heard.append(modseq)
            if modseq == 10_000:
                last.set()

        feed.subscribe(7, hear)
        for modseq in range(1, 10_001):
            feed.publish({7: modseq, 8: modseq})
        await last.wait()
        feed.close()
        return heard

    heard = asyncio.run(scenario())
    assert heard[0] == 1
    assert heard[-1] == 10_000
    assert len(heard) <= 5


class Clock:
    """A loop's clock that a test turns on."""

    def __init__(self) -> None:
        self.now = 0.0
        self._timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        self._timers.append((self.now + delay, callback))
        return asyncio.TimerHandle(self.now + delay, callback, (), asyncio.get_running_loop())

    def reach(self, moment: float) -> None:
        while due := sorted((when for when, _ in self._timers if when <= moment)):
            self.now = due[0]
            for timer in [one for one in self._timers if one[0] == self.now]:
                self._timers.remove(timer)
                timer[1]()
        self.now = moment


def heard_at(tmp_path: Path, hints: Sequence[float], longest: float = change.LONGEST_QUIET_SECONDS) -> list[float]:
    """When somebody is told who is hinted at these moments; each time of the newest hint until then."""

    async def scenario() -> list[float]:
        clock, heard = Clock(), list[float]()
        feed = Feed(tmp_path)

        def hear(modseq: int) -> None:
            assert modseq >= bisect_left(hints, clock.now) - 1, "it is the newest until now"
            heard.append(round(clock.now, 6))

        subscription = feed.subscribe(7, hear, longest)
        subscription.loop = clock  # type: ignore[assignment]
        for number, moment in enumerate(hints):
            clock.reach(moment)
            subscription.hint(number)
        clock.reach(hints[-1] + 10)
        assert heard[-1] >= hints[-1], "the last one isn't missed"
        feed.close()
        return heard

    return asyncio.run(scenario())


@pytest.mark.parametrize("step", [0.001, 0.15, 0.3], ids=["quick commits", "slow commits", "slower ones"])
def test_a_long_burst_is_told_less_and_less_often(tmp_path: Path, step: float) -> None:
    """70 seconds of deliveries."""
    hints = [number * step for number in range(int(70 / step))]
    patient, eager = heard_at(tmp_path, hints), heard_at(tmp_path, hints, change.QUIET_SECONDS)
    assert patient[0] == eager[0] == 0
    assert len(patient) < 100 < min(70 / step, 600) * 0.9 < len(eager)
    longest = max(later - before for before, later in itertools.pairwise(patient))
    assert longest < change.LONGEST_QUIET_SECONDS + step + 0.01


def test_news_of_a_long_burst_are_no_second_old(tmp_path: Path) -> None:
    """However long it lasts: each hint is heard of, by itself or by a later one, within a second."""
    hints = [number * 0.45 for number in range(100)]
    heard = heard_at(tmp_path, hints)
    assert max(heard[bisect_left(heard, moment)] - moment for moment in hints) < 1


def test_who_hears_seldom_hears_at_once(tmp_path: Path) -> None:
    """After a burst, too: as soon as there was silence for a while."""
    burst = [number * 0.02 for number in range(100)]
    seldom = [10.0, 12.0, 14.0]
    heard = heard_at(tmp_path, [*burst, *seldom])
    assert heard[-3:] == seldom
    assert heard[:4] == [0, 0.1, 0.3, 0.7]


def test_after_closing_there_is_silence(tmp_path: Path) -> None:
    async def scenario() -> list[int]:
        feed = Feed(tmp_path, quiet=0)
        heard: list[int] = []
        first, second = feed.subscribe(7, heard.append), feed.subscribe(7, lambda modseq: heard.append(-modseq))
        feed.publish({7: 1})
        first.close()
        first.close()
        for _ in range(3):
            await asyncio.sleep(0)
        second.close()
        feed.publish({7: 2})
        for _ in range(3):
            await asyncio.sleep(0)
        feed.close()
        return heard

    assert asyncio.run(scenario()) == [-1]


def test_a_closed_loop_is_forgotten(store: Store) -> None:
    async def scenario() -> None:
        store.feed.subscribe(7, print)

    asyncio.run(scenario())
    store.feed.publish({7: 1})
