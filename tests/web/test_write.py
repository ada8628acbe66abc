"""Writing, keeping, sending and taking back, as the page asks for it."""

from __future__ import annotations

import html
import json
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

from posthouse import Message, parse
from posthouse.store import alias, conversation, domain, lease, mailbox, queue, quota
from posthouse.store.engine import Tx
from store_helpers import letter
from web_browser import Browser, Web, answer, fields

PART = {"x-part": "facts"}


def box(web: Web, name: str) -> list[bytes]:
    """The letters of Ada's mailbox, the newest last."""

    def read(tx: Tx) -> list[bytes]:
        found = mailbox.existing(tx, web.ada.id, name)
        rows = tx.all(
            "SELECT m.blob_id, m.size FROM placement p JOIN message m ON m.id = p.message_id"
            " WHERE p.mailbox_id = :id ORDER BY p.uid",
            id=found.id,
        )
        return [tx.blobs.read(blob_id, 0, size) for blob_id, size in rows]

    return web.store.look(read)


def waiting(web: Web) -> list[tuple[str, str]]:
    """Sender and recipient of what is in the queue."""
    return [(row[2], row[3]) for row in web.store.look(lambda tx: queue.list_some(tx, queue.Which()))]


def keep(ada: Browser, form: dict[str, str], **more: str) -> dict[str, object]:
    response = ada.post("/draft", {**form, **more}, **PART)
    assert response.status_code == 200, response.text
    facts: dict[str, object] = response.json()
    form["draft"] = form["source"] = str(facts["draft"])
    form["ident"] = str(facts["ident"])
    form["keep"] = ",".join(str(one["number"]) for one in facts["files"])  # type: ignore[attr-defined,index]
    return facts


def send(ada: Browser, form: dict[str, str], **more: str) -> dict[str, object]:
    response = ada.post("/send", {**form, **more}, **PART)
    assert response.status_code == 200, response.text
    facts: dict[str, object] = response.json()
    return facts


def test_a_draft_is_kept_as_it_is_typed_and_seen_by_every_program(web: Web, ada: Browser) -> None:
    form = fields(ada.get("/write").text)
    keep(ada, form, to="bo", subject="Tea", text="At fi")
    first = parse(box(web, "Drafts")[0])
    assert first.text == "At fi\n"
    assert first.headers.get("X-Draft-To") == "bo"
    keep(ada, form, to="Bob <bob@example.org>", subject="Tea", text="At five, in the garden: Grüße")
    drafts = box(web, "Drafts")
    assert len(drafts) == 1
    kept = parse(drafts[0])
    assert (kept.subject, kept.text, [one.addr for one in kept.to]) == (
        "Tea", "At five, in the garden: Grüße\n", ["bob@example.org"],
    )  # fmt: skip
    assert kept.message_id == first.message_id
    again = fields(ada.get(f"/write/{form['draft']}").text)
    assert (again["to"], again["subject"]) == ("Bob <bob@example.org>", "Tea")
    assert "At five" in again["text"]


def test_a_draft_that_two_windows_write_is_two_drafts(web: Web, ada: Browser) -> None:
    form = fields(ada.get("/write").text)
    keep(ada, form, subject="Plan", text="one")
    other = dict(form)
    keep(ada, form, subject="Plan", text="one and two")
    facts = keep(ada, other, subject="Plan", text="another end")
    assert "draft of its own" in str(facts["note"])
    assert sorted(parse(one).text for one in box(web, "Drafts")) == ["another end\n", "one and two\n"]
    assert len({parse(one).message_id for one in box(web, "Drafts")}) == 2


def test_a_saving_that_is_asked_for_again_makes_no_second_draft(web: Web, ada: Browser) -> None:
    """Its answer got lost on the line, for the first draft or a later one."""
    form = fields(ada.get("/write").text)
    for words, saving in (("one", "a"), ("one two", "b")):
        asked = {**form, "subject": "Plan", "text": words, "saving": saving}
        lost = ada.post("/draft", dict(asked), **PART).json()
        again = ada.post("/draft", dict(asked), **PART).json()
        assert (again["draft"], again["note"]) == (lost["draft"], "")
        assert [parse(one).text for one in box(web, "Drafts")] == [f"{words}\n"]
        form["draft"] = form["source"] = str(again["draft"])
    facts = send(ada, form, to="bob@example.org", subject="Plan", text="one two three")
    assert facts["outgoing"]
    assert b"X-Draft" not in box(web, "Sent")[0]


