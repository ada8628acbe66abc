"""How we log in at a smarthost: passwords and OAuth 2 tokens, from a file, the environment or the system's keyring.

The file (`[relay] credentials`) is TOML, a table for each server, by "user@host" or "host"::

    ["smtp.example.com"]
    password = "…"

    ["ada@gmail.com@smtp.gmail.com"]
    token_url = "https://oauth2.googleapis.com/token"
    client_id = "…"
    client_secret = "…"
    refresh_token = "…"
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import ssl
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from posthouse.client import tokens
from posthouse.client.grant import Grant
from posthouse.client.issuer import OAuth
from posthouse.client.keeper import Keeper
from posthouse.client.url import Server
from posthouse.errors import ConfigError, PosthouseError, StoreError
from posthouse.net.tls import client_context
from posthouse.store import secret
from posthouse.store.engine import Store
from posthouse.wire.oauth import Token
from posthouse.wire.sasl import Credentials

log = logging.getLogger("posthouse.relay")

ENVIRONMENT = "POSTHOUSE_SMARTHOST_PASSWORD"
OAUTH = ("token_url", "client_id", "refresh_token")
REFRESH = "refresh token"  # and which: what the store calls it
KNOWN = {"password", "client_secret", "scope", *OAUTH}


@dataclass(slots=True)
class Wallet:
    """All that we log in with. ``path``: the file, read anew for each login, so that what is changed in it counts.

    ``store``: keeps the refresh tokens that took the place of those in the file (RFC 6749 §6): the old ones may be
    worth nothing any more, and a restart would be the end of sending.
    """

    path: Path | None = None
    clock: Callable[[], float] = time.time
    context: ssl.SSLContext = field(default_factory=client_context)
    store: Store | None = None
    _grants: dict[str, Grant] = field(default_factory=dict)  # by what the file has

    async def find(self, server: Server) -> Credentials | Token:
        """What to log in with as ``server.user``. Errors: `ConfigError`, `ConnectionFailed`, `LoginRefused`."""
        table = await asyncio.to_thread(self._table, server)
        if all(table.get(key) for key in OAUTH):
            return Token(server.user, await self._access(table))
        password = table.get("password") or os.environ.get(ENVIRONMENT) or await asyncio.to_thread(_keyring, server)
        if not password:
            raise ConfigError(
                f"there is no password for {server.user} at {server.host}",
                advice=f"Put it into the file that [relay] credentials names, or into {ENVIRONMENT}.",
            )
        return Credentials(server.user, password)

    def forget(self, server: Server) -> None:
        """The server didn't take it: the next login gets a new token."""
        self._grants = {key: replace(grant, until=0.0) for key, grant in self._grants.items()}

    def _table(self, server: Server) -> dict[str, str]:
        if self.path is None:
            return {}
        try:
            if self.path.stat().st_mode & 0o077:
                log.warning("%s can be read by others: chmod 600 %s", self.path, self.path)
            tables: dict[str, Any] = tomllib.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{self.path} can't be read: {error}", advice="It has to be a TOML file.") from error
        table = tables.get(f"{server.user}@{server.host}", tables.get(server.host, {}))
        unknown = set(table) - KNOWN if isinstance(table, dict) else {"it is no table"}
        if unknown:
            raise ConfigError(f'{self.path}: "{server.host}": {", ".join(sorted(unknown))} is nothing that is known')
        return {key: str(value) for key, value in table.items()}

    async def _access(self, table: dict[str, str]) -> str:
        """An access token that is good for a while: RFC 6749 §6."""
        key = f"{table['token_url']} {table['client_id']} {table['refresh_token']}"
        name = f"{REFRESH} {hashlib.sha256(key.encode()).hexdigest()}"
        grant = self._grants.get(key)
        if grant is None:
            refresh = table["refresh_token"]
            if self.store is not None and (renewed := await self.store.read(secret.find, name)) is not None:
                refresh = renewed.decode()
            grant = Grant(OAuth(table["client_id"], table.get("client_secret", "")), table["token_url"], refresh)
        if not grant.fresh(self.clock()):
            before = grant.refresh
            grant = await tokens.renew(grant, self.context, self.clock, table.get("scope", ""))
            if grant.refresh != before and self.store is not None:
                await self._keep(name, grant.refresh)
        self._grants[key] = grant
        return grant.access

    async def _keep(self, name: str, refresh: str) -> None:
        assert self.store is not None
        try:
            await self.store.write(secret.keep, name, refresh.encode())
        except StoreError as error:
            log.error("the new refresh token for the smarthost can't be kept beyond the next start: %s", error)


def _keyring(server: Server) -> str:
    try:
        return Keeper().password(server.user)
    except PosthouseError:
        return ""
