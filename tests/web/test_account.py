"""The page of one's account: identities, passwords, the second factor, logins, moving house."""

from __future__ import annotations

import io
import json
import re
import zipfile

import pyotp

from posthouse import parse
from posthouse.store import account as accounts
from posthouse.store import alias, app_password, identity, password, second_factor
from store_helpers import letter
from web_browser import PASSWORD, Browser, Web

PART = {"x-part": "facts"}


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def upload(ada: Browser, path: str, content: bytes) -> list[dict[str, object]]:
    response = ada.client.post(
        path, content=content, headers={"x-csrf-token": ada.csrf, "sec-fetch-site": "same-origin", **PART}
    )
    assert response.status_code == 200, response.text
    return lines(response.text)


def test_an_identity_signs_letters(web: Web, ada: Browser) -> None:
    web.store.run(alias.add, "countess@example.org", "ada@example.org")
    fields = {
        "name": "Ada Lovelace",
        "email": "countess@example.org",
        "signature": "Ada\r\n<Analyst>",
        "preferred": "yes",
    }
    assert ada.post("/account/identity", dict(fields)).status_code == 303
    page = ada.get("/account").text
    assert "Ada Lovelace" in page
    writing = ada.get("/write").text
    assert "<option selected>Ada Lovelace &lt;countess@example.org&gt;</option>" in writing
    assert "&amp;lt;Analyst&amp;gt;" in writing
    message = web.put(letter("A test", "Question?", "bob@example.org"))
    assert "-- \nAda\n&lt;Analyst&gt;\n\n\n" in ada.get(f"/write?reply={message}").text
    known = web.store.look(identity.list_all, web.ada.id)
    ada.post("/account/identity", {**fields, "id": known[0].id, "name": "A. L."})
    assert web.store.look(identity.list_all, web.ada.id)[0].name == "A. L."
    bob = web.browser()
    bob.log_in("bob@example.org")
    assert bob.post("/account/identity/remove", {"id": known[0].id}).status_code == 404
    assert bob.post("/account/identity", {**fields, "id": known[0].id}).status_code == 409
    assert ada.post("/account/identity/remove", {"id": known[0].id}).status_code == 303
    assert web.store.look(identity.list_all, web.ada.id) == []


def test_nobody_writes_as_somebody_else(web: Web, ada: Browser) -> None:
    response = ada.post("/account/identity", {"name": "Bob", "email": "bob@example.org", "signature": ""})
    assert response.status_code == 409
    assert "not an address of yours" in response.text


def test_the_password_is_changed_by_who_knows_it_and_others_are_logged_out(web: Web, ada: Browser) -> None:
    other = web.browser()
    other.log_in()
    new = {"password": "new words to know", "again": "new words to know"}
    assert ada.post("/account/password", {**new, "current": "wrong"}).status_code == 403
    assert ada.post("/account/password", {**new, "again": "x", "current": PASSWORD}).status_code == 400
    short = {"password": "short", "again": "short", "current": PASSWORD}
    assert "at least 10" in ada.post("/account/password", dict(short)).text
    assert other.get("/").status_code == 200
    assert "The password is changed" in ada.post("/account/password", {**new, "current": PASSWORD}).text
    kept = web.store.look(accounts.existing, "ada@example.org").password
    assert password.verify(kept, "new words to know")
    assert ada.get("/").status_code == 200
    assert other.get("/").status_code == 303


def test_a_program_gets_a_password_of_its_own_shown_once(web: Web, ada: Browser) -> None:
    page = ada.post("/account/app-password", {"name": "Phone", "protocol": "imap", "current": PASSWORD}).text
    made = re.search(r"<code>([a-z2-7-]+)</code>", page)
    assert made
    known = web.store.look(app_password.list_all, web.ada.id)
    assert app_password.fitting(known, made[1], "imap") is not None
    assert app_password.fitting(known, made[1], "smtp") is None
    assert made[1] not in ada.get("/account").text
    assert ada.post("/account/app-password", {"name": "Phone", "current": PASSWORD}).status_code == 409
    assert ada.post("/account/app-password/remove", {"name": "Phone"}).status_code == 303
    assert web.store.look(app_password.list_all, web.ada.id) == []


def switch_on(web: Web, ada: Browser) -> tuple[str, list[str]]:
    """Ada has a second factor: its secret, and recovery codes."""
    page = ada.post("/account/second-factor", {"current": PASSWORD}).text
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", page)
    assert secret
    assert "<svg" in page
    code = pyotp.TOTP(secret[1]).at(int(web.clock()))
    page = ada.post("/account/second-factor/activate", {"code": code}).text
    codes = re.findall(r"<li><code>([a-z2-7]{5}-[a-z2-7]{5})</code></li>", page)
    assert len(codes) == second_factor.RECOVERY_CODES
    return secret[1], codes


