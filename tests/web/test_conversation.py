"""A conversation's page, and the letters in it."""

from __future__ import annotations

import re

import pytest

from posthouse.client.message import Message
from store_helpers import letter
from web_browser import Browser, Web, answer


def html_letter(html: str, **more: object) -> bytes:
    return bytes(Message(from_="Eve <eve@example.net>", to="ada@example.org", subject="Hello", html=html, **more))  # type: ignore[arg-type]


def test_letters_across_mailboxes_read_ones_folded(web: Web, ada: Browser) -> None:
    first = letter(body="The question.")
    thread = web.thread(web.put(first, ago=300, flags=["\\Seen"]))
    web.put(answer(first.decode(), "My answer.", "ada@example.org"), "Sent", ["\\Seen"], ago=200)
    web.put(answer(first.decode(), "Thank you.\r\n\r\n> My answer."), ago=100)
    page = ada.get(f"/conversation/{thread}?in={web.house.box(web.ada).id}").text
    assert page.count('class="letter folded"') == 2
    assert page.index("The question.") < page.index("My answer.") < page.index("Thank you.")
    assert '<details class="quote">' in page
    path = re.findall(r'href="(/letter/\d+)"', page)[0]
    unfolded = ada.get(path, **{"x-part": "letter"}).text
    assert "The question." in unfolded
    assert "<html" not in unfolded


def test_text_is_text(web: Web, ada: Browser) -> None:
    body = "<script>alert(1)</script> see https://example.org/a?b=1&c=2, (http://x.example/y) javascript:alert(1)"
    thread = web.thread(web.put(letter("<img src=x onerror=alert(1)>", body)))
    page = ada.get(f"/conversation/{thread}").text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert 'href="https://example.org/a?b=1&amp;c=2"' in page
    assert 'href="http://x.example/y"' in page
    assert 'href="javascript' not in page


def test_nobody_reads_another_s_letter(web: Web, ada: Browser) -> None:
    message = web.put(letter("For Bob alone", "secret words"), owner=web.bob)
    paths = [
        f"/conversation/{web.thread(message)}",
        *(f"/letter/{message}{end}" for end in ("", "/html", "/source", "/headers")),
    ]
    for path in paths:
        response = ada.get(path)
        assert response.status_code == 404, path
        assert "secret words" not in response.text


def test_header_and_source(web: Web, ada: Browser) -> None:
    message = web.put(letter("Tea", "Two lines\r\nof text"))
    source = ada.get(f"/letter/{message}/source")
    assert source.text == letter("Tea", "Two lines\r\nof text").decode()
    assert source.headers["content-type"].startswith("text/plain")
    assert "sandbox" in source.headers["content-security-policy"]
    head = ada.get(f"/letter/{message}/headers").text
    assert "Subject: Tea" in head
    assert "Two lines" not in head


class TestFrame:
    """HTML of a letter: in a frame of its own, which can reach nothing."""

    def test_it_is_no_part_of_the_page(self, web: Web, ada: Browser) -> None:
        message = web.put(html_letter("<p>Some <b>bold</b> words</p>"))
        page = ada.get(f"/conversation/{web.thread(message)}").text
        assert "<b>bold</b>" not in page
        sandbox = re.findall(r'<iframe[^>]* sandbox="([^"]*)"', page)
        assert sandbox == ["allow-scripts allow-popups allow-popups-to-escape-sandbox"]
        frame = ada.get(f"/letter/{message}/html")
        assert "Some <b>bold</b> words" in frame.text

    def test_its_policy(self, web: Web, ada: Browser) -> None:
        policy = ada.get(f"/letter/{web.put(html_letter('<p>x</p>'))}/html").headers["content-security-policy"]
        parts = {name: words for name, *words in (part.split() for part in policy.split(";"))}
        assert parts["default-src"] == ["'none'"]
        assert parts["img-src"] == ["data:"]
        assert len(parts["script-src"]) == 1
        assert parts["script-src"][0].startswith("'sha256-")
        assert "allow-same-origin" not in parts["sandbox"]
        assert "allow-forms" not in parts["sandbox"]

    def test_pictures_from_elsewhere_wait_until_they_are_asked_for(self, web: Web, ada: Browser) -> None:
        message = web.put(html_letter('<img src="https://t.example/pixel.gif"><img src="http://t.example/2.png">'))
        frame = ada.get(f"/letter/{message}/html")
        assert "t.example" not in frame.text
        assert 'data-blocked="2"' in frame.text
        shown = ada.get(f"/letter/{message}/html?pictures=yes")
        assert 'src="https://t.example/pixel.gif"' in shown.text
        assert "img-src data: https: http:" in shown.headers["content-security-policy"]
        assert 'data-blocked="0"' in shown.text

    def test_its_own_pictures_come_along(self, web: Web, ada: Browser) -> None:
        message = web.put(html_letter('<img src="cid:pic">', inline={"pic": ("p.png", b"\x89PNG\r\n\x1a\n")}))
        assert 'src="data:image/png;base64,iVBORw0KGgo="' in ada.get(f"/letter/{message}/html").text

    def test_where_a_link_leads_is_shown_first(self, web: Web, ada: Browser) -> None:
        message = web.put(html_letter('<a href="https://bank.example.evil.example/x?y=1&amp;z">bank.example</a>'))
        frame = ada.get(f"/letter/{message}/html").text
        link = re.search(r'href="(/leave[^"]+)"', frame)
        assert link
        assert 'target="_blank"' in frame
        page = ada.get(link[1].replace("&amp;", "&"))
        assert '<h1 class="host">bank.example.evil.example</h1>' in page.text
        assert 'href="https://bank.example.evil.example/x?y=1&amp;z"' in page.text

    def test_an_address_leads_to_a_letter(self, web: Web, ada: Browser) -> None:
        url = "mailto:bob@example.org?subject=Looms%20%26%20cards&amp;body=Hi%0D%0Athere&amp;attach=/etc/passwd"
        message = web.put(html_letter(f'<a href="{url}">Bob</a>'))
        link = re.search(r'href="(/leave[^"]+)"', ada.get(f"/letter/{message}/html").text)
        assert link
        found = ada.get(link[1].replace("&amp;", "&")).headers["location"]
        assert found == "/write?to=bob%40example.org&subject=Looms+%26+cards&body=Hi%0Athere"

    @pytest.mark.parametrize(
        ("field", "leads"),
        [
            ("<mailto:off@list.example?subject=off>, <https://list.example/off?u=1>", "to=https%3A%2F%2Flist.example"),
            ("<mailto:off@list.example>", "to=mailto%3Aoff%40list.example"),
            ("<javascript:alert(1)>, https://list.example", ""),
        ],
    )
    def test_how_to_leave_a_list(self, web: Web, ada: Browser, field: str, leads: str) -> None:
        raw = letter("News").replace(b"\r\n\r\n", f"\r\nList-Unsubscribe: {field}\r\n\r\n".encode(), 1)
        page = ada.get(f"/conversation/{web.thread(web.put(raw))}").text
        found = re.search(r'class="unsubscribe" href="([^"]+)"', page)
        assert (leads in found[1]) if found else not leads

    @pytest.mark.parametrize("query", ["to=https://evil.example/&sign=", "to=https://evil.example/&sign=AAAA", ""])
    def test_nobody_else_leads_people_away(self, ada: Browser, query: str) -> None:
        response = ada.get(f"/leave?{query}")
        assert response.status_code == 403
        assert "evil.example" not in response.text
