"""Debian's Chromium, driven by Playwright, as a person's browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from live import PASSWORDS, Live

PROGRAM = "/usr/bin/chromium"
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
AXE = Path(__file__).resolve().parents[1] / ".venv" / "foreign" / "node_modules" / "axe-core" / "axe.min.js"
# Rules of WCAG 2.2, levels A and AA, and axe's own good practices.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=list(FLAGS))
        yield browser
        browser.close()


@contextmanager
def window(browser: Browser, house: Live, size: dict[str, int], scheme: str = "light") -> Iterator[Page]:
    """A window of its own, with its own cookies. Whatever a page complains of fails the test."""
    context = browser.new_context(
        viewport=size, color_scheme=scheme, ignore_https_errors=True, base_url=f"https://127.0.0.1:{house.port('https')}",
        has_touch=size is PHONE,
    )  # fmt: skip
    page = context.new_page()
    page.set_default_timeout(30_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    try:
        yield page
    finally:
        context.close()
    # What a letter tries and the policy stops is told on the console too, and so is an answer that says no.
    expected = ("Content Security Policy", "Failed to load resource")
    assert [text for text in complaints if not any(words in text for words in expected)] == []


def log_in(page: Page, address: str = "ada@example.org") -> None:
    page.goto("/")
    page.get_by_label("Address").fill(address)
    page.get_by_label("Password").fill(PASSWORDS[address])
    page.get_by_role("button", name="Log in").click()
    page.wait_for_selector(".list")
    page.wait_for_load_state("load")  # its scripts run


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it is."""
    script = AXE.read_text("utf-8")
    found: Any = page.evaluate(
        f"() => {{ {script}; return axe.run(document, {json.dumps({'runOnly': RULES, 'iframes': False})}); }}"
    )
    return [
        f"{one['id']}: {one['help']}: {', '.join(str(node['target']) for node in one['nodes'][:3])}"
        for one in found["violations"]
    ]
