"""Letters from other servers: for our own people only, checked when each recipient is named."""

from __future__ import annotations

from posthouse.delivery import accept
from posthouse.delivery.accept import Arrival
from posthouse.delivery.deliver import deliver
from posthouse.message.complete import split_header
from posthouse.smtp import reply
from posthouse.smtp.envelope import Envelope
from posthouse.smtp.path import Mailbox
from posthouse.smtp.reply import Reply
from posthouse.store import account, domain, quota
from posthouse.store.blob import Spool
from posthouse.store.engine import Tx

from .house import House

# Hops are counted in the letter's beginning: Received lines come first, and fifty of them take some 15 KB.
HEADER_LOOKED_AT = 64 * 1024


def lookup(tx: Tx, mailbox: Mailbox, hostname: str, size: int) -> tuple[bool, tuple[int, ...]]:
    """Whether we are responsible for an address, and the accounts that its letters go to.

    Postmaster is always somebody (RFC 5321 §4.5.1): where no account or alias has the name, whoever came first.

    Errors: OverQuota where one of them has no room for so many octets: said now, it is no other recipient's trouble.
    """
    home = mailbox.domain or hostname
    ours = home.lower() == hostname.lower() or domain.is_local(tx, home)
    accounts = account.resolve(tx, f"{mailbox.local}@{home}")
    if not accounts and ours and mailbox.unquoted.lower() == "postmaster":
        accounts = account.oldest(tx)
    for account_id in accounts:
        quota.check(tx, account_id, size)
    return ours or bool(accounts), accounts


class MxTransaction:
    """One letter from elsewhere. `SmtpSession` calls the methods in the order of RFC 5321 §3.3."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._accounts: dict[int, None] = {}  # in the order of their recipients, each once
        self._spool: Spool | None = None
        self._size = 0  # as declared (RFC 1870), or 0

    async def sender(self, envelope: Envelope) -> Reply:
        """MAIL: anybody may write to us."""
        self._size = envelope.size or 0
        return reply.SENDER_OK

    async def recipient(self, mailbox: Mailbox) -> Reply:
        """RCPT: only whom we know."""
        ours, accounts = await self._house.store.read(lookup, mailbox, self._house.hostname, self._size)
        if not accounts:
            return reply.NO_SUCH_MAILBOX if ours else reply.RELAYING_DENIED
        self._accounts.update(dict.fromkeys(accounts))
        return reply.RECIPIENT_OK

    def begin(self, now: int) -> None:
        """The letter comes."""
        self._spool = self._house.store.blobs.spool()

    def write(self, chunk: bytes) -> None:
        """Its next octets, kept as they came."""
        assert self._spool is not None
        self._spool.write(chunk)

    async def end(self, envelope: Envelope, arrival: Arrival) -> Reply:
        """It is complete: weigh it, put it into the mailboxes, and only then say 250."""
        spool, self._spool = self._spool, None
        assert spool is not None
        beginning = spool.octets()[:HEADER_LOOKED_AT]
        # The header alone: a report about a loop has the looping letter's header in its body.
        if accept.hops(beginning[: split_header(beginning)]) > self._house.hops:
            spool.discard()
            return reply.TOO_MANY_HOPS
        sender = str(envelope.sender or "")
        only = str(envelope.recipients[0]) if len(envelope.recipients) == 1 else ""
        ident = accept.transaction_id()
        trace = accept.return_path(sender) + accept.received(arrival, ident, only)
        await deliver(self._house.store, spool, list(self._accounts), trace=trace, sender=sender)
        return Reply(250, "2.0.0", f"Delivered as {ident}")

    def discard(self) -> None:
        """The letter will not be: forget what came of it."""
        if self._spool is not None:
            self._spool.discard()
            self._spool = None
