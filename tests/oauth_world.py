"""An OpenID provider, and a mail server that believes its tokens: for logins by OAuth 2 from end to end."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from faced import Faced
from live import Live, live
from oidc import Client, Person, Provider, oidc
from posthouse import OAuth

ADA, BOB = "ada@example.org", "bob@example.org"


@dataclass
class World:
    """A provider, and a mail server that believes its tokens."""

    provider: Provider
    house: Live
    context: ssl.SSLContext
    authority: Path
    home: Path

    def account(self, face: Faced, **more: Any) -> Any:
        options = {
            "smtp": f"smtp://localhost:{self.house.port('submission')}",
            "imap": f"imap://localhost:{self.house.port('imap')}",
            "context": self.context,
        }
        return face.patient(face.module.Account(more.pop("address", ADA), **options | more))

    @property
    def oauth(self) -> OAuth:
        return OAuth("desktop", issuer=self.provider.url)

    def forget_tokens(self) -> None:
        """The mail server asks the provider anew."""
        assert self.house.server.house is not None and self.house.server.house.logins.tokens is not None
        self.house.server.house.logins.tokens._good.clear()  # type: ignore[attr-defined]

    def person(self, user: str = ADA, *, allows: bool = True) -> Person:
        return Person(self.authority, user, "pw", allows=allows)


@contextmanager
def oauth_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """It runs as long as the block; nobody sits in front of this computer's screen."""
    monkeypatch.setenv("POSTHOUSE_HOME", str(tmp_path / "home"))
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    authority = trustme.CA()
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))  # the mail server asks the provider, too
    clients = Client("desktop"), Client("secretive", "s/e:c")
    with oidc(authority, {ADA: "pw", BOB: "pw"}, *clients) as provider:
        (tmp_path / "house").mkdir()
        more = f'[oauth]\nintrospection = "{provider.url}/introspect"\n[limits]\nfailed_login_delay = 0\n'
        with live(tmp_path / "house", more) as house:
            context = house.tls
            authority.configure_trust(context)
            yield World(provider, house, context, path, tmp_path / "home")
