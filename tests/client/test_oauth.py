"""Logging in by OAuth 2: at a real OpenID provider, in a browser and with a code; then letters, with the tokens."""

from __future__ import annotations

import json
import ssl
import stat
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faced import Faced
from oauth_world import ADA, BOB, World, oauth_world
from posthouse import OAuth
from posthouse.client import authorize, issuer, tokens
from posthouse.client.grant import Grant
from posthouse.client.keeper import Keeper
from posthouse.errors import ConfigError, ConnectionFailed, LoginRefused, RemoteProtocolError


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with oauth_world(tmp_path, monkeypatch) as running:
        yield running


def subjects(me: Any) -> list[str]:
    with me.open() as box:
        return [mail.subject for mail in box.inbox]


def test_in_the_browser_then_a_letter_goes_and_comes(face: Faced, world: World) -> None:
    person = world.person()
    with world.account(face, oauth=world.oauth) as me:
        me.login(show=person)
        me.send(ADA, "Tea", "At five?")
        assert subjects(me) == ["Tea"]
    person.done()
    (sentence,) = person.read
    assert sentence.startswith(f"Log in as {ADA} in the browser of this computer: https://localhost:")
    assert "code_challenge_method=S256" in sentence and "login_hint=ada" in sentence
    assert authorize.DONE in person.seen
    # Nobody is asked again: not by another program, which knows of the address only.
    with world.account(face) as later:
        later.login(show=pytest.fail)
        assert subjects(later) == ["Tea"]
    assert world.provider.asked.count("/authorize") == 2  # the page, and its form
    kept = Path(Keeper().folder / "passwords.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_with_a_code_on_another_device(face: Faced, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorize, "SLOWER", 0.1)
    world.provider.slow_down = 1
    person = world.person()
    with world.account(face, oauth=OAuth("secretive", "s/e:c", issuer=world.provider.url)) as me:
        me.login(device=True, show=person)
        me.send(ADA, "Tea", "At five?")
        assert subjects(me) == ["Tea"]
    person.done()
    assert f"/device on any device, log in as {ADA}, and enter the code '" in person.read[0]
    assert "/authorize" not in world.provider.asked


def log_in(face: Faced, world: World, **more: Any) -> Any:
    me = world.account(face, oauth=world.oauth, **more)
    person = world.person()
    me.login(show=person)
    person.done()
    return me


def test_a_token_is_renewed_before_its_end(face: Faced, world: World) -> None:
    world.provider.lasts = 30  # less than the time before its end at which it is renewed
    with log_in(face, world) as me:
        me.send(ADA, "Tea", "At five?")
    first, *others = world.provider.given
    assert first.used and all(one.used for one in others[:-1])
    grant = Keeper().grant(ADA)
    assert grant is not None and grant.refresh == others[-1].refresh, "the last refresh token is kept"
    with world.account(face) as later:
        assert subjects(later) == ["Tea"]


def test_a_token_that_is_refused_is_renewed_once(face: Faced, world: World) -> None:
    with log_in(face, world) as me:
        me.close()
        world.provider.revoke(access_only=True)
        world.forget_tokens()
        me.send(ADA, "Tea", "At five?")
    assert len(world.provider.given) == 2


def test_what_was_taken_back(face: Faced, world: World) -> None:
    with log_in(face, world) as me:
        me.close()
        world.provider.revoke()
        world.forget_tokens()
        with pytest.raises(LoginRefused, match=r"localhost gives no token: ") as refused:
            me.send(ADA, "Tea", "At five?")
        assert "posthouse login" in refused.value.advice
        person = world.person()
        me.login(show=person)  # asks again
        person.done()
        me.send(ADA, "Tea", "At five?")


def test_who_is_somebody_else(face: Faced, world: World) -> None:
    """Bob logs in at the provider, for Ada's mailbox: the mail server says no."""
    person = world.person(BOB)
    with (
        world.account(face, oauth=world.oauth) as me,
        pytest.raises(LoginRefused, match="refused the token") as refused,
    ):
        me.login(show=person)
    person.done()
    assert "somebody else's" in refused.value.advice
    person = world.person()
    with world.account(face, oauth=world.oauth) as me:
        me.login(show=person)
    person.done()


def test_who_says_no(face: Faced, world: World) -> None:
    person = world.person(allows=False)
    with (
        world.account(face, oauth=world.oauth) as me,
        pytest.raises(LoginRefused, match="the login was declined at localh"),
    ):
        me.login(show=person)
    person.done()
    assert authorize.DECLINED in person.seen

    def decline(_: str) -> None:
        world.provider.decline()

    with world.account(face, oauth=world.oauth) as me, pytest.raises(LoginRefused, match="declined"):
        me.login(device=True, show=decline)


def test_nobody_comes(face: Faced, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorize, "PATIENCE", 0.2)
    with world.account(face, oauth=world.oauth) as me:
        with pytest.raises(LoginRefused, match="nobody logged in in the browser"):
            me.login(show=lambda _: None)
        with pytest.raises(LoginRefused, match=r"nobody entered the code '.*' in time"):
            me.login(device=True, show=lambda _: None)
        with pytest.raises(LoginRefused, match="has not let this program in yet") as refused:
            me.send(ADA, "Tea", "At five?")
        assert "login()" in refused.value.advice


def test_a_program_that_is_not_registered(face: Faced, world: World) -> None:
    with (
        world.account(face, oauth=OAuth("desktop", "wrong", issuer=world.provider.url)) as me,
        pytest.raises(ConfigError, match="doesn't let this program in"),
    ):
        me.login(device=True, show=lambda _: None)


def test_others_on_this_computer_can_not_end_the_waiting(world: World) -> None:
    """The page takes the answer with our state, and nothing else."""
    said: list[int] = []

    def knock(sentence: str) -> None:
        redirect = urllib.parse.unquote(sentence.partition("redirect_uri=")[2].partition("&")[0])
        for path in ("/?code=forged&state=guess", "/favicon.ico", "/?state=", "/?" + "a" * 200_000, "/?" + "a&" * 99):
            try:
                urllib.request.urlopen(redirect + path, timeout=5)
            except urllib.error.HTTPError as error:
                said.append(error.code)
            except OSError:
                said.append(0)
        person(sentence)

    person = world.person()
    with world.account(Faced(None), oauth=world.oauth) as me:
        me.login(show=lambda sentence: threading.Thread(target=knock, args=(sentence,)).start())
    person.done()
    assert said == [404, 404, 404, 0, 404]


def test_a_mailbox_by_pop3(face: Faced, world: World) -> None:
    person = world.person()
    pop3 = f"pop3://localhost:{world.house.port('pop3')}"
    with world.account(face, oauth=world.oauth, imap=None, pop3=pop3) as me:
        me.login(show=person)
        me.send(ADA, "Tea", "At five?")
        assert subjects(me) == ["Tea"]
    person.done()


def test_within_an_event_loop(world: World) -> None:
    """The blocking face in a notebook: its thread has a loop already."""
    import asyncio

    async def cell() -> list[str]:
        with log_in(Faced(None), world) as me:
            me.send(ADA, "Tea", "At five?")
            return subjects(me)

    assert asyncio.run(cell()) == ["Tea"]


def test_nobody_is_asked_by_a_program_that_does_not_say_how(face: Faced, world: World) -> None:
    log_in(face, world).close()
    world.provider.revoke()
    world.forget_tokens()
    with world.account(face) as me, pytest.raises(LoginRefused, match="gives no token"):
        me.login(show=pytest.fail)


# -- issuers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "error", "match"),
    [
        ({"issuer": "https://evil.example"}, RemoteProtocolError, "is about another issuer: https://evil.example"),
        ({"token_endpoint": "http://localhost/token"}, RemoteProtocolError, "an endpoint that is no https address"),
        ({"token_endpoint": 7}, RemoteProtocolError, "an endpoint that is no https address"),
        ({"token_endpoint": ""}, RemoteProtocolError, "says nothing of where it gives out tokens"),
        ({"more": "x" * issuer.MAX_ANSWER}, RemoteProtocolError, "larger than"),
    ],
)
def test_an_issuer_that_is_none(world: World, said: dict[str, Any], error: type[Exception], match: str) -> None:
    world.provider.discovery = said
    with world.account(Faced(None), oauth=world.oauth) as me, pytest.raises(error, match=match):
        me.login(show=pytest.fail)


