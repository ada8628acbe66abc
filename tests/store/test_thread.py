"""Threads: what belongs together, in whatever order it comes."""

from __future__ import annotations

import asyncio
from itertools import permutations

import pytest

from posthouse.store import mail, thread, tidy, verify
from posthouse.store.mailbox import Mailbox
from store_helpers import NOW, Clock, House


def raw(ident: str, subject: str, references: str = "", in_reply_to: str = "") -> bytes:
    return (
        f"Message-ID: <{ident}@x>\r\nSubject: {subject}\r\n"
        + (f"References: {' '.join(f'<{one}@x>' for one in references.split())}\r\n" if references else "")
        + (f"In-Reply-To: <{in_reply_to}@x>\r\n" if in_reply_to else "")
        + "\r\nText.\r\n"
    ).encode()


def threads(house: House, box: Mailbox, *letters: bytes, received: int = NOW) -> list[int]:
    for one in letters:
        house.append(box, raw=one, received=received)
    return [row[1] for row in house.store.look(mail.fetch, box.id, mail.ALL, ["thread"])]


CONVERSATION = [
    raw("a", "Lunch"),
    raw("b", "Re: Lunch", "a", "a"),
    raw("c", "RE: [list] Lunch", "a b"),
    raw("d", "AW: Lunch", in_reply_to="c"),
]


def test_a_conversation_is_one_thread(house: House) -> None:
    found = threads(house, house.box(house.account()), *CONVERSATION[:3])
    assert len(set(found)) == 1


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_in_any_order(house: House, order: tuple[int, ...]) -> None:
    found = threads(house, house.box(house.account()), *(CONVERSATION[number] for number in order))
    assert len(set(found)) == 1


def test_another_subject_is_another_thread(house: House) -> None:
    inbox = house.box(house.account())
    found = threads(
        house, inbox, CONVERSATION[0], raw("e", "Dinner (was: Lunch)", "a"), raw("f", "Re: Dinner (was: Lunch)", "a e")
    )
    assert found[0] != found[1] == found[2]


def test_an_answer_without_ids_finds_its_subject(house: House) -> None:
    inbox = house.box(house.account())
    found = threads(house, inbox, CONVERSATION[0], raw("g", "Re: lunch"), raw("h", "Lunch"), raw("i", "Re: Lunch"))
    assert found[0] == found[1] != found[2] == found[3]
    late = threads(house, inbox, raw("j", "Re: Lunch"), received=NOW + thread.PATIENCE + 1)
    assert late[-1] not in found


def test_an_answer_from_1970_begins_a_thread(house: House) -> None:
    """What no message came for is no thread, though its last one might have come within the month before."""
    inbox = house.box(house.account())
    assert len(set(threads(house, inbox, raw("g", "Re: Lunch"), raw("h", "Re: Lunch"), received=1))) == 1


def test_an_id_is_stronger_than_a_subject(house: House) -> None:
    inbox = house.box(house.account())
    found = threads(house, inbox, CONVERSATION[0], raw("k", "Re: Lunch", "unknown"))
    assert found[0] != found[1]


def test_nothing_in_common_is_nothing(house: House) -> None:
    found = threads(
        house, house.box(house.account()), b"\r\nno header\r\n", b"\r\nno header\r\n", b"Subject: Re:\r\n\r\n"
    )
    assert len(set(found)) == 3


def test_two_threads_stay_two(house: House) -> None:
    inbox = house.box(house.account())
    found = threads(house, inbox, raw("a", "S"), raw("b", "S"), raw("c", "Re: S", "b a"), raw("d", "Re: S", "c"))
    assert found[0] != found[1]
    assert found[2] == found[3] == found[0]


