"""docs/library.md is true: every example runs against a real server, in the face it is written for."""

from __future__ import annotations

import asyncio
import re
import textwrap
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import posthouse
from oauth_world import oauth_world
from posthouse import Account, Message, aio
from posthouse.client import authorize
from posthouse.testing import MailServer

PAGE = (Path(__file__).parents[2] / "docs" / "library.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python( async)?\n(.*?)```", PAGE, re.DOTALL)
ADA, BOB = "ada@example.org", "bob@example.org"
PASSWORD = "difference-engine"
PAGE_NAME = "docs/library.md"


@pytest.fixture
def surroundings(mail_server: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the examples find: an account with mail from Bob, files to send, people to write to."""
    monkeypatch.chdir(tmp_path)
    for name in ("report.pdf", "logo.png"):
        Path(name).write_bytes(b"x")
    options = {
        "password": PASSWORD,
        "smtp": f"smtp://127.0.0.1:{mail_server.submission_port}",
        "imap": f"imaps://127.0.0.1:{mail_server.imaps_port}",
        "context": mail_server.tls,
    }
    for address in (ADA, BOB):
        mail_server.account(address, PASSWORD)
    with Account(BOB, **options) as bob:
        bob.send(ADA, "Tea", "At five?", files=[("report.pdf", b"%PDF")], copy=False)
    letter = Message(from_=BOB, to=ADA, subject="Old", text="x")
    letter.save("letter.eml")
    yield {"options": options, "people": [("Bob", BOB), ("Eve", "eve@elsewhere.example")], "Message": Message}


class Here(Account):
    """An account of the page, whose servers are those of the test."""

    options: dict[str, Any]

    def __init__(self, address: str, **_: object) -> None:
        super().__init__(address, **self.options)


WITH_TOKENS = [number for number, (_, code) in enumerate(EXAMPLES) if "OAuth(" in code]


@pytest.mark.parametrize("number", [number for number in range(len(EXAMPLES)) if number not in WITH_TOKENS])
def test_an_example(surroundings: dict[str, Any], number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    waits, code = EXAMPLES[number]
    if waits:
        asyncio.run(run_waiting(code, surroundings))
        return
    monkeypatch.setattr(Here, "options", surroundings["options"], raising=False)
    monkeypatch.setitem(posthouse.__dict__, "Account", Here)
    with Here(ADA) as me, me.open() as box:
        names = {**surroundings, "me": me, "box": box}
        exec(compile(code, f"docs/library.md, example {number}", "exec"), names)
        names["me"].close()


async def run_waiting(code: str, surroundings: dict[str, Any]) -> None:
    """An example of the face for asyncio: it stands within a function."""
    wrapped = f"async def example():\n{textwrap.indent(code, '    ')}"
    async with aio.Account(ADA, **surroundings["options"]) as me, me.open() as box:
        names = {**surroundings, "me": me, "box": box}
        exec(compile(wrapped, "docs/library.md", "exec"), names)
        await names["example"]()


@pytest.mark.parametrize("number", WITH_TOKENS)
def test_an_example_with_tokens(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's issuer is one on loopback, and the person logs in there as soon as a browser is opened."""
    waits, code = EXAMPLES[number]
    with oauth_world(tmp_path, monkeypatch) as world:
        person = world.person()
        monkeypatch.setenv("DISPLAY", ":0")
        monkeypatch.setattr(webbrowser, "open", person)
        face = aio if waits else posthouse
        options = {
            "smtp": f"smtp://localhost:{world.house.port('submission')}",
            "imap": f"imap://localhost:{world.house.port('imap')}",
            "context": world.context,
        }
        real = face.Account
        names = {"OAuth": lambda *_, **__: world.oauth, "Account": lambda *args, **more: real(*args, **more, **options)}
        for name, value in names.items():
            monkeypatch.setitem(posthouse.__dict__, name, value)
        if waits:
            wrapped = f"async def example():\n{textwrap.indent(code, '    ')}\n    await me.close()"
            exec(compile(wrapped, PAGE_NAME, "exec"), names)
            asyncio.run(names["example"]())
        else:
            exec(compile(code, PAGE_NAME, "exec"), names)
            names["me"].close()
        person.done()
        assert authorize.DONE in person.seen


def test_both_faces_are_shown() -> None:
    assert sum(bool(waits) for waits, _ in EXAMPLES) >= 11
