"""Carrying letters one way: to a domain's hosts in their order, or to the operator's server.

The line is as secure as it has to be, and one connection carries many.
"""

from __future__ import annotations

import functools
import logging
import ssl
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from posthouse.client import smtp
from posthouse.client.drive import adrive
from posthouse.client.smtp import Conversation
from posthouse.client.url import Protocol, Security, Server
from posthouse.errors import (
    ConnectionFailed,
    InvalidMessage,
    NoRoute,
    PosthouseError,
    ProtocolError,
    SmtpRefused,
    TlsError,
)
from posthouse.net.dns import Resolver, ascii_name, literal_address
from posthouse.net.stream import AsyncStream
from posthouse.policy import dane
from posthouse.smtp.dsn import Notify, asked_for
from posthouse.smtp.envelope import DeliverBy, Envelope, Recipient
from posthouse.smtp.path import Mailbox, parse_mailbox
from posthouse.store import queue
from posthouse.store.blob import Blobs

from . import security
from .content import Letter, converted
from .credentials import Wallet
from .route import Hop
from .security import NOTHING, Demand, Level
from .verdict import Outcome, Verdict, of_error, of_reply

log = logging.getLogger("posthouse.relay")

CONNECT_SECONDS = 30.0  # Postfix: smtp_connect_timeout = 30 s
GREETING_SECONDS = 300.0  # RFC 5321 §4.5.3.2.1
# Addresses that are tried in one attempt; Postfix: smtp_mx_address_limit = 5.
MAX_ADDRESSES = 5
NO_UTF8 = "the server takes only addresses in ASCII: it doesn't offer SMTPUTF8"
STATUS_TLS = "4.7.5"  # RFC 3463 §3.8: cryptographic failure


@dataclass(frozen=True, slots=True)
class Means:
    """What every courier works with. ``port``: of the hosts that the DNS names; another than 25 in tests only."""

    blobs: Blobs
    resolver: Resolver
    security: security.Security
    wallet: Wallet
    hostname: str
    port: int


@dataclass(frozen=True, slots=True)
class _Place:
    """Where to try it: a host, one of its addresses, and what is asked of the line."""

    host: str
    address: str
    port: int
    demand: Demand


@dataclass(slots=True)
class _Line:
    """A connection that stands. ``loose``: nobody looked at what the domain asks of it (RFC 8689 §4.2.2)."""

    host: str
    stream: AsyncStream
    conversation: Conversation
    context: ssl.SSLContext
    loose: bool = False


