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
from posthouse.errors import ConfigError, PosthouseError
from posthouse.net.tls import client_context
from posthouse.wire.oauth import Token
from posthouse.wire.sasl import Credentials

log = logging.getLogger("posthouse.relay")

ENVIRONMENT = "POSTHOUSE_SMARTHOST_PASSWORD"
OAUTH = ("token_url", "client_id", "refresh_token")
KNOWN = {"password", "client_secret", "scope", *OAUTH}


@dataclass(slots=True)
class Wallet:
    """All that we log in with. ``path``: the file, read anew for each login, so that what is changed in it counts."""

    path: Path | None = None
    clock: Callable[[], float] = time.time
    context: ssl.SSLContext = field(default_factory=client_context)
    # By the file's: refresh tokens that took the place of those in it are kept as long as we run.
    _grants: dict[str, Grant] = field(default_factory=dict)

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
        kept = Grant(
            OAuth(table["client_id"], table.get("client_secret", "")), table["token_url"], table["refresh_token"]
        )
        grant = self._grants.get(key, kept)
        if not grant.fresh(self.clock()):
            grant = await tokens.renew(grant, self.context, self.clock, table.get("scope", ""))
        self._grants[key] = grant
        return grant.access


def _keyring(server: Server) -> str:
    try:
        return Keeper().password(server.user)
    except PosthouseError:
        return ""
