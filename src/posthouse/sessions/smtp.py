"""The SMTP conversation, in each of its roles: MX, submission, and the MX at which somebody logs in."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

from posthouse.delivery.accept import Arrival
from posthouse.errors import (
    ActingRefused,
    InvalidMessage,
    LoginPaused,
    LoginRefused,
    RemoteProtocolError,
    StoreError,
    sentence,
)
from posthouse.smtp import event, reply
from posthouse.smtp.envelope import Envelope
from posthouse.smtp.event import Event
from posthouse.smtp.limits import Limits
from posthouse.smtp.reply import Reply
from posthouse.smtp.role import LMTP, LOCAL, Role
from posthouse.smtp.server import Auth, SmtpServer
from posthouse.store.account import Account
from posthouse.wire.sasl import Challenge

from .house import House
from .local import LocalTransaction, LocalUser
from .login import Exchange, mechanisms
from .mx import LmtpTransaction, MxTransaction
from .refusal import refusal
from .session import Line, Session
from .submission import AccountAuthor, SubmissionTransaction
from .transaction import Transaction
from .vouch import expand, verify

log = logging.getLogger("posthouse.smtp")

# RFC 5321 §4.5.3.2.7: a server waits at least five minutes for the next command or the next octets of a letter.
PATIENCE = 300.0
NOBODY = 65_534


class SmtpSession(Session[Event]):
    """One SMTP connection."""

    protocol: ClassVar[str] = "SMTP"

    def __init__(self, house: House, role: Role, line: Line, *, tls: bool) -> None:
        self._house = house
        self._server = SmtpServer(
            role,
            house.hostname,
            limits=Limits(
                size=house.message_size,
                recipients=house.recipients,
                errors=house.errors_per_connection,
                commands=house.commands_per_connection,
            ),
            tls_available=house.tls_available,
            tls=tls,
            auth=_auth(house, role, line),
            mechanisms=mechanisms(house, line),
            extensions=_extensions(house),
        )
        super().__init__(self._server, line)
        self._account: Account | None = None
        self._exchange: Exchange | None = None
        self._transaction: Transaction | None = None
        self._failure: Reply | None = None  # what went wrong with a letter that is still coming
        self._receiving = False

    # -- what the pump asks (Session) ----------------------------------------------------------------------------

    def begin(self) -> None:
        self._server.greet()

    def secured(self) -> None:
        self._server.mechanisms = mechanisms(self._house, self.line)

    async def handle(self, event: Event) -> None:
        await self._ANSWERS[type(event)](self, event)

    def farewell(self, reason: str) -> None:
        self._server.farewell(Reply(421, "4.3.2", reason[0].upper() + reason[1:]))

    def ended(self) -> None:
        self._discard()

    @property
    def in_progress(self) -> bool:
        return self._receiving

    @property
    def patience(self) -> float:
        return PATIENCE

    # -- who is there --------------------------------------------------------------------------------------------

    async def _authenticate(self, wish: event.Authenticate) -> None:
        self._exchange = Exchange(self._house, self.line, "smtp", wish.mechanism, wish.initial)
        await self._login_step(self._exchange.begin())

    async def _auth_response(self, response: event.AuthResponse) -> None:
        if self._exchange is not None and response.data is not None:
            await self._login_step(self._exchange.respond(response.data))
        else:
            self._exchange = None

    async def _login_step(self, step: Awaitable[Challenge | Account]) -> None:
        try:
            outcome = await step
        except LoginPaused as error:  # RFC 4954 §6: temporary, so that no program throws its password away
            self._exchange = None
            self._server.reply(Reply(454, "4.7.0", sentence(error)))
        except ActingRefused as error:
            self._exchange = None
            self._server.reply(Reply(535, "5.7.8", sentence(error)))
        except LoginRefused:
            self._exchange = None
            self._server.reply(reply.LOGIN_FAILED)
        except RemoteProtocolError as error:
            self._exchange = None
            self._server.reply(Reply(501, "5.5.2", str(error)))
        else:
            if isinstance(outcome, Challenge):
                self._server.challenge(outcome.data)
                return
            self._exchange = None
            self._account = outcome
            self._server.authenticated()

    # -- a letter ------------------------------------------------------------------------------------------------

    async def _mail_from(self, mail: event.MailFrom) -> None:
        self._discard()
        transaction = await self._begin_transaction()
        answer = await self._guarded(transaction.sender(mail.envelope, int(time.time())))
        if answer.positive:
            self._transaction = transaction
        self._server.reply(answer)

    async def _begin_transaction(self) -> Transaction:
        if self._account is not None:
            return SubmissionTransaction(self._house, AccountAuthor(self._account.id))
        if self._server.role is LOCAL:
            # A user that the kernel doesn't tell is nobody.
            uid = NOBODY if self.line.peer.uid is None else self.line.peer.uid
            return LocalTransaction(self._house, await asyncio.to_thread(LocalUser.find, uid, self._house))
        return LmtpTransaction(self._house) if self._server.role is LMTP else MxTransaction(self._house)

    async def _rcpt_to(self, rcpt: event.RcptTo) -> None:
        assert self._transaction is not None
        self._server.reply(await self._guarded(self._transaction.recipient(rcpt.recipient)))

    async def _data(self, data: event.Data) -> None:
        envelope = self._server.envelope
        assert self._transaction is not None and envelope is not None
        self._failure = None
        self._receiving = True
        self._transaction.begin(int(time.time()), counted=data.counted, binary=envelope.body == "BINARYMIME")
        self._server.reply(reply.START_INPUT)

    async def _chunk(self, chunk: event.Chunk) -> None:
        if self._failure is not None or self._transaction is None:
            return  # the rest of a letter that can't be kept: read, not stored, and refused at its end
        try:
            await self._transaction.write(chunk.data)
        except (StoreError, InvalidMessage) as error:
            self._failure = refusal(error)
            self._transaction.discard()

    async def _end(self, _: event.End) -> None:
        envelope = self._server.envelope
        assert self._transaction is not None and envelope is not None
        wanted = len(envelope.recipients) if self._server.role.answers_each_recipient else 1
        answers = [self._failure] * wanted if self._failure else await self._outcome(envelope, wanted)
        log.info(
            "letter from <%s> (%s) to %s%s: %s",
            envelope.sender or "",
            self.line.peer,
            ", ".join(f"<{recipient}>" for recipient in envelope.recipients),
            f" with priority {envelope.priority}" if envelope.priority else "",
            "; ".join(dict.fromkeys(map(str, answers))),
        )
        self._discard()
        for answer in answers:
            self._server.reply(answer)

    async def _outcome(self, envelope: Envelope, wanted: int) -> list[Reply]:
        """What becomes of the letter that has come; for each recipient the same, where it fails as a whole."""
        assert self._transaction is not None
        try:
            return await self._transaction.end(envelope, self._arrival(envelope))
        except (StoreError, InvalidMessage) as error:
            return [refusal(error)] * wanted

    async def _guarded(self, decision: Awaitable[Reply]) -> Reply:
        """A decision that needs the store: what fails there is told in a reply, and nothing was kept."""
        try:
            return await decision
        except (StoreError, InvalidMessage) as error:
            return refusal(error)

    def _arrival(self, envelope: Envelope) -> Arrival:
        assert self._server.hello is not None
        return Arrival(
            greeting=self._server.hello.domain,
            peer=self.line.peer.literal,
            hostname=self._house.hostname,
            protocol=self._server.protocol,
            cipher=self.line.cipher,
            at=int(time.time()),
            priority=envelope.priority,
        )

    # -- who is here ---------------------------------------------------------------------------------------------

    async def _verify(self, wish: event.Verify) -> None:
        """RFC 5321 §7.3: strangers learn nothing, and get the machine's answer."""
        if self._account is not None and self._house.verify_after_login:
            self._server.reply(await self._guarded(self._house.store.read(verify, wish.text, self._house.hostname)))

    async def _expand(self, wish: event.Expand) -> None:
        if self._account is not None and self._house.verify_after_login:
            self._server.reply(await self._guarded(self._house.store.read(expand, wish.text, self._house.hostname)))

    # -- the rest ------------------------------------------------------------------------------------------------

    async def _abandoned(self, _: Event) -> None:
        """The transaction, if there was one, is over; the machine answers."""
        self._discard()

    async def _nothing(self, _: Event) -> None:
        """The machine has answered already."""

    def _discard(self) -> None:
        """The transaction is over."""
        if self._transaction is not None:
            self._transaction.discard()
        self._transaction = None
        self._failure = None
        self._receiving = False

    _ANSWERS: ClassVar[dict[type, Callable[[SmtpSession, Any], Awaitable[None]]]] = {
        event.Hello: _abandoned,
        event.StartTls: _abandoned,
        event.Authenticate: _authenticate,
        event.AuthResponse: _auth_response,
        event.MailFrom: _mail_from,
        event.RcptTo: _rcpt_to,
        event.Data: _data,
        event.Chunk: _chunk,
        event.End: _end,
        event.Aborted: _abandoned,
        event.Reset: _abandoned,
        event.Verify: _verify,
        event.Expand: _expand,
        event.Quit: _nothing,
    }


def _auth(house: House, role: Role, line: Line) -> Auth:
    if role in (LMTP, LOCAL):
        return "never"
    return "always" if house.clear_text_on_loopback and line.peer.loopback else "after tls"


def _extensions(house: House) -> dict[str, str]:
    """The extensions whose promises delivery, queue and relay keep; the roles leave some out."""
    latest = datetime.fromtimestamp(time.time() + house.hold_seconds, UTC)
    return {
        "BINARYMIME": "",
        "DSN": "",
        "REQUIRETLS": "",
        "DELIVERBY": "",
        "FUTURERELEASE": f"{house.hold_seconds} {latest:%Y-%m-%dT%H:%M:%SZ}",
        "MT-PRIORITY": "",
    } | ({"EXPN": ""} if house.verify_after_login else {})
