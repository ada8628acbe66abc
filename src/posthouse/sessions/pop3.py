"""The POP3 conversation: one account's INBOX as a maildrop.

The maildrop is shared, not locked. RFC 1939 §4 wants an exclusive lock, so that messages can't change between the
login and the update; here they can't anyway: messages never change, numbers are those of a snapshot, UIDs aren't given
twice, and the update removes exactly what this client marked. A lock would keep out a person's second program, and
everybody for ten minutes after a line was cut ([IN-USE], the best known trouble of POP3). Dovecot and Gmail do the same
(Dovecot: pop3_lock_session=no). What others remove meanwhile stays readable here for an hour at least (store/tidy.py).

Messages go out as they are, whether or not the client said UTF8. RFC 6856 §2.1 would have those with UTF-8 in the
header refused or rewritten for who didn't: programs that fetch stop for good at a message that is refused, and a
rewritten one has another size than LIST told, and no longer the signature that it came with.

Flags are IMAP's: nothing here reads or sets one, so that a letter fetched by a program is still new for a person.
"""

from __future__ import annotations

import asyncio
import logging
from array import array
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from posthouse.errors import (
    ActingRefused,
    LoginPaused,
    LoginRefused,
    NotFound,
    RemoteProtocolError,
    StoreError,
    sentence,
)
from posthouse.pop3 import event, reply
from posthouse.pop3.event import Event
from posthouse.pop3.limits import Limits
from posthouse.pop3.maildrop import Maildrop
from posthouse.pop3.reply import Reply, err
from posthouse.pop3.server import Pop3Server
from posthouse.store import mail, mailbox
from posthouse.store.account import Account
from posthouse.store.engine import Tx
from posthouse.store.mailbox import Mailbox
from posthouse.wire.sasl import Challenge

from .house import House
from .letter import Letter
from .login import Exchange, log_in, mechanisms
from .pop3_reading import Message, Reading, pieces
from .session import BrokenOff, Line, Session

log = logging.getLogger("posthouse.pop3")

# RFC 1939 §3: the autologout timer is at least 10 minutes.
PATIENCE = 600.0


