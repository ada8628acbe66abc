"""Texts in header fields of any name: what the index finds is what a reading of every message finds."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.store import header_text, header_word, index, mail, posting, tidy, vocabulary
from posthouse.store.engine import Store, Tx
from posthouse.store.mailbox import Mailbox
from posthouse.store.posting import Masks
from posthouse.store.search import Header, Key, Text, search
from store_helpers import Clock, House, only_sqlite

COUNT = 64


def message(number: int) -> bytes:
    """Fields that all have, that many have, that came up late, and that one has; folded, encoded, several of a name."""
    fields = [
        f"Received: from {(host := f'mx{number % 4}.example.net')} ({host})\r\n\tby mail.example.org id a{number:x}",
        *(["Received: from mx2.other.example by\r\n mx7.example.org"] * (number % 3 == 1)),
        f"Subject: letter {number}",
        f"X-Mailer: {('Outlook 16.0', 'Mail (mx2)', 'Straße')[number % 3]}".replace("ß", "=?utf-8?q?=C3=9F?="),
        f"Message-ID: <{number}.letter@example.net>",
        *([f"List-Id: =?utf-8?q?Entwicklung_f=C3=BCr?=\r\n\t<dev{number % 5}.lists.example>"] * (number % 2)),
        *([f"X-Late: req{number:04} mx2"] * (number > COUNT // 2)),
        *([f"X-Only-{number}: mx2 facade façade".replace("ç", "=?utf-8?q?=C3=A7?=")] * (number % 8 == 5)),
        *(["X-Empty:"] * (number % 5 == 2)),
        *([f"X-{'Long' * 40}: mx2"] * (number % 16 == 3)),
        *(["X-G\u00fcte: gut"] * (number % 4 == 3)),
        *([f"X-{'i' * index.MAX_HEADER}: x\r\nX-Behind: mx2 end"] * (number == 9)),
    ]
    return ("\r\n".join(fields) + "\r\n\r\nx\r\n").encode()


NAMES = [
    *("Received", "subject", "x-mailer", "MESSAGE-ID", "list-id", "x-late", "x-only-5", "x-only-13", "x-empty", "x"),
    *(f"x-{'Long' * 40}", "x-long", "x-güte", "x-behind", "nowhere", "received: from", "x-only", "mailer"),
]
TEXTS = [
    *("mx2.example.net (mx2", "by mail.example.org id a", "from mx", "letter 1", "<12.letter@example.net>", "req0"),
    *("Outlook 16.0", "STRASSE", "straße", "Entwicklung für <dev3.lists", "facade façade", "gut", "mx2 end", "x2 f"),
    *("received: from", "subject: letter 4", "list-id", "x-only-5: mx2", "\nsubject", "x-empty: ", "güte: g", ": "),
]


@pytest.fixture(scope="module", params=["many names with lists", "few names", "no names"])
def both(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[Store, Mailbox, Mailbox]]:
    """The same letters in two accounts; those of the first are indexed, and most of these listed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "UNLISTED", 10)
        patch.setattr(index, "LISTED", 10)
        patch.setattr(header_word, "OFTEN", 3 if request.param != "no names" else 1_000)
        patch.setattr(header_word, "MOST_NAMES", 3 if request.param == "few names" else 100)
        store = Store.open(tmp_path_factory.mktemp("header"), readers=1, clock=Clock())
        house = House(store)
        boxes = [house.box(house.account(f"{name}@example.org")) for name in ("ada", "bob")]
        for box in boxes:
            for number in range(COUNT):
                house.append(box, raw=message(number))
                if box is boxes[0] and number % 12 == 11:
                    store.index.advance(store)
            if box is boxes[0]:
                store.index.advance(store)
            store.run(mail.remove, box.id, [(20, 21)])
        yield store, boxes[0], boxes[1]
        store.close()


def parts(text: str) -> st.SearchStrategy[str]:
    ends = st.integers(0, len(text))
    return st.tuples(ends, ends).map(lambda both: text[min(both) : max(both)])


