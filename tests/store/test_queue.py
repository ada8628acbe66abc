"""The queue: recipients that wait, are taken, and are done; octets that stay as long as one of them does."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from older_store import take_back
from posthouse.store import account, backup, lease, queue, tidy, verify
from posthouse.store.blob import Blob
from posthouse.store.engine import Row, Store, Tx
from posthouse.store.lease import Due, Way, Work
from posthouse.store.queue import Onward, Terms, To, Which
from store_helpers import NOW, Clock, House, keep, letter, only_sqlite

T = TypeVar("T")
ALL = Which()
X, Y = "x.example", "y.example"
ANN, BEN, CAT = (To(f"{name}@{domain}", domain) for name, domain in (("ann", X), ("ben", X), ("cat", Y)))


def add(store: Store, *to: To, sender: str = "ada@example.org", blob: Blob | None = None) -> int:
    blob = blob or keep(store, letter())
    return store.run(queue.add, blob, 10, Onward(b"Received: x\r\n", sender, to or (ANN,)))


def by_domain(sender: str, domain: str, requiretls: bool) -> str:
    return domain


def work(
    store: Store,
    visits: int = 100,
    *,
    full: tuple[str, ...] = (),
    at_once: int = 2,
    most: int = 100,
    way: Way = by_domain,
) -> tuple[list[Work], int | None]:
    return store.run(lease.take_due, visits, way=way, room=lambda key: (0 if key in full else at_once, most))


def take(store: Store, visits: int = 100) -> list[Due]:
    """What all visits take."""
    return [due for one in work(store, visits)[0] for due in one.dues]


def settled(due: Due) -> list[tuple[int, int]]:
    return [(due.letter.id, recipient.id) for recipient in due.recipients]


def ids(due: Due) -> list[int]:
    return [recipient.id for recipient in due.recipients]


def entries(store: Store, which: Which = ALL) -> list[queue.Entry]:
    return [queue.Entry._make(row[1:]) for row in store.look(queue.list_some, which)]


def uses(store: Store) -> list[int]:
    return [count for (count,) in store.look(lambda tx: tx.all("SELECT uses FROM blob"))]


def test_recipients_of_a_domain_travel_together(store: Store) -> None:
    letter_id = add(store, ANN, CAT, BEN)
    first, second = take(store)
    assert (first.domain, [one.address for one in first.recipients]) == (
        "x.example",
        ["ann@x.example", "ben@x.example"],
    )
    assert (second.domain, [one.address for one in second.recipients]) == ("y.example", ["cat@y.example"])
    assert first.letter == second.letter
    kept = first.letter
    assert (kept.id, kept.prefix, kept.sender) == (
        letter_id,
        b"Received: x\r\n",
        "ada@example.org",
    )
    assert store.blobs.read(first.letter.blob_id, 0, first.letter.size) == letter()


def test_octets_stay_until_the_last_recipient_is_done(store: Store, clock: Clock) -> None:
    add(store, ANN, CAT)
    first, second = take(store)
    store.run(queue.done, settled(first))
    assert uses(store) == [1]
    assert [one.recipient for one in entries(store)] == ["cat@y.example"]
    store.run(queue.done, settled(second))
    assert uses(store) == [0] and entries(store) == []
    assert verify.verify(store) == []
    clock.now += tidy.GRACE
    assert len(store.run(tidy.forget_octets)) == 1
    store.run(queue.done, settled(second))  # once more: nothing


def test_octets_are_shared_with_mailboxes(store: Store, house: House) -> None:
    box = house.box(house.account())
    house.append(box)
    (blob_id,) = store.look(lambda tx: tx.one("SELECT id FROM blob")) or ()
    add(store, blob=Blob(blob_id, len(letter())))
    assert uses(store) == [2] and verify.verify(store) == []


def test_a_letter_is_taken_once(store: Store, clock: Clock) -> None:
    add(store)
    (due,) = take(store)
    assert take(store) == []
    clock.now += lease.LEASE - 1
    assert take(store) == []
    clock.now += 1
    (again,) = take(store)
    assert ids(again) == ids(due), "whoever took it is dead: it is tried once more"


def test_a_new_server_goes_on_at_once(store: Store) -> None:
    add(store)
    add(store, CAT)
    (due, _) = take(store)
    store.run(queue.done, settled(due))
    assert store.run(lease.recover) == 1
    (again,) = take(store)
    assert again.domain == "y.example"
    assert store.run(lease.recover) == 1 and store.run(lease.recover) == 0


def test_deferred_until_its_time(store: Store, clock: Clock) -> None:
    add(store)
    (due,) = take(store)
    store.run(lease.defer, ids(due), int(clock.now) + 60, "450 later", warned=False)
    assert work(store) == ([], clock.now + 60)
    (entry,) = entries(store)
    assert (entry.state, entry.attempts, entry.reply, entry.due) == ("deferred", 1, "450 later", clock.now + 60)
    clock.now += 60
    (again,) = take(store)
    assert again.recipients[0].attempts == 1


def test_the_last_attempt_is_when_the_time_is_over(store: Store, clock: Clock) -> None:
    add(store)
    (due,) = take(store)
    clock.now += queue.LIFETIME - 10
    store.run(lease.defer, ids(due), int(clock.now) + 7200, "450 later", warned=True)
    (entry,) = entries(store)
    assert entry.due == entry.expires == clock.now + 10


def test_no_domain_takes_all_the_room(store: Store) -> None:
    for _ in range(20):
        add(store, ANN)
    add(store, CAT)
    found, _ = work(store, at_once=2, most=12)
    assert [(one.key, len(one.dues)) for one in found] == [("x.example", 6), ("x.example", 6), ("y.example", 1)]
    assert work(store, at_once=0)[0] == []
    found, next_due = work(store, full=("x.example",))
    assert found == [] and next_due is not None and next_due > store.look(lambda tx: tx.now), (
        "no reason to look at once"
    )
    assert [len(one.dues) for one in work(store, at_once=20)[0]] == [5, 3], "a connection for each would be a waste"


def test_a_connection_that_stands_gets_the_next_letters(store: Store) -> None:
    for _ in range(3):
        add(store, ANN)
    add(store, CAT)
    assert len(work(store, most=1)[0]) == 2
    more = store.run(lease.take_for, X, 1, way=by_domain, domain=X)
    assert more is not None and [due.letter.id for due in more.dues] == [2]
    more = store.run(lease.take_for, X, 9, way=by_domain, domain=None)
    assert more is not None and [due.letter.id for due in more.dues] == [3]
    assert store.run(lease.take_for, X, 1, way=by_domain, domain=X) is None


def test_a_visit_is_told_whether_more_is_due(store: Store) -> None:
    for _ in range(3):
        add(store, ANN)
    (first,), _ = work(store, at_once=1, most=2)
    assert first.more
    more = store.run(lease.take_for, X, 9, way=by_domain, domain=X)
    assert more is not None and not more.more
    add(store, ANN)
    (through,), _ = work(store, way=lambda *_: "smarthost")
    assert through.more, "of a way that many domains go it isn't known"


@only_sqlite
def test_taking_costs_no_more_for_how_much_waits(store: Store, clock: Clock) -> None:
    """A large destination, from which portions are taken: each looks at what it takes."""
    taken = []
    for crowd_size in (1_000, 8_000):
        crowd(store, crowd_size)
        clock.now += 1
        found, count = steps(store, lambda tx: lease.take_for(tx, X, 20, way=by_domain, domain=X))
        assert found is not None and len(found.dues) == 20
        taken.append(count)
    assert taken[1] < 1.2 * taken[0], taken


def test_domains_that_go_the_same_way_share_a_transaction(store: Store) -> None:
    """As through a smarthost."""
    add(store, ANN, CAT, *(To(f"r{n}@d{n}.example", f"d{n}.example") for n in range(150)))
    (first,), _ = work(store, way=lambda *_: "smarthost")
    assert [len(due.recipients) for due in first.dues] == [100]
    more = store.run(lease.take_for, "smarthost", 9, way=lambda *_: "smarthost", domain=None)
    assert more is not None and [len(due.recipients) for due in more.dues] == [52]


def test_what_was_not_tried_is_given_back(store: Store) -> None:
    add(store, ANN, BEN)
    (due,) = take(store)
    store.run(lease.give_back, ids(due))
    (again,) = take(store)
    assert again.recipients == due.recipients, "it counts as no attempt"


def test_many_recipients_are_taken_in_portions(store: Store) -> None:
    add(store, *(To(f"r{n}@x.example", "x.example") for n in range(250)))
    assert [len(take(store)[0].recipients) for _ in range(3)] == [100, 100, 50]


def defer_others(store: Store, clock: Clock, domain: str | None) -> int:
    """How many wait now that didn't."""

    def due(tx: Tx) -> int:
        count: int = tx.value("SELECT count(*) FROM outgoing_recipient WHERE due <= :now", now=tx.now)
        return count

    before = store.look(due)
    after: Row | None = ()
    while after is not None:
        after = store.run(lease.defer_others, X, int(clock.now) + 300, "why", way=by_domain, domain=domain, after=after)
    return before - store.look(due)


