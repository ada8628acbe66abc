"""Tidying up: what happens to the letters, and back again. An IMAP client would see the same: it is the same store."""

from __future__ import annotations

import re
from typing import Any

import pytest

from posthouse.store import mail, mailbox
from posthouse.web import undo
from store_helpers import letter
from web_browser import Browser, Web, answer


def pick(web: Web, message: int, box: str = "INBOX") -> str:
    return f"{web.thread(message)}-{web.house.box(web.ada, box).id}"


def act(browser: Browser, picks: list[str], **fields: str) -> dict[str, Any]:
    """As the page's script does it; the facts."""
    response = browser.post("/act", {"pick": picks, **fields}, **{"x-part": "facts"})
    assert response.status_code == 200, response.text
    facts: dict[str, Any] = response.json()
    return facts


def where(web: Web, message: int) -> dict[str, str]:
    """The mailboxes that a message is in, and its flags there."""
    found = {}
    for box in web.store.look(mailbox.list_all, web.ada.id):
        for _, ident, flags in web.store.look(mail.fetch, box.id, mail.ALL, ["message_id", "flags"]):
            if ident == message:
                found[box.name] = flags.decode()
    return found


def test_the_star_of_a_row_needs_no_choice(web: Web, ada: Browser) -> None:
    message, other = web.put(letter("One")), web.put(letter("Two"))
    for flags in ("\\Flagged", ""):
        response = ada.post("/act", {"star": pick(web, message)}, **{"x-part": "facts"})
        assert response.status_code == 200, response.text
        assert where(web, message) == {"INBOX": flags}
    ada.post("/act", {"star": pick(web, message), "pick": pick(web, other)}, **{"x-part": "facts"})
    assert (where(web, message), where(web, other)) == ({"INBOX": "\\Flagged"}, {"INBOX": ""})


@pytest.mark.parametrize(
    ("do", "goes_to", "flags"),
    [
        ("archive", "Archive", ""),
        ("trash", "Trash", ""),
        ("spam", "Junk", "$Junk"),
        ("read", "INBOX", "\\Seen"),
        ("star", "INBOX", "\\Flagged"),
    ],
)
def test_done_and_undone(web: Web, ada: Browser, do: str, goes_to: str, flags: str) -> None:
    message = web.put(letter())
    facts = act(ada, [pick(web, message)], do=do)
    assert where(web, message) == {goes_to: flags}
    assert facts["gone"] == ([] if goes_to == "INBOX" else [pick(web, message)])
    inbox = str(web.house.box(web.ada).id)
    assert facts["counts"][inbox] == (0 if goes_to != "INBOX" or do == "read" else 1)
    back = ada.post("/undo", {"undo": facts["undo"]}, **{"x-part": "facts"}).json()
    assert where(web, message) == {"INBOX": ""}
    assert back["words"].startswith("Undone: ")
    assert back["counts"][inbox] == 1


def test_many_at_once(web: Web, ada: Browser) -> None:
    messages = [web.put(letter(f"Letter {number}")) for number in range(30)]
    chosen = [pick(web, one) for one in messages[::3]]
    facts = act(ada, chosen, do="archive")
    assert facts["words"] == "Archived 10 conversations"
    assert [list(where(web, one)) for one in messages[:4]] == [["Archive"], ["INBOX"], ["INBOX"], ["Archive"]]
    ada.post("/undo", {"undo": facts["undo"]})
    assert {name for one in messages for name in where(web, one)} == {"INBOX"}


def test_an_answer_of_one_s_own_stays_in_sent(web: Web, ada: Browser) -> None:
    first = letter()
    got = web.put(first)
    sent = web.put(answer(first.decode(), sender="ada@example.org"), "Sent", ["\\Seen"])
    act(ada, [pick(web, got)], do="trash")
    assert list(where(web, got)) == ["Trash"]
    assert list(where(web, sent)) == ["Sent"]


def test_moved_to_a_mailbox_of_one_s_own_alone(web: Web, ada: Browser) -> None:
    message = web.put(letter())
    target = web.store.run(mailbox.create, web.ada.id, "Projects/Engine")
    facts = act(ada, [pick(web, message)], to=str(target.id))
    assert facts["words"] == "Moved 1 conversation to Engine"
    assert list(where(web, message)) == ["Projects/Engine"]
    foreign = web.house.box(web.bob, "Archive")
    response = ada.post("/act", {"pick": f"{web.thread(message)}-{target.id}", "to": foreign.id})
    assert response.status_code == 404
    assert list(where(web, message)) == ["Projects/Engine"]


