"""One letter on its way in, whoever brings it."""

from __future__ import annotations

from posthouse.delivery import accept
from posthouse.delivery.accept import Arrival
from posthouse.smtp.envelope import Envelope, Recipient
from posthouse.smtp.reply import Reply
from posthouse.store.blob import Spool

from .house import House


class Transaction:
    """A mail transaction; a subclass for each role. `SmtpSession` calls the methods in the order of RFC 5321 §3.3."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.size = 0  # as declared (RFC 1870), or 0
        self.binary = False  # whether the letter may be no text
        self._spool: Spool | None = None

    async def sender(self, envelope: Envelope, now: int) -> Reply:
        """MAIL. ``now``: seconds since 1970."""
        raise NotImplementedError

    async def recipient(self, recipient: Recipient) -> Reply:
        """RCPT."""
        raise NotImplementedError

    def begin(self, now: int, *, counted: bool, binary: bool) -> None:
        """The letter comes; ``counted``: its octets come as they are, with BDAT; ``binary``: it may be no text."""
        self._spool = self.house.store.blobs.spool()
        self.binary = binary

    async def write(self, chunk: bytes) -> None:
        """Its next octets. Errors: StoreError, InvalidMessage."""
        assert self._spool is not None
        await self._spool.take(chunk)

    async def end(self, envelope: Envelope, arrival: Arrival) -> list[Reply]:
        """It is complete: what becomes of it, for all recipients, or (LMTP) for each. Errors like `write`."""
        raise NotImplementedError

    async def whole(self) -> Spool:
        """The letter, complete and text; it is the caller's. Errors: StoreError."""
        spool, self._spool = self._spool, None
        assert spool is not None
        if self.binary:
            return await accept.without_binary(self.house.store.blobs, spool)
        return spool

    def discard(self) -> None:
        """The letter will not be: forget what came of it."""
        if self._spool is not None:
            self._spool.discard()
            self._spool = None
