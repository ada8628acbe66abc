"""docs/library.md is true: every example runs against a real server, in the face it is written for."""

from __future__ import annotations

import asyncio
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import posthouse
from posthouse import Account, Message, aio
from posthouse.testing import MailServer

PAGE = (Path(__file__).parents[2] / "docs" / "library.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python( async)?\n(.*?)```", PAGE, re.DOTALL)
ADA, BOB = "ada@example.org", "bob@example.org"
PASSWORD = "difference-engine"


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


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
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


def test_both_faces_are_shown() -> None:
    assert sum(bool(waits) for waits, _ in EXAMPLES) >= 11
