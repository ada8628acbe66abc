"""Logging in and out: the cookie, how long it holds, and what is asked of every form."""

from __future__ import annotations

import pytest

from posthouse.store import web_login
from posthouse.web import csrf
from web_browser import Browser, Web


def test_who_is_not_logged_in_is_asked_to_and_comes_back(web: Web) -> None:
    browser = web.browser()
    response = browser.get("/mailbox/3?before=1-2")
    assert (response.status_code, response.headers["location"]) == (303, "/login?next=/mailbox/3%3Fbefore%3D1-2")
    page = browser.get(response.headers["location"])
    assert 'name="next" value="/mailbox/3?before=1-2"' in page.text
    fields = {"address": "ada@example.org", "password": "geheim", "next": "/mailbox/3?before=1-2"}
    assert browser.post("/login", fields).headers["location"] == "/mailbox/3?before=1-2"


def test_a_script_is_told_in_words_that_it_may_read(web: Web) -> None:
    response = web.browser().get("/", **{"x-part": "rows"})
    assert response.status_code == 401
    assert response.json()["login"] == "/login"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", "a\nb"]
)
def test_logging_in_leads_nowhere_else(web: Web, elsewhere: str) -> None:
    response = web.browser().post("/login", {"address": "ada@example.org", "password": "geheim", "next": elsewhere})
    assert response.headers["location"] == "/"


def test_the_cookie_is_for_this_host_and_no_script(web: Web) -> None:
    set_cookie = web.browser().log_in().headers["set-cookie"].lower()
    assert set_cookie.startswith("__host-posthouse=")
    for part in ("secure", "httponly", "samesite=lax", "path=/"):
        assert part in set_cookie
    assert "domain" not in set_cookie


def test_the_store_never_has_the_token(web: Web, ada: Browser) -> None:
    token = ada.client.cookies["__Host-posthouse"]
    rows = web.store.look(lambda tx: tx.all("SELECT * FROM web_login"))
    assert len(rows) == 1
    assert token not in repr(rows)
    assert token.encode() not in rows[0]


def test_a_wrong_password_is_told_in_words(web: Web) -> None:
    response = web.browser("203.0.113.9").log_in(password="wrong")
    assert response.status_code == 401
    assert "The user name or the password is wrong." in response.text
    assert "set-cookie" not in response.headers
    assert 'value="ada@example.org"' in response.text
    assert web.attempts == [("203.0.113.9", "ada@example.org")]


def test_logging_out_ends_it(web: Web, ada: Browser) -> None:
    token = ada.client.cookies["__Host-posthouse"]
    assert ada.post("/logout").headers["location"] == "/login"
    ada.client.cookies.set("__Host-posthouse", token)
    assert ada.get("/").status_code == 303


def test_a_login_ends_when_nobody_uses_it(web: Web, ada: Browser) -> None:
    web.clock.now += 3_500
    assert ada.get("/").status_code == 200
    web.clock.now += 3_500
    assert ada.get("/").status_code == 200
    web.clock.now += 3_700
    assert ada.get("/").status_code == 303


def test_a_login_ends_in_any_case(web: Web, ada: Browser) -> None:
    for _ in range(10):
        web.clock.now += 3_500
        assert ada.get("/").status_code == 200
    web.clock.now += 1_500
    assert ada.get("/").status_code == 303


def test_logins_are_listed_and_ended(web: Web, ada: Browser) -> None:
    other = web.browser("198.51.100.4")
    other.log_in()
    lifetime = web.desk.settings.lifetime
    listed = web.store.look(web_login.list_all, web.ada.id, lifetime)
    assert [(one.agent, one.timezone) for one in listed] == [("Tests/1.0", "Europe/Berlin")] * 2
    mine = next(one for one in listed if one.address == "192.0.2.7")
    assert web.store.run(web_login.end_others, web.ada.id, mine.id) == 1
    assert (ada.get("/").status_code, other.get("/").status_code) == (200, 303)
    web.store.run(web_login.end, web.ada.id, mine.id)
    assert ada.get("/").status_code == 303


def test_an_account_has_so_many_logins(web: Web) -> None:
    for _ in range(web_login.MAX_LOGINS + 5):
        web.store.run(web_login.begin, web.ada.id, timezone="", agent="", address="")
    assert len(web.store.look(web_login.list_all, web.ada.id, web.desk.settings.lifetime)) == web_login.MAX_LOGINS


class TestForgery:
    """Nobody else's page does something here."""

    @pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
    def test_from_elsewhere(self, web: Web, ada: Browser, site: str) -> None:
        assert ada.post("/logout", **{"sec-fetch-site": site}).status_code == 403
        assert ada.get("/").status_code == 200

    def test_a_login_from_elsewhere(self, web: Web) -> None:
        fields = {"address": "ada@example.org", "password": "geheim"}
        assert web.browser().post("/login", fields, **{"sec-fetch-site": "cross-site"}).status_code == 403

    def test_an_old_browser_sends_an_origin(self, web: Web, ada: Browser) -> None:
        for origin, status in [("https://evil.example", 403), (None, 403), ("https://mail.example.org", 303)]:
            headers = {} if origin is None else {"origin": origin}
            response = ada.client.post("/logout", data={"csrf": ada.csrf}, headers=headers)
            assert response.status_code == status

    @pytest.mark.parametrize("given", ["", "x", csrf.token("of somebody else")])
    def test_without_the_login_s_token(self, web: Web, ada: Browser, given: str) -> None:
        assert ada.post("/logout", {"csrf": given}).status_code == 403
        assert ada.get("/").status_code == 200


def test_a_form_is_limited(web: Web, ada: Browser) -> None:
    assert ada.post("/logout", {"csrf": "x" * 2_000_000}).status_code == 413
    many = {f"field{number}": "x" for number in range(3_000)}
    assert ada.post("/logout", many).status_code == 400
    response = ada.client.post("/logout", files={"csrf": b"x"}, headers={"sec-fetch-site": "same-origin"})
    assert response.status_code == 415