NEEDLES = st.one_of(st.sampled_from(TEXTS), st.sampled_from(TEXTS).flatmap(parts))


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from(NAMES), needle=NEEDLES, accents=st.booleans())
def test_the_index_finds_in_a_field_what_reading_finds(
    both: tuple[Store, Mailbox, Mailbox], name: str, needle: str, accents: bool
) -> None:
    store, indexed, read = both
    for key in (Header(name, needle), Text(needle)):
        expected = store.look(search, read.id, key, accents=accents)
        assert store.look(search, indexed.id, key, accents=accents) == expected, key


COMPARING: dict[str, dict[str, object]] = {
    "few lists": {"GRAMS": {}, "LISTS_A_MESSAGE": 0, "FEW_LISTS": 2},
    "no lists": {"GRAMS": {}, "LISTS_A_MESSAGE": 0, "FEW_LISTS": 0, "WORDS_A_MESSAGE": 0},
}


@pytest.mark.parametrize("limits", COMPARING.values(), ids=COMPARING)
def test_what_has_too_many_words_is_compared(
    both: tuple[Store, Mailbox, Mailbox], monkeypatch: pytest.MonkeyPatch, limits: dict[str, object]
) -> None:
    store, indexed, read = both
    for name, limit in limits.items():
        monkeypatch.setattr(vocabulary, name, limit)
    keys: list[Key] = [Header(name, text) for name in NAMES for text in ("", "mx2", "le", "req00", "a1", "för")]
    for key in [*keys, *map(Text, TEXTS)]:
        assert store.look(search, indexed.id, key) == store.look(search, read.id, key), key


def names_with_lists(tx: Tx) -> list[str]:
    return [name for (name,) in tx.all("SELECT name FROM search.header_name ORDER BY name")]


@pytest.fixture
def inbox(house: House, monkeypatch: pytest.MonkeyPatch) -> Mailbox:
    monkeypatch.setattr(index, "UNLISTED", 1)
    return house.box(house.account())


class Comparison(NamedTuple):
    """Texts that a search compared: of which field, and of how many messages."""

    mark: int | None
    messages: int


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[Comparison]:
    """What searches compare from now on."""
    comparisons: list[Comparison] = []
    having = header_text.having

    def watched(tx: Tx, mark: int | None, among: Masks, has: Callable[[int, bytes], bytes]) -> Masks:
        comparisons.append(Comparison(mark, posting.count(among)))
        return having(tx, mark, among, has)

    monkeypatch.setattr(header_text, "having", watched)
    return comparisons