class Courier:
    """The way to one next hop. For one task; close it."""

    def __init__(self, hop: Hop, means: Means) -> None:
        self.hop = hop
        self.reached = False  # some host has answered, for the last letter
        self._means = means
        self._line: _Line | None = None
        # The envelope whose commands have left together with the letter before it, and the letter it is for.
        self._early: tuple[int, Envelope] | None = None

    @property
    def connected(self) -> bool:
        """Whether the next letter finds a connection."""
        return self._line is not None

    async def carry(self, letter: Letter, *, now: float, following: Letter | None = None) -> dict[int, Verdict]:
        """Hand a letter over, at as many hosts as it takes; the verdict for each recipient's id.

        ``following``: the one that will be carried next.
        """
        verdicts: dict[int, Verdict] = {}
        waiting: Sequence[queue.Recipient] = letter.due.recipients
        if self._line is not None and self._line.stream.ended:
            self.abort()  # the other side has had enough: it isn't asked about the letter
        if self._line is not None and self._line.loose and not letter.loose:
            await self.close()
        self.reached = self._line is not None
        if self._line is not None:
            waiting = await self._hand_over(self._line, letter, waiting, verdicts, now, following)
            if not waiting:
                return verdicts
        try:
            async with aclosing(self._places(letter.loose)) as places:
                async for place in places:
                    try:
                        line = await self._connect(place)
                    except (ConnectionFailed, SmtpRefused, ProtocolError) as error:
                        _note(verdicts, waiting, self._failure(error, place))
                        continue
                    line.loose = self.hop.server is None and letter.loose
                    waiting = await self._hand_over(line, letter, waiting, verdicts, now, following)
                    if not waiting:
                        break
        except PosthouseError as error:
            _note(verdicts, waiting, of_error(error))
        return verdicts

    async def close(self) -> None:
        """Say goodbye, if anybody is there."""
        line, self._line = self._line, None
        early, self._early = self._early, None
        if line is None:
            return
        if early is None and line.conversation.under_way is None:
            await adrive(line.stream, smtp.quit(line.conversation), line.context)
        else:  # it waits for a letter that won't come: the line just ends (RFC 5321 §4.1.4)
            line.stream.abort()
        await line.stream.close()

    def abort(self) -> None:
        """Hang up."""
        line, self._line = self._line, None
        self._early = None
        if line is not None:
            line.stream.abort()

    def _failure(self, error: PosthouseError, place: _Place) -> Verdict:
        if isinstance(error, TlsError) and place.demand.level > Level.MAY:
            if self.hop.strict:
                return Verdict(Outcome.FAILED, "5.7.10", str(error), place.host)
            return Verdict(Outcome.DELAYED, STATUS_TLS, f"{place.demand.why} asks for more: {error}", place.host)
        return of_error(error, place.host)

    # -- where to ------------------------------------------------------------------------------------------------

    async def _places(self, loose: bool) -> AsyncGenerator[_Place, None]:
        """Where to try it, in this order. `NoRoute` at last, if there was none at all."""
        hop, means = self.hop, self._means
        if hop.server is not None:
            async for place in self._of_server(hop.server):
                yield place
            return
        literal = literal_address(hop.domain)
        if literal is not None:
            yield _Place(hop.domain, literal, means.port, self._of_literal())
            return
        exchanges = await means.resolver.exchanges(hop.domain)
        ground = await means.security.of_domain(hop, loose=loose)
        ours = min((preference for preference, host in exchanges if host == means.hostname.lower()), default=None)
        # RFC 5321 §5.1: where we are one of the hosts, only those that come before us are left.
        hosts = [host for preference, host in exchanges if ours is None or preference < ours]
        if not hosts:
            raise self._loop()
        tried = 0
        failure: NoRoute | None = None
        for host in hosts:
            if tried >= MAX_ADDRESSES:
                break
            try:
                demand: Demand | None = None
                async with aclosing(means.resolver.addresses(host)) as kinds:
                    async for addresses in kinds:
                        demand = demand or await means.security.of_host(ground, host)
                        for address in addresses[: MAX_ADDRESSES - tried]:
                            tried += 1
                            yield _Place(host, address, means.port, demand)
            except NoRoute as error:
                failure = error if failure is None or error.temporary else failure
        if failure is not None:
            raise failure

    def _of_literal(self) -> Demand:
        if self.hop.strict:  # RFC 8689 §4.2.1: nothing proves who is at an address
            raise NoRoute(f"nothing proves who is at {self.hop.domain}", temporary=False, enhanced="5.7.10")
        return NOTHING

    async def _of_server(self, server: Server) -> AsyncGenerator[_Place, None]:
        """The operator's server: its certificate has to be for its name, where it is to speak TLS at all."""
        demand = NOTHING if server.tls is Security.NONE else Demand(Level.VERIFIED, "[relay]")
        try:
            literal = literal_address(f"[{server.host}]")
        except NoRoute:
            literal = None
        if literal is not None:
            yield _Place(server.host, literal, server.port, demand)
            return
        tried = 0
        try:
            async with aclosing(self._means.resolver.addresses(ascii_name(server.host))) as kinds:
                async for addresses in kinds:
                    for address in addresses[: MAX_ADDRESSES - tried]:
                        tried += 1
                        yield _Place(server.host, address, server.port, demand)
        except NoRoute as error:
            if error.temporary:
                raise
            # A name of this machine's own (/etc/hosts), or of nobody.
            yield _Place(server.host, server.host, server.port, demand)

    def _loop(self) -> NoRoute:
        domain = self.hop.domain
        return NoRoute(
            f"the way to {domain} leads back to this server, which has no such domain",
            temporary=False,
            enhanced="5.4.6",
            advice=f"If {domain} is to be served here: posthouse domain add {domain}",
        )

    # -- the line ------------------------------------------------------------------------------------------------

    async def _connect(self, place: _Place) -> _Line:
        """A conversation with greeting and EHLO behind it, under TLS where it is asked for, or offered and managed."""
        if self.hop.server is not None:
            return await self._connect_server(self.hop.server, place)
        demand = place.demand
        line = await self._greet(place, self._means.security.context(demand))
        if "STARTTLS" not in line.conversation.capabilities and demand.level is Level.MAY:
            return line
        try:
            if demand.level is Level.PINNED:
                line.stream.host = demand.names[0]  # RFC 7672 §8.1: the name that SNI tells
            await adrive(line.stream, smtp.start_tls(line.conversation), line.context)
            await adrive(line.stream, smtp.hello(line.conversation), line.context)
            self._inspect(line, place)
        except (ConnectionFailed, ProtocolError) as error:
            line.stream.abort()
            if demand.level > Level.MAY and not demand.lenient:
                raise error if isinstance(error, TlsError) else TlsError(str(error)) from error
            if demand.lenient:
                log.warning("%s doesn't meet its MTA-STS policy, which is in testing: %s", place.host, error)
                return await self._connect(_Place(place.host, place.address, place.port, NOTHING))
            # RFC 7435 §3: better in clear text than not at all.
            log.info("%s: TLS failed, going on without: %s", place.host, error)
            return await self._greet(place, line.context)
        except BaseException:
            line.stream.abort()
            raise
        return line

    def _inspect(self, line: _Line, place: _Place) -> None:
        """After the handshake. Errors: `TlsError`, `SmtpRefused`."""
        demand = place.demand
        if demand.level is Level.PINNED:
            now = int(self._means.security.clock())
            why = dane.objection(demand.records, line.stream.shown_certificates(), demand.names, now)
            if why:
                raise TlsError(f"{place.host} isn't who it should be: {why}")
        if self.hop.strict and "REQUIRETLS" not in line.conversation.capabilities:
            raise SmtpRefused(f"{place.host} can't promise to keep the letter encrypted", code=550, enhanced="5.7.30")

    async def _greet(self, place: _Place, context: ssl.SSLContext) -> _Line:
        server = Server(Protocol.SMTP, place.address, place.port, Security.NONE)
        line = await self._begin(server, place, context)
        assert line.conversation.greeting is not None
        if line.conversation.greeting.text.partition(" ")[0].lower() == self._means.hostname.lower():
            line.stream.abort()
            raise self._loop()
        return line

    async def _begin(self, server: Server, place: _Place, context: ssl.SSLContext) -> _Line:
        stream = await AsyncStream.connect(place.address, place.port, CONNECT_SECONDS)
        try:
            stream.host = place.host  # from here on, in TLS and in what is told of it
            conversation = Conversation(server, self._means.hostname, loopback=stream.loopback)
            await adrive(stream, smtp.connect(conversation, GREETING_SECONDS), context)
            self.reached = True
        except BaseException:
            stream.abort()
            raise
        return _Line(place.host, stream, conversation, context)

    async def _connect_server(self, server: Server, place: _Place) -> _Line:
        line = await self._begin(server, place, self._means.security.verifying)
        try:
            if server.user:
                await self._log_in(line, server)
            if self.hop.strict and not line.conversation.tls:
                text = f"the way to {line.host} is not encrypted, and the letter may travel encrypted only"
                raise SmtpRefused(text, code=550, enhanced="5.7.10")
            if self.hop.strict and "REQUIRETLS" not in line.conversation.capabilities:
                raise SmtpRefused(
                    f"{line.host} can't promise to keep the letter encrypted", code=550, enhanced="5.7.30"
                )
        except BaseException:
            line.stream.abort()
            raise
        return line

    async def _log_in(self, line: _Line, server: Server) -> None:
        """A login that fails is our trouble, not the letter's: it waits. Errors: `ConnectionFailed`, `SmtpRefused`."""
        wallet = self._means.wallet
        try:
            known = await wallet.find(server)
            await adrive(line.stream, smtp.login(line.conversation, known), line.context)
        except (ConnectionFailed, SmtpRefused):
            raise
        except PosthouseError as error:
            wallet.forget(server)
            log.error("no login at the smarthost: %s. %s", error, error.advice)
            raise ConnectionFailed(f"no login at {server.host}: {error}", advice=error.advice) from error

    # -- the letter ----------------------------------------------------------------------------------------------

    async def _hand_over(
        self,
        line: _Line,
        letter: Letter,
        waiting: Sequence[queue.Recipient],
        verdicts: dict[int, Verdict],
        now: float,
        following: Letter | None,
    ) -> Sequence[queue.Recipient]:
        """One transaction; those for whom another host may still do better. The line is kept if it still stands."""
        self._line = None
        early, self._early = self._early, None
        conversation = line.conversation
        offered = frozenset(conversation.capabilities)
        if early is not None and early[0] == letter.due.letter.id:
            envelope = early[1]
        else:
            try:
                letter, waiting = await self._fit(line, letter, waiting, verdicts, offered)
            except BaseException:
                line.stream.abort()
                raise
            if not waiting:
                self._line = line
                return ()
            envelope = envelope_for(letter, waiting, offered, now)
        behind = None
        if (
            following is not None
            and conversation.pipelining
            and not conversation.chunking
            and (not line.loose or following.loose)
            and _fits(following, offered)
        ):
            behind = envelope_for(following, following.due.recipients, offered, now)
        try:
            next_one = (behind, following.octets) if behind is not None and following is not None else None
            steps = smtp.send(conversation, envelope, letter.octets, following=next_one)
            result = await adrive(line.stream, steps, line.context)
        except (ConnectionFailed, SmtpRefused, ProtocolError) as error:
            line.stream.abort()
            _note(verdicts, waiting, of_error(error, line.host))
            # RFC 5321 §4.5.4.1: a letter whose answer was lost may have arrived. Another host must not get it now.
            return () if conversation.in_doubt else waiting
        except BaseException:
            line.stream.abort()
            raise
        self._line = line
        if behind is not None and following is not None and conversation.under_way is behind:
            self._early = (following.due.letter.id, behind)
        again = []
        for recipient, to in zip(waiting, envelope.recipients, strict=True):
            reply = result.refused.get(str(to))
            if reply is None:
                verdicts[recipient.id] = Verdict(
                    Outcome.RELAYED,
                    result.reply.enhanced or "2.0.0",
                    str(result.reply),
                    line.host,
                    reply=True,
                    offered=offered,
                )
                continue
            verdicts[recipient.id] = of_reply(reply, line.host, asked=result.asked)
            if verdicts[recipient.id].outcome is Outcome.DELAYED:
                again.append(recipient)
        if again and self.hop.server is None:  # another host is asked: this connection is of no use meanwhile
            await self.close()
            return again
        return ()

    async def _fit(
        self,
        line: _Line,
        letter: Letter,
        waiting: Sequence[queue.Recipient],
        verdicts: dict[int, Verdict],
        offered: Collection[str],
    ) -> tuple[Letter, Sequence[queue.Recipient]]:
        """The letter in a form that the server takes, and the recipients whose addresses it takes; the others have
        their verdicts. RFC 6152 §3, RFC 6531 §3.2. Errors: StoreError.
        """
        if _fits(letter, offered):
            return letter, waiting
        sender = letter.due.letter.sender
        if "SMTPUTF8" not in offered and (not sender or _mailbox(sender).is_ascii):
            fitting = [one for one in waiting if _mailbox(one.address).is_ascii]
            beyond = [one for one in waiting if one not in fitting]
            _note(verdicts, beyond, Verdict(Outcome.FAILED, "5.6.7", NO_UTF8, line.host))
            waiting = fitting
        if not waiting or ("8BITMIME" in offered and ("SMTPUTF8" in offered or letter.header.isascii())):
            return letter, waiting
        try:
            return await converted(self._means.blobs, letter, bodies="8BITMIME" not in offered), waiting
        except InvalidMessage as error:
            why = f"{line.host} takes only ASCII: {error}"
            _note(verdicts, waiting, Verdict(Outcome.FAILED, "5.6.3", why, line.host))
            return letter, ()


