"""An OpenID provider on loopback: Authlib's server in Flask, over TLS. People log in at its pages, as in any browser.

It gives out codes with PKCE, codes for devices, and tokens that can be renewed once (the new refresh token takes the
place of the old one, and a second use of it takes back all of them: RFC 9700 §4.14.2); it answers to introspection.
"""

from __future__ import annotations

import functools
import http.cookiejar
import re
import secrets
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant
from authlib.oidc.core import AuthorizationCodeMixin, UserInfo
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, request
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

SCOPES = ["openid", "email", "offline_access", "mail"]


@dataclass
class Client(ClientMixin):  # type: ignore[misc]
    """A program that is registered: one for desktops, whose loopback may have any port (RFC 8252 §7.3)."""

    id: str
    secret: str = ""

    def get_client_id(self) -> str:
        return self.id

    def get_default_redirect_uri(self) -> str:
        return ""

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(one for one in scope.split() if one in SCOPES)

    def check_redirect_uri(self, uri: str) -> bool:
        return bool(re.fullmatch(r"http://127\.0\.0\.1:\d+", uri))

    def check_client_secret(self, secret: str) -> bool:
        return secrets.compare_digest(self.secret, secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == ("client_secret_basic" if self.secret else "none")

    def check_response_type(self, kind: str) -> bool:
        return kind == "code"

    def check_grant_type(self, kind: str) -> bool:
        return True


@dataclass
class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    code: str
    client_id: str
    redirect_uri: str
    scope: str
    user: str
    code_challenge: str
    code_challenge_method: str
    nonce: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


@dataclass
class Given(TokenMixin):  # type: ignore[misc]
    """Tokens that were given out."""

    client_id: str
    user: str
    scope: str
    access: str
    refresh: str
    until: float
    revoked: bool = False
    used: bool = False  # the refresh token

    def check_client(self, client: Client) -> bool:
        return self.client_id == client.id

    def get_scope(self) -> str:
        return self.scope

    def get_expires_in(self) -> int:
        return int(self.until - time.time())

    def is_expired(self) -> bool:
        return self.until < time.time()

    def is_revoked(self) -> bool:
        return self.revoked


@dataclass
class Device:
    client_id: str
    scope: str
    expires_at: float
    code: str  # what the person enters
    user: str = ""
    declined: bool = False

    def get_client_id(self) -> str:
        return self.client_id

    def get_scope(self) -> str:
        return self.scope

    def get_user_code(self) -> str:
        return self.code

    def is_expired(self) -> bool:
        return self.expires_at < time.time()


@dataclass
class Provider:
    """What it knows. ``lasts``: seconds for which an access token is good; ``asked``: the paths that were asked for."""

    url: str
    people: dict[str, str]
    clients: dict[str, Client]
    codes: dict[str, Code] = field(default_factory=dict)
    given: list[Given] = field(default_factory=list)
    devices: dict[str, Device] = field(default_factory=dict)
    lasts: int = 3600
    asked: list[str] = field(default_factory=list)
    discovery: dict[str, Any] = field(default_factory=dict)  # what it says of itself beyond the truth
    slow_down: int = 0  # how often a device is told to

    def device(self, code: str) -> Device:
        """The one whose person enters this."""
        return next(one for one in self.devices.values() if one.code == code)

    def revoke(self, *, access_only: bool = False) -> None:
        """Take back all tokens, as the person may on their account's page."""
        for one in self.given:
            one.until = 0.0
            one.revoked = one.revoked or not access_only

    def decline(self) -> None:
        """The person says no to all devices."""
        for device in self.devices.values():
            device.declined = True


@functools.cache
def signing_key() -> RSAKey:
    return RSAKey.generate_key(2048, parameters={"kid": "one", "alg": "RS256", "use": "sig"}, private=True)


def application(provider: Provider) -> Flask:
    app = Flask("oidc")
    app.secret_key = secrets.token_bytes(16)
    app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
    app.config["OAUTH2_TOKEN_EXPIRES_IN"] = dict.fromkeys(
        ("authorization_code", "refresh_token", DeviceCodeGrant.GRANT_TYPE), 0
    )
    key = signing_key()

    def save_token(token: dict[str, Any], request: Any) -> None:
        token["expires_in"] = provider.lasts
        until = time.time() + provider.lasts
        provider.given.append(
            Given(request.client.id, request.user, token["scope"], token["access_token"], token["refresh_token"], until)
        )

    server = AuthorizationServer(app, provider.clients.get, save_token)

    class ByCode(grants.AuthorizationCodeGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "none")

        def save_authorization_code(self, code: str, request: Any) -> None:
            said = request.payload.data
            provider.codes[code] = Code(
                code, request.client.id, request.payload.redirect_uri, request.scope, request.user,
                said["code_challenge"], said["code_challenge_method"], said.get("nonce", ""),
            )  # fmt: skip

        def query_authorization_code(self, code: str, client: Client) -> Code | None:
            found = provider.codes.get(code)
            return found if found and found.client_id == client.id else None

        def delete_authorization_code(self, code: Code) -> None:
            del provider.codes[code.code]

        def authenticate_user(self, code: Code) -> str:
            return code.user

    class Identity(OpenIDCode):  # type: ignore[misc]
        def exists_nonce(self, nonce: str, request: Any) -> bool:
            return False

        def resolve_client_private_key(self, client: Client) -> RSAKey:
            return key

        def get_client_claims(self, client: Client) -> dict[str, Any]:
            return {"iss": provider.url}

        def get_client_algorithm(self, client: Client) -> str:
            return "RS256"

        def generate_user_info(self, user: str, scope: str) -> UserInfo:
            return UserInfo(sub=user, email=user)

    class Renewed(grants.RefreshTokenGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "none")
        INCLUDE_NEW_REFRESH_TOKEN = True

        def authenticate_refresh_token(self, token: str) -> Given | None:
            found = next((one for one in provider.given if one.refresh == token), None)
            if found is not None and found.used:
                provider.revoke()  # somebody has a copy of it
            return None if found is None or found.revoked else found

        def authenticate_user(self, token: Given) -> str:
            return token.user

        def revoke_old_credential(self, token: Given) -> None:
            token.used = True

    class ByDevice(DeviceCodeGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "none")

        def query_device_credential(self, code: str) -> Device | None:
            return provider.devices.get(code)

        def query_user_grant(self, user_code: str) -> tuple[str, bool] | None:
            device = provider.device(user_code)
            return (device.user, not device.declined) if device.user or device.declined else None

        def should_slow_down(self, credential: Device) -> bool:
            provider.slow_down -= 1
            return provider.slow_down >= 0

    class Devices(DeviceAuthorizationEndpoint):  # type: ignore[misc]
        CLIENT_AUTH_METHODS = ("client_secret_basic", "none")
        INTERVAL = 1

        def get_verification_uri(self) -> str:
            return f"{provider.url}/device"

        def save_device_credential(self, client_id: str, scope: str, data: dict[str, Any]) -> None:
            until = time.time() + data["expires_in"]
            provider.devices[data["device_code"]] = Device(client_id, scope, until, data["user_code"])

    server.register_grant(ByCode, [Identity(), CodeChallenge(required=True)])
    server.register_grant(Renewed)
    server.register_grant(ByDevice)
    server.register_endpoint(Devices)

    @app.before_request
    def note() -> None:
        provider.asked.append(request.path)

    @app.get("/.well-known/openid-configuration")
    def discovery() -> dict[str, Any]:
        return {
            "issuer": provider.url,
            "authorization_endpoint": f"{provider.url}/authorize",
            "token_endpoint": f"{provider.url}/token",
            "device_authorization_endpoint": f"{provider.url}/device_authorization",
            "scopes_supported": SCOPES,
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
            "code_challenge_methods_supported": ["S256"],
        } | provider.discovery

    @app.route("/authorize", methods=["GET", "POST"])
    def authorize() -> Any:
        try:
            grant = server.get_consent_grant(end_user=None)
        except OAuth2Error as error:
            return str(error), 400
        if request.method == "GET":
            return FORM.format(user=request.args.get("login_hint", ""))
        user = request.form["user"]
        good = request.form.get("allow") and provider.people.get(user) == request.form["password"]
        return server.create_authorization_response(grant_user=user if good else None, grant=grant)

    @app.post("/token")
    def token() -> Any:
        return server.create_token_response()

    @app.post("/device_authorization")
    def device_authorization() -> Any:
        return server.create_endpoint_response("device_authorization")

    @app.route("/device", methods=["GET", "POST"])
    def device() -> Any:
        if request.method == "GET":
            return FORM.format(user="")
        user = request.form["user"]
        if provider.people.get(user) != request.form["password"]:
            return "no", 403
        provider.device(request.form["code"]).user = user
        return "done"

    @app.post("/introspect")
    def introspect() -> dict[str, Any]:
        found = next((one for one in provider.given if one.access == request.form["token"]), None)
        if found is None or found.is_expired() or found.revoked:
            return {"active": False}
        return {"active": True, "email": found.user, "scope": found.scope, "exp": int(found.until)}

    return app


FORM = '<form method=post><input name=user value="{user}"><input name=password><button name=allow value=1></form>'


@contextmanager
def oidc(authority: trustme.CA, people: dict[str, str], *clients: Client) -> Iterator[Provider]:
    """A running one, with a certificate of ``authority`` for localhost."""
    provider = Provider("", people, {client.id: client for client in clients})
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    server = make_server("127.0.0.1", 0, application(provider), threaded=True, ssl_context=context)
    server.log = lambda *_: None  # type: ignore[method-assign]
    provider.url = f"https://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Person:
    """Somebody in front of a browser: what ``show`` is handed, they read and do, while the program waits."""

    def __init__(self, authority_file: Path, user: str, password: str, *, allows: bool = True) -> None:
        self._fields = {"user": user, "password": password} | ({"allow": "1"} if allows else {})
        self._context = ssl.create_default_context(cafile=str(authority_file))
        self.read: list[str] = []
        self.seen = ""
        self._acting: list[threading.Thread] = []

    def __call__(self, sentence: str) -> None:
        self.read.append(sentence)
        self._acting.append(threading.Thread(target=self._act, args=(sentence,), daemon=True))
        self._acting[-1].start()

    def _act(self, sentence: str) -> None:
        url = re.search(r"https://\S+", sentence)
        code = re.search(r"code '(.*)'", sentence)
        assert url is not None
        browser = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=self._context),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
        )
        address = url[0].rstrip(",")
        with browser.open(address, timeout=10) as page:
            assert b"<form" in page.read()
        form = self._fields | ({"code": code[1]} if code else {})
        with browser.open(address, urllib.parse.urlencode(form).encode(), timeout=10) as page:
            self.seen = page.read().decode()

    def done(self) -> None:
        """They have seen the last page."""
        for thread in self._acting:
            thread.join(10)