def test_an_issuer_that_is_not_there(world: World) -> None:
    for url, error, match in (
        (f"{world.provider.url}/realm", ConfigError, "is no issuer of OAuth 2 tokens: .* answers 404"),
        ("http://localhost/", ConfigError, "is no https address"),
        ("https://localhost:1", ConnectionFailed, "nothing listens at localhost:1"),
        ("https://localhost:99999", ConfigError, "is no address of a web server"),
    ):
        with world.account(Faced(None), oauth=OAuth("desktop", issuer=url)) as me, pytest.raises(error, match=match):
            me.login(show=pytest.fail)


def test_who_gives_tokens_for_whom() -> None:
    import asyncio

    context = ssl.create_default_context()

    def of(host: str) -> issuer.Issuer:
        return asyncio.run(issuer.find_issuer(OAuth("x"), host, context))

    assert of("imap.gmail.com") is issuer.GOOGLE
    assert of("outlook.office365.com") is of("smtp-mail.outlook.com") is issuer.MICROSOFT
    with pytest.raises(ConfigError, match=r"nobody is known who gives out tokens for imap\.notgmail\.com") as nobody:
        of("imap.notgmail.com")
    assert "--oauth-issuer" in nobody.value.advice


# -- what is kept ----------------------------------------------------------------------------------------------------


