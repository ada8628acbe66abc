"""The page of one's account, as a person uses it; and what it changes elsewhere."""

from __future__ import annotations

import mailbox
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pyotp
import pytest

from browser_mail import ADA, BOB, kept, letters, paper, says, until, write
from live import PASSWORDS, Live

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.foreign


def test_mail_is_taken_in_and_out(browser: Browser, house: Live, tmp_path: Path) -> None:
    import chromium

    old = mailbox.mbox(tmp_path / "Old mail.mbox")
    for number in range(1_200):
        old.add(
            f"From: mary@example.net\nSubject: Old {number}\nMessage-ID: <{number}@old>\n\nHello {number}\n".encode()
        )
    old.close()
    with chromium.window(browser, house, chromium.DESKTOP) as page:
        chromium.log_in(page)
        page.goto("/account")
        page.get_by_label("File", exact=True).set_input_files(tmp_path / "Old mail.mbox")
        page.get_by_label("Into").fill("Old")
        page.evaluate(
            "() => { window.told = []; const state = document.querySelector('form.import .state');"
            " new MutationObserver(() => told.push(state.textContent)).observe(state, {childList: true}); }"
        )
        page.get_by_role("button", name="Take it in").click()
        page.get_by_text("Done: 1,200 letters came in.").wait_for()
        assert [words for words in page.evaluate("told") if re.search(r"came in so far", words)], "how far it is"
        assert len(letters(house, "Old")) == 1_200
        page.get_by_label("What", exact=True).select_option("")
        with page.expect_download() as saved:
            page.get_by_role("button", name="Take it out").click()
        with zipfile.ZipFile(saved.value.path()) as archive:
            assert b"Hello 1199" in b"".join(archive.read(name) for name in archive.namelist())
        page.get_by_text(re.compile(r"^Done: 1,\d{3} letters\.$")).wait_for()


def test_a_second_factor_by_its_page(browser: Browser, house: Live) -> None:
    import chromium

    with chromium.window(browser, house, chromium.PHONE) as page:
        chromium.log_in(page)
        page.goto("/account")
        page.get_by_text("Switch it on").click()
        page.locator("#second-factor").get_by_label("Your password").fill(PASSWORDS[ADA])
        page.locator("#second-factor").get_by_role("button").click()
        secret = page.locator("#second-factor code").inner_text().replace(" ", "")
        page.get_by_label("code").fill(pyotp.TOTP(secret).now())
        page.locator("#second-factor").get_by_role("button", name="Switch it on").click()
        codes = page.locator(".codes code").all_inner_texts()
        assert len(codes) >= 8
        page.get_by_label("account and logging out").click()
        page.get_by_role("button", name="Log out").click()
        page.get_by_label("Address").fill(ADA)
        page.get_by_label("Password").fill(PASSWORDS[ADA])
        page.get_by_role("button", name="Log in").click()
        page.get_by_label("Code").fill(codes[0])
        page.get_by_role("button", name="Log in").click()
        page.wait_for_selector(".list")


def test_another_sender_has_another_signature(browser: Browser, house: Live) -> None:
    import chromium

    with chromium.window(browser, house, chromium.DESKTOP) as page:
        chromium.log_in(page)
        for name, signature in (("Ada Lovelace", "Countess"), ("The Enchantress", "of Numbers\n& more")):
            page.goto("/account")
            box = page.locator("#identities details", has_text="Add an identity")
            if box.get_attribute("open") is None:
                box.locator("summary").click()
            box.get_by_label("Name").fill(name)
            box.get_by_label("Below your letters").fill(signature)
            box.get_by_role("button", name="Keep").click()
            page.locator("#identities", has_text=name).wait_for()
        page.goto("/write")
        paper(page).click()
        page.keyboard.press("Control+Home")
        page.keyboard.type("Dear Bob")
        page.get_by_label("From").select_option(label=f"The Enchantress <{ADA}>")
        paper(page).get_by_text("of Numbers").wait_for()
        assert paper(page).inner_text().split() == ["Dear", "Bob", "--", "of", "Numbers", "&", "more"]
        page.get_by_label("Switch between plain text").click()
        page.get_by_label("From").select_option(label=f"Ada Lovelace <{ADA}>")
        signed = ["Dear", "Bob", "--", "Countess"]
        assert until(lambda: page.locator("#text").input_value().split() == signed)
        kept(page)


def test_two_people_write_the_same_draft(browser: Browser, house: Live) -> None:
    import chromium

    with (
        chromium.window(browser, house, chromium.DESKTOP) as one,
        chromium.window(browser, house, chromium.DESKTOP) as other,
    ):
        for page in (one, other):
            chromium.log_in(page)
        write(one, subject="Shared", text="First")
        kept(one)
        other.goto(one.url)
        paper(other).get_by_text("First").wait_for()
        paper(one).click()
        one.keyboard.press("Control+End")
        one.keyboard.type(" and mine")
        kept(one)
        paper(other).click()
        other.keyboard.press("Control+End")
        other.keyboard.type(" and yours")
        says(other, "What stands here is kept as a draft of its own.")
        drafts = letters(house, "Drafts", having="Subject: Shared")
        assert sorted(text for raw in drafts for text in re.findall(rb"First and \w+", raw)) == [
            b"First and mine", b"First and mine", b"First and yours", b"First and yours",
        ]  # fmt: skip
        assert letters(house, "INBOX", BOB) == []
