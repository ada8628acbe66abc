"""A person's morning in the browser, the half that reads: at a desk, on a phone, with the keyboard alone."""

from __future__ import annotations

import imaplib
import re
import smtplib
from typing import TYPE_CHECKING

import pytest

from browser_mail import ask_for_codes, write
from live import PASSWORDS, Live

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.foreign
ADA = "ada@example.org"


def send(house: Live, subject: str) -> None:
    """A letter from another server."""
    with smtplib.SMTP("127.0.0.1", house.port("smtp")) as server:
        text = f"From: Mary <mary@example.net>\r\nTo: {ADA}\r\nSubject: {subject}\r\n\r\nHello\r\n"
        server.sendmail("mary@example.net", [ADA], text.encode())


def imap_subjects(house: Live, box: str) -> str:
    with imaplib.IMAP4_SSL("127.0.0.1", house.port("imaps"), ssl_context=house.tls) as server:
        server.login(ADA, PASSWORDS[ADA])
        server.select(box, readonly=True)
        _, data = server.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        return repr(data)


def row(page: Page, subject: str):  # type: ignore[no-untyped-def]  # Locator, which isn't there without Playwright
    return page.locator(".row", has_text=subject).first


def says(page: Page, text: str) -> None:
    """A letter that is open has this in its text."""
    page.locator(".letter .run", has_text=text).first.wait_for()


@pytest.mark.parametrize("size", ["DESKTOP", "PHONE"])
def test_a_morning(browser: Browser, house: Live, size: str) -> None:
    import chromium

    with chromium.window(browser, house, getattr(chromium, size)) as page:
        chromium.log_in(page)
        assert re.match(r"\(\d+\) Inbox", page.title())

        # A letter in HTML: shown in its frame, without pictures from elsewhere, and without its script.
        row(page, "Looms that weave algebra").locator(".open").click()
        frame = page.frame_locator("iframe.html")
        frame.get_by_role("heading", name="The Analytical Gazette").wait_for()
        assert "owned" not in page.title()
        assert frame.get_by_alt_text("A sealed envelope").evaluate("picture => picture.naturalWidth > 0")
        page.get_by_role("button", name="Show pictures").wait_for()
        height = page.locator("iframe.html").evaluate("frame => frame.clientHeight")
        assert height > 300, "the frame is as high as its letter"
        page.go_back()

        # A conversation with one's own answer; a picture is looked at.
        row(page, "The mill and the store").locator(".open").click()
        says(page, "Shorter rods it is")
        assert page.locator(".letter.folded").count() == 2
        page.locator(".unfold").nth(1).click()
        says(page, "Dear Charles")
        page.locator("a[data-view=picture]").click()
        page.locator("#viewer img").wait_for()
        page.keyboard.press("Escape")
        with page.expect_response(re.compile("/file/1/view$")) as drawing:
            page.get_by_label("Look at invoice.pdf").click()
        assert drawing.value.headers["content-type"] == "application/pdf"
        page.locator("#viewer iframe").wait_for()
        page.keyboard.press("Escape")
        page.go_back()

        # What was read is read for an IMAP client too; it is archived, and comes back.
        page.wait_for_selector(".row:not(.unread) >> text=The mill and the store")
        row(page, "Supper on Friday?").locator("input[name=pick]").check()
        page.locator(".list .acts button[value=archive]").click()
        page.get_by_text("Archived 1 conversation").wait_for()
        assert "Supper" in imap_subjects(house, "Archive")
        page.get_by_role("button", name="Undo").click()
        row(page, "Supper on Friday?").wait_for()
        assert "Supper" in imap_subjects(house, "INBOX")

        # New mail comes by itself.
        send(house, "Just now")
        row(page, "Just now").wait_for()

        # Search as one types, and log out.
        page.get_by_label("Search mail").fill("comet")
        page.wait_for_selector(".rows:has(> :only-child)")
        page.get_by_label("account and logging out").click()
        page.get_by_role("button", name="Log out").click()
        page.get_by_label("Password").wait_for()


def test_dragged_to_a_mailbox(browser: Browser, house: Live) -> None:
    import chromium

    with chromium.window(browser, house, chromium.DESKTOP) as page:
        chromium.log_in(page)
        row(page, "Lecture notes").locator(".open").drag_to(page.locator(".side a", has_text="Archive"))
        page.get_by_text("Moved 1 conversation to Archive").wait_for()
        assert "Lecture" in imap_subjects(house, "Archive")