def test_a_grant_goes_round_and_hides_its_tokens() -> None:
    grant = Grant(OAuth("id", "secret"), "https://x/token", "refresh", "access", 7.0, True)
    assert Grant.from_json(grant.to_json()) == grant
    assert "access" not in repr(grant) and "refresh" not in repr(grant) and "secret" not in repr(grant)
    for text in ("", "[]", "{}", json.dumps({"endpoint": 1})):
        with pytest.raises(ConfigError):
            Grant.from_json(text)


def test_a_password_takes_the_place_of_a_grant_and_the_other_way_round(tmp_path: Path) -> None:
    from posthouse.client.keeper import Known

    keeper = Keeper(tmp_path)
    grant = Grant(OAuth("id"), "https://x/token", "refresh", "access", 7.0)
    keeper.remember(Known(ADA), "secret")
    keeper.keep_grant(ADA, grant)
    assert (keeper.password(ADA), keeper.grant(ADA.upper())) == ("", grant)
    keeper.remember(Known(ADA))
    assert keeper.grant(ADA) == grant
    keeper.remember(Known(ADA), "secret")
    assert (keeper.password(ADA), keeper.grant(ADA)) == ("secret", None)
    keeper.keep_grant(ADA, grant)
    assert keeper.forget(ADA) and keeper.grant(ADA) is None


def test_two_programs_renew_one_after_the_other(world: World) -> None:
    """A refresh token is good once: the second one takes what the first has got."""
    import asyncio

    log_in(Faced(None), world).close()
    grant = Keeper().grant(ADA)
    assert grant is not None
    stale = replace(grant, until=time.time())
    Keeper().keep_grant(ADA, stale)

    async def both() -> list[Grant]:
        return await asyncio.gather(*[tokens.fresh(Keeper(), ADA, stale, world.context) for _ in range(5)])

    assert len({one.access for one in asyncio.run(both())}) == 1
    assert len(world.provider.given) == 2 and not any(one.revoked for one in world.provider.given)
