"""What the page did, as another mail program sees it; and what a person does in the page again and again."""

from __future__ import annotations

import imaplib
import re
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyotp

from live import PASSWORDS, Live
from posthouse.store import account, second_factor
from posthouse.store.engine import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

T = TypeVar("T")
ADA, BOB = "ada@example.org", "bob@example.org"


@contextmanager
def imap(house: Live, address: str = ADA) -> Iterator[imaplib.IMAP4_SSL]:
    """Another mail program, logged in."""
    with imaplib.IMAP4_SSL("127.0.0.1", house.port("imaps"), ssl_context=house.tls) as server:
        server.login(address, PASSWORDS[address])
        yield server


def letters(house: Live, box: str, address: str = ADA, having: str = "") -> list[bytes]:
    """The letters in a mailbox, byte for byte; ``having``: those with this in their octets."""
    with imap(house, address) as server:
        if server.select(box, readonly=True)[1] == [b"0"]:
            return []
        found: Any = server.fetch("1:*", "(BODY.PEEK[])")[1]
        return [one[1] for one in found if isinstance(one, tuple) and having.encode() in one[1]]


def until(look: Callable[[], T], seconds: float = 20) -> T:
    """What is looked for, as soon as it is there; the last look, when it doesn't come."""
    end = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def row(page: Page, subject: str) -> Locator:
    return page.locator(".row", has_text=subject).first


def paper(page: Page) -> Locator:
    """Where the text of a letter with looks is written, when it is ready."""
    text = page.frame_locator("iframe.editor").get_by_role("textbox")
    text.wait_for()
    return text


def write(page: Page, *, to: str = BOB, subject: str = "Tea", text: str = "At five") -> None:
    """A new letter, begun."""
    page.goto("/write")
    paper(page)
    page.get_by_label("To", exact=True).fill(to)
    page.get_by_label("Subject").fill(subject)
    paper(page).click()
    page.keyboard.type(text)


def kept(page: Page) -> None:
    """The page says that all of it is kept."""
    page.locator(".state", has_text=re.compile(r"^Kept at \d\d:\d\d$")).wait_for()


def says(page: Page, words: str) -> None:
    """The page says this of the letter."""
    page.locator(".state", has_text=words).wait_for()


def send(page: Page) -> None:
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_text(re.compile("^Sent to")).wait_for()


def ask_for_codes(data: Path, address: str) -> None:
    """Give an account a second factor."""
    store = Store.open(data)
    owner = store.look(account.existing, address).id
    secret = store.run(second_factor.propose, owner)
    assert store.run(second_factor.activate, owner, pyotp.TOTP(secret).now())
    store.close()


def files(kind: str, name: str, content: str) -> str:
    """JavaScript for a DataTransfer with one file, as from a drop or the clipboard."""
    return (
        "() => { const carried = new DataTransfer();"
        f" carried.items.add(new File([Uint8Array.from(atob('{content}'), c => c.charCodeAt(0))], '{name}',"
        f" {{type: '{kind}'}})); return carried; }}"
    )
