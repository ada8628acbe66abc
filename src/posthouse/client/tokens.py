"""Tokens of OAuth 2: asked for, renewed and kept (RFC 6749 §5, §6)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote_plus, urlsplit

from oauthlib.oauth2 import WebApplicationClient
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from posthouse.errors import ConfigError, LoginRefused, PosthouseError

from .grant import Grant
from .issuer import OAuth, ask, parse_object
from .keeper import Keeper

# How long a token lasts where the issuer doesn't say it (RFC 6749 §5.1).
USUAL_SECONDS = 3600.0
# Octets of a token; Microsoft's have some 2,500.
MAX_TOKEN = 8192


async def fresh(keeper: Keeper, address: str, grant: Grant, context: ssl.SSLContext, refused: str = "") -> Grant:
    """The grant of an account with an access token that is good for a while, and isn't the ``refused`` one.

    It is renewed where it must be, by one process at a time, and kept: issuers may take a refresh token only once.
    Errors: like `renew`'s, and `ConfigError`.
    """
    if grant.fresh(time.time()) and grant.access != refused:
        return grant
    with contextlib.ExitStack() as stack:
        await asyncio.to_thread(stack.enter_context, keeper.renewing())
        kept = keeper.grant(address)
        if kept is not None and kept.oauth.client_id == grant.oauth.client_id:
            if kept.fresh(time.time()) and kept.access != refused:
                return kept  # somebody else has renewed it meanwhile
            grant = kept
        grant = await renew(grant, context)
        keeper.keep_grant(address, grant)
    return grant


def granted(endpoint: str, oauth: OAuth, told: Mapping[str, Any], clock: Callable[[], float], *, basic: bool) -> Grant:
    """What an issuer gave."""
    access, refresh = str(told["access_token"]), str(told.get("refresh_token") or "")
    if len(access) > MAX_TOKEN or len(refresh) > MAX_TOKEN:
        raise LoginRefused(f"{urlsplit(endpoint).hostname} gives tokens of more than {MAX_TOKEN} octets")
    lasts = told.get("expires_in")
    seconds = float(lasts) if isinstance(lasts, int | float) and lasts > 0 else USUAL_SECONDS
    return Grant(oauth, endpoint, refresh, access, clock() + seconds, basic)


async def renew(
    grant: Grant, context: ssl.SSLContext, clock: Callable[[], float] = time.time, scope: str = ""
) -> Grant:
    """The grant with a new access token, and with the refresh token that came along, if one did (RFC 6749 §6).

    Errors: `LoginRefused` when it was taken back, `ConnectionFailed`.
    """
    if not grant.refresh:
        raise LoginRefused(
            f"the login is over, and {urlsplit(grant.endpoint).hostname} gave nothing to renew it with",
            advice="Log in again, with `posthouse login` or Account(…).login().",
        )
    oauth, client = grant.oauth, WebApplicationClient(grant.oauth.client_id)
    body = client.prepare_refresh_body(refresh_token=grant.refresh, **({"scope": scope} if scope else {}))
    told = await exchange(grant.endpoint, oauth, body, context, basic=grant.basic)
    renewed = granted(grant.endpoint, oauth, told, clock, basic=grant.basic)
    return renewed if renewed.refresh else replace(renewed, refresh=grant.refresh)


async def exchange(
    endpoint: str, oauth: OAuth, body: str, context: ssl.SSLContext, *, basic: bool
) -> Mapping[str, Any]:
    """Ask for tokens with a form that has all but who the client is. Errors like `renew`'s."""
    answer = await ask(endpoint, context, *authenticated(oauth, body, basic=basic))
    parse_object(answer)
    host = str(urlsplit(endpoint).hostname)
    try:
        told: Mapping[str, Any] = WebApplicationClient(oauth.client_id).parse_request_body_response(
            answer.body.decode("utf-8", "replace")
        )
    except OAuth2Error as error:
        raise explain(error, host) from error
    except Exception as error:  # the library fails in many ways over what is no answer
        raise LoginRefused(f"{host} gives no token: its answer ({answer.status}) makes no sense") from error
    if answer.status != 200:
        raise LoginRefused(f"{host} gives no token: {answer.status}")
    return told


def authenticated(oauth: OAuth, body: str, *, basic: bool) -> tuple[str, dict[str, str]]:
    """The form, and the headers, with who the client is: RFC 6749 §2.3.1."""
    if basic and oauth.client_secret:
        both = f"{quote_plus(oauth.client_id)}:{quote_plus(oauth.client_secret)}"
        return body, {"Authorization": "Basic " + base64.b64encode(both.encode()).decode()}
    body += f"&client_id={quote_plus(oauth.client_id)}"
    return body + (f"&client_secret={quote_plus(oauth.client_secret)}" if oauth.client_secret else ""), {}


def explain(error: OAuth2Error, host: str) -> PosthouseError:
    """What an error of OAuth 2 means: RFC 6749 §4.1.2.1 and §5.2, RFC 8628 §3.5."""
    code, said = str(error.error or ""), str(error.description or error.error or "")[:500]
    match code:
        case "access_denied":
            return LoginRefused(f"the login was declined at {host}", advice="Log in again, and allow it there.")
        case "expired_token":
            return LoginRefused("nobody entered the code in time", advice="Log in again.")
        case "invalid_grant":
            return LoginRefused(
                f"{host} gives no token: {said}",
                advice="The login was taken back, or is too old: log in again, with `posthouse login` or"
                " Account(…).login().",
            )
        case "invalid_client" | "unauthorized_client":
            return ConfigError(
                f"{host} doesn't let this program in: {said}",
                advice="Check the client ID and its secret, and that it is registered as a desktop program.",
            )
        case "invalid_scope":
            return ConfigError(
                f"{host} doesn't give these rights: {said}", advice="Add them where the client ID was registered."
            )
        case _:
            return LoginRefused(f"{host} gives no token: {said}", advice="Log in again.")
