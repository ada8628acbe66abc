"""One message on its way out of a file or into one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from posthouse.errors import MailFileError

# Told after each message: octets of the source done, octets in all (0: not known).
Progress = Callable[[int, int], None]

# A larger message stops the reading: a file of this size without a single separator is no mail. Half a GB is three
# times what the largest providers take (Exchange Online: 150 MB).
MESSAGE_LIMIT = 512 * 1024 * 1024

# flag = "\" atom / atom: RFC 9051 §9; files separate keywords by spaces
_FLAG = re.compile(r"\\?[!-~]+")
_LONE_LF = re.compile(rb"(?<!\r)\n")


@dataclass(frozen=True, slots=True)
class Item:
    """A message with what a mailbox knows of it.

    ``flags``: system flags as IMAP writes them (``\\Seen``), and keywords. ``date``: when it was delivered, with a
    zone; None if the source doesn't tell. ``folder``: a path with "/", "" for the root (the inbox of a Maildir).
    """

    octets: bytes = field(repr=False)
    flags: frozenset[str] = frozenset()
    date: datetime | None = None
    folder: str = ""

    def __post_init__(self) -> None:
        if self.date is not None and self.date.tzinfo is None:
            raise ValueError("the date of an Item needs a zone")
        for flag in self.flags:
            if not _FLAG.fullmatch(flag):
                raise ValueError(f"{flag!r} is no flag")


def with_crlf(octets: bytes) -> bytes:
    """``octets`` with CRLF line ends where there was a lone LF. A lone CR stays: it ends no line anywhere."""
    with_cr, all_of_them = octets.count(b"\r\n"), octets.count(b"\n")
    if not with_cr:
        return octets.replace(b"\n", b"\r\n")
    return octets if with_cr == all_of_them else _LONE_LF.sub(b"\r\n", octets)


def check_size(size: int, where: str) -> None:
    """Raise MailFileError if a message of ``size`` octets is more than we read into memory."""
    if size > MESSAGE_LIMIT:
        raise MailFileError(
            f"{where} holds a message of more than {MESSAGE_LIMIT >> 20} MB",
            advice="If it is mail at all, take that message out of it and read the rest.",
        )
