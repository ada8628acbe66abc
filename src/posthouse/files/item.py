"""One message on its way out of a file or into one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from posthouse.errors import MailFileError

from .large import LARGE, Large

# Told after each message: octets of the source done, octets in all (0: not known).
Progress = Callable[[int, int], None]

# A larger message stops the reading: a file of this size without a single separator is no mail. Half a GB is three
# times what the largest providers take (Exchange Online: 150 MB).
MESSAGE_LIMIT = 512 * 1024 * 1024

# flag = "\" atom / atom: RFC 9051 §9; files separate keywords by spaces
_FLAG = re.compile(r"\\?[!-~]+")


@dataclass(frozen=True, slots=True)
class Item:
    """A message with what a mailbox knows of it.

    ``octets``: all of them, or those of a large message, which come in chunks; `chunks` serves for both.
    ``flags``: system flags as IMAP writes them (``\\Seen``), and keywords. ``date``: when it was delivered, with a
    zone; None if the source doesn't tell. ``folder``: a path with "/", "" for the root (the inbox of a Maildir).
    """

    octets: bytes | Large = field(repr=False)
    flags: frozenset[str] = frozenset()
    date: datetime | None = None
    folder: str = ""

    def __post_init__(self) -> None:
        if self.date is not None and self.date.tzinfo is None:
            raise ValueError("the date of an Item needs a zone")
        for flag in self.flags:
            if not _FLAG.fullmatch(flag):
                raise ValueError(f"{flag!r} is no flag")

    def chunks(self) -> Iterator[bytes]:
        """The octets, a part at a time."""
        return iter((self.octets,)) if isinstance(self.octets, bytes) else iter(self.octets)

    def header(self) -> bytes:
        """The header, without the blank line that ends it; of a giant one the beginning."""
        start = b""
        for chunk in self.chunks():
            start += chunk
            if (end := start.find(b"\r\n\r\n")) >= 0:
                return start[: end + 2]
            if len(start) > LARGE:
                break
        return start


def check_size(size: int, where: str) -> None:
    """Raise MailFileError if a message of ``size`` octets is more than any mail has."""
    if size > MESSAGE_LIMIT:
        raise MailFileError(
            f"{where} holds a message of more than {MESSAGE_LIMIT >> 20} MB",
            advice="If it is mail at all, take that message out of it and read the rest.",
        )
