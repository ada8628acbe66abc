"""Letters that an address of ours sends on to addresses elsewhere: through the queue, in our name.

Their sender becomes one of ours (smtp/srs.py), as the next server asks the sender's domain who may send for it. What
can't be delivered there comes back to that address, and goes on to whom the letter is from. Who had asked for reports
gets them: RFC 3461 §5.2.7.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from posthouse.errors import StoreError
from posthouse.message.header import Headers
from posthouse.smtp.dsn import encode_xtext
from posthouse.smtp.envelope import Recipient
from posthouse.smtp.path import Mailbox
from posthouse.store import queue
from posthouse.store.address import canonical_domain
from posthouse.store.blob import Blob
from posthouse.store.engine import Tx
from posthouse.store.queue import Terms

from .recipient import Found, in_our_name

# What an address may have that is written into a header field of its own.
WRITABLE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Forwarding:
    """A letter that goes on. ``onward`` has its sender as it came; ``home``: the domain in whose name it goes on;
    empty for a report, which has no sender.
    """

    onward: queue.Onward
    home: str


def forwarding(
    recipient: Recipient, found: Found, *, hostname: str, sender: str, prefix: bytes, terms: Terms, lifetime: int
) -> Forwarding | None:
    """How a letter for ``recipient`` goes on from here; None where it doesn't. ``prefix``: its Received line."""
    to: list[queue.To] = []
    for target in found.targets:
        try:
            at = canonical_domain(target.rpartition("@")[2])
        except StoreError:
            continue  # it was checked when it was added; a later version may see it differently
        to.append(queue.To(target, at, _notify(recipient, found), _written_to(recipient, found)))
    if not to:
        return None
    if not found.returns and WRITABLE.fullmatch(str(recipient)):
        prefix = f"Delivered-To: {recipient}\r\n".encode() + prefix
    # The letter may go at once: what it waited for is over.
    terms = replace(terms, hold=None, release=None)
    return Forwarding(
        queue.Onward(prefix, sender, to, terms, lifetime), "" if found.returns else recipient.mailbox.domain or hostname
    )


def _written_to(recipient: Recipient, found: Found) -> str | None:
    """Whom the sender wrote to, so that a report tells it: RFC 3461 §5.2.1 (d)."""
    if recipient.orcpt is not None or found.returns or not str(recipient).isascii():
        return recipient.orcpt
    return f"rfc822;{encode_xtext(str(recipient))}"


def _notify(recipient: Recipient, found: Found) -> str:
    """What is asked for those whom the letter goes on to: RFC 3461 §5.2.7.2; of several, §5.2.7.3 (c)."""
    asked: set[str] = set(recipient.notify)
    if "SUCCESS" in asked and not found.goes_on:
        asked = asked - {"SUCCESS"} or {"NEVER"}  # nothing at all would mean: of failures
    return ",".join(sorted(asked))


def place(tx: Tx, blob: Blob, header_size: int, forwardings: Iterable[Forwarding]) -> None:
    """Put letters that go on into the queue; who is named twice gets it once."""
    known: set[str] = set()
    for one in forwardings:
        to = [target for target in one.onward.recipients if target.address.lower() not in known]
        known |= {target.address.lower() for target in to}
        if to:
            sender = in_our_name(tx, one.onward.sender, one.home) if one.home else one.onward.sender
            # In front of a letter without a header, our lines are one.
            prefix = one.onward.prefix if header_size else one.onward.prefix + b"\r\n"
            queue.add(tx, blob, header_size, replace(one.onward, prefix=prefix, sender=sender, recipients=to))


def came_from(header: bytes, addresses: Sequence[Mailbox]) -> Mailbox | None:
    """The first of the addresses that has sent the letter on already: then it goes round in circles.

    Servers agree on nothing but Delivered-To for that (RFC 9228); ours is written by `forwarding`.
    """
    if not addresses:
        return None
    before = {value.strip().lower() for value in Headers(header).get_all("delivered-to")}
    return next((one for one in addresses if str(one).lower() in before), None)
