"""A person writes letters in the browser: at a desk, on a phone, with the keyboard alone."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import pytest

from browser_mail import ADA, BOB, files, kept, letters, paper, row, says, send, until, write
from live import PASSWORDS, Live
from posthouse import parse
from posthouse.cli.picture import envelope
from posthouse.web import limits

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.foreign
PICTURE = envelope()
NOTES = b"Brass, 3 lb\r\n\x00\xff" * 40


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters leave after two seconds, not ten."""
    monkeypatch.setattr(limits, "TAKE_BACK", 2)


@pytest.mark.parametrize("size", ["DESKTOP", "PHONE"])
def test_an_answer_with_a_picture_arrives(browser: Browser, house: Live, size: str) -> None:
    import chromium

    with chromium.window(browser, house, getattr(chromium, size)) as page:
        chromium.log_in(page)
        row(page, "Looms that weave algebra").locator(".open").click()
        page.get_by_role("link", name="Reply", exact=True).first.click()
        paper(page).wait_for()
        assert page.get_by_label("Subject").input_value() == "Re: Looms that weave algebra ✉"
        page.get_by_label("To", exact=True).fill(f"Bob <{BOB}>")
        paper(page).click()
        page.keyboard.press("Control+Home")
        page.keyboard.type("Look at this: ")
        page.locator(".chosen-pictures").set_input_files(
            {"name": "envelope.png", "mimeType": "image/png", "buffer": PICTURE}
        )
        paper(page).locator('img[src^="data:image/png"]').nth(1).wait_for()  # beside that of the letter
        page.locator(".chosen-files").set_input_files(
            {"name": "Größen.bin", "mimeType": "application/x-brass", "buffer": NOTES}
        )
        page.locator(".files li:not(.arriving)", has_text="Größen.bin").wait_for()
        kept(page)
        send(page)
        [arrived] = until(lambda: letters(house, "INBOX", BOB))
        [copy] = letters(house, "Sent", having="Look at this")
        assert arrived.endswith(copy), "what is kept in Sent is what left, byte for byte"
        found = parse(arrived)
        assert "Look at this:" in found.text
        assert [(one.filename, one.content) for one in found.attachments if not one.cid] == [("Größen.bin", NOTES)]
        pictures = [one for one in found.attachments if one.cid]
        assert [one.content for one in pictures] == [PICTURE, PICTURE]
        assert found.html is not None
        assert all(f"cid:{one.cid}" in found.html for one in pictures)
        assert "tracker.example" in found.html, "quoted as it came"
        assert until(lambda: letters(house, "Drafts", having="Look at this") == [])


def test_addresses_are_completed_by_the_keyboard(browser: Browser, house: Live) -> None:
    import chromium

    with chromium.window(browser, house, chromium.DESKTOP) as page:
        chromium.log_in(page)
        page.goto("/write")
        paper(page)
        to = page.get_by_label("To", exact=True)
        to.focus()
        page.keyboard.type("bab")
        page.get_by_role("option", name="Charles Babbage").wait_for()
        assert to.get_attribute("aria-expanded") == "true"
        page.keyboard.press("Enter")
        assert to.input_value() == "Charles Babbage <charles@engine.example>, "
        page.keyboard.type("charl")  # who is there already isn't offered again
        page.wait_for_timeout(300)
        assert page.get_by_role("option").count() == 0


def test_what_is_typed_is_kept_for_every_program(browser: Browser, house: Live) -> None:
    import chromium

    with chromium.window(browser, house, chromium.DESKTOP) as page:
        chromium.log_in(page)
        write(page, to="bo", subject="Tea?", text="At fi")
        kept(page)
        [draft] = letters(house, "Drafts", having="Tea?")
        assert "At fi" in parse(draft).text
        page.keyboard.type("ve, in the garden")
        [draft] = until(lambda: letters(house, "Drafts", having="in the garden"))
        assert len(letters(house, "Drafts", having="Tea?")) == 1
        kept(page)
        page.reload()
        paper(page).get_by_text("At five, in the garden").wait_for()
        assert page.get_by_label("To", exact=True).input_value() == "bo", "half an address is kept too"


