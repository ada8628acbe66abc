"""Whether an OAuth token is good, and whose: by asking who gave it out (RFC 7662), or by its signature (RFC 7519).

A token that was good is believed for a while, for at most `BELIEVED` seconds, so that the five connections of a mail
program ask once.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
import time
import urllib.parse
from collections import OrderedDict
from typing import Any

import jwt

from posthouse.config import Oauth
from posthouse.errors import ConfigError, ConnectionFailed, LoginPaused, RemoteProtocolError
from posthouse.net import https
from posthouse.net.tls import client_context

log = logging.getLogger("posthouse.login")

BELIEVED = 300
REMEMBERED = 10_000
# Octets of an answer, and seconds that it may take.
MAX_ANSWER, PATIENCE = 1024 * 1024, 10.0
# Seconds for which fetched keys are used, and after which they may be fetched again for a key that isn't among them.
KEYS_LAST, KEYS_AGAIN = 3_600, 60
# Signatures that only the issuer can make. With the HMACs, whoever can check a token could make one.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class TokenCheck:
    """The check of [oauth]."""

    def __init__(self, settings: Oauth) -> None:
        self.discovery = settings.discovery
        self._settings = settings
        self._context = client_context()
        self._good: OrderedDict[bytes, tuple[str, float]] = OrderedDict()  # by digest: owner, and until when
        self._keys: jwt.PyJWKSet | None = None
        self._keys_read = 0.0
        self._authorization = ""
        if settings.client_id:
            # RFC 6749 §2.3.1
            both = f"{urllib.parse.quote_plus(settings.client_id)}:{urllib.parse.quote_plus(_secret(settings))}"
            self._authorization = "Basic " + base64.b64encode(both.encode()).decode()

    async def owner(self, token: str) -> str | None:
        """The address that a good token belongs to, else None. `LoginPaused` where that can't be told now."""
        digest = hashlib.sha256(token.encode()).digest()
        known = self._good.get(digest)
        if known is not None and known[1] > time.time():
            return known[0]
        check = self._introspect if self._settings.introspection else self._verify
        try:
            claims = await check(token)
        except (ConnectionFailed, RemoteProtocolError) as error:
            log.error("a token can't be checked: %s", error)
            raise LoginPaused("who gives out the tokens doesn't answer; try again in a few minutes") from None
        owner = self._owner_in(claims)
        self._good.pop(digest, None)
        if owner is not None:
            until = time.time() + BELIEVED
            if isinstance(claims.get("exp"), int | float):
                until = min(until, claims["exp"])
            self._good[digest] = owner, until
            if len(self._good) > REMEMBERED:
                self._good.popitem(last=False)
        return owner

    def _owner_in(self, claims: dict[str, Any]) -> str | None:
        """Whom the claims name, if they are what the configuration wants; the log says what they lack."""
        wanted = self._settings
        audience = claims.get("aud", [])
        if not claims:
            return None
        if wanted.audience and wanted.audience not in ([audience] if isinstance(audience, str) else audience):
            log.info("a token is for %s, not for %s ([oauth] audience)", audience, wanted.audience)
            return None
        if wanted.scope and wanted.scope not in str(claims.get("scope", "")).split():
            log.info("a token has the scope %s, not %s ([oauth] scope)", claims.get("scope"), wanted.scope)
            return None
        owner = claims.get(wanted.claim)
        if not isinstance(owner, str) or (wanted.claim == "email" and claims.get("email_verified") is False):
            log.info("a token has no %s that is verified ([oauth] claim)", wanted.claim)
            return None
        return owner

    async def _introspect(self, token: str) -> dict[str, Any]:
        """What its issuer says of a token; empty: it isn't good."""
        form = urllib.parse.urlencode({"token": token, "token_type_hint": "access_token"}).encode()
        answer = _object(await self._fetch(self._settings.introspection, form))
        return answer if answer.get("active") is True else {}

    async def _verify(self, token: str) -> dict[str, Any]:
        """What a token says, if it is signed by its issuer; empty: it isn't."""
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(header.get("kid"))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                leeway=30,  # seconds; clocks differ
                options={"require": ["exp", "iss", "aud"]},
            )
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            log.info("a token is not good: %s", error)
            return {}
        return claims

    async def _key(self, ident: str | None) -> jwt.PyJWK:
        """The issuer's key of this name, or its only one."""
        age = time.monotonic() - self._keys_read
        known = self._keys is not None and ident in {key.key_id for key in self._keys.keys}
        if self._keys is None or age > KEYS_LAST or (age > KEYS_AGAIN and not known):
            await self._read_keys()
        assert self._keys is not None
        for key in self._keys.keys:
            if key.key_id == ident or (ident is None and len(self._keys.keys) == 1):
                return key
        raise jwt.InvalidKeyError(f"there is no key {ident} among those of [oauth] jwks")

    async def _read_keys(self) -> None:
        source = self._settings.jwks_file or self._settings.jwks
        try:
            octets = await self._fetch(source) if isinstance(source, str) else source.read_bytes()
            self._keys = jwt.PyJWKSet.from_dict(_object(octets))
        except OSError as error:
            raise ConnectionFailed(f"{source} can't be read: {error.strerror}") from error
        except jwt.PyJWTError as error:
            raise ConnectionFailed(f"{source} has no keys: {error}") from error
        self._keys_read = time.monotonic()

    async def _fetch(self, url: str, form: bytes = b"") -> bytes:
        """The answer of a web server. `ConnectionFailed`, `RemoteProtocolError` for every other than 200."""
        where = urllib.parse.urlsplit(url)
        tls = where.scheme == "https"
        headers = {"Accept": "application/json"}
        if form:
            headers |= {"Content-Type": "application/x-www-form-urlencoded"}
            headers |= {"Authorization": self._authorization} if self._authorization else {}
        question = https.ask(
            where.hostname or "",
            (where.path or "/") + (f"?{where.query}" if where.query else ""),
            context=self._context if tls else None,
            limit=MAX_ANSWER,
            seconds=PATIENCE,
            port=where.port or (443 if tls else 80),
            method="POST" if form else "GET",
            headers=headers,
            body=form,
        )
        answer = await asyncio.create_task(question)  # its time-out needs a task, which a session may lack (eager.py)
        if answer.status != 200:
            raise ConnectionFailed(f"{url} answers {answer.status}")
        return answer.body


def _object(octets: bytes) -> dict[str, Any]:
    try:
        found = json.loads(octets)
    except ValueError as error:
        raise ConnectionFailed("the answer is no JSON") from error
    if not isinstance(found, dict):
        raise ConnectionFailed("the answer is no JSON object")
    return found


def _secret(settings: Oauth) -> str:
    if settings.client_secret is None:
        return ""
    try:
        return settings.client_secret.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"[oauth] client_secret: {settings.client_secret} can't be read: {error}") from error