@only_sqlite
def test_names_that_many_messages_have_get_lists(
    house: House, inbox: Mailbox, compared: list[Comparison], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is compared for a word in them; for the others, what has such a field."""
    monkeypatch.setattr(header_word, "OFTEN", 3)
    for number in range(1, 8):
        rare = f"X-Rare: mx{number}\r\n" * (number < 3)
        house.append(inbox, raw=f"Received: from mx{number % 2}\r\n{rare}\r\nx\r\n".encode())
    house.store.index.advance(house.store)
    assert house.store.look(names_with_lists) == ["received"]
    for text, found in {"mx1": [1, 3, 5, 7], "x0": [2, 4, 6], "m": [1, 2, 3, 4, 5, 6, 7], "mx2": []}.items():
        assert house.store.look(search, inbox.id, Header("received", text)) == found
    assert house.store.look(search, inbox.id, Header("x-rare", "")) == [1, 2]
    assert house.store.look(search, inbox.id, Header("x-other", "mx1")) == []
    assert compared == []
    assert house.store.look(search, inbox.id, Header("x-rare", "mx2")) == [2]
    assert [one.mark for one in compared] == [header_word.OTHER]
    for number in range(3):
        house.append(inbox, raw=f"X-Rare: mx{number}\r\n\r\nx\r\n".encode())
    house.store.index.advance(house.store)
    assert house.store.look(names_with_lists) == ["received", "x-rare"]
    assert house.store.look(search, inbox.id, Header("x-rare", "mx2")) == [2, 10]


@only_sqlite
def test_only_letters_of_the_mailbox_are_compared(house: House, inbox: Mailbox, compared: list[Comparison]) -> None:
    for box in (inbox, house.box(house.account("bob@example.org"))):
        for number in range(3):
            house.append(box, raw=f"Received: from mx{number} by mx{number}\r\n\r\nx\r\n".encode())
    house.store.index.advance(house.store)
    assert house.store.look(search, inbox.id, Header("received", "mx1 by")) == [2]
    assert house.store.look(search, inbox.id, Header("received", ".")) == []
    assert [one.messages for one in compared] == [1, 3]


@only_sqlite
def test_a_letter_of_many_names_takes_no_lists(house: House, inbox: Mailbox) -> None:
    names = "".join(f"X-{number}: word\r\n" for number in range(4_000))
    house.append(inbox, raw=f"{names}\r\nx\r\n".encode())
    house.store.index.advance(house.store)
    assert house.store.look(names_with_lists) == []
    assert house.store.look(search, inbox.id, Header("x-3999", "ord")) == [1]
    assert house.store.look(search, inbox.id, Header("x-4000", "ord")) == []


@only_sqlite
@pytest.mark.parametrize("often", [2, 1_000])
def test_of_what_is_gone_nothing_is_kept(
    house: House, inbox: Mailbox, clock: Clock, monkeypatch: pytest.MonkeyPatch, often: int
) -> None:
    monkeypatch.setattr(header_word, "OFTEN", often)
    tables = ("header_text", "header_word", "header_list", "header_gram", "unlisted_header")
    for number in range(300):  # in two blocks
        house.append(inbox, raw=message(number))
    house.store.index.advance(house.store)
    monkeypatch.setattr(index, "UNLISTED", 100)
    house.append(inbox, raw=message(300))
    house.store.index.advance(house.store)
    keys: list[Key] = [Header("received", "mx2.ex"), Header("x-late", "req0"), Header("list-id", "dev1"), Text("t: l")]
    before = [house.store.look(search, inbox.id, key) for key in keys]
    gone = [(2, 90), (200, 257), (280, 280), (301, 301)]
    house.store.run(mail.remove, inbox.id, gone)
    clock.now += tidy.GRACE
    asyncio.run(tidy.tidy_up(house.store))
    left = [[uid for uid in uids if not any(low <= uid <= high for low, high in gone)] for uids in before]
    assert [house.store.look(search, inbox.id, key) for key in keys] == left
    house.store.run(mail.remove, inbox.id, mail.ALL)
    clock.now += tidy.GRACE
    asyncio.run(tidy.tidy_up(house.store))
    for table in tables:
        assert house.store.look(lambda tx, table=table: tx.all(f"SELECT * FROM search.{table}")) == [], table


@given(
    texts=st.lists(st.text("ab\n").map(str.encode), min_size=1),
    wanted=st.lists(st.text("ab", min_size=1).map(str.encode), min_size=1, max_size=3),
    short=st.sampled_from([0, header_text.SHORT]),
)
def test_texts_are_told_by_digits(texts: list[bytes], wanted: list[bytes], short: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(header_text, "SHORT", short)
        digits = header_text.with_any(header_text.END.join(texts), wanted)
    assert digits.ljust(len(texts), b"0") == b"".join(b"%d" % any(one in text for one in wanted) for text in texts)


@given(
    places=st.sets(st.integers(0, header_text.BLOCK - 1), min_size=1).map(sorted).map(bytes)
    | st.just(header_text.EVERY),
    chance=st.randoms(use_true_random=False),
)
def test_digits_are_put_in_their_places(places: bytes, chance: random.Random) -> None:
    digits = bytes(chance.choices(b"01", k=len(places)))
    mask = header_text._mask(places, digits.rstrip(b"0") or b"0")
    assert list(posting.places(mask)) == [place for place, digit in zip(places, digits, strict=True) if digit == 0x31]
