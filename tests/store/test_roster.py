"""Rosters: what they tell is what the rows tell, whatever happened since; and they take so much room."""

from __future__ import annotations

import pytest

from posthouse.store import mail, mailbox
from posthouse.store import roster as roster_module
from posthouse.store.engine import Store, Tx
from posthouse.store.mailbox import Mailbox
from posthouse.store.roster import DERIVED, Roster, Rosters
from store_helpers import House


def roster(store: Store, box: Mailbox, wanted: int = 1_000) -> Roster:
    found = store.look(lambda tx: store.rosters.of(tx, box.id, wanted))
    assert found is not None
    return found


def told(one: Roster) -> dict[int, str]:
    return {uid: one.lines[place].decode() for uid, place in zip(one.uids, one.flags, strict=True)}


def test_it_follows_what_happens(store: Store, house: House) -> None:
    ada = house.account()
    inbox = house.box(ada)
    other = store.run(mailbox.create, ada.id, "Other")
    house.fill(inbox, 20, ["\\Seen"])
    first = roster(store, inbox)
    assert told(first) == house.flags(inbox) and first.uids == range(1, 21)
    assert roster(store, inbox) is first, "nothing changed"
    steps = (
        lambda: store.run(mail.store_flags, inbox.id, [(3, 4)], "add", ["\\Flagged", "Work"]),
        lambda: house.append(inbox, flags=["\\Draft"]),
        lambda: store.run(mail.store_flags, inbox.id, mail.ALL, "add", ["\\Answered"]),
        lambda: store.run(mail.remove, inbox.id, [(5, 5)]),
        lambda: store.run(mail.move, inbox.id, [(7, 9)], other.id),
        lambda: (house.append(inbox), store.run(mail.remove, inbox.id, [(1, 1)])),
        lambda: store.run(mail.remove, inbox.id, mail.ALL),
        lambda: house.append(inbox),
    )
    for step in steps:
        step()
        assert told(roster(store, inbox)) == house.flags(inbox)
    assert told(first) == dict.fromkeys(range(1, 21), "\\Seen"), "a roster never changes"
    assert told(roster(store, other)) == house.flags(other)


def test_few_changes_are_read_alone(store: Store, house: House) -> None:
    """For one message no roster is made: so one that is given was brought up to date."""
    inbox = house.box(house.account())
    house.fill(inbox, 100)
    first = roster(store, inbox)
    store.run(mail.store_flags, inbox.id, [(50, 50)], "add", ["\\Seen"])
    house.append(inbox)
    assert told(roster(store, inbox, wanted=1)) == house.flags(inbox)
    assert told(first)[50] == ""
    store.run(mail.store_flags, inbox.id, [(1, 30)], "add", ["\\Seen"])
    assert store.look(lambda tx: store.rosters.of(tx, inbox.id, 1)) is None, "too much has changed"


def test_it_is_not_made_for_little(store: Store, house: House) -> None:
    inbox = house.box(house.account())
    house.fill(inbox, 100)
    assert store.look(lambda tx: store.rosters.of(tx, inbox.id, 24)) is None
    assert store.look(lambda tx: store.rosters.of(tx, inbox.id, 25)) is not None
    assert store.look(lambda tx: store.rosters.of(tx, 4_711, 25)) is None, "there is no such mailbox"


def test_room_is_limited(store: Store, house: House) -> None:
    ada = house.account()
    boxes = [store.run(mailbox.create, ada.id, name) for name in "abc"]
    for box in boxes:
        house.fill(box, 10)
    rosters = Rosters(most=25)
    made = [store.look(lambda tx, box=box: rosters.of(tx, box.id, 10)) for box in boxes]
    again = [store.look(lambda tx, box=box: rosters.of(tx, box.id, 1)) for box in boxes]
    assert again == [None, *made[1:]], "the oldest had to go"
    assert store.look(lambda tx: rosters.of(tx, boxes[0].id, 1, made[0])) is made[0], "but whoever has it keeps it"
    house.fill(boxes[0], 20)
    assert store.look(lambda tx: rosters.of(tx, boxes[0].id, 30)) is None, "too large to be kept at all"


def test_a_snapshot_is_told_as_it_is(store: Store, house: House) -> None:
    """What a newer transaction sees is nothing for an older one."""
    inbox = house.box(house.account())
    house.fill(inbox, 10)

    def older(tx: Tx) -> Roster | None:
        tx.value("SELECT 1 FROM mailbox")  # the snapshot is taken
        store.run(mail.store_flags, inbox.id, mail.ALL, "add", ["\\Seen"])
        newer = Rosters.of(rosters, later, inbox.id, 10)
        assert newer is not None and set(told(newer).values()) == {"\\Seen"}
        return rosters.of(tx, inbox.id, 10)

    rosters = Rosters()
    connection = store._database.connect(read_only=True)
    try:
        later = Tx(connection, 0, store.blobs, rosters)
        found = store.look(older)
        assert found is not None and set(told(found).values()) == {""}
        kept = rosters.of(later, inbox.id, 1)
        assert kept is not None and set(told(kept).values()) == {"\\Seen"}
    finally:
        connection.close()


def test_writers_have_none(store: Store) -> None:
    """What they see may be undone."""
    assert store.run(lambda tx: tx.rosters) is None


def test_what_depends_on_the_messages_alone_is_derived_once(store: Store, house: House) -> None:
    inbox = house.box(house.account())
    house.fill(inbox, 20)
    made: list[str] = []

    def derive(what: str) -> str:
        return roster(store, inbox).derive(what, lambda: made.append(what) or f"{what} {len(made)}")

    assert derive("order") == derive("order") == "order 1"
    store.run(mail.store_flags, inbox.id, [(1, 2)], "add", ["\\Seen"])
    assert derive("order") == "order 1"
    store.run(mail.store_flags, inbox.id, mail.ALL, "add", ["\\Flagged"])
    assert derive("order") == "order 1", "flags change nothing, few or many"
    house.append(inbox)
    assert derive("order") == "order 2"
    store.run(mail.remove, inbox.id, [(7, 7)])
    assert derive("order") == "order 3"
    assert [derive(f"other {number}") for number in range(DERIVED)]
    assert derive("order") == f"order {3 + DERIVED + 1}", "so many things are kept, not more"


def test_of_empty_mailboxes_some_are_kept(store: Store, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have no messages to be counted."""
    monkeypatch.setattr(roster_module, "MOST_ROSTERS", 2)
    ada = house.account()
    boxes = [store.run(mailbox.create, ada.id, f"Empty {number}") for number in range(3)]
    first, second, third = (roster(store, box) for box in boxes)
    assert roster(store, boxes[2]) is third and roster(store, boxes[1]) is second
    assert roster(store, boxes[0]) is not first