def test_a_letter_leaves_after_some_seconds_and_is_in_sent_at_once(web: Web, ada: Browser) -> None:
    form = fields(ada.get("/write").text)
    keep(ada, form, subject="Tea", text="At five")
    facts = send(
        ada, form, to="Bob <bob@example.org>, eve@example.net", bcc="zoe@example.com", subject="Tea", text="At five"
    )
    assert facts["words"] == "Sent to Bob and 2 more"
    assert box(web, "Drafts") == []
    copy = parse(box(web, "Sent")[0])
    assert [one.addr for one in copy.bcc] == ["zoe@example.com"]
    assert [one.addr for one in copy.from_] == ["ada@example.org"]
    assert sorted(waiting(web)) == [
        ("ada@example.org", one) for one in ("bob@example.org", "eve@example.net", "zoe@example.com")
    ]
    due, _ = web.store.run(lambda tx: lease.take_due(tx, 10, way=lambda *_: "", room=lambda _: (10, 10)))
    assert due == []
    web.clock.now += 11
    work, _ = web.store.run(lambda tx: lease.take_due(tx, 10, way=lambda *_: "", room=lambda _: (10, 10)))
    letters = [due.letter for one in work for due in one.dues]
    raw = letters[0].prefix + web.store.blobs.read(letters[0].blob_id, 0, letters[0].size)
    assert b"zoe@" not in raw
    assert raw.startswith(b"Received: by mail.example.org with HTTPS")


def test_what_has_no_room_leaves_no_file(web: Web, ada: Browser) -> None:
    form = {**fields(ada.get("/write").text), "text": "At five\n" * 10_000}
    web.store.run(quota.set_limits, web.ada.id, size=10_000, messages=None)
    assert ada.post("/draft", form, **PART).status_code != 200
    assert ada.post("/send", {**form, "to": "bob@example.org"}, **PART).status_code != 200
    assert ada.post("/send", {**form, "to": "bob@example.org", "bcc": "zoe@example.com"}, **PART).status_code != 200
    assert list((web.store.data / "messages").rglob("*.eml")) == []
    web.store.run(quota.set_limits, web.ada.id, size=None, messages=None)
    send(ada, form, to="bob@example.org")
    assert len(list((web.store.data / "messages").rglob("*.eml"))) == 1


def test_what_was_sent_can_be_taken_back_until_it_leaves(web: Web, ada: Browser) -> None:
    form = fields(ada.get("/write").text)
    facts = send(ada, form, to="bob@example.org", subject="Oh no", text="Wrong words")
    back = ada.post("/take-back", {"outgoing": facts["outgoing"]}, **PART).json()
    assert waiting(web) == []
    assert box(web, "Sent") == []
    assert "Wrong words" in ada.get(f"/write/{back['draft']}").text
    facts = send(ada, fields(ada.get(f"/write/{back['draft']}").text))
    web.clock.now += 11
    late = ada.post("/take-back", {"outgoing": facts["outgoing"]}, **PART)
    assert late.status_code == 409
    assert "has left" in late.json()["problem"]
    assert len(waiting(web)) == 1


def test_nobody_takes_back_another_s_letter(web: Web, ada: Browser) -> None:
    facts = send(ada, fields(ada.get("/write").text), to="eve@example.net", text="mine")
    bob = web.browser()
    bob.log_in("bob@example.org")
    assert bob.post("/take-back", {"outgoing": facts["outgoing"]}, **PART).status_code == 404
    assert len(waiting(web)) == 1


def test_a_letter_that_is_sent_again_after_a_cut_line_leaves_once(web: Web, ada: Browser) -> None:
    form = fields(ada.get("/write").text) | {"to": "eve@example.net", "subject": "Once", "text": "only"}
    first, again = send(ada, form), send(ada, form)
    assert first["outgoing"] == again["outgoing"]
    assert len(waiting(web)) == 1
    assert len(box(web, "Sent")) == 1


def test_two_requests_at_a_time_send_one_letter(web: Web, ada: Browser) -> None:
    """A line that was cut, whose request goes on while the page asks again."""
    form = fields(ada.get("/write").text) | {"to": "eve@example.net", "subject": "Once", "text": "only"}
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: send(ada, dict(form)), range(4)))
    assert len({answer["outgoing"] for answer in answers}) == 1
    assert len(waiting(web)) == 1
    assert len(box(web, "Sent")) == 1


def test_a_letter_can_leave_later(web: Web, ada: Browser) -> None:
    later = int(web.clock()) + 86_400
    form = fields(ada.get("/write").text)
    facts = send(ada, form, to="eve@example.net", subject="Good morning", text="x", later=str(later))
    assert str(facts["words"]).startswith("Leaves ")
    page = ada.get("/waiting").text
    assert "Good morning" in page
    taken = ada.post("/take-back", {"outgoing": str(facts["outgoing"])})
    assert taken.headers["location"].startswith("/write/")
    assert "Nothing waits" in ada.get("/waiting").text
    much_later = ada.post("/send", {**form, "to": "eve@example.net", "later": str(later * 2)}, **PART)
    assert much_later.status_code == 400


