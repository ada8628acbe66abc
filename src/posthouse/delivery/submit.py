"""A letter from one of our own people: completed where its program left something out, otherwise as it came.

RFC 6409 §8 allows a submission server to add Date and Message-ID; RFC 5322 §3.6.3 has it remove Bcc. The letter is a
stream: its header is gathered, completed and passed on; the rest goes by untouched.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from posthouse.errors import InvalidMessage
from posthouse.message.address import Address, mailboxes, parse_addresses
from posthouse.message.complete import complete, split_header
from posthouse.message.date import format_date
from posthouse.message.header import Headers

# The largest header that a submission may have. Gmail takes 500 KB in all, Postfix stops parsing at 100 KB.
MAX_HEADER = 256 * 1024


class Completion:
    """A submitted letter on its way through, its header completed.

    ``authors``: the addresses in From, once the header has passed; None where there is no From.
    """

    def __init__(self, *, hostname: str, now: int) -> None:
        self.authors: list[Address] | None = None
        self._hostname = hostname
        self._now = now
        self._header: bytearray | None = bytearray()

    def write(self, chunk: bytes) -> bytes:
        """Take the next octets, whose lines end with CR LF; return those that go on. `InvalidMessage` when the header
        is too large, or has a NUL."""
        if self._header is None:
            return chunk
        searched = max(len(self._header) - 3, 0)
        self._header += chunk
        # A letter that begins with an empty line has no header; else an empty line ends it.
        if self._header.find(b"\r\n\r\n", searched) >= 0 or self._header.startswith(b"\r\n"):
            return self._pass_on(self._header)
        if len(self._header) > MAX_HEADER:
            raise InvalidMessage(f"the header is larger than {MAX_HEADER} octets, or no empty line ends it")
        return b""

    def end(self) -> bytes:
        """The letter is complete: return what goes on."""
        return b"" if self._header is None else self._pass_on(self._header)

    def _pass_on(self, gathered: bytearray) -> bytes:
        start = bytes(gathered)
        self._header = None
        # Whoever drops it further on reads another field: "From\0: bob@example.org".
        if b"\0" in start.partition(b"\r\n\r\n")[0]:
            raise InvalidMessage("the header has a NUL octet in it")
        body = split_header(start)
        fields = Headers(start[:body]).get_all("from")
        if fields:
            self.authors = [one for field in fields for one in mailboxes(parse_addresses(field))]
        when = datetime.fromtimestamp(self._now, UTC)
        ident = f"<{self._now:x}.{secrets.token_hex(10)}@{self._hostname}>"
        return complete(start[:body], date=format_date(when), message_id=ident) + start[body:]
