"""Letters that want to run something, or to load something: read, answered, and listed.

The browser is told to let the policy of the pages (CSP) be, so that what holds here is the cleaning alone; the policy
is tried by itself. What a page became in the browser is looked at, not what the server wrote: the two differ where
markup is broken on purpose.
"""

from __future__ import annotations

import io
import os
import re
import time
import zipfile
from collections.abc import Iterator
from email.header import Header
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from browser_mail import ADA, paper
from hostile import HOSTILE, IN_WORDS
from live import Live, prepare
from posthouse.client.message import Message
from posthouse.message.summary import summarize
from posthouse.server.app import serving
from posthouse.store import account, intake, mailbox
from posthouse.store.engine import Store
from store_helpers import keep

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.foreign
CORPORA = os.environ.get("POSTHOUSE_CORPORA", "")
# In the document of a letter, however it was parsed: what runs, what loads, where links lead.
LOOK = """root => {
    const bad = [];
    const kinds = "script,svg,math,iframe,frame,object,embed,form,input,button,select,link,meta,base,video,audio"
        + ",template";
    for (const one of root.querySelectorAll(kinds)) bad.push(one.outerHTML);
    for (const one of root.querySelectorAll("*")) for (const {name, value} of one.attributes) {
        const never = /^on|^(srcdoc|formaction|srcset|poster|background|data|xlink:href|name|id)$/i;
        if (never.test(name)) bad.push(one.outerHTML);
        if (name === "href" && !/^(https?:|mailto:|tel:|\\/leave\\?)/i.test(value)) bad.push(one.outerHTML);
        if (name === "src" && !/^(data:image|cid:|$)/i.test(value)) bad.push(one.outerHTML);
        if (name === "style" && /url|image-set|expression/i.test(value)) bad.push(one.outerHTML);
    }
    return bad;
}"""


def put(data: Any, raw: bytes) -> int:
    """A letter in Ada's INBOX; the message's id."""
    store = Store.open(data)
    try:
        owner = store.look(account.existing, ADA).id
        target = intake.Target(store.look(mailbox.existing, owner, "INBOX").id)
        return store.run(intake.append, keep(store, raw), summarize(raw), [target], received=int(time.time()))[
            0
        ].message_id
    finally:
        store.close()


class Trap:
    """A window that notes what ran in it, and what it asked others for."""

    def __init__(self, page: Page, house: Live) -> None:
        self.page = page
        self.ran: list[str] = []
        self.asked: list[str] = []
        # The browser's own pages too: its viewer of PDF is an extension of it.
        own = (f"https://127.0.0.1:{house.port('https')}/", "data:", "blob:", "chrome-extension:", "chrome:")
        page.context.expose_binding("ran", lambda source, *_: self.ran.append(source["frame"].url))
        page.on("dialog", lambda dialog: self.ran.append(dialog.message))
        page.on("request", lambda one: None if one.url.startswith(own) else self.asked.append(one.url))

    def caught(self) -> list[str]:
        self.page.wait_for_timeout(250)
        return self.ran + self.asked


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Live, dict[str, int]]]:
    """A server on which each of them has come in."""
    settings = prepare(tmp_path_factory.mktemp("hostile"))
    numbers = {
        name: put(
            settings.data, bytes(Message(from_="Eve <eve@example.net>", to=ADA, subject=name, text="x", html=html))
        )
        for name, html in HOSTILE.items()
    }
    with serving(settings) as server:
        yield Live(settings, server), numbers


@pytest.fixture(scope="module")
def trap(browser: Browser, hostile: tuple[Live, dict[str, int]]) -> Iterator[Trap]:
    import chromium

    house = hostile[0]
    context = browser.new_context(
        ignore_https_errors=True, base_url=f"https://127.0.0.1:{house.port('https')}", bypass_csp=True
    )
    page = context.new_page()
    page.set_default_timeout(8_000)
    made = Trap(page, house)
    chromium.log_in(page)
    yield made
    context.close()


def test_the_trap_holds(trap: Trap) -> None:
    trap.page.goto("/login")
    trap.page.evaluate("document.body.innerHTML = '<img src=\"https://elsewhere.example/x\" onerror=ran()>'")
    trap.page.wait_for_timeout(1_000)
    assert len(trap.caught()) >= 2
    trap.ran.clear()
    trap.asked.clear()


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_runs(hostile: tuple[Live, dict[str, int]], trap: Trap, name: str) -> None:
    number = hostile[1][name]
    page = trap.page
    page.goto(f"/letter/{number}/html")
    assert page.locator("#letter").evaluate(LOOK) == []
    for way in ("reply", "forward"):
        page.goto(f"/write?{way}={number}")
        paper(page).locator("blockquote, p").first.wait_for(state="attached")
        assert paper(page).evaluate(LOOK) == [], way
    assert trap.caught() == []