def test_nobody_touches_another_s_letters(web: Web, ada: Browser) -> None:
    message = web.put(letter(), owner=web.bob)
    own = web.house.box(web.ada).id
    for text in (f"{web.thread(message)}-{web.house.box(web.bob).id}", f"{web.thread(message)}-{own}"):
        assert ada.post("/act", {"pick": text, "do": "trash"}).status_code == 409


def test_a_label_is_given_shown_and_taken(web: Web, ada: Browser) -> None:
    message = web.put(letter())
    assert act(ada, [pick(web, message)], label="Travel plans")["words"] == "Labelled 1 conversation “Travel plans”"
    assert where(web, message) == {"INBOX": "Travel_plans"}
    assert '<span class="label">Travel plans</span>' in ada.get("/").text
    act(ada, [pick(web, message)], label="travel plans")
    assert where(web, message) == {"INBOX": ""}
    for bad in ("", "\\Seen", "$Junk", "Überraschung", "a{b"):
        response = ada.post("/act", {"pick": pick(web, message), "label": bad}, **{"x-part": "facts"})
        assert response.status_code in (400, 409), bad
        assert response.json()["problem"]


def test_for_good_only_from_trash(web: Web, ada: Browser) -> None:
    message = web.put(letter())
    assert ada.post("/act", {"pick": pick(web, message), "do": "delete"}).status_code == 409
    act(ada, [pick(web, message)], do="trash")
    facts = act(ada, [pick(web, message, "Trash")], do="delete")
    assert facts["undo"] == ""
    assert where(web, message) == {}


def test_the_place_for_it_is_made_where_there_is_none(web: Web, ada: Browser) -> None:
    web.store.run(mailbox.delete, web.ada.id, "Archive")
    message = web.put(letter())
    act(ada, [pick(web, message)], do="archive")
    assert list(where(web, message)) == ["Archive"]
    assert web.house.box(web.ada, "Archive").special_use == "\\Archive"


def test_without_a_script(web: Web, ada: Browser) -> None:
    message = web.put(letter())
    page = ada.get("/").text
    assert f'name="pick" value="{pick(web, message)}"' in page
    done = ada.post("/act", {"pick": pick(web, message), "do": "archive", "back": "/?x=1"})
    assert done.status_code == 303
    page = ada.get(done.headers["location"]).text
    assert "Archived 1 conversation" in page
    token = re.search(r'name="undo" value="([^"]+)"', page)
    assert token
    assert ada.post("/undo", {"undo": token[1], "back": "/"}).headers["location"] == "/"
    assert list(where(web, message)) == ["INBOX"]
    assert (
        ada.post("/act", {"pick": pick(web, message), "do": "read", "back": "//evil.example"})
        .headers["location"]
        .startswith("/?undo=")
    )


class TestUndo:
    """Tokens are what the server itself has written, for this login, not long ago."""

    def test_another_login_s(self, web: Web, ada: Browser) -> None:
        message = web.put(letter())
        facts = act(ada, [pick(web, message)], do="archive")
        other = web.browser()
        other.log_in()
        assert other.post("/undo", {"undo": facts["undo"]}).status_code == 400

    @pytest.mark.parametrize("token", ["", "x", "AAAA", "A" * 400])
    def test_nonsense(self, ada: Browser, token: str) -> None:
        assert ada.post("/undo", {"undo": token}).status_code == 400

    def test_too_late(self, web: Web, ada: Browser) -> None:
        message = web.put(letter())
        facts = act(ada, [pick(web, message)], do="archive")
        web.clock.now += undo.HOLDS + 1
        assert ada.post("/undo", {"undo": facts["undo"]}).status_code == 409
        assert list(where(web, message)) == ["Archive"]

    def test_what_has_gone_meanwhile_is_passed_over(self, web: Web, ada: Browser) -> None:
        message = web.put(letter())
        facts = act(ada, [pick(web, message)], do="archive")
        web.store.run(mail.remove, web.house.box(web.ada, "Archive").id, mail.ALL)
        assert ada.post("/undo", {"undo": facts["undo"]}).status_code == 303


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"do": "read"},
        {"pick": "x", "do": "read"},
        {"pick": "1-1"},
        {"pick": "1-1", "do": "nonsense"},
        {"pick": "9" * 30 + "-1", "do": "read"},
        {"pick": "1-1", "to": "x"},
        {"star": "x"},
    ],
)
def test_what_can_t_be_done_is_told(web: Web, ada: Browser, fields: dict[str, str]) -> None:
    response = ada.post("/act", dict(fields), **{"x-part": "facts"})
    assert response.status_code in (400, 404, 409)
    assert response.json()["problem"].endswith(".")
