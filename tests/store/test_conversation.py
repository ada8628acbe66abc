"""Conversations as mailboxes list them, logins of browsers, and kept searches: on every database."""

from __future__ import annotations

import pytest

from posthouse.errors import NotFound, StoreError
from posthouse.store import conversation, mail, saved_search, web_login
from posthouse.store.web_login import Lifetime
from store_helpers import NOW, Clock, House, letter

LIFETIME = Lifetime(idle=100, longest=1_000)


def test_pages_follow_the_dates(house: House) -> None:
    ada = house.account()
    inbox, archive = house.box(ada), house.box(ada, "Archive")
    for number in range(7):
        house.append(inbox, raw=letter(f"Letter {number}"), received=NOW + (number * 5) % 7)
    first = house.store.look(conversation.page, inbox.id, None, 4)
    rest = house.store.look(conversation.page, inbox.id, first[-1].place, 4)
    dates = [row.place.received for row in [*first, *rest]]
    assert dates == sorted(dates, reverse=True)
    assert len({row.thread_id for row in [*first, *rest]}) == 7
    again = house.store.look(conversation.page, inbox.id, None, 10, first[-1].place)
    assert [row.place for row in again] == [row.place for row in first]
    house.store.run(mail.move, inbox.id, [(first[0].place.uid, first[0].place.uid)], archive.id)
    (moved,) = house.store.look(conversation.page, archive.id, None, 4)
    assert moved.place.received == first[0].place.received, "the date goes along"


def test_the_newest_of_what_was_found(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "PORTION", 3)
    ada = house.account()
    inbox = house.box(ada)
    for number in range(10):
        house.append(inbox, raw=letter(f"Letter {number}"), received=NOW - number)
    few = house.store.look(conversation.newest, inbox.id, [2, 4, 9], 5)
    assert [place.received for _, place, _, _ in few] == [NOW - 1, NOW - 3, NOW - 8]
    many = house.store.look(conversation.newest, inbox.id, list(range(1, 11)), 5)
    assert [place.received for _, place, _, _ in many] == [NOW - number for number in range(5)]
    assert house.store.look(conversation.newest, inbox.id, [], 5) == []
    rows = house.store.look(conversation.rows, many)
    assert [row.subject for row in rows] == [f"Letter {number}" for number in range(5)]


def test_what_lies_in_trash_is_seen_from_there_alone(house: House) -> None:
    ada = house.account()
    inbox, trash = house.box(ada), house.box(ada, "Trash")
    (kept,) = house.append(inbox, flags=["\\Flagged"])
    (thrown,) = house.append(trash, raw=letter(body="Another.").replace(b"\r\n\r\n", b"\r\nX: y\r\n\r\n", 1))
    thread = house.store.look(conversation.letter, ada.id, kept.message_id).thread_id
    house.store.run(
        lambda tx: tx.run("UPDATE message SET thread_id = :t WHERE id = :id", t=thread, id=thrown.message_id)
    )
    for box, seen in ((inbox, kept), (trash, thrown)):
        letters = house.store.look(conversation.letters, ada.id, thread, box.id)
        assert [one.message_id for one in letters] == [seen.message_id]
        placed = house.store.look(conversation.placements, ada.id, thread, box.id)
        assert [(one.mailbox_id, one.uid) for one in placed] == [(box.id, seen.uid)]
    other = house.account("bob@example.org")
    with pytest.raises(NotFound):
        house.store.look(conversation.letters, other.id, thread)
    with pytest.raises(NotFound):
        house.store.look(conversation.letter, other.id, kept.message_id)
    assert house.store.look(conversation.placements, other.id, thread, inbox.id) == []


def test_logins_hold_for_a_time(house: House, clock: Clock) -> None:
    ada = house.account()
    token = house.store.run(web_login.begin, ada.id, timezone="Europe/Berlin", agent="x" * 999, address="::1")
    found = house.store.look(web_login.find, token, LIFETIME)
    assert found is not None
    assert (found.account_id, len(found.agent)) == (ada.id, web_login.MAX_AGENT)
    assert house.store.look(web_login.get, found.id, LIFETIME) == found
    assert house.store.look(web_login.find, f"{token}x", LIFETIME) is None
    clock.now += 99
    house.store.run(web_login.note_seen, found.id)
    clock.now += 99
    assert house.store.look(web_login.find, token, LIFETIME) is not None
    clock.now += 2
    assert house.store.look(web_login.find, token, LIFETIME) is None
    assert house.store.look(web_login.list_all, ada.id, LIFETIME) == []
    assert house.store.run(web_login.forget_old, LIFETIME) == 1
    with pytest.raises(NotFound):
        house.store.run(web_login.end, ada.id, found.id)


def test_searches_are_kept_once(house: House) -> None:
    ada = house.account()
    house.store.run(saved_search.keep, ada.id, " from:bob ", "Bob")
    house.store.run(saved_search.keep, ada.id, "from:bob", "Bob's")
    (kept,) = house.store.look(saved_search.list_all, ada.id)
    assert (kept.name, kept.query) == ("Bob's", "from:bob")
    house.store.run(saved_search.forget, ada.id, kept.id)
    with pytest.raises(NotFound):
        house.store.run(saved_search.forget, ada.id, kept.id)
    for number in range(saved_search.MAX_SEARCHES):
        house.store.run(saved_search.keep, ada.id, f"word{number}")
    with pytest.raises(StoreError):
        house.store.run(saved_search.keep, ada.id, "one more")
