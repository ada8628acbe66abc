"""`posthouse login` by OAuth 2: the browser, a code, and what the other commands make of it."""

from __future__ import annotations

import json
import threading
import time
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from oauth_world import ADA, BOB, World, oauth_world
from oidc import Person
from posthouse.cli.app import app
from posthouse.client import authorize


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with oauth_world(tmp_path, monkeypatch) as running:
        both = running.authority.read_text() + running.house.certificate.read_text()
        running.authority.write_text(both)
        yield running


def command(*arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(app, arguments, input=stdin)


def login(world: World, *more: str) -> Result:
    return command(
        "login", ADA, "--imap", f"imap://localhost:{world.house.port('imap')}",
        "--smtp", f"smtp://localhost:{world.house.port('submission')}", *more,
    )  # fmt: skip


def sits_there(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser opens, and somebody is in front of it."""
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "open", person)


def test_in_the_browser(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = world.person()
    sits_there(person, monkeypatch)
    result = login(world, "--oauth-client-id", "desktop", "--oauth-issuer", world.provider.url)
    person.done()
    assert result.exit_code == 0, result.output
    assert result.stdout == f"Logged in as {ADA} at localhost. The token is in {world.home / 'passwords.json'}.\n"
    assert result.stderr.startswith(f"Log in as {ADA} in the browser of this computer: https://localhost:")
    assert command("send", "--to", ADA, "--subject", "Tea", "-", stdin="At five?").exit_code == 0
    assert "\tTea\n" in command("list").stdout
    # again: nothing has to be said, and nobody is asked
    monkeypatch.setattr(webbrowser, "open", pytest.fail)
    again = command("login", ADA, "--json")
    assert json.loads(again.stdout)["token"] and again.stderr == ""
    # taken back: one sentence, and what to do
    world.provider.revoke()
    world.forget_tokens()
    refused = command("list")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("posthouse: localhost gives no token: ")
    assert "`posthouse login`" in refused.stderr and "Traceback" not in refused.output
    person = world.person()
    sits_there(person, monkeypatch)
    assert command("login", ADA).exit_code == 0, "it knows by which program"
    person.done()
    assert "Tea" in command("list").stdout
    assert command("logout", ADA).exit_code == 0
    assert "no account is known here" in command("list").stderr


def test_with_a_code(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTHOUSE_OAUTH_CLIENT_ID", "secretive")
    monkeypatch.setenv("POSTHOUSE_OAUTH_CLIENT_SECRET", "s/e:c")
    monkeypatch.setenv("POSTHOUSE_OAUTH_ISSUER", world.provider.url)

    def enter() -> None:
        while not world.provider.devices:
            time.sleep(0.02)
        for device in world.provider.devices.values():
            device.user = ADA

    helper = threading.Thread(target=enter)
    helper.start()
    result = login(world, "--device")
    helper.join()
    assert result.exit_code == 0, result.output
    assert "on any device, log in as" in result.stderr


def test_as_somebody_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = world.person(BOB)
    sits_there(person, monkeypatch)
    result = login(world, "--oauth-client-id", "desktop", "--oauth-issuer", world.provider.url)
    person.done()
    assert result.exit_code == 1
    assert f"refused the token of {ADA}" in result.stderr


def test_nobody_comes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorize, "PATIENCE", 0.1)
    result = login(world, "--oauth-client-id", "desktop", "--oauth-issuer", world.provider.url)
    assert result.exit_code == 1
    assert "posthouse: nobody logged in in the browser within" in result.stderr


def test_without_an_issuer(world: World) -> None:
    result = login(world, "--oauth-client-id", "desktop")
    assert result.exit_code == 1
    assert "nobody is known who gives out tokens for localhost" in result.stderr
    assert "--oauth-issuer" in result.stderr
