"""A letter from one of our own people: completed where its program left something out, otherwise as it came.

RFC 6409 §8 allows a submission server to add Date and Message-ID; RFC 5322 §3.6.3 has it remove Bcc. The letter is a
stream: its header is gathered, completed and passed on; the rest goes by untouched.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from posthouse.errors import InvalidMessage
from posthouse.message.complete import complete, split_header
from posthouse.message.date import format_date
from posthouse.store.blob import Spool

# The largest header that a submission may have. Gmail takes 500 KB in all, Postfix stops parsing at 100 KB.
MAX_HEADER = 256 * 1024


class Completion:
    """Writes a submitted letter to a spool, its header completed on the way."""

    def __init__(self, spool: Spool, *, hostname: str, now: int) -> None:
        self.spool = spool
        self._hostname = hostname
        self._now = now
        self._header: bytearray | None = bytearray()

    def write(self, chunk: bytes) -> None:
        """Take the next octets; their lines end with CR LF. `InvalidMessage` when the header is too large."""
        if self._header is None:
            self.spool.write(chunk)
            return
        searched = max(len(self._header) - 3, 0)
        self._header += chunk
        # A letter that begins with an empty line has no header; else an empty line ends it.
        if self._header.find(b"\r\n\r\n", searched) >= 0 or self._header.startswith(b"\r\n"):
            self._pass_on()
        elif len(self._header) > MAX_HEADER:
            raise InvalidMessage(f"the header is larger than {MAX_HEADER} octets, or no empty line ends it")

    def end(self) -> None:
        """The letter is complete."""
        if self._header is not None:
            self._pass_on()

    def _pass_on(self) -> None:
        assert self._header is not None
        start = bytes(self._header)
        self._header = None
        body = split_header(start)
        when = datetime.fromtimestamp(self._now, UTC)
        ident = f"<{self._now:x}.{secrets.token_hex(10)}@{self._hostname}>"
        self.spool.write(complete(start[:body], date=format_date(when), message_id=ident) + start[body:])
