"""Commands of any state and before the login: RFC 9051 §6.1 and §6.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse import __version__
from posthouse.errors import ActingRefused, LoginPaused, LoginRefused, RemoteProtocolError, sentence
from posthouse.imap import command, event, response
from posthouse.store.account import Account
from posthouse.wire.sasl import Challenge

from .imap_answer import Done, Handler, No
from .login import Exchange, log_in

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .imap import ImapSession

# What ENABLE can turn on, as it is spelled. RFC 5161 §3.1: whatever else is asked for is ignored.
ENABLED = {name.upper(): name for name in ("IMAP4rev2", "CONDSTORE", "QRESYNC", "UTF8=ACCEPT", "METADATA", "UIDONLY")}


async def noop(session: ImapSession, wish: command.Noop | command.Check) -> Done:
    """NOOP and CHECK: the news of the mailbox, which every command brings."""
    return Done(f"{type(wish).__name__.upper()} completed")


async def identify(session: ImapSession, wish: command.Id) -> Done:
    session.server.untagged(response.identification({"name": "Posthouse", "version": __version__}))
    return Done("ID completed")


async def logout(session: ImapSession, _: command.Logout) -> Done:
    session.server.bye("Goodbye")
    return Done("LOGOUT completed")


async def unauthenticate(session: ImapSession, _: command.Unauthenticate) -> Done:
    """UNAUTHENTICATE: the next login may be somebody else's, and finds a connection like a new one (RFC 8437 §2)."""
    session.forget_login()
    return Done("Nobody is logged in", session.server.capability)


async def enable(session: ImapSession, wish: command.Enable) -> Done:
    session.server.enabled(ENABLED[name] for name in dict.fromkeys(wish.capabilities) if name in ENABLED)
    if session.server.rev2 and session.selecting:
        session.selected_mailbox.forget_recent()
    if "METADATA" in wish.capabilities:
        await session.news.watch_annotations()
    return Done("ENABLE completed")


async def login(session: ImapSession, wish: command.Login) -> Done:
    return await finished(session, log_in(session.house, session.line.peer, "imap", wish.user, wish.password))


async def authenticate(session: ImapSession, wish: command.Authenticate) -> Done | None:
    session.exchange = Exchange(session.house, session.line, "imap", wish.mechanism, wish.initial)
    return await step(session, session.exchange.begin())


async def respond(session: ImapSession, response: event.AuthResponse) -> Done | None:
    """The client's response to a challenge."""
    assert session.exchange is not None
    if response.data is None:
        session.exchange = None
        raise No(response.reason, bad=True)
    return await step(session, session.exchange.respond(response.data))


async def step(session: ImapSession, outcome: Awaitable[Challenge | Account]) -> Done | None:
    """One step of a SASL dialogue; None while it goes on."""
    try:
        reached = await outcome
    except (LoginRefused, RemoteProtocolError) as error:
        session.exchange = None
        raise refusal(error) from None
    if isinstance(reached, Challenge):
        session.server.challenge(reached.data)
        return None
    session.exchange = None
    return logged_in(session, reached)


async def finished(session: ImapSession, outcome: Awaitable[Account]) -> Done:
    """A login that takes one step."""
    try:
        return logged_in(session, await outcome)
    except LoginRefused as error:
        raise refusal(error) from None


def refusal(error: LoginRefused | RemoteProtocolError) -> No:
    """A new one each time: an exception that is kept keeps the frames that it was raised in, passwords and all."""
    if isinstance(error, RemoteProtocolError):
        return No(str(error), bad=True)
    if isinstance(error, LoginPaused):
        return No(sentence(error), "UNAVAILABLE")  # RFC 5530 §3: temporary; no program throws its password away
    code = "AUTHORIZATIONFAILED" if isinstance(error, ActingRefused) else "AUTHENTICATIONFAILED"  # RFC 9051 §7.1
    return No(sentence(error), code)


def logged_in(session: ImapSession, account: Account) -> Done:
    """Who it is, is known."""
    if not session.house.present.enter(account.id):
        most = session.house.present.most
        raise No(f"{account.address} has {most} conversations open already; close some programs", "LIMIT")
    session.account = account
    session.server.authenticated()
    # RFC 9051 §6.2.3: telling the capabilities now saves the client a round trip.
    return Done("Logged in", session.server.capability)


COMMANDS: dict[type, Handler] = {
    command.Noop: noop,
    command.Check: noop,
    command.Id: identify,
    command.Logout: logout,
    command.Unauthenticate: unauthenticate,
    command.Enable: enable,
    command.Login: login,
    command.Authenticate: authenticate,
}