def test_what_is_due_on_a_dead_way_waits_together(store: Store, clock: Clock) -> None:
    for _ in range(3):
        add(store, ANN)
    add(store, CAT)
    assert defer_others(store, clock, None) == 3
    assert [due.domain for due in take(store)] == ["y.example"]


def test_what_is_due_at_a_dead_domain_waits_together(store: Store, clock: Clock) -> None:
    for _ in range(4):
        add(store, ANN)
    add(store, CAT)
    work(store, 1, most=1)
    assert defer_others(store, clock, X) == 3
    assert [due.domain for due in take(store)] == ["y.example"]
    clock.now += queue.LIFETIME
    assert defer_others(store, clock, X) == 0, "their last attempt"


def test_hold_release_retry_drop(store: Store, clock: Clock) -> None:
    first = add(store, ANN, CAT)
    second = add(store, ANN, sender="Bob@example.org")
    assert store.run(queue.hold, Which(letters=[first], recipient="@Y.example")) == 1
    assert {due.domain for due in take(store)} == {"x.example"}
    assert [one.recipient for one in entries(store, Which(state="held"))] == ["cat@y.example"]
    assert store.run(queue.retry, Which()) == 0, "held, or in flight"
    assert store.run(queue.release, Which()) == 1
    assert [due.domain for due in take(store)] == ["y.example"]
    assert [one.letter_id for one in entries(store, Which(sender="bob@EXAMPLE.org"))] == [second]
    assert store.run(queue.drop, Which(recipient="ann@x.example")) == 2
    assert [one.letter_id for one in entries(store)] == [first]
    assert store.run(queue.drop, Which()) == 1
    assert uses(store) == [0, 0]