def test_the_keyboard_alone(browser: Browser, house: Live) -> None:
    import chromium

    with chromium.window(browser, house, chromium.DESKTOP) as page:
        page.goto("/")
        page.keyboard.type(ADA)
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORDS[ADA])
        page.keyboard.press("Enter")
        page.wait_for_selector(".row")
        page.wait_for_load_state("load")
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("o")
        says(page, "Shorter rods it is")
        page.keyboard.press("j")  # the next conversation
        says(page, "There is a comet")
        page.keyboard.press("e")  # archived: back to the list
        page.get_by_text("Archived 1 conversation").wait_for()
        page.wait_for_selector(".list:not([hidden])")
        page.keyboard.press("z")
        row(page, "Supper on Friday?").wait_for()
        page.keyboard.press("?")
        page.get_by_role("heading", name="Keys").wait_for()
        page.keyboard.press("Escape")
        page.keyboard.press("g")
        page.keyboard.press("d")
        page.wait_for_url(re.compile(r"/mailbox/\d+"))
        page.get_by_role("heading", name="Drafts").wait_for()
        page.wait_for_load_state("load")
        page.keyboard.press("/")
        page.keyboard.type("is:starred")
        page.wait_for_selector(".rows:has(> :only-child)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["DESKTOP", "PHONE"])
def test_axe_finds_nothing(browser: Browser, house: Live, size: str, scheme: str) -> None:
    import chromium

    found: dict[str, list[str]] = {}
    with chromium.window(browser, house, getattr(chromium, size), scheme) as page:
        page.goto("/login")
        found["login"] = chromium.violations(page)
        chromium.log_in(page)
        found["list"] = chromium.violations(page)
        page.locator(".row input[name=pick]").nth(1).check()
        found["list, chosen"] = chromium.violations(page)
        row(page, "Looms that weave algebra").locator(".open").click()
        page.wait_for_selector(".conversation")
        found["letter in HTML"] = chromium.violations(page)
        page.go_back()
        row(page, "The mill and the store").locator(".open").click()
        says(page, "Shorter rods it is")
        found["conversation"] = chromium.violations(page)
        page.keyboard.press("?")
        found["keys"] = chromium.violations(page)
        page.goto("/search?q=the")
        found["search"] = chromium.violations(page)
        page.goto("/write")
        page.frame_locator("iframe.editor").locator("#text").wait_for()
        found["write"] = chromium.violations(page)
        write(page, subject="For Monday")
        page.get_by_role("button", name="Send later").click()
        found["when to send"] = chromium.violations(page)
        page.get_by_role("button", name="On Monday morning").click()
        page.locator("#toasts .toast").wait_for()
        found["sent"] = chromium.violations(page)
        page.goto("/waiting")
        found["leaving later"] = chromium.violations(page)
        page.goto("/mailboxes")
        page.get_by_label("Name").fill("Projects/Looms")
        page.get_by_role("button", name="Make it").click()
        page.locator("summary", has_text="Projects/Looms").click()
        found["mailboxes"] = chromium.violations(page)
        page.goto("/account")
        for fold in page.locator(".account details").all():
            fold.evaluate("(one) => { one.open = true; }")
        found["account"] = chromium.violations(page)
        page.goto("/leave?to=https://example.org/&sign=x")
        found["a problem"] = chromium.violations(page)
    ask_for_codes(house.config.data, "bob@example.org")
    with chromium.window(browser, house, getattr(chromium, size), scheme) as page:
        page.goto("/login")
        page.get_by_label("Address").fill("bob@example.org")
        page.get_by_label("Password").fill(PASSWORDS["bob@example.org"])
        page.get_by_role("button", name="Log in").click()
        page.get_by_label("Code").wait_for()
        found["code"] = chromium.violations(page)
        page.get_by_label("Code").fill("000000")
        page.get_by_role("button", name="Log in").click()
        page.get_by_text("That code is not right").wait_for()
        found["wrong code"] = chromium.violations(page)
    assert {name: one for name, one in found.items() if one} == {}