def _fits(letter: Letter, offered: Collection[str]) -> bool:
    """Whether a server takes the letter as it is."""
    if not letter.ascii and "8BITMIME" not in offered:
        return False
    addresses = [one.address for one in letter.due.recipients]
    return "SMTPUTF8" in offered or (letter.header.isascii() and all(map(str.isascii, addresses)))


def envelope_for(
    letter: Letter, recipients: Sequence[queue.Recipient], offered: Collection[str], now: float
) -> Envelope:
    """The envelope of a transaction with a server that offers these extensions."""
    due, terms = letter.due, letter.due.letter.terms
    mailboxes = [_mailbox(one.address) for one in recipients]
    return Envelope(
        _mailbox(due.letter.sender) if due.letter.sender else None,
        [
            Recipient(mailbox, _notify(one, terms, offered), one.orcpt)
            for mailbox, one in zip(mailboxes, recipients, strict=True)
        ],
        size=len(letter.octets),
        body="7BIT" if letter.ascii else "8BITMIME",
        # RFC 6531 §3.2: UTF-8 in an address or in a header field.
        smtputf8=not all(mailbox.is_ascii for mailbox in mailboxes) or not letter.header.isascii(),
        ret="HDRS" if terms.ret == "HDRS" else "FULL" if terms.ret == "FULL" else None,
        envid=terms.envid,
        requiretls=terms.requiretls,
        deliver_by=None
        if terms.deliver_by is None
        else DeliverBy(int(terms.deliver_by - now), "R" if terms.by_mode[0] == "R" else "N", "T" in terms.by_mode),
        priority=terms.priority,
    )


