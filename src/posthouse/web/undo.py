"""What was done, told so that it can be undone: the steps back, signed, in the hands of whoever did it.

The server keeps nothing of it. A token holds for the login that did it, for some minutes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from posthouse.store import mail, mailbox

from .problem import Problem

if TYPE_CHECKING:
    from posthouse.store.engine import Tx
    from posthouse.store.mail import Ranges

# Seconds.
HOLDS = 900
# Characters of a token in a page's address, for browsers without scripts; a longer one isn't offered there.
LONGEST_IN_PATH = 1_500
# Octets that a token may unpack to: 10,000 messages, each on its own.
LONGEST = 1024 * 1024
SIGNATURE = 18


@dataclass(frozen=True, slots=True)
class Step:
    """Flags that are set or taken (``op`` as for `mail.store_flags`) or, with ``target``, a move back."""

    mailbox_id: int
    ranges: Ranges
    op: Literal["add", "remove", "move"]
    flags: tuple[str, ...] = ()
    target: int = 0


def spans(uids: list[int]) -> list[tuple[int, int]]:
    """UIDs as few ranges."""
    found: list[tuple[int, int]] = []
    for uid in sorted(uids):
        if found and found[-1][1] == uid - 1:
            found[-1] = found[-1][0], uid
        else:
            found.append((uid, uid))
    return found


def write(steps: list[Step], words: str, key: str, now: int) -> str:
    """The token for these steps; ``words`` say what was done. ``key``: the login's own."""
    rows = [[one.mailbox_id, one.ranges, one.op, one.flags, one.target] for one in steps]
    packed = zlib.compress(json.dumps([now, words, rows], separators=(",", ":")).encode())
    return base64.urlsafe_b64encode(_sign(packed, key) + packed).decode()


def read(token: str, key: str, now: int) -> tuple[list[Step], str]:
    """The steps of a token, and its words. Errors: Problem."""
    try:
        octets = base64.urlsafe_b64decode(token.encode("ascii", "replace"))
    except ValueError:
        octets = b""
    signature, packed = octets[:SIGNATURE], octets[SIGNATURE:]
    if not hmac.compare_digest(signature, _sign(packed, key)):
        raise Problem(400, "this can't be undone: it wasn't done by this login", advice="Move it back by hand.")
    then, words, rows = json.loads(zlib.decompressobj().decompress(packed, LONGEST))
    if now - then > HOLDS:
        raise Problem(409, "it is too late to undo that", advice="Move it back by hand.")
    return [Step(row[0], [(low, high) for low, high in row[1]], row[2], tuple(row[3]), row[4]) for row in rows], words


def take_back(tx: Tx, account_id: int, steps: list[Step]) -> None:
    """Do the steps, the last one first. What isn't there any more is passed over. Errors: NotFound, StoreError."""
    own = {box.id for box in mailbox.list_all(tx, account_id)}
    for step in reversed(steps):
        if step.mailbox_id not in own or (step.op == "move" and step.target not in own):
            raise Problem(409, "the mailbox isn't there any more", advice="Look where its letters went.")
        if step.op == "move":
            mail.move(tx, step.mailbox_id, step.ranges, step.target)
        else:
            mail.store_flags(tx, step.mailbox_id, step.ranges, step.op, step.flags)


def _sign(packed: bytes, key: str) -> bytes:
    return hashlib.blake2b(packed, key=f"undo{key}".encode()[:64], digest_size=SIGNATURE).digest()