def test_what_is_wrong_with_a_letter_is_said_and_it_stays(web: Web, ada: Browser) -> None:
    web.store.run(domain.add, "example.org")
    form = fields(ada.get("/write").text) | {"text": "x"}
    for wrong, words in [
        ({}, "to nobody"),
        ({"to": "nosuch@example.org"}, "there is no nosuch@example.org here"),
        ({"to": "bob@example.org, Bob Builder"}, "not a complete mail address"),
        ({"to": "bob@example.org", "from": "bob@example.org"}, "not an address of yours"),
        ({"to": "bob@example.org", "from": ""}, "no sender"),
    ]:
        response = ada.post("/send", {**form, **wrong}, **PART)
        assert response.status_code in (400, 404, 409), response.text
        assert words.lower() in response.json()["problem"].lower()
        assert response.json()["advice"] or "complete" in words
    assert waiting(web) == []


def test_an_answer_quotes_and_belongs_to_the_conversation(web: Web, ada: Browser) -> None:
    web.store.run(alias.add, "ada.lovelace@example.org", "ada@example.org")
    raw = letter("A test", "The question?", "bob@example.org")
    message = web.put(raw)
    page = ada.get(f"/write?reply={message}&all=1").text
    form = fields(page)
    assert form["subject"] == "Re: A test"
    assert "bob@example.org" in form["to"]
    assert "> The question?" in form["text"]
    send(ada, form, **{"from": "ada.lovelace@example.org", "text": "Yes.\n" + form["text"]})
    sent = parse(box(web, "Sent")[0])
    assert sent.in_reply_to == (parse(raw).message_id,)
    assert [one.addr for one in sent.from_] == ["ada.lovelace@example.org"]
    thread = web.store.look(conversation.letters, web.ada.id, web.thread(message))
    assert len(thread) == 2
    assert "\\Answered" in thread[0].flags


def html_with_picture() -> bytes:
    return bytes(
        Message(
            from_="Eve <eve@example.net>", to="ada@example.org", subject="Look",
            html="<p onclick=x>See <img src='cid:logo'><script>alert(1)</script></p>",
            inline=[("logo", b"\x89PNG\r\n\x1a\n" + bytes(900))], files=[("plan.pdf", b"%PDF-1.4 " * 300)],
        )
    )  # fmt: skip


def test_a_forwarded_letter_takes_its_files_along(web: Web, ada: Browser) -> None:
    message = web.put(html_with_picture())
    page = ada.get(f"/write?forward={message}").text
    assert "alert(1)" not in page
    form = fields(page)
    assert form["subject"] == "Fwd: Look"
    shown = re.search(r'data-html="([^"]*)"', page)
    assert shown
    text = html.unescape(shown[1])
    send(ada, form, to="bob@example.org", text=f"<p>FYI</p>{text}", rich="1")
    raw = box(web, "Sent")[0]
    sent, came = parse(raw), parse(html_with_picture())
    assert [(one.filename, one.content) for one in sent.attachments] == [
        (one.filename, one.content) for one in came.attachments
    ]
    assert "multipart/related" in raw.decode()
    assert "cid:" in str(sent.html)
    assert "FYI" in sent.text
    assert "$Forwarded" in web.store.look(conversation.letter, web.ada.id, message).flags


def test_files_arrive_by_themselves_and_stay_with_the_draft(web: Web, ada: Browser) -> None:
    form = fields(ada.get("/write").text)
    keep(ada, form, subject="Files", text="<p>here</p>", rich="1")
    content = bytes(range(256)) * 4_000

    def put(name: str, kind: str, **more: str) -> dict[str, object]:
        query = urlencode({"name": name, "type": kind, **more})
        response = ada.client.post(
            f"/draft/{form['draft']}/file?{query}", content=content,
            headers={"x-csrf-token": ada.csrf, "sec-fetch-site": "same-origin", "x-part": "facts"},
        )  # fmt: skip
        assert response.status_code == 200, response.text
        facts: dict[str, object] = response.json()
        form["draft"] = form["source"] = str(facts["draft"])
        form["keep"] = ",".join(str(one["number"]) for one in facts["files"])  # type: ignore[attr-defined,index]
        return facts

    put("../../Bericht für März.pdf", "application/pdf")
    put("letter.eml", "message/rfc822")
    facts = put("photo.png", "image/png", inline="1")
    cid = next(one["cid"] for one in facts["files"] if one["cid"])  # type: ignore[attr-defined,index]
    keep(ada, form, subject="Files", text=f'<p>here <img src="cid:{cid}"></p>', rich="1")
    kept = parse(box(web, "Drafts")[0])
    assert [one.content == content for one in kept.attachments] == [True] * 3
    assert {one.filename for one in kept.attachments} == {"Bericht für März.pdf", "letter.eml", "photo.png"}
    keep(ada, form, subject="Files", text="<p>without the picture</p>", rich="1")
    assert len(parse(box(web, "Drafts")[0]).attachments) == 2
    form["keep"] = form["keep"].split(",")[0]
    send(ada, form, to="bob@example.org", text="<p>done</p>", rich="1")
    sent = parse(box(web, "Sent")[0])
    assert [one.content == content for one in sent.attachments] == [True]


