"""Letters from our own people: who logged in may send as themselves, and what their program left out is completed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from posthouse.delivery import accept, success
from posthouse.delivery.accept import Arrival
from posthouse.delivery.deliver import Late, deliver
from posthouse.delivery.forward import forwarding
from posthouse.delivery.recipient import Found
from posthouse.delivery.submit import Completion
from posthouse.errors import StoreError
from posthouse.message.address import Address
from posthouse.smtp import reply
from posthouse.smtp.envelope import Envelope, Recipient
from posthouse.smtp.path import Mailbox
from posthouse.smtp.reply import Reply
from posthouse.store import account, queue
from posthouse.store.engine import Tx
from posthouse.store.queue import Terms
from posthouse.wire.line_ends import LineEnds

from .house import House
from .mx import received, waiting
from .transaction import Transaction

NO_DOMAIN = Reply(550, "5.1.2", "What stands behind the @ can't be a domain; check the address")
NO_AUTHOR = Reply(550, "5.7.1", "The From field names somebody without a mail address; write one of your own")
# RFC 4865 §5.2.2, §6
HELD_TOO_LONG = Reply(501, "5.5.4", "The letter is to leave after the time at which it is to have arrived")
TOO_MANY_HELD = Reply(552, "5.7.16", "Too many of your letters wait for a later time; send this one then")


class Author(Protocol):
    """Whoever a letter is from."""

    @property
    def account_id(self) -> int | None:
        """Whose letters that wait for their time it is counted among (RFC 4865 §6)."""
        ...

    def may_send_as(self, tx: Tx, address: str) -> bool:
        """Whether a letter may be from this address."""
        ...

    def refusal(self, address: str) -> str:
        """What is said where it may not."""
        ...


@dataclass(frozen=True, slots=True)
class AccountAuthor:
    """Who has logged in: sends from the account's address, and from those that lead to it."""

    account_id: int

    def may_send_as(self, tx: Tx, address: str) -> bool:
        return self.account_id in account.resolve(tx, address)

    def refusal(self, address: str) -> str:
        return f"{address} is not an address of yours; send as one that is"


