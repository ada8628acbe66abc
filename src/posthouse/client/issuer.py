"""Who gives out tokens of OAuth 2: the endpoints of an issuer, from a table or as it publishes them itself."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from posthouse.errors import ConfigError, ConnectionFailed, RemoteProtocolError
from posthouse.net import https
from posthouse.net.https import Answer

# Seconds for an answer in all, and its octets: discovery documents have some 5 KB, answers with tokens some 10.
SECONDS = 20.0
MAX_ANSWER = 256 * 1024


@dataclass(frozen=True, slots=True)
class OAuth:
    """How to log in by OAuth 2, instead of a password.

    ``client_id`` (and ``client_secret``, if there is one) is the name of the *program* at whoever gives out tokens:
    Google and Microsoft want everybody who uses a program of their own to register it. ``issuer``: who gives out tokens
    ("https://id.example.org"); empty: the one of the mail provider, of Google and Microsoft. ``scope``: the rights to
    ask for; empty: those that reading and sending mail takes there.
    """

    client_id: str
    client_secret: str = field(default="", repr=False)
    issuer: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Issuer:
    """Where an issuer answers. ``name`` is its own (RFC 9207), empty where it isn't to be compared.

    ``more``: what has to be said beyond the standard when a person is asked. ``redirect``: the host of the page that
    the browser comes back to, as a registration may have it. ``basic``: the client's secret goes into a header
    (RFC 6749 §2.3.1).
    """

    authorization: str
    token: str
    device: str = ""
    scope: str = ""
    name: str = ""
    more: Mapping[str, str] = field(default_factory=dict)
    redirect: str = "127.0.0.1"
    basic: bool = False


# The host of a mail server ends with -> its issuer, as the providers' documentation has them.
GOOGLE = Issuer(
    "https://accounts.google.com/o/oauth2/v2/auth",
    "https://oauth2.googleapis.com/token",
    "https://oauth2.googleapis.com/device/code",
    "https://mail.google.com/",
    # Without these there is no refresh token: the login would be over after an hour.
    more={"access_type": "offline", "prompt": "consent"},
)
_MICROSOFT = "https://login.microsoftonline.com/common/oauth2/v2.0"
MICROSOFT = Issuer(
    f"{_MICROSOFT}/authorize",
    f"{_MICROSOFT}/token",
    f"{_MICROSOFT}/devicecode",
    "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/POP.AccessAsUser.All"
    " https://outlook.office.com/SMTP.Send offline_access",
    redirect="localhost",  # its registration takes no other loopback name with any port
)
ISSUERS = {"gmail.com": GOOGLE, "googlemail.com": GOOGLE, "outlook.com": MICROSOFT, "office365.com": MICROSOFT}
# OpenID Connect Core §3.1.2.1, §11: who somebody is, and a refresh token.
USUAL_SCOPE = "openid email offline_access"


async def find_issuer(oauth: OAuth, host: str, context: ssl.SSLContext) -> Issuer:
    """The issuer that ``oauth`` names, or the one of the provider whose mail server is ``host``.

    Errors: `ConfigError`, `ConnectionFailed`, `RemoteProtocolError`.
    """
    if oauth.issuer:
        return await discover(oauth.issuer, context)
    for suffix, known in ISSUERS.items():
        if f".{host}".endswith(f".{suffix}"):
            return known
    raise ConfigError(
        f"nobody is known who gives out tokens for {host}",
        advice='Name the issuer: OAuth(client_id, issuer="https://id.example.org"), or --oauth-issuer.',
    )


async def discover(issuer: str, context: ssl.SSLContext) -> Issuer:
    """What an issuer publishes of itself: OpenID Connect Discovery §4, RFC 8414."""
    url = issuer.rstrip("/") + "/.well-known/openid-configuration"
    answer = await ask(url, context)
    told = parse_object(answer)
    if answer.status != 200 or not told:
        raise ConfigError(
            f"{issuer} is no issuer of OAuth 2 tokens: {url} answers {answer.status}",
            advice="Check the issuer's address.",
        )
    # §4.3: who isn't who was asked, isn't believed.
    if str(told.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
        raise RemoteProtocolError(
            f"{url} is about another issuer: {str(told.get('issuer'))[:200]}", advice="Use that name for the issuer."
        )
    endpoints = [told.get(f"{name}_endpoint", "") for name in ("authorization", "token", "device_authorization")]
    for endpoint in endpoints:
        if not isinstance(endpoint, str) or (endpoint and urlsplit(endpoint).scheme != "https"):
            raise RemoteProtocolError(f"{issuer} has an endpoint that is no https address: {str(endpoint)[:200]}")
    authorization, token, device = endpoints
    if not token:
        raise RemoteProtocolError(f"{issuer} says nothing of where it gives out tokens")
    scopes = told.get("scopes_supported")
    wanted = [one for one in USUAL_SCOPE.split() if not isinstance(scopes, list) or one in scopes]
    # OpenID Connect Discovery §3: without a list it is client_secret_basic.
    methods = told.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return Issuer(
        authorization,
        token,
        device,
        " ".join(wanted),
        name=str(told["issuer"]),
        basic="client_secret_post" not in methods,
    )


async def ask(url: str, context: ssl.SSLContext, body: str = "", headers: Mapping[str, str] | None = None) -> Answer:
    """Ask a web server, with a form if there is one. `ConfigError` for what isn't https."""
    try:
        where = urlsplit(url)
        port = where.port or 443
    except ValueError as error:
        raise ConfigError(f"{url[:200]!r} is no address of a web server: {error}") from error
    if where.scheme != "https" or not where.hostname or where.username:
        raise ConfigError(f"{url[:200]!r} is no https address", advice="Tokens go over lines that are private.")
    form = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
    return await https.ask(
        where.hostname,
        (where.path or "/") + (f"?{where.query}" if where.query else ""),
        context=context,
        limit=MAX_ANSWER,
        seconds=SECONDS,
        port=port,
        method="POST" if body else "GET",
        headers={"Accept": "application/json", **form, **(headers or {})},
        body=body.encode(),
    )


def parse_object(answer: Answer) -> dict[str, Any]:
    """The JSON object in an answer; an empty one for anything else. `ConnectionFailed` for trouble of the server's."""
    if answer.status >= 500:
        raise ConnectionFailed(
            f"who gives out the tokens has trouble at the moment: {answer.status}", advice="Try again in a few minutes."
        )
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
