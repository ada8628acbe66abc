r"""A letter that was written here, not handed in over SMTP: checked, queued, and copied into the sender's Sent mailbox.

It goes through the queue also to our own people, because it can be taken back until it leaves (store/submission.py).
The same holds as at the door `submission`: who sends it may write in the name of its author, and whoever of our own
doesn't exist is told at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from posthouse.errors import InvalidMessage, NotFound, StoreError
from posthouse.message.date import format_date
from posthouse.smtp.path import Mailbox, parse_mailbox
from posthouse.store import account, intake, mailbox, queue, submission
from posthouse.store.address import canonical_domain
from posthouse.store.queue import Terms

from .accept import transaction_id
from .recipient import lookup

if TYPE_CHECKING:
    from posthouse.message.address import Address
    from posthouse.store.engine import Tx

    from .deliver import Kept

# Recipients of one letter.
MAX_RECIPIENTS = 1_000
# Letters of one account that wait for their time.
MAX_PENDING = 1_000


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What was written. ``sent``: the letter as it travels; ``copy``: as the sender keeps it, with its Bcc."""

    sender: Address
    recipients: Sequence[Address]
    sent: Kept
    copy: Kept
    release: int  # seconds since 1970: until then it can be taken back
    hostname: str
    lifetime: int  # seconds after which it is given up


@dataclass(frozen=True, slots=True)
class Queued:
    """Where it is now: in the queue (None: it has left), and in a mailbox."""

    outgoing_id: int | None
    message_id: int


def check(tx: Tx, account_id: int, sender: Address, recipients: Sequence[Address], hostname: str) -> None:
    """Whether a letter may leave. Errors: InvalidMessage, NotFound, StoreError, in words for its writer."""
    if account_id not in account.resolve(tx, sender.spec):
        raise StoreError(f"{sender.spec} is not an address of yours", advice="Choose another one as the sender.")
    if not recipients:
        raise InvalidMessage("the letter is to nobody", advice="Write an address into To, Cc or Bcc.")
    if len(recipients) > MAX_RECIPIENTS:
        raise InvalidMessage(
            f"the letter is to {len(recipients)} addresses, {MAX_RECIPIENTS} are the most",
            advice="Send it in several parts.",
        )
    for one in recipients:
        path = _path(one)
        found = lookup(tx, path, hostname, 0)
        if found.ours and not found:
            raise NotFound(f"there is no {one.spec} here", advice="Check how the address is spelled.")
    if queue.count_unreleased(tx, account_id) >= MAX_PENDING:
        raise StoreError("too many of your letters wait for their time already", advice="Send this one later.")


def send(tx: Tx, account_id: int, letter: Outgoing) -> Queued:
    """Queue a checked letter whose octets are kept; its copy goes into Sent, read. Errors: OverQuota, StoreError."""
    recipients = [_to(one) for one in letter.recipients]
    onward = queue.Onward(
        _trace(letter.hostname, tx.now),
        letter.sender.spec,
        list({one.address.lower(): one for one in recipients}.values()),
        Terms(release=letter.release),
        letter.lifetime,
        account_id,
    )
    outgoing_id = queue.add(tx, letter.sent.blob, letter.sent.summary.header_size, onward)
    sent = mailbox.for_use(tx, account_id, "\\Sent", "Sent")
    target = intake.Target(sent.id, frozenset({"\\Seen"}))
    copy = intake.append(tx, letter.copy.blob, letter.copy.summary, [target], received=tx.now)[0]
    submission.add(tx, account_id, outgoing_id, copy.message_id)
    return Queued(outgoing_id, copy.message_id)


def distinct(addresses: Iterable[Address]) -> list[Address]:
    """Each address once."""
    return list({one.spec.lower(): one for one in addresses}.values())


def _path(address: Address) -> Mailbox:
    """Errors: InvalidMessage."""
    return parse_mailbox(address.spec).on_the_wire


def _to(address: Address) -> queue.To:
    path = _path(address)
    return queue.To(str(path), canonical_domain(path.domain))


def _trace(hostname: str, now: int) -> bytes:
    """The Received line: how it came in. Where its writer sits is nobody's business (RFC 5321 §7.6)."""
    date = format_date(datetime.fromtimestamp(now, UTC))
    return f"Received: by {hostname} with HTTPS\r\n\tid {transaction_id()}; {date}\r\n".encode("ascii")