@functools.lru_cache(maxsize=1024)
def _mailbox(address: str) -> Mailbox:
    """An address as it travels; that of who sends much, or gets much, is parsed once."""
    return parse_mailbox(address).on_the_wire


def _notify(recipient: queue.Recipient, terms: queue.Terms, offered: Collection[str]) -> frozenset[Notify]:
    """What is asked of the next server about reports. RFC 2852 §4.1.4.2: of delays, where it doesn't see to them."""
    asked: set[Notify] = set(asked_for(recipient.notify))
    if terms.by_mode.startswith("N") and "DELIVERBY" not in offered and "NEVER" not in asked:
        asked |= {"DELAY"} if asked else {"FAILURE", "DELAY"}
    return frozenset(asked)


def _note(verdicts: dict[int, Verdict], waiting: Sequence[queue.Recipient], verdict: Verdict) -> None:
    """The same for all that wait, unless something weightier is known: what may be better another time (hosts differ),
    and among such what a server said.
    """
    for recipient in waiting:
        known = verdicts.get(recipient.id)
        if known is None or _weight(verdict) >= _weight(known):
            verdicts[recipient.id] = verdict


def _weight(verdict: Verdict) -> tuple[bool, bool]:
    return verdict.outcome is Outcome.DELAYED, verdict.reply
