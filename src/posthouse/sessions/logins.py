"""What logins are checked against: the accounts, their passwords and keys, and who knows of tokens."""

from __future__ import annotations

import asyncio
import hmac
import logging
import os
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from posthouse.errors import StoreError
from posthouse.store import account, app_password, password, scram_key, second_factor, secret
from posthouse.store.account import Account
from posthouse.store.app_password import AppPassword
from posthouse.store.change import HOUSE
from posthouse.store.engine import Store, Tx
from posthouse.wire.scram import Keys, pretended_keys

from .colleagues import Colleagues
from .guard import Guard, Rules, kept_name

log = logging.getLogger("posthouse.login")

# Passwords that were right a moment ago: mail programs open five connections at once, and again every few minutes.
REMEMBERED = 10_000
# Seconds: "used" of an app password tells the hour, and costs a login no write to the disk but the first in it.
USED_EVERY = 3_600
# Addresses that a log line names.
NAMED = 5
# The door of the mail program in the browser.
WEB = "web"
# The id of no account.
NOBODY = 0


class Tokens(Protocol):
    """Who can tell whether a token is good: `server.token`."""

    discovery: str

    async def owner(self, token: str) -> str | None:
        """The address that a good token belongs to, else None."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """Whose login it is. ``noting``: the app password it was with, if its use has to be noted."""

    account: Account
    noting: AppPassword | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """What the store has of a name."""

    account: Account | None
    app_passwords: list[AppPassword]
    keyed: set[int | None]  # which passwords have keys for SCRAM; None: the account's own
    settled: tuple[bytes, int] | None  # salt and iteration count of these keys
    second_factor: bool  # asked for beside the account's own password, which only the browser's login can do
    now: int

    def takes_own(self, protocol: str) -> bool:
        """Whether the account's own password opens this door."""
        return protocol == WEB or not self.second_factor

    def found(self, with_app_password: AppPassword | None = None) -> Found:
        """The account has logged in."""
        assert self.account is not None, "passwords belong to an account"
        used = with_app_password
        if used is not None and used.used is not None and self.now - used.used < USED_EVERY:
            used = None
        return Found(self.account, used)