def test_release_leaves_what_is_in_flight_alone(store: Store) -> None:
    add(store)
    take(store)
    store.run(queue.hold, Which())
    store.run(queue.release, Which())
    assert take(store) == []


def test_retry_brings_it_forward(store: Store, clock: Clock) -> None:
    add(store)
    (due,) = take(store)
    store.run(lease.defer, ids(due), int(clock.now) + 3600, "450", warned=False)
    assert store.run(queue.retry, Which(recipient="x.example")) == 1
    assert len(take(store)) == 1


def test_the_list_comes_in_portions(store: Store) -> None:
    add(store, ANN, BEN)
    add(store, CAT)
    seen = []
    after = (0, 0)
    while rows := store.look(queue.list_some, Which(), after=after, limit=1):
        seen.append(rows[0][3])
        after = (rows[0][1], rows[0][0])
    assert seen == ["ann@x.example", "ben@x.example", "cat@y.example"]


@only_sqlite
def test_a_restored_queue_is_held(store: Store, tmp_path_factory: pytest.TempPathFactory) -> None:
    add(store)
    folder = tmp_path_factory.mktemp("backups")
    made = backup.backup(store, folder)
    backup.restore(made, folder / "restored")
    restored = Store.open(folder / "restored", readers=1)
    try:
        assert [one.state for one in entries(restored)] == ["held"]
    finally:
        restored.close()


