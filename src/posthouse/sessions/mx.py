"""Letters from other servers, for our own people only, checked when each recipient is named: by SMTP and by LMTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from posthouse.delivery import accept, success
from posthouse.delivery.accept import Arrival
from posthouse.delivery.deliver import Late, Later, deliver, keep, place_each
from posthouse.delivery.forward import Forwarding, came_from, forwarding
from posthouse.delivery.recipient import Found
from posthouse.errors import StoreError
from posthouse.message.complete import split_header
from posthouse.smtp import reply
from posthouse.smtp.envelope import Envelope, Recipient
from posthouse.smtp.reply import Reply
from posthouse.store import queue
from posthouse.store.blob import Spool

from .house import House
from .refusal import refusal
from .transaction import Transaction

# Hops are counted in the letter's beginning: Received lines come first, and fifty of them take some 15 KB.
HEADER_LOOKED_AT = 64 * 1024

# Recipients that a reply names: a line has 512 octets.
NAMED = 1

# Else everybody who has seen such an address could have letters sent on by us.
REPORTS_ONLY = Reply(550, "5.7.1", "That address takes reports on a forwarded message only, which have no sender")


class MxTransaction(Transaction):
    """One letter from elsewhere."""

    elsewhere: ClassVar[Reply] = reply.RELAYING_DENIED

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.found: list[Found] = []  # of each recipient
        self._report = False

    async def sender(self, envelope: Envelope, now: int) -> Reply:
        """MAIL: anybody may write to us."""
        self.size = envelope.size or 0
        self._report = envelope.sender is None
        return reply.SENDER_OK

    async def recipient(self, recipient: Recipient) -> Reply:
        """RCPT: only whom we know."""
        house = self.house
        found = await house.directory.find(recipient.mailbox, self.size)
        if not found:
            return reply.NO_SUCH_MAILBOX if found.ours else self.elsewhere
        if found.returns and not self._report:
            return REPORTS_ONLY
        self.found.append(found)
        return reply.RECIPIENT_OK

    async def end(self, envelope: Envelope, arrival: Arrival) -> list[Reply]:
        """Weigh it, put it into the mailboxes, and only then say 250."""
        spool = await self.whole()
        if (looping := self.loops(envelope, spool)) is not None:
            return [looping]
        ident = accept.transaction_id()
        store, hostname = self.house.store, self.house.hostname
        recipients = envelope.recipients
        letter, late = await deliver(
            store,
            spool,
            self.found,
            trace=trace(envelope, arrival, ident),
            forwardings=self.forwardings(envelope, arrival, ident),
            later=self.later(envelope, arrival, ident),
        )
        waits = {one.recipient for one in late if not one.address}
        arrived = [one for number, one in enumerate(zip(recipients, self.found, strict=True)) if number not in waits]
        await success.report(store, envelope, arrived, letter, hostname=hostname, now=arrival.at)
        return [Reply(250, "2.0.0", f"Delivered as {ident}{waiting(recipients, late)}")]

    def later(self, envelope: Envelope, arrival: Arrival, ident: str) -> Later:
        """How those who have no room now get it."""

        def onward(late: Sequence[Late]) -> queue.Onward:
            to = [accept.to(envelope.recipients[one.recipient], self.house.hostname, one.address) for one in late]
            prefix, terms = received(envelope, arrival, ident), accept.terms(envelope, arrival.at)
            return queue.Onward(prefix, str(envelope.sender or ""), to, terms, self.house.lifetime)

        return onward

    def forwardings(self, envelope: Envelope, arrival: Arrival, ident: str) -> list[Forwarding | None]:
        """How the letter goes on from each recipient."""
        if not any(found.targets for found in self.found):
            return [None] * len(self.found)
        return [
            forwarding(
                recipient,
                found,
                hostname=self.house.hostname,
                sender=str(envelope.sender or ""),
                prefix=received(envelope, arrival, ident),
                terms=accept.terms(envelope, arrival.at),
                lifetime=self.house.lifetime,
            )
            for recipient, found in zip(envelope.recipients, self.found, strict=True)
        ]

    def loops(self, envelope: Envelope, spool: Spool) -> Reply | None:
        """The refusal of a letter that has passed too many servers (RFC 5321 §6.3), or one of its recipients already.

        Then the spool is used up.
        """
        beginning = spool.octets()[:HEADER_LOOKED_AT]
        forwarders = [one.mailbox for one, found in zip(envelope.recipients, self.found, strict=True) if found.targets]
        if not forwarders and not accept.may_have_hops(beginning, self.house.hops):
            return None
        # The header alone: a report about a loop has the looping letter's header in its body.
        header = beginning[: split_header(beginning)]
        refused = None
        if accept.hops(header) > self.house.hops:
            refused = reply.TOO_MANY_HOPS
        elif (again := came_from(header, forwarders)) is not None:
            refused = Reply(554, "5.4.6", f"{again} has sent this message on before: it goes round in circles")
        if refused is not None:
            spool.discard()
        return refused


class LmtpTransaction(MxTransaction):
    """One letter from a mail server beside us that leaves the mailboxes to us: RFC 2033."""

    # Nobody can log in here; who reads this is the administrator of both servers.
    elsewhere: ClassVar[Reply] = reply.NOT_OURS

    async def end(self, envelope: Envelope, arrival: Arrival) -> list[Reply]:
        """An answer for each recipient (§4.2): who has no room is no other's trouble."""
        recipients = envelope.recipients
        spool = await self.whole()
        if (looping := self.loops(envelope, spool)) is not None:
            return [looping] * len(recipients)
        ident = accept.transaction_id()
        store = self.house.store
        kept = await keep(store, spool, trace(envelope, arrival, ident))
        forwardings = self.forwardings(envelope, arrival, ident)
        later = self.later(envelope, arrival, ident)
        async with store.using([kept.blob]):
            outcomes: list[StoreError | None] = await store.write(place_each, kept, self.found, forwardings, later)
        if all(error is not None for error in outcomes):
            await store.forget([kept.blob])
        answered = zip(recipients, self.found, outcomes, strict=True)
        delivered = [(one, found) for one, found, error in answered if error is None]
        await success.report(store, envelope, delivered, kept, hostname=self.house.hostname, now=arrival.at)
        taken = Reply(250, "2.0.0", f"Delivered as {ident}")
        return [taken if error is None else refusal(error) for error in outcomes]


def waiting(recipients: Sequence[Recipient], late: Sequence[Late]) -> str:
    """The end of a reply: what is said of those who don't get the letter at once."""
    if not late:
        return ""
    whom = ", ".join(dict.fromkeys(f"<{recipients[one.recipient]}>" for one in late[:NAMED]))
    more = " and others" if len(late) > NAMED else ""
    if all(one.never for one in late):
        return f"; the mailbox of {whom}{more} is too small for it"
    return f"; for {whom}{more} it waits until the mailbox has room"


def trace(envelope: Envelope, arrival: Arrival, ident: str) -> bytes:
    """The lines that final delivery puts in front of a letter (RFC 5321 §4.4)."""
    return accept.return_path(str(envelope.sender or "")) + received(envelope, arrival, ident)


def received(envelope: Envelope, arrival: Arrival, ident: str) -> bytes:
    """The line that every server puts in front of it."""
    return accept.received(arrival, ident, str(envelope.recipients[0]) if len(envelope.recipients) == 1 else "")
