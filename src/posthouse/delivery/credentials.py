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
import json
import logging
import os
import ssl
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from posthouse.client.keeper import Keeper
from posthouse.client.url import Server
from posthouse.errors import ConfigError, ConnectionFailed, LoginRefused, PosthouseError
from posthouse.net import https
from posthouse.net.tls import client_context
from posthouse.wire.oauth import Token
from posthouse.wire.sasl import Credentials

log = logging.getLogger("posthouse.relay")

ENVIRONMENT = "POSTHOUSE_SMARTHOST_PASSWORD"
OAUTH = ("token_url", "client_id", "refresh_token")
KNOWN = {"password", "client_secret", "scope", *OAUTH}
TOKEN_SECONDS = 30.0
MAX_ANSWER = 64 * 1024
# A token is renewed so long before its end, and lasts so long where the server doesn't say it (RFC 6749 §5.1).
EARLY_SECONDS = 60
USUAL_SECONDS = 3_600


@dataclass(slots=True)
class _Access:
    token: str
    until: float


@dataclass(slots=True)
class Wallet:
    """All that we log in with. ``path``: the file, read anew for each login, so that what is changed in it counts."""

    path: Path | None = None
    clock: Callable[[], float] = time.time
    context: ssl.SSLContext = field(default_factory=client_context)
    _tokens: dict[str, _Access] = field(default_factory=dict)
    _refreshed: dict[str, str] = field(default_factory=dict)  # refresh tokens that took the place of those in the file

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
        self._tokens = {}

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
        key = f"{table['token_url']} {table['client_id']} {table['refresh_token']}"
        known = self._tokens.get(key)
        if known is None or known.until <= self.clock():
            known = self._tokens[key] = await self._refresh(key, table)
        return known.token

    async def _refresh(self, key: str, table: dict[str, str]) -> _Access:
        """A new access token: RFC 6749 §6."""
        url = urlsplit(table["token_url"])
        if url.scheme != "https" or not url.hostname:
            raise ConfigError(f"{table['token_url']} is no https address", advice="Correct token_url.")
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._refreshed.get(key, table["refresh_token"]),
            **{name: table[name] for name in ("client_id", "client_secret", "scope") if table.get(name)},
        }
        answer = await https.ask(
            url.hostname,
            url.path or "/",
            context=self.context,
            limit=MAX_ANSWER,
            seconds=TOKEN_SECONDS,
            port=url.port or 443,
            method="POST",
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            body=urlencode(form).encode(),
        )
        try:
            told = json.loads(answer.body)
        except ValueError:
            told = {}
        token = told.get("access_token") if isinstance(told, dict) else None
        if answer.status != 200 or not isinstance(token, str):
            why = told.get("error_description") or told.get("error") if isinstance(told, dict) else None
            if answer.status >= 500:
                raise ConnectionFailed(f"{url.hostname} gives no token at the moment: {answer.status}")
            raise LoginRefused(
                f"{url.hostname} gives no token: {why or answer.status}",
                advice="Let the provider give a new refresh token.",
            )
        if isinstance(renewed := told.get("refresh_token"), str):
            self._refreshed[key] = renewed
        seconds = told.get("expires_in")
        lasts = seconds if isinstance(seconds, int | float) else USUAL_SECONDS
        return _Access(token, self.clock() + max(lasts - EARLY_SECONDS, 0))


def _keyring(server: Server) -> str:
    try:
        return Keeper().password(server.user)
    except PosthouseError:
        return ""
