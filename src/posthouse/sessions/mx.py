"""Letters from other servers, for our own people only, checked when each recipient is named: by SMTP and by LMTP."""

from __future__ import annotations

from posthouse.delivery import accept, success
from posthouse.delivery.accept import Arrival
from posthouse.delivery.deliver import deliver, keep, place_each
from posthouse.delivery.recipient import lookup
from posthouse.errors import StoreError
from posthouse.message.complete import split_header
from posthouse.smtp import reply
from posthouse.smtp.envelope import Envelope, Recipient
from posthouse.smtp.reply import Reply
from posthouse.store.blob import Spool

from .house import House
from .refusal import refusal
from .transaction import Transaction

# Hops are counted in the letter's beginning: Received lines come first, and fifty of them take some 15 KB.
HEADER_LOOKED_AT = 64 * 1024


class MxTransaction(Transaction):
    """One letter from elsewhere."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.accounts: list[tuple[int, ...]] = []  # of each recipient

    async def sender(self, envelope: Envelope, now: int) -> Reply:
        """MAIL: anybody may write to us."""
        self.size = envelope.size or 0
        return reply.SENDER_OK

    async def recipient(self, recipient: Recipient) -> Reply:
        """RCPT: only whom we know."""
        house = self.house
        ours, accounts = await house.store.read(lookup, recipient.mailbox, house.hostname, self.size)
        if not accounts:
            return reply.NO_SUCH_MAILBOX if ours else reply.RELAYING_DENIED
        self.accounts.append(accounts)
        return reply.RECIPIENT_OK

    async def end(self, envelope: Envelope, arrival: Arrival) -> list[Reply]:
        """Weigh it, put it into the mailboxes, and only then say 250."""
        spool = await self.whole(envelope)
        if self.loops(spool):
            return [reply.TOO_MANY_HOPS]
        ident = accept.transaction_id()
        accounts = [one for accounts in self.accounts for one in accounts]
        kept = await deliver(self.house.store, spool, accounts, trace=trace(envelope, arrival, ident))
        await success.report(
            self.house.store, envelope, envelope.recipients, kept, hostname=self.house.hostname, now=arrival.at
        )
        return [Reply(250, "2.0.0", f"Delivered as {ident}")]

    def loops(self, spool: Spool) -> bool:
        """Whether the letter has passed too many servers (RFC 5321 §6.3). Then the spool is used up."""
        beginning = spool.octets()[:HEADER_LOOKED_AT]
        # The header alone: a report about a loop has the looping letter's header in its body.
        if accept.hops(beginning[: split_header(beginning)]) <= self.house.hops:
            return False
        spool.discard()
        return True


class LmtpTransaction(MxTransaction):
    """One letter from a mail server beside us that leaves the mailboxes to us: RFC 2033."""

    async def end(self, envelope: Envelope, arrival: Arrival) -> list[Reply]:
        """An answer for each recipient (§4.2): who has no room is no other's trouble."""
        recipients = envelope.recipients
        spool = await self.whole(envelope)
        if self.loops(spool):
            return [reply.TOO_MANY_HOPS] * len(recipients)
        ident = accept.transaction_id()
        store = self.house.store
        kept = await keep(store, spool, trace(envelope, arrival, ident))
        outcomes: list[StoreError | None] = await store.write(place_each, kept, self.accounts)
        delivered = [one for one, error in zip(recipients, outcomes, strict=True) if error is None]
        await success.report(store, envelope, delivered, kept, hostname=self.house.hostname, now=arrival.at)
        taken = Reply(250, "2.0.0", f"Delivered as {ident}")
        return [taken if error is None else refusal(error) for error in outcomes]


def trace(envelope: Envelope, arrival: Arrival, ident: str) -> bytes:
    """The lines that final delivery puts in front of a letter (RFC 5321 §4.4)."""
    only = str(envelope.recipients[0]) if len(envelope.recipients) == 1 else ""
    return accept.return_path(str(envelope.sender or "")) + accept.received(arrival, ident, only)
