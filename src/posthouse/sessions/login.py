"""Logging in: one way for all doors, with a password, keys, a token or a certificate.

A login never tells whether the account exists: unknown names get the same words and cost the same work (a password is
checked against a hash that nothing fits, SCRAM goes on with keys that are made up, always the same for a name).
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from posthouse.errors import ActingRefused, LoginPaused, LoginRefused, StoreError
from posthouse.store.account import Account
from posthouse.wire.external import Certified
from posthouse.wire.mechanism import MECHANISMS, Answer, Needs, Question
from posthouse.wire.oauth import Token
from posthouse.wire.sasl import Challenge, Credentials
from posthouse.wire.scram import Channel, KeysWanted

from .logins import Found

if TYPE_CHECKING:
    from .house import House
    from .session import Line, Peer

log = logging.getLogger("posthouse.login")

WRONG = "the user name or the password is wrong"
UNKNOWN = "the login can't be checked at the moment; try again later"


def mechanisms(house: House, line: Line) -> tuple[str, ...]:
    """The SASL mechanisms that work on this line as it is now, the best first. When one may log in at all, the
    protocol's machine says."""
    there = {
        Needs.PASSWORD: True,
        Needs.KEYS: house.logins.scram,
        Needs.BINDING: house.logins.scram and bool(line.bindings),
        Needs.TOKENS: house.logins.tokens is not None,
        Needs.CERTIFICATE: bool(line.certified),
    }
    return tuple([row.name for row in MECHANISMS.values() if there[row.needs]])


class Attempt:
    """One login, from the moment a name is known: what `Guard` has to hear of it, and the log."""

    def __init__(self, house: House, peer: Peer, protocol: str, how: str) -> None:
        self._logins = house.logins
        self._guard = house.logins.guard
        self._peer = peer
        self._protocol = protocol
        self._how = how
        self._name = ""
        self._secret = ""
        self._has_begun = False

    async def begin(self, name: str, secret: str = "") -> None:
        """Somebody says who they are, with ``secret`` where it can be seen. Raises `LoginPaused`."""
        self._name, self._secret, self._has_begun = name, secret, True
        if words := await self._guard.refusal(self._peer, name):
            log.info("login of %r paused for %s (%s, %s): %s", name, self._peer, self._protocol, self._how, words)
            raise LoginPaused(words)

    def refuse_to_act(self, found: Found, wanted: str) -> ActingRefused:
        """They are who they say, and want to act as somebody else: RFC 4616 §2, a right that nobody has here."""
        address = found.account.address
        log.info("login of %s as %r refused to %s (%s, %s)", address, wanted, self._peer, self._protocol, self._how)
        return ActingRefused(f"the login is right, but {address} can't act as somebody else")

    async def end(self, found: Found | None) -> Account:
        """It is decided. Raises `LoginRefused` where nothing was found, after a while."""
        if found is None:
            log.info("login of %r refused to %s (%s, %s)", self._name, self._peer, self._protocol, self._how)
            if self._has_begun:  # else nothing was claimed: who only asks where tokens are has tried no secret
                await self._guard.failed(self._peer, self._name, self._secret)
            # A new one each time: an exception that is kept keeps the frames that it was raised in, passwords and all.
            raise LoginRefused(WRONG)
        await self._logins.note_use(found)
        await self._guard.succeeded(self._peer, found.account)
        log.info("%s logged in from %s (%s, %s)", found.account.address, self._peer, self._protocol, self._how)
        return found.account


async def log_in(house: House, peer: Peer, protocol: str, user: str, secret: str) -> Account:
    """A login without SASL (IMAP's LOGIN, POP3's PASS, the web's form). Raises `LoginRefused`, `LoginPaused`."""
    attempt = Attempt(house, peer, protocol, "password")
    with _store_answers():
        await attempt.begin(user, secret)
        try:
            known = Credentials(user, secret)
        except LoginRefused:
            return await attempt.end(None)
        return await attempt.end(await house.logins.check(known.authcid, known.password, protocol))


@contextmanager
def _store_answers() -> Iterator[None]:
    """A store that doesn't is no reason for a program to throw its password away."""
    try:
        yield
    except StoreError as error:
        log.error("a login can't be checked: %s (%s)", error, error.__cause__)
        raise LoginPaused(UNKNOWN) from None


class Exchange:
    """One SASL dialogue with a client: `begin`, then `respond` to each challenge until an account comes of it.

    ``protocol``, one of app_password.PROTOCOLS: the door; ``mechanism``: one that `mechanisms` named.
    """

    def __init__(self, house: House, line: Line, protocol: str, mechanism: str, initial: bytes | None) -> None:
        self._logins = house.logins
        self._line = line
        self._protocol = protocol
        self._attempt = Attempt(house, line.peer, protocol, mechanism)
        channel = Channel(secrets.token_urlsafe(18), line.bindings, house.logins.discovery)
        self._steps = MECHANISMS[mechanism].begin(initial, channel)
        self._found: Found | None = None
        self._by_key: dict[object, Found] = {}  # whose each of the keys is that SCRAM was given

    async def begin(self) -> Challenge | Account:
        """The first step. Raises `LoginRefused` and `LoginPaused`, or `RemoteProtocolError` for what the mechanism
        doesn't allow."""
        return await self.respond(None)

    async def respond(self, response: bytes | None) -> Challenge | Account:
        """The step after the client's response. Raises like `begin`."""
        with _store_answers():
            return await self._advance(response)

    async def _advance(self, answer: Answer | None) -> Challenge | Account:
        try:
            step = next(self._steps) if answer is None else self._steps.send(answer)
            while not isinstance(step, Challenge):
                step = self._steps.send(await self._answer(step))
        except StopIteration as stop:
            found = self._by_key.get(stop.value.proof) if self._by_key else self._found
            wanted = stop.value.authzid
            if found is not None and wanted and wanted.casefold() != stop.value.authcid.casefold():
                raise self._attempt.refuse_to_act(found, wanted) from None
            return await self._attempt.end(found)
        except LoginPaused:
            raise
        except LoginRefused:
            return await self._attempt.end(None)
        return step

    async def _answer(self, question: Question) -> Answer:
        """What the mechanism wants to know."""
        match question:
            case Credentials(authcid, password):
                await self._attempt.begin(authcid, password)
                self._found = await self._logins.check(authcid, password, self._protocol)
            case KeysWanted(authcid, digest):
                await self._attempt.begin(authcid)
                keys, self._by_key = await self._logins.keys(authcid, digest, self._protocol)
                return keys
            case Token(user, token):
                await self._attempt.begin(user, token)
                self._found = await self._logins.check_token(user, token)
            case Certified(user):
                await self._attempt.begin(user)
                self._found = await self._logins.certified(user, self._line.certified)
        return self._found is not None
