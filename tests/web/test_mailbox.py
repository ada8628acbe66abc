"""The list of a mailbox: conversations, in the order of their newest letters, part by part."""

from __future__ import annotations

import re

from posthouse.store import conversation, mail
from posthouse.store.conversation import Place
from posthouse.web import limits
from store_helpers import letter
from web_browser import Browser, Web, answer


def threads(page: str) -> list[int]:
    return [int(found) for found in re.findall(r'data-thread="(\d+)"', page)]


def test_an_empty_inbox(ada: Browser) -> None:
    page = ada.get("/")
    assert page.status_code == 200
    assert "Nothing here" in page.text


def test_a_row_tells_what_a_person_looks_for(web: Web, ada: Browser) -> None:
    web.put(letter("Tea <b>now</b>", "Come over, the kettle is on.", "Bob B. <bob@example.org>"), flags=["\\Flagged"])
    page = ada.get("/").text
    for part in (
        "Bob B.",
        "Tea &lt;b&gt;now&lt;/b&gt;",
        "the kettle is on",
        'class="row unread"',
        'aria-pressed="true"',
        "1 letter",
    ):
        assert part in page
    assert "<b>now" not in page


def test_a_conversation_is_one_row_where_its_newest_letter_is(web: Web, ada: Browser) -> None:
    first = letter()
    thread = web.thread(web.put(first, ago=300, flags=["\\Seen"]))
    other = web.thread(web.put(letter("Another"), ago=200))
    web.put(answer(first.decode()), ago=100)
    web.put(answer(first.decode(), "And so do I.", "ada@example.org"), "Sent", ["\\Seen"], ago=50)
    page = ada.get("/").text
    assert threads(page) == [thread, other]
    assert re.search(r'class="of">.*3<', page)
    assert "me" in re.findall(r"<span>(\w+)</span>", page)


def test_what_was_thrown_away_is_not_counted(web: Web, ada: Browser) -> None:
    first = letter()
    web.put(first, ago=300)
    web.put(answer(first.decode()), "Trash", ago=100)
    assert 'class="of"' not in ada.get("/").text


def test_parts_follow_each_other_and_miss_nothing(web: Web, ada: Browser) -> None:
    count = 2 * limits.ROWS + 7
    for number in range(count):  # many at the same second, and out of the order of their UIDs
        web.put(letter(f"Letter {number}", sender=f"s{number}@example.org"), ago=(number * 37) % 40)
    seen: list[int] = []
    path = "/"
    while True:
        page = ada.get(path).text
        seen += threads(page)
        found = re.search(r'href="\?before=([^"]+)"', page)
        if not found:
            break
        path = f"/?before={found[1]}"
    assert len(seen) == len(set(seen)) == count


def test_a_letter_that_comes_between_two_parts_moves_nothing(web: Web, ada: Browser) -> None:
    for number in range(limits.ROWS + 5):
        web.put(letter(f"Letter {number}"), ago=1_000 - number)
    first = ada.get("/").text
    place = re.search(r'data-more="([^"]+)"', first)
    assert place
    web.put(letter("New"), ago=0)
    second = ada.get(f"/?before={place[1]}", **{"x-part": "rows"}).text
    assert len(threads(second)) == 5
    assert not set(threads(first)) & set(threads(second))
    assert "<html" not in second


def test_the_order_is_that_of_the_letters_not_of_their_filing(web: Web) -> None:
    box, archive = web.house.box(web.ada), web.house.box(web.ada, "Archive")
    for number in range(3):
        web.put(letter(f"Letter {number}"), ago=300 - number)
    rows = web.store.look(conversation.page, box.id, None, 10)
    web.store.run(mail.move, box.id, [(rows[0].place.uid, rows[0].place.uid)], archive.id)
    web.store.run(mail.move, box.id, [(rows[2].place.uid, rows[2].place.uid)], archive.id)
    assert [row.subject for row in web.store.look(conversation.page, archive.id, None, 10)] == ["Letter 2", "Letter 0"]
    assert web.store.look(conversation.page, archive.id, Place(0, 0), 10) == []


def test_nobody_sees_another_s_mailbox(web: Web, ada: Browser) -> None:
    web.put(letter("For Bob alone"), owner=web.bob)
    foreign = web.house.box(web.bob)
    response = ada.get(f"/mailbox/{foreign.id}")
    assert response.status_code == 404
    assert "There is no such mailbox." in response.text


def test_every_page_says_what_it_may_do(web: Web, ada: Browser) -> None:
    page = ada.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-store"
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", page.text), "no script or style in the page"


def test_scripts_come_in_one_breath(ada: Browser) -> None:
    """What a page's modules import, it names itself: nothing is asked for because another file has come."""
    for path in ("/", "/write", "/account"):
        page = ada.get(path).text
        named = set(re.findall(r'(?:href|src)="(/static/[^"]+\.js)"', page))
        for one in named:
            folder = one.rpartition("/")[0]
            script = ada.get(one).text
            imported = re.findall(r'(?:from|import)\s*"\./([^"]+)"', script)
            assert {f"{folder}/{name}" for name in imported} <= named, one
            assert "import(" not in script


def test_files_of_ours_are_kept_and_nothing_else_is_served(ada: Browser) -> None:
    path = re.findall(r'href="(/static/[^"]+css)"', ada.get("/").text)[0]
    assert "immutable" in ada.get(path).headers["cache-control"]
    assert ada.get("/static/x/base.css").headers["cache-control"] == "no-cache"
    for name in ("..%2fapp.py", "nothing.js", "%2e%2e/desk.py"):
        assert ada.get(f"/static/x/{name}").status_code == 404