class Pop3Session(Session[Event]):
    """One POP3 connection."""

    protocol: ClassVar[str] = "POP3"

    def __init__(self, house: House, line: Line, *, tls: bool) -> None:
        self._house = house
        self._server = Pop3Server(
            limits=Limits(errors=house.errors_per_connection),
            tls_available=house.tls_available,
            tls=tls,
            auth="always" if house.clear_text_on_loopback and line.peer.loopback else "after tls",
            mechanisms=mechanisms(house, line),
        )
        super().__init__(self._server, line)
        self._exchange: Exchange | None = None
        self._account: Account | None = None
        self._inbox: Mailbox | None = None
        self._reading: Reading | None = None
        self._retrieved = 0
        self._updating = False

    # -- what the pump asks (Session) ----------------------------------------------------------------------------

    def begin(self) -> None:
        self._server.greet(f"{self._house.hostname} Posthouse is ready")

    def secured(self) -> None:
        self._server.mechanisms = mechanisms(self._house, self.line)

    async def handle(self, event: Event) -> None:
        await self._ANSWERS[type(event)](self, event)

    def farewell(self, reason: str) -> None:
        # RFC 1939 §3 would have the connection closed without a word when the time is over. A word does no harm: no
        # answer is due. It enters no UPDATE state: nothing is removed.
        self._server.farewell(err(reason[0].upper() + reason[1:], "SYS/TEMP"))

    def ended(self) -> None:
        if self._reading is not None:
            self._reading.forget()

    @property
    def in_progress(self) -> bool:
        return self._updating

    @property
    def patience(self) -> float:
        return PATIENCE

    # -- who is there --------------------------------------------------------------------------------------------

    async def _login(self, wish: event.Login) -> None:
        await self._login_step(log_in(self._house, self.line.peer, "pop3", wish.user, wish.password))

    async def _authenticate(self, wish: event.Authenticate) -> None:
        self._exchange = Exchange(self._house, self.line, "pop3", wish.mechanism, wish.initial)
        await self._login_step(self._exchange.begin())

    async def _auth_response(self, response: event.AuthResponse) -> None:
        if self._exchange is not None and response.data is not None:
            await self._login_step(self._exchange.respond(response.data))
        else:
            self._exchange = None

    async def _login_step(self, step: Awaitable[Challenge | Account]) -> None:
        try:
            outcome = await step
            if isinstance(outcome, Account):
                await self._open(outcome)
        except (LoginRefused, RemoteProtocolError, StoreError) as error:
            self._exchange = None
            self._server.refuse(_refusal(error))
        else:
            if isinstance(outcome, Challenge):
                self._server.challenge(outcome.data)

    async def _open(self, account: Account) -> None:
        """Take the snapshot. Errors: StoreError."""
        self._exchange = None
        inbox, maildrop = await self._house.store.read(_snapshot, account.id)
        self._account = account
        self._inbox = inbox
        self._reading = Reading(self._house.store, inbox, maildrop)
        self._server.authenticated(maildrop)

    # -- the messages --------------------------------------------------------------------------------------------

    async def _retrieve(self, wish: event.Retrieve) -> None:
        assert self._reading is not None
        try:
            message = await self._reading.message(wish.place, header_only=wish.lines == 0)
            if isinstance(message.octets, Letter):
                await self._send_large(message, message.octets, header_only=wish.lines == 0)
            elif not wish.lines:
                self._server.message(message.octets)
            else:
                self._server.begin_text(message.size, message.header_size)
                self._server.text(message.octets)
                self._server.end_text()
        except NotFound:
            self._server.refuse(err(f"Message {wish.number} was removed meanwhile, by another program"))
        except StoreError as error:
            log.error("message %d of %s can't be read: %s (%s)", wish.number, self._who, error, error.__cause__)
            self._server.refuse(reply.UNREADABLE)
        else:
            self._retrieved += wish.lines is None

    async def _send_large(self, message: Message, letter: Letter, *, header_only: bool) -> None:
        """A message that comes piece by piece: a thread reads one, the client takes it, and only then the next."""
        coming = pieces(letter, header_only=header_only)
        piece = await asyncio.to_thread(next, coming, b"")
        self._server.begin_text(message.size, message.header_size)
        while piece and self._server.text(piece):
            await self.line.flush()
            try:
                piece = await asyncio.to_thread(next, coming, b"")
            except StoreError as error:
                # Anything said now would be taken for a part of the message: without its end, the client knows.
                raise BrokenOff(f"a message can't be read to its end: {error}") from error
        self._server.end_text()

    async def _update(self, _: event.Update) -> None:
        maildrop = self._server.maildrop
        assert maildrop is not None and self._inbox is not None
        marked = maildrop.marked()
        gone: list[int] = []
        self._updating = True
        try:
            if marked:
                gone = await self._house.store.write(mail.remove, self._inbox.id, marked)
        except StoreError as error:
            log.error("the messages that %s deleted could not be removed: %s (%s)", self._who, error, error.__cause__)
            self._server.refuse(reply.NOT_UPDATED)
        else:
            log.info("%s retrieved %d and deleted %d messages", self._who, self._retrieved, len(gone))
            self._server.updated()
        finally:
            self._updating = False

    @property
    def _who(self) -> str:
        return f"{self._account.address if self._account else '?'} ({self.line.peer})"

    async def _nothing(self, _: Event) -> None:
        """The machine has answered already."""

    _ANSWERS: ClassVar[dict[type, Callable[[Pop3Session, Any], Awaitable[None]]]] = {
        event.Login: _login,
        event.Authenticate: _authenticate,
        event.AuthResponse: _auth_response,
        event.Retrieve: _retrieve,
        event.Update: _update,
        event.Said: _nothing,
    }


def _snapshot(tx: Tx, account_id: int) -> tuple[Mailbox, Maildrop]:
    """INBOX as it is now: one query, no octets."""
    inbox = mailbox.existing(tx, account_id, "INBOX")
    uids, sizes = array("L"), array("L")
    for uid, size in mail.fetch(tx, inbox.id, mail.ALL, ("size",)):
        uids.append(uid)
        sizes.append(size)
    return inbox, Maildrop(inbox.uidvalidity, uids, sizes)


def _refusal(error: LoginRefused | RemoteProtocolError | StoreError) -> Reply:
    """What the client is told of a login that failed. RFC 3206: after SYS/TEMP no program throws its password away."""
    if isinstance(error, LoginPaused):
        return err(sentence(error), "SYS/TEMP")
    if isinstance(error, ActingRefused):
        return err(sentence(error), "AUTH")
    if isinstance(error, LoginRefused):
        return reply.LOGIN_FAILED
    if isinstance(error, RemoteProtocolError):
        return err(sentence(error))
    log.error("a mailbox could not be opened: %s (%s)", error, error.__cause__)
    return reply.UNAVAILABLE