def test_undo_brings_the_letter_back_to_its_page(
    browser: Browser, house: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    import chromium

    monkeypatch.setattr(limits, "TAKE_BACK", 60)
    with chromium.window(browser, house, chromium.DESKTOP) as page:
        chromium.log_in(page)
        write(page, subject="Too early")
        page.keyboard.press("Control+Enter")
        page.get_by_text("Sent to bob@example.org.").wait_for()
        assert len(letters(house, "Sent", having="Too early")) == 1
        page.get_by_role("button", name="Undo").click()
        paper(page).get_by_text("At five").wait_for()
        assert page.get_by_label("To", exact=True).input_value() == BOB
        assert letters(house, "Sent", having="Too early") == []
        assert len(letters(house, "Drafts", having="Too early")) == 1
        paper(page).click()
        page.keyboard.press("Control+End")
        page.keyboard.type(" or six")
        monkeypatch.setattr(limits, "TAKE_BACK", 1)
        send(page)
        [arrived] = until(lambda: letters(house, "INBOX", BOB))
        assert "At five or six" in parse(arrived).text


def test_a_letter_that_leaves_later_waits_and_can_be_edited(browser: Browser, house: Live) -> None:
    import chromium

    with chromium.window(browser, house, chromium.DESKTOP) as page:
        chromium.log_in(page)
        write(page, subject="For Monday")
        page.get_by_role("button", name="Send later").click()
        page.get_by_role("button", name="On Monday morning").click()
        page.get_by_text(re.compile(r"^Leaves Monday, .*08:00")).wait_for()
        page.goto("/waiting")
        row(page, "For Monday").get_by_role("button", name="edit it").click()
        paper(page).get_by_text("At five").wait_for()
        page.goto("/waiting")
        page.get_by_text("Nothing waits for its time.").wait_for()
        assert letters(house, "INBOX", BOB) == []


def test_you_wrote_attached_but_nothing_is(browser: Browser, house: Live) -> None:
    import chromium

    with chromium.window(browser, house, chromium.DESKTOP) as page:
        chromium.log_in(page)
        write(page, text="The plan is attached.")
        page.keyboard.press("Control+Enter")
        dialog = page.get_by_role("dialog", name="Nothing is attached")
        dialog.wait_for()
        page.keyboard.press("Escape")
        assert page.get_by_role("button", name="Send", exact=True).is_enabled()
        # Dropped onto the page, then there is one.
        carried = page.evaluate_handle(files("text/plain", "plan.txt", base64.b64encode(NOTES).decode()))
        page.locator(".foot").dispatch_event("drop", {"dataTransfer": carried})
        page.locator(".files li:not(.arriving)", has_text="plan.txt").wait_for()
        send(page)
        [arrived] = until(lambda: letters(house, "INBOX", BOB))
        assert [one.content for one in parse(arrived).attachments] == [NOTES]


def test_a_picture_is_pasted_into_the_text(browser: Browser, house: Live) -> None:
    import chromium

    with chromium.window(browser, house, chromium.DESKTOP) as page:
        chromium.log_in(page)
        write(page, text="Look: ")
        content = base64.b64encode(PICTURE).decode()
        paper(page).evaluate(
            f"text => text.dispatchEvent(new ClipboardEvent('paste', {{bubbles: true, cancelable: true,"
            f" clipboardData: ({files('image/png', 'image.png', content)})()}}))"
        )
        paper(page).locator("img").wait_for()
        kept(page)
        send(page)
        [arrived] = until(lambda: letters(house, "INBOX", BOB))
        [picture] = parse(arrived).attachments
        assert picture.content == PICTURE
        assert f"cid:{picture.cid}" in (parse(arrived).html or "")


def test_no_text_is_lost_between_plain_and_looks(browser: Browser, house: Live) -> None:
    import chromium

    text = "First line\n\n  a < b && c > d\nLast: Grüße ✉"
    with chromium.window(browser, house, chromium.DESKTOP) as page:
        chromium.log_in(page)
        page.goto("/write")
        paper(page)
        page.get_by_label("Switch between plain text").click()
        page.locator("#text").fill(text)
        page.get_by_label("Switch between plain text").click()
        paper(page).get_by_text("Last: Grüße ✉").wait_for()
        page.get_by_label("Switch between plain text").click()
        assert page.locator("#text").input_value() == text


def test_the_keyboard_alone(browser: Browser, house: Live) -> None:
    import chromium

    with chromium.window(browser, house, chromium.DESKTOP) as page:
        page.goto("/")
        page.keyboard.type(ADA)
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORDS[ADA])
        page.keyboard.press("Enter")
        page.wait_for_selector(".row")
        page.wait_for_load_state()  # its scripts are there, and with them the keys
        page.keyboard.press("c")
        page.wait_for_url(re.compile("/write"))
        paper(page)
        page.keyboard.type("bob@example.org")
        while page.evaluate("document.activeElement.id") != "subject":
            page.keyboard.press("Tab")
        page.keyboard.type("By keys")
        while page.evaluate("document.activeElement.className") != "editor":
            page.keyboard.press("Tab")
        page.keyboard.press("Control+b")
        page.keyboard.type("Bold")
        page.keyboard.press("Control+b")
        page.keyboard.type(" and plain")
        page.keyboard.press("Control+Enter")
        page.get_by_text("Sent to bob@example.org.").wait_for()
        [arrived] = until(lambda: letters(house, "INBOX", BOB))
        assert re.search(r"<b>Bold</b> and plain", (parse(arrived).html or "").replace("&nbsp;", " "))


def test_a_letter_without_a_recipient_says_so(browser: Browser, house: Live) -> None:
    import chromium

    with chromium.window(browser, house, chromium.DESKTOP) as page:
        chromium.log_in(page)
        write(page, to="nobody at all", text="Hello")
        page.get_by_role("button", name="Send", exact=True).click()
        page.locator(".state.refused").wait_for()
        says(page, ".")
        assert page.get_by_role("button", name="Send", exact=True).is_enabled()
        paper(page).get_by_text("Hello").wait_for()
