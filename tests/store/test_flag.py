r"""Flags: their spelling, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.errors import StoreError
from posthouse.store import flag, mail, tidy
from posthouse.store.engine import Tx
from store_helpers import House

FLAGS = st.frozensets(st.sampled_from(["\\Seen", "\\Deleted", "\\seen", "$forwarded", "Work", "work", "a", "$x"]))


def test_spelling() -> None:
    assert flag.canonical(["\\SEEN", "\\seen", "$FORWARDED", "Work", "wORK"]) == {"\\Seen", "$Forwarded", "Work"}
    assert flag.canonical(["\\Recent"]) == frozenset()
    assert flag.line(frozenset({"b", "\\Seen", "A", "\\Answered"})) == b"\\Answered \\Seen A b"


@pytest.mark.parametrize(
    "name", ["", "\\", "\\Foo", "a b", "a(", "a]", "ä", "a\\b", "a*", "a%", '"', "{", "\x7f", "x" * 201]
)
def test_what_is_no_flag(name: str) -> None:
    with pytest.raises(StoreError):
        flag.canonical([name])


def test_too_many() -> None:
    with pytest.raises(StoreError):
        flag.canonical(f"k{number}" for number in range(flag.MAX_FLAGS + 1))


@given(FLAGS, FLAGS)
def test_add_and_remove(first: frozenset[str], second: frozenset[str]) -> None:
    one, two = flag.canonical(first), flag.canonical(second)
    both = flag.add(one, two)
    assert {name.lower() for name in both} == {name.lower() for name in one | two}
    assert one <= both
    assert flag.parse(flag.line(both)) == both
    left = flag.remove(both, two)
    assert {name.lower() for name in left} == {name.lower() for name in one} - {name.lower() for name in two}


def test_flags_in_use(house: House) -> None:
    ada = house.account()
    inbox = house.box(ada)
    house.append(inbox, flags=["\\Seen", "Work"])
    house.append(inbox, flags=["work", "Play"])
    assert house.store.look(flag.in_use, ada.id) == {"\\Seen", "Work", "Play"}


def test_a_combination_is_kept_once(house: House) -> None:
    ada = house.account()
    inbox = house.box(ada)
    house.fill(inbox, 10, ["\\Seen"])
    house.store.run(mail.store_flags, inbox.id, mail.ALL, "replace", ["\\seen"])
    assert house.store.look(lambda tx: tx.value("SELECT count(*) FROM flagset")) == 1


def test_combinations_are_limited_and_forgotten(house: House) -> None:
    store, ada = house.store, house.account()
    inbox = house.box(ada)
    house.append(inbox, flags=["kept"])

    def use_up(tx: Tx) -> None:
        rows = [{"line": b"k%d" % number} for number in range(flag.MAX_COMBINATIONS - flag.count(tx, ada.id))]
        tx.many(f"INSERT INTO flagset (account_id, line, seen, deleted) VALUES ({ada.id}, :line, 0, 0)", rows)

    store.run(use_up)
    with pytest.raises(StoreError, match="too many"):
        house.append(inbox, flags=["more"])
    house.append(inbox, flags=["k5"])
    assert store.look(tidy.with_many_flags) == [ada.id]
    assert store.run(tidy.forget_flags, ada.id) == flag.MAX_COMBINATIONS - 2
    house.append(inbox, flags=["more"])
    assert house.flags(inbox) == {1: "kept", 2: "k5", 3: "more"}
