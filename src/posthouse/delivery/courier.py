"""Carrying letters to one domain: its hosts in their order, TLS where it can be had, one connection for many."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import get_args

import idna

from posthouse.client import smtp
from posthouse.client.drive import adrive
from posthouse.client.smtp import Conversation
from posthouse.client.url import Protocol, Security, Server
from posthouse.errors import ConnectionFailed, NoRoute, ProtocolError, SmtpRefused
from posthouse.message.complete import split_header
from posthouse.net.dns import Resolver, literal_address
from posthouse.net.stream import AsyncStream
from posthouse.smtp.dsn import Notify
from posthouse.smtp.envelope import DeliverBy, Envelope, Recipient
from posthouse.smtp.path import Mailbox, parse_mailbox
from posthouse.store import queue
from posthouse.store.queue import Due

from .verdict import Outcome, Verdict, of_error, of_reply

log = logging.getLogger("posthouse.relay")

CONNECT_SECONDS = 30.0  # Postfix: smtp_connect_timeout = 30 s
# Addresses that are tried in one attempt; Postfix: smtp_mx_address_limit = 5.
MAX_ADDRESSES = 5


def opportunistic_context() -> ssl.SSLContext:
    """TLS that keeps listeners out, and proves nothing about who is there.

    RFC 7435: the name of the MX host came from a DNS that anybody may have forged, and the alternative is clear text;
    so a certificate isn't verified, as all servers have it between themselves where no policy asks for more.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass(slots=True)
class _Line:
    """A connection that stands."""

    host: str
    stream: AsyncStream
    conversation: Conversation


class Courier:
    """The way to one domain. For one task; close it.

    ``strict``: no letter goes but to a host that proves its name, for which ``tls`` has to ask, and that promises to
    keep it encrypted (RFC 8689 §4.2.1).
    """

    def __init__(
        self, domain: str, resolver: Resolver, *, hostname: str, port: int, tls: ssl.SSLContext, strict: bool
    ) -> None:
        self.domain = domain
        self.strict = strict
        self.reached = False  # some host has answered
        self._resolver = resolver
        self._hostname = hostname
        self._port = port
        self._tls = tls
        self._line: _Line | None = None

    @property
    def connected(self) -> bool:
        """Whether the next letter finds a connection."""
        return self._line is not None

    async def carry(self, due: Due, octets: bytes, *, now: float) -> dict[int, Verdict]:
        """Hand a letter over, at as many hosts as it takes; the verdict for each recipient's id."""
        verdicts: dict[int, Verdict] = {}
        waiting: Sequence[queue.Recipient] = due.recipients
        if self._line is not None:
            waiting = await self._hand_over(self._line, due, waiting, octets, verdicts, now)
            if not waiting:
                return verdicts
        try:
            async with aclosing(self._places()) as places:
                async for host, address in places:
                    try:
                        line = await self._connect(host, address)
                    except (ConnectionFailed, SmtpRefused, ProtocolError) as error:
                        _note(verdicts, waiting, of_error(error, host))
                        continue
                    waiting = await self._hand_over(line, due, waiting, octets, verdicts, now)
                    if not waiting:
                        break
        except NoRoute as error:
            _note(verdicts, waiting, of_error(error))
        return verdicts

    async def close(self) -> None:
        """Say goodbye, if anybody is there."""
        line, self._line = self._line, None
        if line is not None:
            await adrive(line.stream, smtp.quit(line.conversation), self._tls)
            await line.stream.close()

    def abort(self) -> None:
        """Hang up."""
        line, self._line = self._line, None
        if line is not None:
            line.stream.abort()

    async def _places(self) -> AsyncGenerator[tuple[str, str], None]:
        """Hosts and their addresses, in the order in which to try them. `NoRoute` at last, if there was none at all."""
        literal = literal_address(self.domain)
        if literal is not None:
            yield self.domain, literal
            return
        exchanges = await self._resolver.exchanges(self.domain)
        if self.strict and not await self._resolver.vouched(self.domain):
            raise NoRoute(
                f"nothing proves which servers {self.domain} has: its MX records are not signed (DNSSEC), or the"
                " resolver doesn't say so",
                temporary=False,
                enhanced="5.7.10",
            )
        # RFC 5321 §5.1: where we are one of the hosts, only those that come before us are left.
        ours = min((preference for preference, host in exchanges if host == self._hostname.lower()), default=None)
        hosts = [host for preference, host in exchanges if ours is None or preference < ours]
        if not hosts:
            raise self._loop()
        tried = 0
        failure: NoRoute | None = None
        for host in hosts:
            try:
                addresses = await self._resolver.addresses(host)
            except NoRoute as error:
                failure = error if failure is None or error.temporary else failure
                continue
            for address in addresses:
                if tried < MAX_ADDRESSES:
                    tried += 1
                    yield host, address
        if failure is not None:
            raise failure

    def _loop(self) -> NoRoute:
        return NoRoute(
            f"the way to {self.domain} leads back to this server, which has no such domain",
            temporary=False,
            enhanced="5.4.6",
            advice=f"If {self.domain} is to be served here: posthouse domain add {self.domain}",
        )

    async def _connect(self, host: str, address: str) -> _Line:
        """A conversation with greeting and EHLO behind it, under TLS where the host offers and manages it."""
        line = await self._greet(host, address)
        if "STARTTLS" not in line.conversation.capabilities and not self.strict:
            return line
        try:
            await adrive(line.stream, smtp.start_tls(line.conversation), self._tls)
            await adrive(line.stream, smtp.hello(line.conversation), self._tls)
            if self.strict and "REQUIRETLS" not in line.conversation.capabilities:
                raise SmtpRefused(f"{host} can't promise to keep the letter encrypted", code=550, enhanced="5.7.30")
        except (ConnectionFailed, ProtocolError) as error:
            line.stream.abort()
            if self.strict:
                raise SmtpRefused(f"{host}: {error}", code=550, enhanced="5.7.10") from error
            # RFC 7435 §3: better in clear text than not at all.
            log.info("%s: TLS failed, going on without: %s", host, error)
            return await self._greet(host, address)
        except BaseException:
            line.stream.abort()
            raise
        return line

    async def _greet(self, host: str, address: str) -> _Line:
        stream = await AsyncStream.connect(address, self._port, CONNECT_SECONDS)
        try:
            stream.host = host  # from here on, in TLS and in what is told of it
            server = Server(Protocol.SMTP, address, self._port, Security.NONE)
            conversation = Conversation(server, self._hostname)
            await adrive(stream, smtp.connect(conversation), self._tls)
            self.reached = True
            assert conversation.greeting is not None
            if conversation.greeting.text.partition(" ")[0].lower() == self._hostname.lower():
                raise self._loop()
        except BaseException:
            stream.abort()
            raise
        return _Line(host, stream, conversation)

    async def _hand_over(
        self,
        line: _Line,
        due: Due,
        waiting: Sequence[queue.Recipient],
        octets: bytes,
        verdicts: dict[int, Verdict],
        now: float,
    ) -> Sequence[queue.Recipient]:
        """One transaction; those for whom another host may still do better. The line is kept if it still stands."""
        self._line = None
        offered = frozenset(line.conversation.capabilities)
        envelope = envelope_for(due, waiting, octets, offered, now)
        try:
            result = await adrive(line.stream, smtp.send(line.conversation, envelope, octets), self._tls)
        except (ConnectionFailed, SmtpRefused, ProtocolError) as error:
            line.stream.abort()
            _note(verdicts, waiting, of_error(error, line.host))
            # RFC 5321 §4.5.4.1: a letter whose answer was lost may have arrived. Another host must not get it now.
            return () if line.conversation.in_doubt else waiting
        except BaseException:
            line.stream.abort()
            raise
        self._line = line
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
            verdicts[recipient.id] = of_reply(reply, line.host)
            if verdicts[recipient.id].outcome is Outcome.DELAYED:
                again.append(recipient)
        if again:  # another host is asked: this connection is of no use meanwhile
            await self.close()
        return again


