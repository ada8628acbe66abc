"""The page of one's mailboxes."""

from __future__ import annotations

import pytest

from posthouse.store import mailbox
from store_helpers import letter
from web_browser import Browser, Web


def names(web: Web) -> dict[str, int]:
    """Ada's mailboxes, and how many letters each has."""
    return {box.name: box.exists for box in web.store.look(mailbox.list_all, web.ada.id)}


def number(web: Web, name: str) -> int:
    return web.store.look(mailbox.existing, web.ada.id, name).id


def test_made_renamed_and_deleted(web: Web, ada: Browser) -> None:
    assert ada.post("/mailboxes/make", {"name": " Projects / Looms "}).headers["location"] == "/mailboxes"
    assert {"Projects", "Projects/Looms"} <= set(names(web))
    web.put(letter("Looms"), "Projects/Looms")
    page = ada.get("/mailboxes").text
    assert "Projects/Looms" in page
    subscribed = set(web.store.look(mailbox.subscriptions, web.ada.id))
    ada.post("/mailboxes/rename", {"mailbox": number(web, "Projects"), "name": "Work"})
    assert names(web)["Work/Looms"] == 1
    renamed = {name.replace("Projects", "Work") for name in subscribed}
    assert set(web.store.look(mailbox.subscriptions, web.ada.id)) == renamed != subscribed, "other programs show it"
    refused = ada.post("/mailboxes/delete", {"mailbox": number(web, "Work")})
    assert refused.status_code == 409
    assert "mailboxes below it" in refused.text
    ada.post("/mailboxes/delete", {"mailbox": number(web, "Work/Looms")})
    ada.post("/mailboxes/delete", {"mailbox": number(web, "Work")})
    assert names(web)["Trash"] == 1, "what was in it"
    assert not {"Work", "Work/Looms", "Projects"} & set(names(web))


def test_emptied_and_read(web: Web, ada: Browser) -> None:
    web.put(letter("one"))
    web.put(letter("two"), "Trash")
    ada.post("/mailboxes/read", {"mailbox": number(web, "INBOX")})
    assert web.store.look(mailbox.existing, web.ada.id, "INBOX").unseen == 0
    assert ada.post("/mailboxes/empty", {"mailbox": number(web, "INBOX")}).status_code == 409
    ada.post("/mailboxes/empty", {"mailbox": number(web, "Trash")})
    assert (names(web)["INBOX"], names(web)["Trash"]) == (1, 0)


@pytest.mark.parametrize("what", ["rename", "delete"])
@pytest.mark.parametrize("name", ["INBOX", "Sent"])
def test_those_that_programs_look_for_stay(web: Web, ada: Browser, what: str, name: str) -> None:
    answer = ada.post(f"/mailboxes/{what}", {"mailbox": number(web, name), "name": "Other"})
    assert answer.status_code == 409
    assert name in names(web)


@pytest.mark.parametrize("name", ["", "  ", "a//b", "/", "x" * 201, "Inbox", "a\x00b", "Sent"])
def test_what_is_no_new_name(web: Web, ada: Browser, name: str) -> None:
    before = names(web)
    answer = ada.post("/mailboxes/make", {"name": name})
    assert answer.status_code in (400, 409)
    assert "Traceback" not in answer.text
    assert names(web) == before


def test_nobody_elses(web: Web, ada: Browser) -> None:
    box = web.store.run(mailbox.create, web.bob.id, "Bob's")
    for what in ("rename", "delete", "empty", "read"):
        assert ada.post(f"/mailboxes/{what}", {"mailbox": box.id, "name": "Mine"}).status_code == 404
    assert web.store.look(mailbox.existing, web.bob.id, "Bob's").id == box.id
