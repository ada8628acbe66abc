"""What became of a letter that was sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from posthouse.smtp.reply import Reply


@dataclass(frozen=True, slots=True)
class Receipt:
    """The server has taken the letter for at least one recipient.

    ``accepted``: for whom. ``refused``: for whom not, and what the server said. ``reply``: its last word, often with
    the number under which whoever runs it finds the letter. ``copy``: the mailbox in which a copy was kept, or empty;
    ``copy_made``: the account had none for that, and now has this one; ``copy_failed``: why there is none although one
    was wanted. The letter itself is on its way in any case.
    """

    message_id: str
    accepted: tuple[str, ...]
    refused: Mapping[str, Reply]
    reply: Reply
    copy: str = ""
    copy_made: bool = False
    copy_failed: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one of many letters, for one of its recipients.

    ``reply`` is what the server said, or what was in the way. ``unsure``: the connection broke while the server held
    the whole letter; it may have sent it. ``earlier``: the journal has it as sent already, and nothing was done now.
    """

    recipient: str
    message_id: str
    accepted: bool
    reply: str
    unsure: bool = False
    earlier: bool = False