# Whether the text of an element runs from the left to the right.
RUNS_RIGHT = """element => {
    const text = element.firstChild, range = document.createRange();
    const left = place => {
        range.setStart(text, place);
        range.setEnd(text, place + 1);
        return range.getBoundingClientRect().left;
    };
    return left(0) < left(text.length - 1);
}"""

# Whether its first line begins in its right half, and ends left of the beginning with what has no direction.
ENDS_LEFT = """element => {
    const text = element.firstChild, range = document.createRange(), box = element.getBoundingClientRect();
    const left = place => {
        range.setStart(text, place);
        range.setEnd(text, place + 1);
        return range.getBoundingClientRect().left;
    };
    return left(0) > box.left + box.width / 2 && left(text.data.indexOf("!")) < left(0);
}"""


def test_directions(hostile: tuple[Live, dict[str, int]], trap: Trap) -> None:
    """A name or a subject that turns round what follows turns round itself; Hebrew runs from the right."""
    turned = Message(from_='"\u202eeve" <eve@example.net>', to=ADA, subject="\u202eturned", text="Left to right")
    put(hostile[0].config.data, bytes(turned))
    put(hostile[0].config.data, bytes(Message(from_=ADA, to=ADA, subject="שלום", text="שלום עולם!\n\nEnglish.")))
    page = trap.page
    page.goto("/")
    row = page.locator(".row", has_text="Left to right").first
    assert [row.locator(one).evaluate(RUNS_RIGHT) for one in (".subject", ".preview", "time")] == [False, True, True]
    row.locator(".open").click()
    assert page.locator(".letter .addr").first.evaluate(RUNS_RIGHT)
    page.goto("/")
    page.locator(".row", has_text="שלום").first.locator(".open").click()
    run = page.locator(".letter .run", has_text="שלום").first
    run.wait_for()
    assert run.evaluate(ENDS_LEFT)


@pytest.mark.skipif(not CORPORA, reason="the corpora aren't at hand (POSTHOUSE_CORPORA)")
def test_letters_of_the_corpora(hostile: tuple[Live, dict[str, int]], trap: Trap) -> None:
    """Read and forwarded: those made to be hard, and those that spammers and shops have really sent."""
    found = [path.read_bytes() for path in sorted(Path(CORPORA).glob("torture/*.msg"))]
    real = (path.read_bytes() for path in sorted(Path(CORPORA).glob("real/*.eml")))
    found += [raw for raw in real if re.search(rb"^content-type: *text/html", raw, re.IGNORECASE | re.MULTILINE)]
    assert len(found) > 40
    page = trap.page
    for raw in found:
        number = put(hostile[0].config.data, raw)
        page.goto(f"/letter/{number}")
        page.locator(".letter:not(.folded)").first.wait_for()
        page.goto(f"/letter/{number}/html")
        assert page.locator("#letter").evaluate(LOOK) == [], raw[:500]
        page.goto(f"/write?forward={number}")
        begun = page.locator("textarea:visible, iframe.editor:visible").first
        begun.wait_for()
        if begun.evaluate("one => one.tagName") == "IFRAME":
            assert paper(page).evaluate(LOOK) == [], raw[:500]
        assert trap.ran + trap.asked == [], raw[:500]
    assert trap.caught() == []


def test_the_policy_alone_stops_scripts_and_loading(browser: Browser, hostile: tuple[Live, dict[str, int]]) -> None:
    """As if the cleaning had let something through."""
    house, numbers = hostile
    context = browser.new_context(ignore_https_errors=True, base_url=f"https://127.0.0.1:{house.port('https')}")
    page = context.new_page()
    page.set_default_timeout(8_000)
    trap = Trap(page, house)
    import chromium

    chromium.log_in(page)
    number = next(iter(numbers.values()))
    evil = "<img src='https://elsewhere.example/x' onerror='ran()'><svg onload='ran()'></svg>"
    page.goto(f"/letter/{number}/html")
    page.locator("#letter").evaluate("(node, html) => node.innerHTML = html", evil)
    assert trap.ran == []
    page.goto("/write")
    paper(page).evaluate("(node, html) => node.innerHTML = html", evil)
    page.evaluate("html => document.getElementById('main').insertAdjacentHTML('beforeend', html)", evil)
    page.wait_for_timeout(500)
    assert trap.ran == []
    context.close()