@only_sqlite
def steps(store: Store, run: Callable[[Tx], T]) -> tuple[T, int]:
    """What it returns, and the steps of SQLite's machine that it takes, in tens."""

    def count(tx: Tx) -> tuple[T, int]:
        connection = tx._execute.__self__  # type: ignore[attr-defined]
        taken = itertools.count()
        connection.set_progress_handler(lambda: next(taken) < 0, 10)
        try:
            return run(tx), next(taken)
        finally:
            connection.set_progress_handler(None, 0)

    return store.run(count)


def crowd(store: Store, count: int) -> None:
    """So many letters for X, the older ones, and after them one to each of some other domains."""
    blob = keep(store, letter())

    def fill(tx: Tx) -> None:
        for _ in range(count):
            queue.add(tx, blob, 10, Onward(b"", "ada@example.org", [ANN]))

    store.run(fill)


@only_sqlite
@pytest.mark.parametrize("way", [by_domain, lambda sender, domain, strict: f"smtp://{domain}"], ids=["MX", "routes"])
def test_a_slow_destination_costs_the_others_nothing(store: Store, clock: Clock, way: Way) -> None:
    """However much waits for it, for which there is no room: others are found, with as little work as ever."""
    x = way("", X, False)
    work_done = []
    for crowd_size in (2 * lease.LOOKED_AT, 8 * lease.LOOKED_AT):
        crowd(store, crowd_size)
        clock.now += 1
        add(store, CAT)

        def look(tx: Tx) -> tuple[list[Work], int | None]:
            return lease.take_due(tx, 100, way=way, room=lambda key: (0 if key == x else 20, 100))

        (found, _), taken = steps(store, look)
        assert [one.dues[0].domain for one in found] == [Y]
        work_done.append(taken)
    assert work_done[1] < 1.1 * work_done[0], work_done


@only_sqlite
@pytest.mark.parametrize("domain", [X, None])
def test_a_dead_destination_is_put_off_in_portions(store: Store, clock: Clock, domain: str | None) -> None:
    """No transaction is longer for how much waits."""
    taken = []
    for crowd_size in (2 * lease.DEFERRED, 6 * lease.DEFERRED):
        crowd(store, crowd_size)

        def put_off(tx: Tx) -> object:
            return lease.defer_others(tx, X, int(clock.now) + 300, "why", way=by_domain, domain=domain)

        after, count = steps(store, put_off)
        assert after is not None
        taken.append(count)
        assert defer_others(store, clock, domain) == crowd_size - lease.DEFERRED
    assert taken[1] < 1.1 * taken[0], taken


@only_sqlite
def test_a_connection_takes_more_without_looking_at_others(store: Store, clock: Clock) -> None:
    taken = []
    for crowd_size in (100, 5_000):
        crowd(store, crowd_size)
        clock.now += 1
        add(store, CAT)
        found, count = steps(store, lambda tx: lease.take_for(tx, Y, 10, way=by_domain, domain=Y))
        assert found is not None
        taken.append(count)
    assert taken[1] < 1.5 * taken[0], taken


def ask(store: Store, terms: Terms, *to: To) -> int:
    return store.run(queue.add, keep(store, letter()), 10, Onward(b"", "ada@example.org", to or (ANN,), terms))


def test_terms_are_kept(store: Store) -> None:
    terms = Terms(
        ret="FULL", envid="e", requiretls=True, priority=-9, deliver_by=NOW, by_mode="NT", hold="for;1", release=NOW
    )
    ask(store, terms)
    (due,) = take(store)
    assert due.letter.terms == terms


def test_the_higher_priority_goes_first(store: Store, clock: Clock) -> None:
    """RFC 6710 §5.1; and within one, the older letter."""
    letters = {}
    for name, priority in (("none", 0), ("low", -3), ("high", 7), ("later", 0), ("some", 2)):
        letters[ask(store, Terms(priority=priority), CAT)] = name
        clock.now += 1
    order = []
    while more := store.run(lease.take_for, Y, 1, way=by_domain, domain=Y):
        order += [letters[due.letter.id] for due in more.dues]
    assert order == ["high", "some", "none", "later", "low"]
    store.run(lease.recover)
    assert [letters[due.letter.id] for due in take(store, visits=2)] == ["high", "some"]


