"""Bundles: which are missing, and when they go. What is in them: tests/sessions/test_bundling.py."""

from __future__ import annotations

from posthouse.store import account, bundle, mail, mailbox
from posthouse.store.engine import Store
from posthouse.store.mailbox import Mailbox
from store_helpers import House

COLUMNS = {column: b"some\0octets\xff" for columns in bundle.TABLES.values() for column in columns}


def make(store: Store, most: int = 100) -> list[tuple[int, int]]:
    """All that are missing; the mailbox and the first UID of each."""
    made: list[tuple[int, int]] = []
    while (missing := store.look(bundle.missing, most)) is not None:
        assert len(missing.firsts) <= most
        some = []
        for first in missing.firsts:
            uids = range(first, first + bundle.SIZE)
            here = len(store.look(mail.fetch, missing.mailbox_id, ((uids[0], uids[-1]),), ["size"]))
            some.append(bundle.Made(first, {**COLUMNS, "messages": here}))
        store.run(bundle.keep, missing, some)
        made += [(missing.mailbox_id, first) for first in missing.firsts]
    return made


def kept(store: Store, box: Mailbox, low: int = 1, high: int = 10_000) -> list[int]:
    return [first for first, _ in store.look(bundle.read, box.id, low, high, ["lines"])]


def test_full_ranges_are_bundled(store: Store, house: House) -> None:
    ada = house.account()
    inbox, other = house.box(ada), store.run(mailbox.create, ada.id, "Other")
    house.fill(inbox, 63)
    assert store.look(bundle.missing, 1) is None
    house.fill(inbox, 1)
    house.fill(other, 200)
    assert make(store) == [(inbox.id, 1), (other.id, 1), (other.id, 65), (other.id, 129)]
    house.fill(inbox, 70)
    assert make(store) == [(inbox.id, 65)]
    assert store.look(bundle.read, inbox.id, 64, 64, ["size", "listed"]) == [
        (1, b"some\0octets\xff", b"some\0octets\xff")
    ]
    both = store.look(bundle.read, inbox.id, 1, 64, ["messages", "size", "lines"])
    assert both == [(1, 64, b"some\0octets\xff", b"some\0octets\xff")]
    assert kept(store, other, 64, 65) == [1, 65] and kept(store, other, 65, 128) == [65]


def test_they_are_made_a_few_at_a_time(store: Store, house: House) -> None:
    inbox = house.box(house.account())
    house.fill(inbox, 300)
    assert [first for _, first in make(store, most=3)] == [1, 65, 129, 193]


def test_they_go_with_their_messages(store: Store, house: House) -> None:
    ada = house.account()
    inbox, other = house.box(ada), store.run(mailbox.create, ada.id, "Other")
    house.fill(inbox, 320)
    make(store)
    store.run(mail.store_flags, inbox.id, [(1, 1), (200, 200)], "add", ["\\Deleted"])
    store.run(mail.expunge, inbox.id)
    assert kept(store, inbox) == [65, 129, 257]
    store.run(mail.move, inbox.id, [(65, 66)], other.id)
    assert kept(store, inbox) == [129, 257]
    assert store.look(bundle.missing, 1) is None, "whoever lists the mailbox says so"
    store.run(mail.remove, inbox.id, [(129, 192)])
    store.run(bundle.want, inbox.id, 300)
    store.run(bundle.want, inbox.id, 70)
    assert [first for _, first in make(store)] == [65, 193], "nothing is left in the range from 129 on"
    store.run(bundle.want, inbox.id, 1)
    store.run(account.remove, "ada@example.org")
    assert kept(store, inbox) == [] and store.look(bundle.missing, 1) is None
