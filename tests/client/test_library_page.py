"""docs/library.md is true: every example runs against a real server, in the face it is written for."""

from __future__ import annotations

import asyncio
import textwrap
import webbrowser
from pathlib import Path

import pytest

import posthouse
from library_page import ADA, BOB, EXAMPLES, PAGE_NAME, WITH_PASSWORD, WITH_TOKENS, run_example, surround
from oauth_world import oauth_world
from posthouse import Account, aio
from posthouse.client import authorize
from posthouse.testing import MailServer

PASSWORD = "difference-engine"


@pytest.mark.parametrize("number", WITH_PASSWORD)
def test_an_example(mail_server: MailServer, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    surroundings = surround(tmp_path, monkeypatch)
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
    run_example(number, options, surroundings, monkeypatch)


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