def test_a_letter_that_has_to_wait_does(store: Store, clock: Clock) -> None:
    ask(store, Terms(release=NOW + 100))
    assert store.look(queue.count_unreleased, None) == 1
    assert (store.run(queue.retry, ALL), take(store)) == (0, [])
    assert (store.run(queue.hold, ALL), store.run(queue.release, ALL), take(store)) == (1, 1, [])
    clock.now = NOW + 100
    assert store.look(queue.count_unreleased, None) == 0
    (due,) = take(store)
    assert due.recipients[0].expires == NOW + 100 + queue.LIFETIME, "its days are counted from then"


def test_held_letters_are_counted_by_account(store: Store, house: House) -> None:
    """RFC 4865 §6: however the sender is written; and removing the account leaves them on their way."""
    ada, bob = house.account("ada@example.org"), house.account("bob@example.org")
    later = Terms(release=NOW + 100)
    for sender, account_id, terms in (
        ("ada@example.org", ada.id, later),
        ("ADA+1@example.org", ada.id, later),
        ("", ada.id, later),
        ("", bob.id, later),
        ("ada@example.org", ada.id, Terms()),
        ("root@example.org", None, later),
    ):
        onward = Onward(b"", sender, [ANN], terms, account_id=account_id)
        store.run(queue.add, keep(store, letter()), 10, onward)
    assert [store.look(queue.count_unreleased, one) for one in (ada.id, bob.id, None)] == [3, 1, 1]
    store.run(account.remove, "ada@example.org")
    assert len(store.look(queue.list_some, ALL)) == 6
    assert store.look(queue.count_unreleased, bob.id) == 1


def test_what_was_held_before_schema_22_is_counted(tmp_path: Path) -> None:
    store = Store.open(tmp_path, readers=1)
    ada = House(store).account("ada@example.org")
    for sender in ("Ada@example.org", "somebody@example.org"):
        onward = Onward(b"", sender, [ANN], Terms(release=int(time.time()) + 1_000))
        store.run(queue.add, keep(store, letter()), 10, onward)
    store.close()
    take_back(tmp_path, 21)
    store = Store.open(tmp_path, readers=1)
    assert [store.look(queue.count_unreleased, one) for one in (ada.id, None)] == [1, 1]
    store.close()


def test_a_letter_that_comes_back_expires_in_time(store: Store) -> None:
    ask(store, Terms(deliver_by=NOW + 60, by_mode="R"))
    ask(store, Terms(deliver_by=NOW + 60, by_mode="N"))
    assert [one.recipients[0].expires - NOW for one in take(store)] == [60, queue.LIFETIME]


def test_choices_and_crowds(store: Store, clock: Clock) -> None:
    first = add(store, ANN, CAT)
    clock.now += 7_200
    second = add(store, BEN, sender="")
    (due, *_) = take(store, 1)
    store.run(lease.defer, ids(due), int(clock.now) + 60, "450 later", warned=False)
    store.run(queue.hold, Which((second,)))

    def chosen(which: Which) -> list[tuple[str, str]]:
        return [(one.recipient, one.state) for one in entries(store, which)]

    assert chosen(Which(sender="example.org")) == chosen(Which(sender="@Example.org")) == chosen(Which((first,)))
    assert chosen(Which(sender="ample.org")) == [] and chosen(Which(sender="<>")) == [("ben@x.example", "held")]
    assert chosen(Which(state="deferred")) == [("ann@x.example", "deferred")]
    assert chosen(Which(older=3_600)) == chosen(Which((first,))) and chosen(Which(older=10_000)) == []
    crowds = store.look(queue.list_domains, ALL)
    assert [(one.domain, one.recipients, one.held, one.oldest) for one in crowds] == [(X, 2, 1, NOW), (Y, 1, 0, NOW)]
    assert store.look(queue.list_domains, ALL, after=X) == crowds[1:]
    assert store.look(queue.missing, [first, second, 99]) == [99]
    assert [store.run(queue.drop, ALL, 2), store.run(queue.drop, ALL, 2), store.run(queue.drop, ALL, 2)] == [2, 1, 0]