def envelope_for(
    due: Due, recipients: Sequence[queue.Recipient], octets: bytes, offered: Collection[str], now: float
) -> Envelope:
    """The envelope of a transaction with a server that offers these extensions.

    What the octets need of it is told from them.
    """
    terms = due.letter.terms
    mailboxes = [_on_the_wire(parse_mailbox(one.address)) for one in recipients]
    ascii_only = octets.isascii()
    return Envelope(
        _on_the_wire(parse_mailbox(due.letter.sender)) if due.letter.sender else None,
        [
            Recipient(mailbox, _notify(one, terms, offered), one.orcpt)
            for mailbox, one in zip(mailboxes, recipients, strict=True)
        ],
        size=len(octets),
        body="7BIT" if ascii_only else "8BITMIME",
        # RFC 6531 §3.2: UTF-8 in an address or in a header field.
        smtputf8=not all(mailbox.is_ascii for mailbox in mailboxes)
        or not (ascii_only or octets[: split_header(octets)].isascii()),
        ret="HDRS" if terms.ret == "HDRS" else "FULL" if terms.ret == "FULL" else None,
        envid=terms.envid,
        requiretls=terms.requiretls,
        deliver_by=None
        if terms.deliver_by is None
        else DeliverBy(int(terms.deliver_by - now), "R" if terms.by_mode[0] == "R" else "N", "T" in terms.by_mode),
        priority=terms.priority,
    )


def _notify(recipient: queue.Recipient, terms: queue.Terms, offered: Collection[str]) -> frozenset[Notify]:
    """What is asked of the next server about reports. RFC 2852 §4.1.4.2: of delays, where it doesn't see to them."""
    asked: set[Notify] = {word for word in get_args(Notify) if word in recipient.notify.split(",")}
    if terms.by_mode.startswith("N") and "DELIVERBY" not in offered and "NEVER" not in asked:
        asked |= {"DELAY"} if asked else {"FAILURE", "DELAY"}
    return frozenset(asked)


def _on_the_wire(mailbox: Mailbox) -> Mailbox:
    """With the domain in A-labels where that makes the whole address ASCII: then every server takes it."""
    if mailbox.is_ascii or not mailbox.local.isascii():
        return mailbox
    try:
        return Mailbox(mailbox.local, idna.encode(mailbox.domain, uts46=True).decode("ascii"))
    except idna.IDNAError:
        return mailbox


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
