"""FETCH from a server that can't give some of the messages: only those are lost, and not what was asked for with them.

Yahoo answers `NO [UNAVAILABLE]` to a batch with one message that it can't read, Gmail "Some messages could not be
FETCHed", Dovecot and Exchange `NO [SERVERBUG]`; all of them again and again, whatever the pause between.
"""

from __future__ import annotations

from collections.abc import Iterable

from posthouse.errors import ImapRefused
from posthouse.imap.answer import Fetched
from posthouse.imap.fetch import Attribute, Item
from posthouse.imap.sequence import SequenceSet
from posthouse.wire.steps import Steps

from .imap import MAX_SET, Conversation, fetch_some, refusal
from .slowed import said_slowly

# Messages that can't be had, in one batch: with more of them it is the server that is broken, or a disk of it.
MAX_LOST = 20


def is_over_some(error: ImapRefused) -> bool:
    """Whether a FETCH was refused for what may be one message's fault."""
    return error.condition == "NO" and error.code not in ("OVERQUOTA", "LIMIT", "INUSE") and not said_slowly(str(error))


def fetch_what_can_be(
    imap: Conversation, numbers: SequenceSet, items: Iterable[Item], *, by_uid: bool
) -> Steps[tuple[list[Fetched], list[int]]]:
    """What can be had of these messages (UID among it), and the numbers of those that can't be.

    Where a set is refused its halves are asked for. Of a message that can't be read, UID and flags are told where they
    can be. `ImapRefused` when more than `MAX_LOST` are refused.
    """
    items = tuple(items)
    name = "UID FETCH" if by_uid else "FETCH"
    told: list[Fetched] = []
    lost: list[int] = []
    waiting = list(numbers.split(MAX_SET))[::-1]
    while waiting:
        wanted = waiting.pop()
        answered, got = yield from fetch_some(imap, name, wanted, items)
        told += got
        there = {one.uid if by_uid else one.number for one in got}
        rest = [] if answered.condition == "OK" else [number for number in wanted.numbers() if number not in there]
        if len(rest) > 1:
            middle = len(rest) // 2
            waiting += [SequenceSet.of(rest[middle:]), SequenceSet.of(rest[:middle])]
        elif rest:
            lost += rest
            if len(lost) > MAX_LOST:
                raise refusal("fetching messages was refused", answered)
            _, got = yield from fetch_some(imap, name, SequenceSet.of(rest), (Attribute.UID, Attribute.FLAGS))
            told += got or ([Fetched(0, rest[0])] if by_uid else [])
    return told, lost
