"""What goes wrong while somebody writes: nothing typed is lost, the page says so in a plain sentence, and goes on."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from browser_mail import ADA, BOB, kept, letters, paper, says, send, until, write
from live import Live
from posthouse import parse
from posthouse.store import account, quota, web_login

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

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


def test_a_file_of_50_mb_and_one_too_many(browser: Browser, house: Live, tmp_path: Path) -> None:
    """The server runs in this process: what it takes at the most is seen."""
    import chromium

    plans = tmp_path / "plans.bin"
    plans.write_bytes(bytes(range(256)) * (50 * MB // 256))
    (tmp_path / "whole.bin").write_bytes(bytes(8 * MB))
    with chromium.window(browser, house, chromium.DESKTOP) as page:
        chromium.log_in(page)
        write(page, subject="Large", text="See the plans")
        kept(page)
        page.set_default_timeout(90_000)
        with Grown() as memory:
            page.locator(".chosen-files").set_input_files(plans)
            there(page, "plans.bin")
        assert memory.octets < 20 * MB
        page.locator(".chosen-files").set_input_files(tmp_path / "whole.bin")
        says(page, "whole.bin is too large with the other files: the files of one letter may have 57 MB together.")
        assert page.locator(".files li").count() == 1
        send(page)
        [arrived] = until(lambda: letters(house, "INBOX", BOB), 60)
    assert [one.content == plans.read_bytes() for one in parse(arrived).attachments] == [True]


def test_a_file_on_its_way_when_the_login_ends_or_the_line_is_cut(browser: Browser, house: Live) -> None:
    import chromium

    assert house.server.house is not None
    store = house.server.house.store
    content = bytes(range(256)) * (6 * MB // 256)

    def attach(page: Page, name: str) -> None:
        page.locator(".chosen-files").set_input_files(
            {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        )

    with chromium.window(browser, house, chromium.DESKTOP) as page:
        chromium.log_in(page)
        write(page, subject="Plans", text="See the plans")
        kept(page)
        store.run(web_login.end_others, store.look(account.existing, ADA).id)
        attach(page, "one.bin")
        says(page, "You have been logged out. What you wrote is still here")
        other = page.context.new_page()
        chromium.log_in(other)
        other.close()
        there(page, "one.bin")
        # The server has it, and its answer never comes.
        page.route("**/draft/*/file*", lambda route: (route.fetch(), route.abort()), times=1)
        attach(page, "two.bin")
        says(page, "No connection")
        there(page, "two.bin")
        # Called off while nothing goes through.
        page.context.set_offline(True)
        attach(page, "three.bin")
        says(page, "No connection")
        page.get_by_label("Stop sending three.bin").click()
        page.context.set_offline(False)
        says(page, "three.bin was not sent.")
        paper(page).click()
        page.keyboard.type(".")
        kept(page)
        [draft] = letters(house, "Drafts", having="Subject: Plans")
        found = {one.filename: one.content == content for one in parse(draft).attachments}
        assert found == {"one.bin": True, "two.bin": True}


class Grown:
    """How much memory of its own this process takes meanwhile, at the most; pages of files don't count."""

    def __enter__(self) -> Grown:
        self._done = threading.Event()
        self._most = self._before = self._now()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self.octets = self._most - self._before

    def _watch(self) -> None:
        while not self._done.wait(0.01):
            self._most = max(self._most, self._now())

    def _now(self) -> int:
        found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
        assert found
        return int(found[1]) * 1024


def there(page: Page, name: str) -> None:
    """A file has arrived."""
    page.locator(".files li:not(.arriving)", has_text=name).wait_for()
