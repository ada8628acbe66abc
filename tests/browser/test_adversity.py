"""What goes wrong while somebody writes: nothing typed is lost, the page says so in a plain sentence, and goes on."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

import pytest

from browser_mail import ADA, BOB, kept, letters, paper, says, send, until, write
from live import Live
from posthouse import parse
from posthouse.store import account, quota, web_login

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.foreign
MB = 1024 * 1024


def test_a_login_that_ends_while_one_writes(browser: Browser, house: Live) -> None:
    import chromium

    assert house.server.house is not None
    store = house.server.house.store
    with chromium.window(browser, house, chromium.DESKTOP) as page:
        chromium.log_in(page)
        write(page, subject="Interrupted", text="Before")
        kept(page)
        store.run(web_login.end_others, store.look(account.existing, ADA).id)
        page.keyboard.type(" and after")
        says(page, "You have been logged out. What you wrote is still here")
        other = page.context.new_page()
        chromium.log_in(other)
        other.close()
        kept(page)
        assert [parse(one).text for one in letters(house, "Drafts", having="Interrupted")] == ["Before and after\n"]
        send(page)
        assert until(lambda: letters(house, "INBOX", BOB, having="Interrupted"), 40)


def test_a_line_that_is_cut_while_one_writes_and_sends(browser: Browser, house: Live) -> None:
    import chromium

    with chromium.window(browser, house, chromium.DESKTOP) as page:
        chromium.log_in(page)
        write(page, subject="Cut", text="Across the gap")
        kept(page)
        page.context.set_offline(True)
        page.keyboard.type(", slowly")
        says(page, "No connection. What you wrote is kept in this window")
        page.context.set_offline(False)
        kept(page)
        cut: list[int] = []

        def lose(route: object) -> None:
            """The server has the request, and its answer never comes."""
            cut.append(route.fetch().status)  # type: ignore[attr-defined]
            route.abort()  # type: ignore[attr-defined]

        page.route("**/draft", lose, times=1)
        page.keyboard.type(".")
        says(page, "No connection")
        kept(page)
        assert cut == [200]
        assert len(letters(house, "Drafts", having="Across the gap")) == 1
        page.route("**/send", lose, times=1)
        send(page)
        assert cut == [200, 200]
        arrived = until(lambda: letters(house, "INBOX", BOB, having="Across the gap, slowly"), 40)
        assert len(arrived) == 1
        assert len(letters(house, "Sent", having="Across the gap")) == 1


def test_a_mailbox_that_is_full(browser: Browser, house: Live) -> None:
    import chromium

    assert house.server.house is not None
    store = house.server.house.store
    ada = store.look(account.existing, ADA).id
    with chromium.window(browser, house, chromium.DESKTOP) as page:
        chromium.log_in(page)
        write(page, subject="No room", text="First")
        kept(page)
        store.run(quota.set_limits, ada, size=1, messages=None)
        page.keyboard.type(" and second")
        page.locator(".state.refused").wait_for()
        assert "full" in page.locator(".state").inner_text()
        assert "First and second" in paper(page).inner_text()
        assert [parse(one).text for one in letters(house, "Drafts", having="No room")] == ["First\n"]
        store.run(quota.set_limits, ada, size=None, messages=None)
        page.keyboard.type(".")
        kept(page)
        assert [parse(one).text for one in letters(house, "Drafts", having="No room")] == ["First and second.\n"]


def test_a_large_file_and_one_that_is_too_large(browser: Browser, house: Live) -> None:
    """The server runs in this process: what it takes at the most is seen."""
    import chromium

    large = bytes(range(256)) * (30 * MB // 256)
    with chromium.window(browser, house, chromium.DESKTOP) as page:
        chromium.log_in(page)
        write(page, subject="Large", text="See the plans")
        kept(page)
        page.set_default_timeout(90_000)
        page.locator(".chosen-files").set_input_files(
            {"name": "plans.bin", "mimeType": "application/octet-stream", "buffer": large}
        )
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        page.locator(".files li:not(.arriving)", has_text="plans.bin").wait_for()
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < 30 * 1024, "KiB"
        page.locator(".chosen-files").set_input_files(
            {"name": "whole.bin", "mimeType": "application/octet-stream", "buffer": large}
        )
        page.locator(".state.refused").wait_for()
        assert "larger than 50 MB" in page.locator(".state").inner_text()
        assert page.locator(".files li").count() == 1
        send(page)
        [copy] = until(lambda: letters(house, "Sent", having="Subject: Large"))
        assert [one.content == large for one in parse(copy).attachments] == [True]
