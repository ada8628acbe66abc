"""The examples of docs/library.md, run as they stand: what the page calls ``me`` and ``box`` is handed to them."""

from __future__ import annotations

import asyncio
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

import posthouse
from posthouse import Account, Message, aio

PAGE = (Path(__file__).parents[1] / "docs" / "library.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python( async)?\n(.*?)```", PAGE, re.DOTALL)
WITH_TOKENS = [number for number, (_, code) in enumerate(EXAMPLES) if "OAuth(" in code]
WITH_PASSWORD = [number for number in range(len(EXAMPLES)) if number not in WITH_TOKENS]
PAGE_NAME = "docs/library.md"
ADA, BOB = "ada@example.org", "bob@example.org"


class Here(Account):
    """An account of the page, whose servers are those of the test."""

    options: dict[str, Any]

    def __init__(self, address: str, **_: object) -> None:
        super().__init__(address, **self.options)


def surround(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the examples find in their folder, and the people whom they write to."""
    monkeypatch.chdir(folder)
    for name in ("report.pdf", "logo.png"):
        Path(name).write_bytes(b"x")
    Message(from_=BOB, to=ADA, subject="Old", text="x").save("letter.eml")
    return {"people": [("Bob", BOB), ("Eve", "eve@elsewhere.example")], "Message": Message}


def run_example(
    number: int, options: dict[str, Any], surroundings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Ada, whose servers the ``options`` name; in the face that it is written for."""
    waits, code = EXAMPLES[number]
    if waits:
        asyncio.run(_run_waiting(code, options, surroundings))
        return
    monkeypatch.setattr(Here, "options", options, raising=False)
    monkeypatch.setitem(posthouse.__dict__, "Account", Here)
    with Here(ADA) as me, me.open() as box:
        names = {**surroundings, "me": me, "box": box}
        exec(compile(code, f"{PAGE_NAME}, example {number}", "exec"), names)
        names["me"].close()


async def _run_waiting(code: str, options: dict[str, Any], surroundings: dict[str, Any]) -> None:
    """An example of the face for asyncio: it stands within a function."""
    wrapped = f"async def example():\n{textwrap.indent(code, '    ')}"
    async with aio.Account(ADA, **options) as me, me.open() as box:
        names = {**surroundings, "me": me, "box": box}
        exec(compile(wrapped, PAGE_NAME, "exec"), names)
        await names["example"]()
