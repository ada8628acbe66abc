"""A browser without a screen, over a real store."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterable

import httpx2
from starlette.testclient import TestClient

from posthouse.errors import LoginRefused
from posthouse.store import account
from posthouse.store.account import Account
from posthouse.store.engine import Store
from posthouse.store.web_login import Lifetime
from posthouse.web.app import application
from posthouse.web.desk import Desk, Settings
from store_helpers import Clock, House, letter

PASSWORD = "geheim"
ORIGIN = "https://mail.example.org"
SETTINGS = Settings(
    hostname="mail.example.org", lifetime=Lifetime(idle=3_600, longest=36_000), message_size=20 * 1024 * 1024
)


def answer(to: str, body: str = "Yes.", sender: str = "bob@example.org") -> bytes:
    """A letter that answers another with the subject "A test"."""
    own = re.search(r"Message-ID: (\S+)", to)
    assert own
    raw = letter("Re: A test", body, sender).decode()
    return raw.replace("\r\n\r\n", f"\r\nIn-Reply-To: {own[1]}\r\n\r\n", 1).encode()


def fields(page: str) -> dict[str, str]:
    """What a page's form would send."""
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    found |= dict(re.findall(r'<input id="\w+" name="(\w+)" value="([^"]*)"', page))
    text = re.search(r'<textarea id="text"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert text
    return {name: html.unescape(value) for name, value in (found | {"text": text[1]}).items()}


class Browser:
    """Somebody's browser: it keeps the cookie, and sends forms as pages of ours do."""

    def __init__(self, desk: Desk, address: str = "192.0.2.7") -> None:
        self.client = TestClient(
            application(desk), base_url=ORIGIN, client=(address, 50_000), follow_redirects=False,
            headers={"user-agent": "Tests/1.0"},
        )  # fmt: skip
        self.csrf = ""

    def get(self, path: str, **headers: str) -> httpx2.Response:
        response = self.client.get(path, headers=headers)
        if found := re.search(r'<meta name="csrf" content="([^"]+)">', response.text):
            self.csrf = found[1]
        return response

    def post(self, path: str, fields: dict[str, object] | None = None, **headers: str) -> httpx2.Response:
        sent = {"sec-fetch-site": "same-origin", **headers}
        return self.client.post(path, data={"csrf": self.csrf, **(fields or {})}, headers=sent)

    def log_in(self, address: str = "ada@example.org", password: str = PASSWORD) -> httpx2.Response:
        response = self.post("/login", {"address": address, "password": password, "timezone": "Europe/Berlin"})
        if response.status_code == 303:
            self.get("/")
        return response


class Web:
    """The mail program, its store, and what tests put into it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.house = House(store)
        self.store = store
        self.clock = clock
        self.attempts: list[tuple[str, str]] = []
        self.desk = Desk(store, self._check, SETTINGS)
        self.ada = self.house.account("ada@example.org")
        self.bob = self.house.account("bob@example.org")

    async def _check(self, peer: tuple[str, int], address: str, password: str) -> Account:
        await asyncio.sleep(0)
        self.attempts.append((peer[0], address))
        found = await self.store.read(account.find, address)
        if found is None or password != PASSWORD:
            raise LoginRefused("the user name or the password is wrong")
        return found

    def browser(self, address: str = "192.0.2.7") -> Browser:
        return Browser(self.desk, address)

    def put(
        self, raw: bytes, box: str = "INBOX", flags: Iterable[str] = (), ago: int = 0, owner: Account | None = None
    ) -> int:
        """A letter in a mailbox; the message's id."""
        target = self.house.box(owner or self.ada, box)
        received = int(self.clock()) - ago
        return self.house.append(target, raw=raw, flags=flags, received=received)[0].message_id

    def thread(self, message_id: int) -> int:
        found: int = self.store.look(lambda tx: tx.value("SELECT thread_id FROM message WHERE id = :id", id=message_id))
        return found
