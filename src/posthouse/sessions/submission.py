"""Letters from our own people: who logged in may send as themselves, and what their program left out is completed."""

from __future__ import annotations

from posthouse.delivery import accept
from posthouse.delivery.accept import Arrival
from posthouse.delivery.deliver import deliver
from posthouse.delivery.submit import Completion
from posthouse.errors import StoreError
from posthouse.smtp import reply
from posthouse.smtp.envelope import Envelope
from posthouse.smtp.path import Mailbox
from posthouse.smtp.reply import Reply
from posthouse.store import account, queue
from posthouse.store.account import Account
from posthouse.store.address import canonical_domain
from posthouse.wire.line_ends import LineEnds

from .house import House
from .mx import lookup

NO_DOMAIN = Reply(550, "5.1.2", "What stands behind the @ can't be a domain; check the address")


class SubmissionTransaction:
    """One letter from a mail program. `SmtpSession` calls the methods in the order of RFC 5321 §3.3."""

    def __init__(self, house: House, author: Account) -> None:
        self._house = house
        self._author = author
        self._accounts: dict[int, None] = {}
        self._elsewhere: dict[str, str] = {}  # recipients that other servers have, and their domains
        self._size = 0  # as declared (RFC 1870), or 0
        self._completion: Completion | None = None
        self._line_ends = LineEnds(stuffed=True)

    async def sender(self, envelope: Envelope) -> Reply:
        """MAIL: nobody sends in somebody else's name (RFC 6409 §6.1). The null sender is for reports."""
        self._size = envelope.size or 0
        if envelope.sender is None:
            return reply.SENDER_OK
        mine = await self._house.store.read(account.resolve, str(envelope.sender))
        return reply.SENDER_OK if self._author.id in mine else reply.SENDER_NOT_YOURS

    async def recipient(self, mailbox: Mailbox) -> Reply:
        """RCPT: our own people at once, everybody else through the queue."""
        home = mailbox.domain or self._house.hostname
        ours, accounts = await self._house.store.read(lookup, mailbox, self._house.hostname, self._size)
        if not accounts and (ours or not mailbox.domain):
            return reply.NO_SUCH_MAILBOX
        if not accounts:
            try:
                self._elsewhere[str(mailbox)] = canonical_domain(home)
            except StoreError:
                return NO_DOMAIN
        self._accounts.update(dict.fromkeys(accounts))
        return reply.RECIPIENT_OK

    def begin(self, now: int) -> None:
        """The letter comes."""
        self._line_ends = LineEnds(stuffed=True)
        self._completion = Completion(self._house.store.blobs.spool(), hostname=self._house.hostname, now=now)

    def write(self, chunk: bytes) -> None:
        """Its next octets. Bare line feeds become line ends; only other servers' letters are kept as they are."""
        assert self._completion is not None
        self._completion.write(self._line_ends.write(chunk))

    async def end(self, envelope: Envelope, arrival: Arrival) -> Reply:
        """It is complete: put it into the mailboxes and the queue, and only then say 250."""
        completion, self._completion = self._completion, None
        assert completion is not None
        completion.write(self._line_ends.end())
        completion.end()
        sender = str(envelope.sender or "")
        only = str(envelope.recipients[0]) if len(envelope.recipients) == 1 else ""
        ident = accept.transaction_id()
        received = accept.received(arrival, ident, only)
        await deliver(
            self._house.store,
            completion.spool,
            list(self._accounts),
            trace=accept.return_path(sender) + received,
            sender=sender,
            onward=self._onward(envelope, received),
        )
        return Reply(250, "2.0.0", f"Accepted as {ident}")

    def _onward(self, envelope: Envelope, received: bytes) -> queue.Onward | None:
        """What the queue needs to know, if anybody's mailbox is elsewhere. The last server adds the Return-Path."""
        asked = {str(recipient): recipient for recipient in envelope.recipients}
        recipients = [
            queue.To(address, domain, ",".join(sorted(asked[address].notify)), asked[address].orcpt)
            for address, domain in self._elsewhere.items()
            if address in asked
        ]
        if not recipients:
            return None
        return queue.Onward(received, str(envelope.sender or ""), recipients, envelope.ret, envelope.envid)

    def discard(self) -> None:
        """The letter will not be: forget what came of it."""
        if self._completion is not None:
            self._completion.spool.discard()
            self._completion = None