class SubmissionTransaction(Transaction):
    """One letter from a mail program."""

    def __init__(self, house: House, author: Author) -> None:
        super().__init__(house)
        self._author = author
        self._terms = Terms()
        self._here: dict[str, Found] = {}  # recipients that get it at once, and where their letters go
        self._elsewhere: dict[str, queue.To] = {}  # those that the queue is for, by their addresses
        self._completion: Completion | None = None
        self._line_ends: LineEnds | None = None

    async def sender(self, envelope: Envelope, now: int) -> Reply:
        """MAIL: nobody sends in somebody else's name (RFC 6409 §6.1). The null sender is for reports."""
        self.size = envelope.size or 0
        self._terms = accept.terms(envelope, now)
        sender = str(envelope.sender or "")
        if (refused := self._too_late(now)) is not None:
            return refused
        mine, held = await self.house.store.read(_about, self._author, sender)
        if not mine:
            return Reply(553, "5.7.1", self._author.refusal(sender))
        if self._terms.release is not None and held >= self.house.held_letters:
            return TOO_MANY_HELD
        return reply.SENDER_OK

    def _too_late(self, now: int) -> Reply | None:
        """The refusal of a letter that is to be held for too long (RFC 4865 §4.2, §5.2.2)."""
        terms = self._terms
        if terms.release is None:
            return None
        if terms.release > now + self.house.hold_seconds:
            days = self.house.hold_seconds // 86_400
            return Reply(501, "5.5.4", f"Letters are held for at most {days} days here; choose an earlier time")
        if terms.deliver_by is not None and terms.release > terms.deliver_by:
            return HELD_TOO_LONG
        return None

    async def recipient(self, recipient: Recipient) -> Reply:
        """RCPT: our own people at once, everybody else through the queue; all of them, where the letter is held."""
        mailbox = recipient.mailbox
        found = await self.find(mailbox)
        if found.returns or (not found and (found.ours or not mailbox.domain)):
            return reply.NO_SUCH_MAILBOX
        if found and self._terms.release is None:
            self._here[str(mailbox)] = found
            return reply.RECIPIENT_OK
        try:
            to = accept.to(recipient, self.house.hostname)
        except StoreError:
            return NO_DOMAIN
        self._elsewhere[to.address] = to
        return reply.RECIPIENT_OK

    async def find(self, mailbox: Mailbox) -> Found:
        """Where the letters for an address go."""
        return await self.house.directory.find(mailbox, self.size)

    def begin(self, now: int, *, counted: bool, binary: bool) -> None:
        """The letter comes. Bare line feeds become line ends; only other servers' letters are kept as they are."""
        super().begin(now, counted=counted, binary=binary)
        self._line_ends = None if binary else LineEnds(stuffed=not counted)
        self._completion = Completion(hostname=self.house.hostname, now=now)

    async def write(self, chunk: bytes) -> None:
        """Its next octets."""
        assert self._completion is not None
        if b"\0" in chunk:  # RFC 5322 §3.5: no text has one, and few servers further on carry it
            self.binary = True
        await super().write(self._completion.write(self._line_ends.write(chunk) if self._line_ends else chunk))

    async def end(self, envelope: Envelope, arrival: Arrival) -> list[Reply]:
        """It is complete: put it into the mailboxes and the queue, and only then say 250."""
        completion = self._completion
        assert completion is not None
        if self._line_ends is not None:
            await super().write(completion.write(self._line_ends.end()))
        await super().write(completion.end())
        if (refused := await self._in_whose_name(completion.authors)) is not None:
            return [refused]
        house = self.house
        ident = accept.transaction_id()
        trace = received(envelope, arrival, ident)
        sender = str(envelope.sender or "")
        arrived = [(one, self._here[str(one)]) for one in envelope.recipients if str(one) in self._here]
        forwardings = [
            forwarding(
                recipient,
                found,
                hostname=house.hostname,
                sender=sender,
                prefix=trace,
                terms=self._terms,
                lifetime=house.lifetime,
            )
            for recipient, found in arrived
        ]

        def later(late: Sequence[Late]) -> queue.Onward:
            to = [accept.to(arrived[one.recipient][0], house.hostname, one.address) for one in late]
            return self._queued(envelope, trace, to)

        elsewhere = list(self._elsewhere.values())
        letter, late = await deliver(
            house.store,
            await self.whole(),
            [found for _, found in arrived],
            trace=accept.return_path(sender) + trace,
            forwardings=forwardings,
            later=later,
            onward=self._queued(envelope, trace, elsewhere) if elsewhere else None,
        )
        waits = {one.recipient for one in late if not one.address}
        at_once = [one for number, one in enumerate(arrived) if number not in waits]
        await success.report(house.store, envelope, at_once, letter, hostname=house.hostname, now=arrival.at)
        return [Reply(250, "2.0.0", f"Accepted as {ident}{waiting([one for one, _ in arrived], late)}")]

    async def _in_whose_name(self, authors: list[Address] | None) -> Reply | None:
        """The refusal of a letter whose From names somebody else. Where there is no From, the envelope's is known."""
        if authors is None:
            return None
        if not authors or not all(author.is_complete for author in authors):
            return NO_AUTHOR
        specs = [author.addr for author in authors]
        other = await self.house.store.read(_first_of_others, self._author, specs)
        return None if other is None else Reply(550, "5.7.1", self._author.refusal(other))

    def _queued(self, envelope: Envelope, trace: bytes, to: Sequence[queue.To]) -> queue.Onward:
        """What the queue needs to know. The last server adds the Return-Path."""
        sender = str(envelope.sender or "")
        return queue.Onward(trace, sender, to, self._terms, self.house.lifetime, self._author.account_id)


def _about(tx: Tx, author: Author, sender: str) -> tuple[bool, int]:
    """Whether a sender is the author's (the null one is everybody's), and how many letters of the author are held."""
    return not sender or author.may_send_as(tx, sender), queue.count_unreleased(tx, author.account_id)


def _first_of_others(tx: Tx, author: Author, addresses: list[str]) -> str | None:
    """The first of the addresses that isn't the author's."""
    return next((one for one in dict.fromkeys(addresses) if not author.may_send_as(tx, one)), None)