def test_a_file_that_is_too_large_is_refused_and_the_draft_stays(web: Web, ada: Browser) -> None:
    form = fields(ada.get("/write").text)
    keep(ada, form, text="words")
    response = ada.client.post(
        f"/draft/{form['draft']}/file?name=a", content=bytes(16_000_000),
        headers={"x-csrf-token": ada.csrf, "sec-fetch-site": "same-origin", "x-part": "facts"},
    )  # fmt: skip
    assert response.status_code == 413
    assert response.json()["problem"] == "This file is larger than 15 MB."
    assert parse(box(web, "Drafts")[0]).text == "words\n"


def test_a_file_whose_answer_got_lost_is_there_once(web: Web, ada: Browser) -> None:
    form = fields(ada.get("/write").text)
    keep(ada, form, subject="Files", text="words")
    query = urlencode({"name": "a.bin", "saving": "one", "ident": form["ident"], "subject": "Files"})
    sent = [
        ada.client.post(
            f"/draft/{form['draft']}/file?{query}", content=b"\x00\xff" * 500,
            headers={"x-csrf-token": ada.csrf, "sec-fetch-site": "same-origin", "x-part": "facts"},
        )
        for _ in range(2)
    ]  # fmt: skip
    assert [one.status_code for one in sent] == [200, 200]
    assert sent[0].json() == sent[1].json()
    [kept] = box(web, "Drafts")
    assert [one.content for one in parse(kept).attachments] == [b"\x00\xff" * 500]


def test_html_that_is_written_is_cleaned(web: Web, ada: Browser) -> None:
    form = fields(ada.get("/write").text)
    evil = (
        '<p onclick="x()" style="color:red;background:url(http://x)">Hi<script>alert(1)</script>'
        '<a href="javascript:x">y</a></p>'
    )
    send(ada, form, to="bob@example.org", text=evil, rich="1")
    sent = parse(box(web, "Sent")[0])
    assert sent.html
    for one in ("onclick", "script", "url(", "javascript"):
        assert one not in sent.html
    assert "color:red" in sent.html


def test_another_s_letter_is_neither_quoted_nor_taken_files_of(web: Web, ada: Browser) -> None:
    secret = web.put(html_with_picture(), owner=web.bob)
    for path in (f"/write?reply={secret}", f"/write?forward={secret}", f"/write/{secret}"):
        assert ada.get(path).status_code == 404
    form = fields(ada.get("/write").text)
    stolen = ada.post("/draft", {**form, "source": str(secret), "keep": "0,1"}, **PART)
    assert stolen.status_code == 404


def test_people_who_were_written_to_are_offered(web: Web, ada: Browser) -> None:
    first = letter("A test", sender="bob@example.org").decode()
    web.put(answer(first, "x", "ada@example.org"), "Sent", ["\\Seen"])
    form = fields(ada.get("/write").text)
    for _ in range(2):
        form = fields(ada.get("/write").text)
        send(ada, form, to="Eve <eve@example.net>", text="x")
    people = ada.get("/people").json()["people"]
    assert people[0] == {"name": "Eve", "address": "eve@example.net"}
    assert json.dumps(people).count("eve@") == 1


def test_a_discarded_draft_lies_in_trash(web: Web, ada: Browser) -> None:
    form = fields(ada.get("/write").text)
    keep(ada, form, text="never mind")
    assert ada.post("/draft/discard", dict(form), **PART).json() == {"back": "/"}
    assert box(web, "Drafts") == []
    assert parse(box(web, "Trash")[0]).text == "never mind\n"


def test_the_frame_of_the_text_has_no_origin_and_loads_nothing(ada: Browser) -> None:
    policy = ada.get("/write/editor").headers["content-security-policy"]
    assert "sandbox allow-scripts" in policy
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
