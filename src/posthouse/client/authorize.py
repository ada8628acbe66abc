"""A person lets this program in, by OAuth 2: in the browser of this computer, or with a code on another device.

In the browser: the authorization code with PKCE (RFC 7636), which comes back to a page on this computer's loopback
(RFC 8252 §7.3). On a device: RFC 8628. What a person has to see is handed to ``show``, one sentence at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import os
import secrets
import ssl
import sys
import time
import webbrowser
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import h11
from oauthlib.oauth2 import DeviceClient, WebApplicationClient
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from posthouse.errors import ConfigError, ConnectionFailed, LoginRefused, RemoteProtocolError

from .grant import Grant
from .issuer import Issuer, OAuth, ask, parse_object
from .tokens import authenticated, exchange, explain, granted

Show = Callable[[str], object]

# Seconds for a person to log in, and for their browser to send a request once it is connected.
PATIENCE = 600.0
BROWSER_SECONDS = 10.0
# Octets of a request: a code and a state, and what browsers send along with them.
MAX_REQUEST = 32 * 1024
MAX_FIELDS = 50
# RFC 8628 §3.5: seconds between two questions, and what "slow_down" adds. No server may make us wait for longer.
INTERVAL, SLOWER, MAX_INTERVAL = 5.0, 5.0, 60.0

DONE = "You are logged in. This page can be closed."
DECLINED = "You are not logged in. This page can be closed; the program tells what happened."


async def in_browser(oauth: OAuth, issuer: Issuer, user: str, context: ssl.SSLContext, show: Show) -> Grant:
    """Open the issuer's page, and wait until the person has logged in there.

    Errors: `LoginRefused`, `ConfigError`, `ConnectionFailed`.
    """
    if not issuer.authorization:
        raise ConfigError("the issuer has no page to log in at", advice="Log in with a code: --device.")
    client = WebApplicationClient(oauth.client_id)
    verifier, state = client.create_code_verifier(64), secrets.token_urlsafe(24)
    came: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    page = Page(state, issuer.name, came)
    server = await asyncio.start_server(page.serve, "127.0.0.1", limit=MAX_REQUEST)
    async with server:
        redirect = f"http://{issuer.redirect}:{server.sockets[0].getsockname()[1]}"
        url = client.prepare_request_uri(
            issuer.authorization,
            redirect_uri=redirect,
            scope=oauth.scope or issuer.scope,
            state=state,
            code_challenge=client.create_code_challenge(verifier, "S256"),
            code_challenge_method="S256",
            login_hint=user,
            **issuer.more,
        )
        show(f"Log in as {user} in the browser of this computer: {url}")
        if _has_screen():
            await asyncio.to_thread(webbrowser.open, url)
        try:
            async with asyncio.timeout(PATIENCE):
                query = await came
        except TimeoutError:
            raise LoginRefused(
                f"nobody logged in in the browser within {PATIENCE / 60:g} minutes", advice="Log in again."
            ) from None
    host = str(urlsplit(issuer.authorization).hostname)
    try:
        # The library looks at the query alone, and wants https, which a page on the loopback can't have (RFC 8252 §8.3)
        told = client.parse_request_uri_response(f"https://127.0.0.1/?{query}", state=state)
    except OAuth2Error as error:
        raise explain(error, host) from error
    body = client.prepare_request_body(
        code=told["code"], redirect_uri=redirect, code_verifier=verifier, include_client_id=False
    )
    tokens = await exchange(issuer.token, oauth, body, context, basic=issuer.basic)
    return granted(issuer.token, oauth, tokens, time.time, basic=issuer.basic)


class Page:
    """The page that the browser comes back to. Only a request with our ``state`` ends the waiting: anybody on this
    computer can knock."""

    def __init__(self, state: str, issuer: str, came: asyncio.Future[str]) -> None:
        self._state = state
        self._issuer = issuer
        self._came = came

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        machine = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_REQUEST)
        with contextlib.suppress(OSError, TimeoutError, h11.RemoteProtocolError):
            async with asyncio.timeout(BROWSER_SECONDS):
                while (event := machine.next_event()) is h11.NEED_DATA:
                    machine.receive_data(await reader.read(MAX_REQUEST))
                if isinstance(event, h11.Request):
                    status, text, query = self._answer(event)
                    body = f"<!DOCTYPE html><meta charset=utf-8><title>Posthouse</title><p>{html.escape(text)}".encode()
                    headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))]
                    headers += [
                        ("Connection", "close"),
                        ("Cache-Control", "no-store"),
                        ("Referrer-Policy", "no-referrer"),
                    ]
                    writer.write(machine.send(h11.Response(status_code=status, headers=headers)) or b"")
                    writer.write(machine.send(h11.Data(data=body)) or b"")
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()  # the person sees the page before we end
                    if query and not self._came.done():
                        self._came.set_result(query)
        writer.close()

    def _answer(self, request: h11.Request) -> tuple[int, str, str]:
        """Status and text, and the query if it is the answer that is waited for."""
        try:
            target = urlsplit(request.target.decode("ascii", "replace"))
            fields = parse_qs(target.query, max_num_fields=MAX_FIELDS)
        except ValueError:
            return 404, "There is nothing here.", ""
        if request.method != b"GET" or target.path != "/" or fields.get("state") != [self._state]:
            return 404, "There is nothing here.", ""
        # RFC 9207 §2.4: another issuer's answer, sent to us
        if self._issuer and "iss" in fields and fields["iss"] != [self._issuer]:
            return 404, "There is nothing here.", ""
        return 200, DONE if "code" in fields else DECLINED, target.query


def _has_screen() -> bool:
    """Whether a browser would open where somebody sees it, rather than take over the terminal."""
    return sys.platform in ("darwin", "win32") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")))


async def with_code(oauth: OAuth, issuer: Issuer, user: str, context: ssl.SSLContext, show: Show) -> Grant:
    """Show an address and a code, and wait until somebody has entered it there, on any device (RFC 8628).

    Errors: `LoginRefused`, `ConfigError`, `ConnectionFailed`.
    """
    if not issuer.device:
        raise ConfigError(
            "the issuer gives out no codes for devices", advice="Log in by the browser: without --device."
        )
    scope = oauth.scope or issuer.scope
    form, headers = authenticated(oauth, urlencode({"scope": scope}), basic=issuer.basic)
    answer = await ask(issuer.device, context, form, headers)
    told = parse_object(answer)
    host = str(urlsplit(issuer.device).hostname)
    if "error" in told:
        error = OAuth2Error(description=str(told.get("error_description") or ""))
        error.error = str(told["error"])
        raise explain(error, host)
    device, code = told.get("device_code"), told.get("user_code")
    where = told.get("verification_uri") or told.get("verification_url")  # Google's word, from before the standard
    if not (isinstance(device, str) and isinstance(code, str) and isinstance(where, str) and where.isprintable()):
        raise RemoteProtocolError(f"{host} gives no code: its answer ({answer.status}) makes no sense")
    lasts, interval = _seconds(told.get("expires_in"), PATIENCE), _seconds(told.get("interval"), INTERVAL)
    lasts, interval = min(lasts, 3 * PATIENCE), min(interval, MAX_INTERVAL)
    show(f"Open {where} on any device, log in as {user}, and enter the code {code[:100]!r}.")
    body = DeviceClient(oauth.client_id).prepare_request_body(device)
    until = time.monotonic() + lasts
    while time.monotonic() + interval < until:
        await asyncio.sleep(interval)
        try:
            tokens = await exchange(issuer.token, oauth, body, context, basic=issuer.basic)
        except LoginRefused as refused:
            waiting = getattr(refused.__cause__, "error", "")
            if waiting not in ("authorization_pending", "slow_down"):
                raise
            interval = min(interval + SLOWER * (waiting == "slow_down"), MAX_INTERVAL)
        except ConnectionFailed:
            interval = min(interval * 2, MAX_INTERVAL)  # RFC 8628 §3.5
        else:
            return granted(issuer.token, oauth, tokens, time.time, basic=issuer.basic)
    raise LoginRefused(f"nobody entered the code {code[:100]!r} in time", advice="Log in again.")


def _seconds(told: object, usual: float) -> float:
    return float(told) if isinstance(told, int | float) and told > 0 else usual
