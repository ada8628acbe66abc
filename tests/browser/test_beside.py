"""The page and another mail program beside each other: what one does, the other sees at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from browser_mail import imap, row, until
from live import Live

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.foreign
# What people take for "at once", and a busy machine's share.
AT_ONCE = 5_000  # milliseconds


def test_what_another_program_does_is_seen_in_the_page(browser: Browser, house: Live) -> None:
    import chromium

    with chromium.window(browser, house, chromium.DESKTOP) as page, imap(house) as other:
        chromium.log_in(page)
        page.set_default_timeout(AT_ONCE)
        supper = row(page, "Supper on Friday?")
        assert re.search(r"\bunread\b", supper.get_attribute("class") or "")
        other.select("INBOX")
        number = other.search(None, "SUBJECT", '"Supper on Friday?"')[1][0].decode()
        other.store(number, "+FLAGS", r"(\Seen \Flagged)")
        page.locator(".row:not(.unread)", has_text="Supper on Friday?").wait_for()
        page.locator('.row .star[aria-pressed="true"]').nth(1).wait_for()
        other.append("INBOX", "", "", b"From: mary@example.net\r\nSubject: Just now\r\n\r\nHello\r\n")
        row(page, "Just now").wait_for()
        other.copy(number, "Archive")
        other.store(number, "+FLAGS", r"(\Deleted)")
        other.expunge()
        row(page, "Supper on Friday?").wait_for(state="detached")


def test_what_the_page_does_is_seen_by_another_program(browser: Browser, house: Live) -> None:
    import chromium

    def found(*keys: str) -> list[bytes]:
        with imap(house) as other:
            other.select("INBOX", readonly=True)
            return other.search(None, *keys)[1][0].split()

    with chromium.window(browser, house, chromium.DESKTOP) as page:
        chromium.log_in(page)
        subject = ("SUBJECT", '"Supper on Friday?"')
        assert not found(*subject, "SEEN")
        supper = row(page, "Supper on Friday?")
        supper.locator(".star").click()
        assert until(lambda: found(*subject, "FLAGGED"))
        supper.locator(".open").click()
        page.locator(".conversation").wait_for()
        assert until(lambda: found(*subject, "SEEN"))
        page.keyboard.press("e")
        assert until(lambda: not found(*subject))


def test_new_mail_is_told_of_where_that_is_allowed(browser: Browser, house: Live) -> None:
    import chromium

    with chromium.window(browser, house, chromium.DESKTOP) as page, imap(house) as other:
        page.add_init_script(
            "window.told = []; const Real = Notification;"
            "window.Notification = class extends Real {"
            "  constructor(title, more) { super(title, more); this.onshow = () => told.push([title, more.body]);"
            "    told.last = this; } }"
        )
        chromium.log_in(page)

        def append(subject: str) -> None:
            other.append("INBOX", "", "", f"From: Mary <m@example.net>\r\nSubject: {subject}\r\n\r\nHello\r\n".encode())
            row(page, subject).wait_for()

        unseen = "Object.defineProperty(document, 'hidden', {get: () => true})"  # as when another window covers it
        page.evaluate(unseen)
        append("Not allowed")
        assert page.evaluate("told") == []
        page.get_by_label("account and logging out").click()
        # What the person answers to the browser's question.
        page.context.grant_permissions(["notifications"], origin=f"https://127.0.0.1:{house.port('https')}")
        page.get_by_role("button", name="Notify me of new mail").click()
        page.locator(".ask-notify").wait_for(state="hidden")
        append("Allowed")
        assert until(lambda: page.evaluate("told")) == [["Mary", "Allowed"]]
        page.evaluate("told.last.dispatchEvent(new Event('click'))")
        page.locator(".conversation", has_text="Allowed").wait_for()
        assert page.locator(".ask-notify").is_hidden(), "it isn't asked again"