def test_words_in_fields_and_names_stay_words(browser: Browser, hostile: tuple[Live, dict[str, int]]) -> None:
    """CVE-2026-48849 (the subject of a draft), CVE-2021-44026, CVE-2021-46144: what stands in headers and in names."""
    import chromium

    house, _ = hostile
    encoded = Header(IN_WORDS, "utf-8").encode()
    unquoted = IN_WORDS.replace('"', "")
    raw = (
        f'From: {encoded} <eve@example.net>\r\nTo: {encoded} <{ADA}>\r\nCc: "{unquoted}" <a@example.net>\r\n'
        f"Subject: {encoded}\r\nMessage-ID: <<script>ran()</script>@x>\r\nX-Evil: {IN_WORDS}\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n'
        f"https://x.example/{IN_WORDS}\r\n{IN_WORDS}\r\n"
    )
    kinds = (
        "image/png", "text/html", "image/svg+xml", "text/calendar; method=REQUEST", "text/vcard", "application/pdf",
        f'text/plain; charset="{unquoted}"', "text/<script>ran()</script>", "message/rfc822",
    )  # fmt: skip
    for kind in kinds:
        raw += (
            f'--b\r\nContent-Type: {kind}\r\nContent-Disposition: attachment; filename="{encoded}"\r\n\r\n'
            f"BEGIN:VCALENDAR\r\nSUMMARY:{IN_WORDS}\r\n<script>ran()</script><svg onload=ran()>\r\n"
        )
    raw += (
        '--b\r\nContent-Type: text/plain; name="../../etc/passwd"\r\n'
        "Content-Disposition: attachment; filename*=utf-8''..%2F..%2Fetc%2Fcron%0D%0AX-Evil:%201\r\n\r\nx\r\n--b--\r\n"
    )
    number = put(house.config.data, raw.encode())
    context = browser.new_context(
        ignore_https_errors=True, base_url=f"https://127.0.0.1:{house.port('https')}", bypass_csp=True
    )
    page = context.new_page()
    page.set_default_timeout(8_000)
    trap = Trap(page, house)
    chromium.log_in(page)
    views = ("", "headers", "source")
    paths = ["/", f"/search?q={number}", "/search?q=%3Cimg%20class%3Devil%20src%3Dx%20onerror%3Dran()%3E"]
    paths += [f"/letter/{number}/{view}".rstrip("/") for view in views]
    paths += [f"/letter/{number}/file/{place}/view" for place in range(len(kinds) + 1)]
    paths += [f"/write?reply={number}", f"/write?reply={number}&all=1", f"/write?forward={number}"]
    paths += [
        f"/write?to={IN_WORDS}&subject={IN_WORDS}&body={IN_WORDS}",
        f"/login?next={IN_WORDS}",
        f"/leave?to={IN_WORDS}",
    ]
    for path in paths:
        try:
            page.goto(path)
        except Exception as error:  # a file that is saved instead of shown
            assert "Download is starting" in str(error), (path, error)
            continue
        page.wait_for_timeout(150)
        for frame in page.frames:
            assert frame.locator(".evil").count() == 0, path
        assert page.get_by_text("{{49}}").count() == 0
    assert trap.caught() == []
    for place in range(len(kinds) + 1):
        answer = context.request.get(f"/letter/{number}/file/{place}")
        assert answer.ok
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "x-evil" not in answer.headers
    zipped = zipfile.ZipFile(io.BytesIO(context.request.get(f"/letter/{number}/files.zip").body()))
    assert len(set(zipped.namelist())) == len(kinds) + 1
    assert not [name for name in zipped.namelist() if set(name) & set('/\\<>:"|?*\r\n') or name.startswith(".")]
    # A draft with such a subject: kept, and opened again.
    page.goto("/write")
    paper(page)
    page.get_by_label("Subject").fill(IN_WORDS)
    page.locator(".state", has_text="Kept at").wait_for()
    page.reload()
    paper(page)
    assert page.get_by_label("Subject").input_value() == IN_WORDS
    page.goto("/")
    page.locator(".side a", has_text="Drafts").click()
    page.locator(".row", has_text="onerror").wait_for()
    assert page.locator(".evil").count() == 0
    assert trap.caught() == []
    context.close()
