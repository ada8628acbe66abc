"""A mailbox that nobody would read to its end: scrolled as fast as a browser can, there and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from live import Live, prepare
from many_letters import fill
from posthouse.server.app import serving
from posthouse.store.engine import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.foreign
LETTERS, PARTS = 20_000, 60  # what is there; parts of fifty rows after which the way down ends
# Frame by frame: how many rows the page held at the most, and in how many frames no row stood in the middle.
DOWN = """async parts => {
    const main = document.getElementById("main");
    let most = 0, bare = 0;
    while (document.querySelectorAll(".rows").length < parts) {
        main.scrollTop += 2000;
        await new Promise(requestAnimationFrame);
        most = Math.max(most, document.querySelectorAll(".row").length);
        if (!document.elementFromPoint(640, 450).closest(".row")) bare += 1;
    }
    return { most, bare };
}"""
JUMP = """part => { const main = document.getElementById("main"); main.scrollTop = main.scrollHeight * part; }"""
SEEN = """() => [0.3, 0.6, 0.9].every(part =>
    document.elementFromPoint(640, innerHeight * part)?.closest(".row"))"""
TIMES = "() => [...document.querySelectorAll('.row time')].map(one => one.dateTime)"
ROWS_AT_MOST = 500


def test_a_list_of_20000_letters(browser: Browser, tmp_path: Path) -> None:
    import chromium

    settings = prepare(tmp_path)
    store = Store.open(settings.data)
    fill(store, LETTERS)
    store.close()
    with (
        serving(settings) as server,
        chromium.window(browser, Live(settings, server), chromium.DESKTOP) as page,
    ):
        chromium.log_in(page)
        went = page.evaluate(DOWN, PARTS)
        assert went["bare"] == 0
        assert went["most"] <= ROWS_AT_MOST
        high = page.evaluate("document.getElementById('main').scrollHeight")
        for part in (0.5, 0.05, 0.7, 0.2, 0.4):
            page.evaluate(JUMP, part)
            page.wait_for_timeout(20)  # less than a part takes: most are called off
        page.wait_for_function(SEEN)
        page.wait_for_function(f"() => document.querySelectorAll('.row').length <= {ROWS_AT_MOST}")
        times = page.evaluate(TIMES)
        assert times == sorted(times, reverse=True)
        assert len(set(times)) == len(times), "each once"
        where = "document.getElementById('main').scrollTop"
        before = page.evaluate(where)
        row = page.evaluate_handle("document.elementFromPoint(640, 450).closest('.row').querySelector('.open')")
        row.as_element().click()
        page.locator(".conversation").wait_for()
        page.go_back()
        page.wait_for_function(SEEN)
        assert abs(page.evaluate(where) - before) < 100, "where one was"
        assert abs(page.evaluate("document.getElementById('main').scrollHeight") - high) < 100, "nothing jumps"
        # What lies far behind is reached by its date.
        day = (datetime.now(UTC) - timedelta(seconds=300 * (LETTERS - 1_000))).date().isoformat()
        page.get_by_label("Search mail").fill(f"in:inbox before:{day}")
        page.get_by_role("heading", name="Found").wait_for()
        page.wait_for_function(SEEN)
        assert page.evaluate(TIMES)[0] < day
