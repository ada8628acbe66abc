"""Search in the browser: the words of the command line, in all mailboxes."""

from __future__ import annotations

import re
from datetime import UTC

import pytest

from posthouse.client import query as asked_of_servers
from posthouse.client.message import Message
from posthouse.store import saved_search
from posthouse.web import query
from store_helpers import letter
from web_browser import Browser, Web, answer


def subjects(ada: Browser, text: str, **more: str) -> list[str]:
    response = ada.client.get("/search", params={"q": text, **more})
    assert response.status_code == 200
    return re.findall(r'<span class="subject">([^<]*)</span>', response.text)


@pytest.fixture
def filled(web: Web) -> Web:
    web.put(letter("Tea at five", "The kettle is on.", "Bob <bob@example.org>"), ago=500)
    web.put(
        letter("Coffee", "No kettle here.", "Carol <carol@example.net>"), "Archive", ["\\Seen", "\\Flagged"], ago=400
    )
    web.put(letter("Kettles for sale", "Buy!", "spam@example.com"), "Junk", ago=300)
    web.put(letter("Façade", "Crème brûlée", "Dave <dave@example.org>"), "Sent", ["\\Seen", "Work"], ago=200)
    files = bytes(
        Message(from_="e@example.org", to="ada@example.org", subject="Plan", text="x", files=[("p.txt", b"1")])
    )
    web.put(files, ago=86_400 * 3)
    return web


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("kettle", ["Coffee", "Tea at five"]),
        ("kettle in:anywhere", ["Kettles for sale", "Coffee", "Tea at five"]),
        ("kettle in:junk", ["Kettles for sale"]),
        ("kettle in:archive", ["Coffee"]),
        ("kettle -in:archive", ["Tea at five"]),
        ("from:bob", ["Tea at five"]),
        ("from:bob OR from:carol", ["Coffee", "Tea at five"]),
        ("is:unread", ["Tea at five", "Plan"]),
        ("is:starred", ["Coffee"]),
        ("-is:starred is:read", ["Façade"]),
        ('subject:"tea at"', ["Tea at five"]),
        ("facade", ["Façade"]),
        ("creme brulee", ["Façade"]),
        ("label:work", ["Façade"]),
        ("has:attachment", ["Plan"]),
        ("before:2023-11-13", ["Plan"]),
        ("after:2023-11-13 in:inbox", ["Tea at five"]),
        ("on:2023-11-14 from:carol", ["Coffee"]),
        ("larger:1M", []),
        ("(from:bob OR from:dave) NOT kettle", ["Façade"]),
        ("nothing like this", []),
    ],
)
def test_words(filled: Web, ada: Browser, text: str, found: list[str]) -> None:
    assert subjects(ada, text) == found


@pytest.mark.parametrize(
    "text",
    ["nonsense:x", "is:sleepy", '"', "(", "a OR", "larger:x", "on:yesterday", "has:patience", "on:9999-12-31",
     "label:a{b", "(" * 500, "x " * 500],
)  # fmt: skip
def test_what_can_t_be_asked_is_told(ada: Browser, text: str) -> None:
    response = ada.client.get("/search", params={"q": text})
    assert response.status_code == 200
    assert re.search(r'<p class="problem" role="status">[^<]{10,}', response.text)


def test_the_words_of_the_command_line_are_all_there(web: Web) -> None:
    words = query._Words(web.house.box(web.ada), UTC).language.words
    assert set(asked_of_servers.WORDS) <= set(words)
    assert set(asked_of_servers.STATES) == set(query.STATES)


def test_a_conversation_is_found_once(web: Web, ada: Browser) -> None:
    first = letter("A test", "kettle")
    web.put(first, ago=100)
    web.put(answer(first.decode(), "kettle, too"), ago=50)
    assert subjects(ada, "kettle") == ["Re: A test"]


def test_parts_follow_each_other(web: Web, ada: Browser) -> None:
    for number in range(120):
        web.put(letter(f"Number {number}"), "INBOX" if number % 2 else "Archive", ago=(number * 7) % 11)
    seen: list[str] = []
    before = ""
    while True:
        page = ada.client.get("/search", params={"q": "subject:number", "before": before}).text
        seen += re.findall(r'<span class="subject">([^<]*)</span>', page)
        more = re.search(r'data-more="([^"]+)"', page)
        if not more:
            break
        before = more[1]
    assert len(seen) == len(set(seen)) == 120


def test_as_one_types_only_the_list_comes(filled: Web, ada: Browser) -> None:
    page = ada.get("/search?q=kettle", **{"x-part": "list"}).text
    assert "<html" not in page
    assert 'data-path="/search?q=kettle"' in page


def test_nobody_finds_another_s_letters(web: Web, ada: Browser) -> None:
    web.put(letter("For Bob alone", "kettle"), owner=web.bob)
    for text in ("kettle", "kettle in:anywhere", "is:unread", ""):
        assert subjects(ada, text) == []


def test_a_search_is_kept_and_forgotten(web: Web, ada: Browser) -> None:
    assert ada.post("/search/keep", {"q": 'from:bob "x y"'}).status_code == 303
    page = ada.get("/").text
    assert "/search?q=from%3Abob+%22x+y%22" in page
    (kept,) = web.store.look(saved_search.list_all, web.ada.id)
    page = ada.client.get("/search", params={"q": 'from:bob "x y"'}).text
    assert "Forget this search" in page
    assert ada.post("/search/forget", {"id": kept.id, "q": ""}).status_code == 303
    assert web.store.look(saved_search.list_all, web.ada.id) == []
    other = web.store.run(saved_search.keep, web.bob.id, "x")
    assert other is None
    (foreign,) = web.store.look(saved_search.list_all, web.bob.id)
    for ident in (foreign.id, "x", "9" * 40):
        assert ada.post("/search/forget", {"id": ident}).status_code == 404
    for bad in ("", " ", "x" * 1_001):
        assert ada.post("/search/keep", {"q": bad}).status_code == 409


def test_filters_are_added_and_taken(ada: Browser) -> None:
    page = ada.client.get("/search", params={"q": "kettle in:inbox"}).text
    assert "/search?q=kettle+in%3Ainbox+is%3Aunread" in page
    assert '<a href="/search?q=kettle" aria-current="true">' in page
    assert "/search?q=kettle+in%3Asent" in page
