"""Logging in, as far as it is the same for SMTP, IMAP and POP3: by which mechanism, and what a refusal means.

SCRAM comes first: the password itself doesn't reach the server. Where it is refused, the password is sent once more by
PLAIN or LOGIN, always under TLS: servers announce SCRAM and have no keys for an account, and don't tell that. A server
that fails to prove itself by SCRAM gets nothing more.

Servers count logins that fail, and a wrong password should count as one. So PLAIN isn't tried where SCRAM was refused
after the server had named a salt and seen the proof: Dovecot, Cyrus and mox, which have no keys for an account, refuse
at its name. A server could pretend to have keys, which is why the advice then names ``?auth=plain``; and where it says
"unknown-user" or "other-error" (RFC 5802 §7), or the password has letters beyond ASCII, which servers have prepared in
different ways (RFC 4013), PLAIN is tried all the same: a second failure does less harm than no way in.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from posthouse.errors import LoginRefused, TlsError
from posthouse.wire.client_login import ClientLogin
from posthouse.wire.mechanism import Secret, usable
from posthouse.wire.oauth import Token
from posthouse.wire.sasl import Credentials
from posthouse.wire.scram import Channel

from .advice import after_login_refused, after_token_refused
from .url import Security, Server


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """By which mechanism; ``second``: after the server had refused a better one that it offers."""

    mechanism: str
    second: bool = False


def user_of(secret: Secret) -> str:
    """Whose login it is, for a sentence."""
    return secret.authcid if isinstance(secret, Credentials) else secret.user or "the certificate's owner"


def what(secret: Secret) -> str:
    """What a secret is called."""
    return "password" if isinstance(secret, Credentials) else "token" if isinstance(secret, Token) else "certificate"


def check_private(server: Server, secret: Secret, *, tls: bool, loopback: bool) -> None:
    """`TlsError` where a secret would go over a line that others can read."""
    if not (tls or (loopback and server.tls is Security.NONE)):
        raise TlsError(
            f"the {what(secret)} would be sent in clear text",
            advice="Use ?tls=starttls or ?tls=implicit in the address.",
        )


def attempts(server: Server, offered: Collection[str], secret: Secret) -> Iterator[ClientLogin]:
    """The logins to try one after another, as long as the server refuses them. An address's ``auth`` leaves one."""
    channel = Channel(secrets.token_urlsafe(18))
    wanted = {server.auth} & set(offered) if server.auth else offered
    for mechanism in usable(wanted, secret, channel):
        try:
            attempt = ClientLogin(mechanism, secret, channel)
        except LoginRefused:  # a password that SCRAM can't carry (RFC 4013) goes by PLAIN
            continue
        yield attempt
        if is_settled(attempt, secret):
            return


def nothing_fits(server: Server, offered: Collection[str], secret: Secret, *, clear: bool) -> LoginRefused:
    """The server takes no such secret here. ``clear``: the line isn't encrypted, and may be."""
    kind = "OAuth 2 tokens" if isinstance(secret, Token) else what(secret)
    names = " and ".join(sorted(offered))
    if server.auth and server.auth not in offered:
        advice = "Leave ?auth= out of the server's address."
    elif clear:
        advice = "It takes passwords over TLS only: leave ?tls=none out of the address."
    elif isinstance(secret, Token):
        advice = "Give a password for it instead."
    elif offered:
        advice = after_login_refused(server.host, user_of(secret))
    else:
        advice = "Log in on port 587 or 465, or send without a user name in the address."
    return LoginRefused(f"{server.host} takes no {kind} here" + (f", only {names}" if names else ""), advice=advice)


def refused(server: Server, secret: Secret, said: str, attempt: ClientLogin | None = None) -> LoginRefused:
    """The server said no; ``attempt``: to this mechanism, if it was one of SASL's."""
    user = user_of(secret)
    if isinstance(secret, Token):
        why = f" ({attempt.explanation})" if attempt and attempt.explanation else ""
        return LoginRefused(
            f"{server.host} refused the token of {user}: {said}{why}", advice=after_token_refused(server.host, said)
        )
    advice = after_login_refused(server.host, user, said)
    if attempt and is_settled(attempt, secret):
        advice += " If they are right, add ?auth=plain to the server's address."
    return LoginRefused(f"{server.host} refused the login of {user}: {said}", advice=advice)


def is_settled(attempt: ClientLogin, secret: Secret) -> bool:
    """Whether the password itself was refused, so that no other mechanism would help."""
    return attempt.disproved and isinstance(secret, Credentials) and secret.password.isascii()
