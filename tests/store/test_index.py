"""The full-text index: it finds what a reading of every message finds, and can be lost without harm."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.store import account, index, mail, tidy
from posthouse.store.engine import Store
from posthouse.store.mailbox import Mailbox
from posthouse.store.search import Body, Text, search
from store_helpers import Clock, House, letter, only_sqlite

WORDS = [
    *("the", "quick", "brown", "fox", "Über", "Straße", "привет", "мир", "東京都", "ÉCOLE", "école"),
    *("ab%", "x_y", '"quoted"', "NEAR(", "*", "^", "'it's'", "-minus"),
]


def rows(store: Store) -> int:
    """How many messages the index has."""
    count: int = store.look(lambda tx: tx.value("SELECT count(*) FROM search.text"))
    return count


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Mailbox, Mailbox]]:
    """The same letters in two accounts; those of the first are indexed."""
    store = Store.open(tmp_path_factory.mktemp("index"), readers=1, clock=Clock())
    house = House(store)
    boxes = [house.box(house.account(f"{name}@example.org")) for name in ("ada", "bob")]
    for box in boxes:
        for number in range(30):
            words = [WORDS[(number * 7 + step * step) % len(WORDS)] for step in range(number)]
            house.append(box, raw=letter(f"letter {number}", " ".join(words)))
        if box is boxes[0]:
            store.index.advance(store)
    yield store, boxes[0], boxes[1]
    store.close()


def parts(word: str) -> st.SearchStrategy[str]:
    return st.integers(0, len(word)).flatmap(
        lambda start: st.integers(start, len(word)).map(lambda end: word[start:end])
    )


NEEDLES = st.one_of(
    st.sampled_from(WORDS).flatmap(parts),
    st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS)).map(" ".join).flatmap(parts),
    st.text(max_size=5),
)


@settings(max_examples=200, deadline=None)
@given(needle=NEEDLES, kind=st.sampled_from([Body, Text]))
def test_the_index_finds_what_reading_finds(
    both: tuple[Store, Mailbox, Mailbox], needle: str, kind: type[Body]
) -> None:
    store, indexed, read = both
    assert store.look(search, indexed.id, kind(needle)) == store.look(search, read.id, kind(needle))


@only_sqlite
def test_a_word_of_another_account_is_not_found(house: House) -> None:
    ada, bob = house.account("ada@example.org"), house.account("bob@example.org")
    house.append(house.box(ada), raw=letter("x", "secret"))
    house.append(house.box(bob), raw=letter("x", "nothing"))
    assert house.store.index.advance(house.store) == 2
    assert house.store.look(search, house.box(bob).id, Body("secret")) == []
    assert house.store.look(search, house.box(ada).id, Body("secret")) == [1]


def test_account_trigrams_differ() -> None:
    ids = [*range(1, 1000), *range(index.PRIVATE_COUNT - 5, index.PRIVATE_COUNT + 5), 10**9]
    assert len({index.account_trigram(account_id) for account_id in ids}) == len(ids)
    assert all(len(index.account_trigram(account_id)) == 3 for account_id in ids)


@only_sqlite
def test_moved_messages_stay_indexed(house: House) -> None:
    ada = house.account()
    inbox, archive = house.box(ada), house.box(ada, "Archive")
    house.append(inbox, raw=letter("x", "findme"))
    house.store.index.advance(house.store)
    house.store.run(mail.move, inbox.id, mail.ALL, archive.id)
    assert house.store.look(search, archive.id, Body("indme")) == [1]
    assert house.store.look(search, inbox.id, Body("indme")) == []


@only_sqlite
def test_a_very_long_text_is_read_to_its_end(house: House) -> None:
    inbox = house.box(house.account())
    house.append(inbox, raw=letter("x", "word " * (index.MAX_BODY // 5) + "\r\nneedle"))
    house.store.index.advance(house.store)
    assert house.store.look(search, inbox.id, Body("needle")) == [1]
    assert house.store.look(search, inbox.id, Body("needles")) == []


@only_sqlite
def test_what_is_gone_is_forgotten(house: House, clock: Clock) -> None:
    store = house.store
    inbox = house.box(house.account())
    for subject in ("one", "two", "three"):
        house.append(inbox, raw=letter(subject, "common"))
    store.index.advance(store)
    store.run(mail.store_flags, inbox.id, [(2, 2)], "add", ["\\Deleted"])
    store.run(mail.expunge, inbox.id)
    assert store.index.forget(store) == 0
    clock.now += tidy.GRACE
    asyncio.run(tidy.tidy_up(store))
    assert rows(store) == 2
    assert store.look(search, inbox.id, Text("common")) == [1, 3]
    store.run(account.remove, "ada@example.org")
    assert store.index.forget(store) == 2
    found = store.look(lambda tx: tx.all("SELECT rowid FROM search.trigram WHERE trigram MATCH '\"com\"'"))
    assert found == []


@only_sqlite
def test_it_can_be_made_anew(house: House) -> None:
    store = house.store
    inbox = house.box(house.account())
    house.append(inbox, raw=letter("x", "findme"))
    store.index.advance(store)
    house.append(inbox, raw=letter("y", "findme too"))
    told: list[int] = []
    assert store.index.rebuild(store, told.append) == 2
    assert (rows(store), told) == (2, [2])
    assert store.index.advance(store) == 0
    assert store.look(search, inbox.id, Body("findme")) == [1, 2]


@pytest.mark.parametrize("damage", [b"", b"this is no database" * 500])
def test_a_lost_index_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    store = Store.open(tmp_path, readers=1)
    house = House(store)
    inbox = house.box(house.account())
    house.append(inbox, raw=letter("x", "findme"))
    store.index.advance(store)
    store.close()
    (tmp_path / "search.sqlite3").write_bytes(damage)
    store = Store.open(tmp_path, readers=1)
    assert store.look(search, inbox.id, Body("findme")) == [1]
    assert store.index.advance(store) == 1
    assert store.look(search, inbox.id, Body("findme")) == [1]
    store.close()


@only_sqlite
def test_one_process_indexes(house: House) -> None:
    store = house.store
    house.append(house.box(house.account()))
    other = Store.open(store.data, readers=1)
    counts: list[int] = []

    class Meanwhile(Store):
        """A store that lets another process try, while it is asked for messages."""

        def look(self, *args, **kwargs):  # type: ignore[no-untyped-def]
            if not counts:
                counts.append(other.index.advance(other))
            return super().look(*args, **kwargs)

    watched = Meanwhile.open(store.data, readers=1)
    assert watched.index.advance(watched) == 1
    assert counts == [0]
    watched.close()
    other.close()