def test_accounts_have_their_own_threads(house: House) -> None:
    ada, bob = house.account("ada@example.org"), house.account("bob@example.org")
    house.append(house.box(ada), house.box(bob), raw=CONVERSATION[0])
    house.append(house.box(bob), raw=CONVERSATION[1])
    (mine,) = threads(house, house.box(ada))
    theirs = threads(house, house.box(bob))
    assert len(set(theirs)) == 1
    assert mine not in theirs
    assert len(house.store.look(thread.messages, bob.id, theirs[0])) == 2
    assert house.store.look(thread.messages, bob.id, mine) == []


def test_very_long_references(house: House) -> None:
    inbox = house.box(house.account())
    many = " ".join(f"m{number}" for number in range(1000))
    found = threads(house, inbox, raw("m0", "S"), raw("x", "Re: S", many), raw("y", "Re: S", "m999"))
    assert len(set(found)) == 1
    assert house.store.look(lambda tx: tx.value("SELECT count(*) FROM thread_key")) < 2 * thread.MAX_IDS


def keys(house: House) -> int:
    count: int = house.store.look(lambda tx: tx.value("SELECT count(*) FROM thread_key"))
    return count


def test_what_leads_to_an_empty_thread_is_forgotten(
    house: House, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tidy, "KEYS", 4)
    monkeypatch.setattr(tidy, "KEYS_AT_ONCE", 2)
    ada, bob = house.account("ada@example.org"), house.account("bob@example.org")
    inbox = house.box(ada)
    found = threads(house, inbox, *CONVERSATION[:2], raw("z", "Other"))
    threads(house, house.box(bob), *CONVERSATION[:2])
    assert keys(house) == 8
    house.store.run(mail.store_flags, inbox.id, [(1, 2)], "add", ["\\Deleted"])
    house.store.run(mail.expunge, inbox.id)
    clock.now += tidy.GRACE
    place = asyncio.run(tidy.tidy_up(house.store))
    assert place != thread.START, "there are more than a round looks at"
    place = asyncio.run(tidy.tidy_up(house.store, place))
    assert asyncio.run(tidy.tidy_up(house.store, place)) == thread.START
    assert keys(house) == 2 + 3, "the other thread's, and those of the other account"
    assert threads(house, inbox, CONVERSATION[2])[-1] not in found
    assert verify.verify(house.store) == []


def test_a_key_that_leads_somewhere_again_stays(house: House, clock: Clock) -> None:
    """Between the look and the removal a letter came."""
    inbox = house.box(house.account())
    (first,) = threads(house, inbox, CONVERSATION[0])
    house.store.run(mail.store_flags, inbox.id, [(1, 1)], "add", ["\\Deleted"])
    house.store.run(mail.expunge, inbox.id)
    clock.now += tidy.GRACE
    house.store.run(tidy.forget_messages)
    stale, place = house.store.look(thread.stale_keys, thread.START, 100)
    assert (len(stale), place) == (2, thread.START)
    assert threads(house, inbox, CONVERSATION[1]) == [first], "a thread's id is its own for ever"
    house.store.run(thread.forget_keys, stale)
    assert keys(house) == 3


def test_a_thread_is_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next message begins another, which those after it come to as well, whatever they name."""
    monkeypatch.setattr(thread, "MAX_MESSAGES", 3)
    inbox = house.box(house.account())
    found = threads(house, inbox, raw("a", "S"), *(raw(f"b{number}", "Re: S", "a") for number in range(4)))
    assert len(set(found[:3])) == len(set(found[3:])) == 1
    assert found[0] != found[3]
    full = threads(house, inbox, raw("c", "Re: S", "a b0 b3"), raw("d", "Re: S", "b1"), raw("e", "Re: S", "b1"))
    assert full[5] == found[3], "named are both"
    assert full[6] == full[7] != found[0], "named is the one that is full, and then leads on"


def test_a_subject_alone_fills_no_thread_for_ever(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread, "MAX_MESSAGES", 2)
    found = threads(house, house.box(house.account()), *(raw(f"m{number}", "Re: Alert") for number in range(5)))
    assert [found.count(one) for one in dict.fromkeys(found)] == [2, 2, 1]
