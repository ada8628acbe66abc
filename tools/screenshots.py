"""Screenshots of each view of the mail program, for docs/screenshots: desktop and phone, light and dark.

Run it with the project's Python after `tools/install-foreign`: `.venv/bin/python tools/screenshots.py [FOLDER]`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import chromium  # noqa: E402
from browser_mail import ask_for_codes, paper  # noqa: E402
from live import PASSWORDS, Live, prepare  # noqa: E402
from morning_mail import fill  # noqa: E402
from posthouse.server.app import serving  # noqa: E402


def main() -> None:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screenshots"
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium.chromium() as browser:
        settings = prepare(Path(folder))
        fill(settings.data, more=40)
        ask_for_codes(settings.data, "bob@example.org")
        with serving(settings) as server:
            house = Live(settings, server)
            for name, size in (("desktop", chromium.DESKTOP), ("phone", chromium.PHONE)):
                for scheme in ("light", "dark"):
                    for own in (views, views_of_bob):
                        with chromium.window(browser, house, size, scheme) as page:
                            for view in own(page):
                                page.wait_for_timeout(400)
                                page.screenshot(path=target / f"{view}-{name}-{scheme}.png")
                                print(f"{view}-{name}-{scheme}.png", flush=True)


def views(page):  # type: ignore[no-untyped-def]
    """Each view by its name, when it is shown."""
    page.goto("/login")
    yield "login"
    chromium.log_in(page)
    yield "list"
    for number in (1, 3):
        page.locator(".row input[name=pick]").nth(number).check()
    yield "chosen"
    page.locator(".list .acts [popovertarget]").first.click()
    yield "move"
    page.keyboard.press("Escape")
    page.goto("/")
    if page.locator(".burger").is_visible():
        page.locator(".burger").click()
    else:
        page.locator(".avatar").click()
    yield "menu"
    page.goto("/")
    page.locator(".row .open", has_text="Looms that weave").click()
    looms = page.frame_locator("iframe.html")
    looms.get_by_role("heading").wait_for()
    yield "html"
    page.goto(looms.get_by_role("link").first.get_attribute("href"))
    yield "leave"
    page.goto("/")
    page.locator(".row .open", has_text="The mill and the store").click()
    page.locator(".letter .run").first.wait_for()
    yield "conversation"
    page.locator("a[data-view=picture]").click()
    page.locator("#viewer img").wait_for()
    yield "picture"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    yield "keys"
    page.goto("/search?q=brass")
    yield "search"
    page.goto("/write?to=bob@example.org&subject=Rods")
    page.frame_locator("iframe.editor").locator("#text").click()
    page.keyboard.type("Shorter ones it is.")
    yield "write"
    page.get_by_label("Send later").click()
    yield "later"
    page.get_by_role("button", name="On Monday morning").click()
    page.locator("#toasts .toast").wait_for()
    yield "sent"
    page.goto("/waiting")
    yield "waiting"
    page.get_by_role("button", name="edit it").click()
    paper(page)
    page.get_by_label("Discard this letter").click()
    page.wait_for_url("**/")
    page.goto("/")
    page.locator(".row .open", has_text="Looms that weave").click()
    page.get_by_role("link", name="Reply", exact=True).first.click()
    paper(page)
    yield "answer"
    page.goto("/account")
    page.locator(".account").wait_for()
    yield "account"
    page.evaluate("document.getElementById('main').scrollTo(0, 900)")
    yield "account-further"
    page.goto("/mailboxes")
    if not page.get_by_role("link", name="Projects/Looms").count():
        page.get_by_label("Name").fill("Projects/Looms")
        page.get_by_role("button", name="Make it").click()
    yield "mailboxes"
    page.goto("/nowhere")
    yield "problem"


def views_of_bob(page):  # type: ignore[no-untyped-def]
    """What only somebody with a second factor sees."""
    page.goto("/login")
    page.get_by_label("Address").fill("bob@example.org")
    page.get_by_label("Password").fill(PASSWORDS["bob@example.org"])
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Code").wait_for()
    yield "code"


if __name__ == "__main__":
    main()
