"""Logging in: one check of names and passwords for all doors, and the dialogue of every SASL mechanism."""

from __future__ import annotations

import asyncio
import hmac
import logging
import os
import secrets
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from posthouse.errors import LoginRefused, StoreError
from posthouse.store import account, app_password, password
from posthouse.store.account import Account
from posthouse.store.app_password import AppPassword
from posthouse.store.engine import Store, Tx
from posthouse.wire.sasl import MECHANISMS, Answer, Challenge, Credentials

if TYPE_CHECKING:
    from .house import House
    from .session import Line

log = logging.getLogger("posthouse.login")

# Passwords that were right a moment ago: mail programs open five connections at once, and again every few minutes.
REMEMBERED = 10_000
# Seconds: "used" of an app password tells the hour, and costs a login no write to the disk but the first in it.
USED_EVERY = 3_600
WRONG = "the user name or the password is wrong"


class Logins:
    """Checks passwords on threads of its own, so that a flood of logins delays nothing but logins.

    A password that was right is remembered as a keyed digest, never as itself, and only together with the hash it was
    checked against: a changed password, or a removed account, is refused at once.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._threads = ThreadPoolExecutor(max_workers=os.cpu_count() or 2, thread_name_prefix="login")
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[str, bytes] = OrderedDict()

    async def check(self, user: str, secret: str, protocol: str) -> Account | None:
        """The account whose address and password these are, or None. Unknown names take as long as wrong passwords.

        ``protocol``, one of app_password.PROTOCOLS: the door; an app password may be for others only.
        """
        found, app_passwords, now = await self._store.read(_known, user)
        if (fits := app_password.fitting(app_passwords, secret, protocol)) is not None:
            await self._note_use(fits, now)
            return found
        kept = found.password if found else password.nobody()
        digest = hmac.digest(self._key, secret.encode(), "sha256")
        if hmac.compare_digest(self._right.get(kept, b""), digest):
            self._right.move_to_end(kept)
            return found
        right = await asyncio.get_running_loop().run_in_executor(self._threads, password.verify, kept, secret)
        if not right or found is None:
            return None
        self._right[kept] = digest
        while len(self._right) > REMEMBERED:
            self._right.popitem(last=False)
        return found

    async def _note_use(self, used: AppPassword, now: int) -> None:
        if used.used is not None and now - used.used < USED_EVERY:
            return
        try:
            await self._store.write(app_password.used, used.id)
        except StoreError as error:  # a full disk is no reason to keep somebody from reading letters, or deleting some
            log.warning("the use of an app password could not be noted: %s", error)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _known(tx: Tx, user: str) -> tuple[Account | None, list[AppPassword], int]:
    """The account of this name, its app passwords, and the time."""
    found = account.find(tx, user)
    return found, [] if found is None else app_password.list_all(tx, found.id), tx.now


def mechanisms(house: House, line: Line) -> tuple[str, ...]:
    """The SASL mechanisms that work on this line as it is now, the best first. When one may log in at all, the
    protocol's machine says."""
    return tuple(MECHANISMS)


async def log_in(house: House, line: Line, protocol: str, user: str, secret: str) -> Account:
    """A login without SASL (IMAP's LOGIN, POP3's PASS). Raises `LoginRefused`, `LoginPaused`."""
    known = Credentials(user, secret)
    return _outcome(await house.logins.check(known.authcid, known.password, protocol), line, protocol, "password")


class Exchange:
    """One SASL dialogue with a client: `begin`, then `respond` to each challenge until an account comes of it.

    ``protocol``, one of app_password.PROTOCOLS: the door; ``mechanism``: one that `mechanisms` named.
    """

    def __init__(self, house: House, line: Line, protocol: str, mechanism: str, initial: bytes | None) -> None:
        self._house = house
        self._line = line
        self._protocol = protocol
        self._mechanism = mechanism
        self._steps = MECHANISMS[mechanism].server(initial)
        self._account: Account | None = None

    async def begin(self) -> Challenge | Account:
        """The first step. Raises `LoginRefused` and `LoginPaused`, or `RemoteProtocolError` for what the mechanism
        doesn't allow."""
        return await self._advance(None)

    async def respond(self, response: bytes) -> Challenge | Account:
        """The step after the client's response. Raises like `begin`."""
        return await self._advance(response)

    async def _advance(self, answer: Answer | None) -> Challenge | Account:
        try:
            step = next(self._steps) if answer is None else self._steps.send(answer)
            while isinstance(step, Credentials):
                self._account = await self._house.logins.check(step.authcid, step.password, self._protocol)
                step = self._steps.send(self._account is not None)
        except StopIteration as stop:
            # RFC 4616 §2: acting as somebody else is a right that nobody has here.
            account = self._account if stop.value.authzid in ("", stop.value.authcid) else None
            return _outcome(account, self._line, self._protocol, self._mechanism)
        except LoginRefused:
            return _outcome(None, self._line, self._protocol, self._mechanism)
        return step


def _outcome(account: Account | None, line: Line, protocol: str, how: str) -> Account:
    """The end of a login, in the log; raises `LoginRefused` where there is no account."""
    if account is None:
        log.info("login refused to %s (%s, %s)", line.peer, protocol, how)
        # A new one each time: an exception that is kept keeps the frames that it was raised in, passwords and all.
        raise LoginRefused(WRONG)
    log.info("%s logged in from %s (%s, %s)", account.address, line.peer, protocol, how)
    return account