class Logins:
    """Checks passwords on threads of its own, so that a flood of logins delays nothing but logins.

    A password that was right is remembered as a keyed digest, never as itself, and only together with the hash it was
    checked against: a changed password, or a removed account, is refused at once.
    """

    def __init__(
        self,
        store: Store,
        rules: Rules | None = None,
        tokens: Tokens | None = None,
        colleagues: Colleagues | None = None,
    ) -> None:
        self.scram = False  # whether every password has keys: then SCRAM is offered
        self.guard = Guard(store, rules, colleagues)
        self.tokens = tokens
        self._store = store
        self._threads = ThreadPoolExecutor(max_workers=os.cpu_count() or 2, thread_name_prefix="login")
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[str, bytes] = OrderedDict()
        self._pretence = self._key  # the store's, once `start` has read it

    async def start(self) -> None:
        """Read the bans, and find out whether SCRAM can be offered."""
        await self.guard.start()
        self._pretence = await self._store.write(secret.get, "scram")
        without = await self._store.read(scram_key.accounts_without)
        self.scram = not without
        if without:
            # The last key that is missing may be made by another process.
            self.guard.heard = self._look_again
            log.warning(
                "SCRAM is not offered yet: %d accounts have passwords without keys for it (%s%s); they are made when"
                " the password is next used or changed",
                len(without),
                ", ".join(without[:NAMED]),
                ", …" if len(without) > NAMED else "",
            )

    @property
    def discovery(self) -> str:
        """The URL that tells clients where tokens come from, or empty."""
        return self.tokens.discovery if self.tokens is not None else ""

    async def check(self, user: str, secret: str, protocol: str) -> Found | None:
        """The account whose address and password these are, or None. Unknown names take as long as wrong passwords.

        ``protocol``, one of app_password.PROTOCOLS: the door; an app password may be for others only.
        """
        known = await self._store.read(_known, user)
        found = known.account
        if (fits := app_password.fitting(known.app_passwords, secret, protocol)) is not None:
            if fits.id not in known.keyed:
                await self._make_keys(known, app_password.shown(secret), fits.id)
            return known.found(fits)
        kept = found.password if found else password.nobody()
        digest = hmac.digest(self._key, secret.encode(), "sha256")
        if not hmac.compare_digest(self._right.get(kept, b""), digest):
            right = await asyncio.get_running_loop().run_in_executor(self._threads, password.verify, kept, secret)
            if not right or found is None:
                return None
            self._right[kept] = digest
            while len(self._right) > REMEMBERED:
                self._right.popitem(last=False)
        self._right.move_to_end(kept)
        if None not in known.keyed:
            await self._make_keys(known, secret)
        if not known.takes_own(protocol):
            log.info("%s has a second factor: %s takes app passwords only", user, protocol)
            return None
        return known.found()

    async def keys(self, user: str, digest: str, protocol: str) -> tuple[tuple[Keys, ...], dict[object, Found]]:
        """The keys for SCRAM of all passwords that open this door, and whose each is; made up where there are none."""
        known, keys = await self._store.read(_known_keys, user, digest)
        passwords: dict[int | None, AppPassword | None] = {
            one.id: one for one in known.app_passwords if one.opens(protocol)
        }
        if known.takes_own(protocol):
            passwords[None] = None
        owned: dict[object, Found] = {key: known.found(passwords[of]) for of, key in keys.items() if of in passwords}
        open_here = tuple([key for of, key in keys.items() if of in passwords])
        return open_here or (pretended_keys(digest, kept_name(user), self._pretence),), owned

    async def check_token(self, user: str, token: str) -> Found | None:
        """The account that a token belongs to; ``user``, if not empty, must be the same."""
        owner = await self.tokens.owner(token) if self.tokens is not None else None
        return None if owner is None else await self.certified(user, (owner,))

    async def certified(self, user: str, names: Sequence[str]) -> Found | None:
        """The account ``user`` if somebody who is trusted has said that the client is one of ``names``; an empty
        ``user`` is the first of these that has an account."""
        for name in names:
            found = await self._store.read(account.find, name)
            if found is not None and (not user or await self._store.read(_same, found, user)):
                return Found(found)
        return None

    async def note_use(self, found: Found) -> None:
        """An app password opened a door."""
        if found.noting is None:
            return
        try:
            await self._store.write(app_password.used, found.noting.id)
        except StoreError as error:  # a full disk is no reason to keep somebody from reading letters, or deleting some
            log.warning("the use of an app password could not be noted: %s", error)

    async def _look_again(self) -> None:
        self.scram = self.scram or not await self._store.read(scram_key.accounts_without)

    async def _make_keys(self, known: _Known, secret: str, of: int | None = None) -> None:
        """The password was set by a program that didn't know of SCRAM: now that it is seen, it gets its keys."""
        assert known.account is not None
        loop = asyncio.get_running_loop()
        keys = await loop.run_in_executor(self._threads, password.make_keys, secret, known.settled)
        try:
            self.scram = await self._store.write(_keep_keys, known.account, keys, of)
        except StoreError as error:
            log.warning("keys for SCRAM of %s could not be kept: %s", known.account.address, error)

    async def stop(self) -> None:
        """Nobody logs in any more."""
        await self.guard.stop()
        self.close()

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _known(tx: Tx, user: str) -> _Known:
    """The same questions whether there is such an account or not."""
    found = account.find(tx, user)
    ident = found.id if found is not None else NOBODY
    return _Known(
        found,
        app_password.list_all(tx, ident),
        scram_key.owners(tx, ident),
        scram_key.settled(tx, ident),
        second_factor.is_active(tx, ident),
        tx.now,
    )


def _known_keys(tx: Tx, user: str, digest: str) -> tuple[_Known, dict[int | None, Keys]]:
    known = _known(tx, user)
    return known, scram_key.of(tx, known.account.id if known.account is not None else NOBODY, digest)


def _same(tx: Tx, found: Account, user: str) -> bool:
    """Whether ``user`` names the account."""
    other = account.find(tx, user)
    return other is not None and other.id == found.id


def _keep_keys(tx: Tx, found: Account, keys: dict[str, Keys], of: int | None) -> bool:
    """Keep the keys of a password that has not changed meanwhile; whether all passwords have keys now."""
    now = account.get(tx, found.id)
    if of is not None or now.password == found.password:
        scram_key.keep(tx, found.id, keys, of)
    if scram_key.accounts_without(tx):
        return False
    tx.changed(HOUSE, tx.now)
    return True