def test_a_second_factor_is_asked_for(web: Web, ada: Browser) -> None:
    secret, codes = switch_on(web, ada)
    web.clock.now += 60
    browser = web.browser()
    page = browser.post("/login", {"address": "ada@example.org", "password": PASSWORD})
    assert "Your code" in page.text
    assert browser.get("/").status_code == 303  # the password alone opens nothing
    assert browser.post("/login/code", {"code": "000000"}).status_code == 401
    code = pyotp.TOTP(secret).at(int(web.clock()))
    assert browser.post("/login/code", {"code": code}).status_code == 303
    assert browser.get("/").status_code == 200
    again = web.browser()
    again.post("/login", {"address": "ada@example.org", "password": PASSWORD})
    assert again.post("/login/code", {"code": code}).status_code == 401  # a code holds once
    assert again.post("/login/code", {"code": codes[0].upper()}).status_code == 303
    assert again.get("/").status_code == 200
    third = web.browser()
    third.post("/login", {"address": "ada@example.org", "password": PASSWORD})
    assert third.post("/login/code", {"code": codes[0]}).status_code == 401


def test_codes_are_not_guessed(web: Web, ada: Browser) -> None:
    secret, codes = switch_on(web, ada)
    web.clock.now += 60
    for _ in range(second_factor.WRONG_CODES):
        browser = web.browser()
        browser.post("/login", {"address": "ada@example.org", "password": PASSWORD})
        assert browser.post("/login/code", {"code": "123"}).status_code == 401
    for code in (pyotp.TOTP(secret).at(int(web.clock())), codes[0]):
        late = browser.post("/login/code", {"code": code})
        assert late.status_code == 401
        assert "too many wrong codes" in late.text
    web.clock.now += second_factor.PAUSE
    browser.post("/login", {"address": "ada@example.org", "password": PASSWORD})
    assert browser.post("/login/code", {"code": codes[0]}).status_code == 303


def test_a_wrong_first_code_switches_nothing_on(web: Web, ada: Browser) -> None:
    ada.post("/account/second-factor", {"current": PASSWORD})
    assert ada.post("/account/second-factor/activate", {"code": "000000"}).status_code == 400
    assert not web.store.look(second_factor.is_active, web.ada.id)
    switch_on(web, ada)
    assert ada.post("/account/second-factor/remove", {"current": "wrong"}).status_code == 403
    assert web.store.look(second_factor.is_active, web.ada.id)
    assert ada.post("/account/second-factor/remove", {"current": PASSWORD}).status_code == 303
    assert not web.store.look(second_factor.is_active, web.ada.id)


def test_a_login_that_waits_for_its_code_waits_no_longer_than_some_minutes(web: Web, ada: Browser) -> None:
    _, codes = switch_on(web, ada)
    browser = web.browser()
    browser.post("/login", {"address": "ada@example.org", "password": PASSWORD})
    web.clock.now += 601
    late = browser.post("/login/code", {"code": codes[0]})
    assert "took too long" in late.text
    assert browser.get("/").status_code == 303


def test_logins_are_listed_and_ended(web: Web, ada: Browser) -> None:
    other, bob = web.browser("198.51.100.9"), web.browser()
    other.log_in()
    bob.log_in("bob@example.org")
    page = ada.get("/account").text
    assert "198.51.100.9" in page
    number = re.search(r'name="id" value="(\d+)"><button class="quiet">Log out', page)
    assert number
    assert bob.post("/account/login/end", {"id": number[1]}).status_code == 404
    assert other.get("/").status_code == 200
    ada.post("/account/login/end", {"id": number[1]})
    assert other.get("/").status_code == 303
    other.log_in()
    ada.post("/account/login/end-others")
    assert other.get("/").status_code == 303
    assert ada.get("/").status_code == 200
    assert bob.get("/").status_code == 200


def test_mail_is_taken_in_once_and_out_again(web: Web, ada: Browser) -> None:
    ada.get("/account")
    letters = [letter(f"Old {number}", f"words {number}") for number in range(3)]
    mbox = b"".join(b"From x@y Mon Jan  1 00:00:00 2024\n" + one.replace(b"\r\n", b"\n") + b"\n" for one in letters)
    assert upload(ada, "/account/import?name=old.mbox&into=Old", mbox)[-1] == {"new": 3, "known": 0, "done": True}
    assert upload(ada, "/account/import?name=old.mbox&into=Old", mbox)[-1] == {"new": 0, "known": 3, "done": True}
    done = lines(ada.post("/account/export").text)[-1]
    assert done["messages"] == 3
    fetched = ada.get(str(done["done"]))
    assert 'filename="ada@example.org.zip"' in fetched.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(fetched.content)) as archive:
        found = [archive.read(name) for name in archive.namelist() if not name.endswith("/")]
    assert sorted(parse(one).subject for one in found if b"Subject: Old" in one) == ["Old 0", "Old 1", "Old 2"]
    assert ada.get(str(done["done"])).status_code == 404  # fetched once


def test_an_export_is_its_owner_s(web: Web, ada: Browser) -> None:
    web.put(letter("Mine", "secret"))
    done = lines(ada.post("/account/export").text)[-1]
    bob = web.browser()
    bob.log_in("bob@example.org")
    assert bob.get(str(done["done"])).status_code == 404
    assert ada.get(str(done["done"])).status_code == 200
    assert ada.get("/account/export/..%2f..%2fetc%2fpasswd").status_code == 404
    box = web.house.box(web.ada).id
    assert bob.post("/account/export", {"mailbox": box}, **PART).status_code == 404


def test_a_broken_archive_is_refused_in_words(ada: Browser) -> None:
    ada.get("/account")
    last = upload(ada, "/account/import?name=x.zip", b"PK\x03\x04 broken")[-1]
    assert last["new"] == 0
    assert str(last["problem"]).endswith(".")
