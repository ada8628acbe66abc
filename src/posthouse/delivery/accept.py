"""Taking a letter in: what was asked for it, the trace lines that every server adds (RFC 5321 §4.4), loops (§6.3)."""

from __future__ import annotations

import asyncio
import math
import random
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from posthouse.message.date import format_date
from posthouse.message.textual import textual
from posthouse.smtp.dsn import encode_xtext
from posthouse.smtp.envelope import Envelope, Recipient
from posthouse.store.address import canonical_domain
from posthouse.store.blob import Blobs, Spool
from posthouse.store.queue import Terms, To

# What a Received line may quote of a peer's greeting: a domain or an address literal, and nothing that ends a clause.
UNQUOTABLE = re.compile(r"[^A-Za-z0-9.:_\-\[\]]")
# A greeting may be as long as a domain name; the rest of a longer one tells nothing.
GREETING_LENGTH = 255
HOP = re.compile(rb"^Received[ \t]*:", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a letter came: what its Received line tells."""

    greeting: str  # the name that the peer gave with HELO or EHLO
    peer: str  # its address as a literal: [192.0.2.1]
    hostname: str  # ours
    protocol: str  # RFC 3848: SMTP, ESMTP, ESMTPS, ESMTPA, ESMTPSA; RFC 6531 §4.3 for the UTF8 forms
    cipher: str  # TLS version and cipher, or empty
    at: int  # epoch seconds
    priority: int = 0  # RFC 6710


def terms(envelope: Envelope, now: int) -> Terms:
    """What MAIL asked for, with points in time for the spans of it."""
    hold, by = envelope.hold, envelope.deliver_by
    release = None
    if hold is not None:
        release = now + (hold.seconds or 0) if hold.until is None else math.ceil(hold.until.timestamp())
    return Terms(
        ret=envelope.ret,
        envid=envelope.envid,
        requiretls=envelope.requiretls,
        priority=envelope.priority,
        deliver_by=None if by is None else now + by.seconds,
        by_mode="" if by is None else by.mode + "T" * by.trace,
        hold=None if hold is None else str(hold),
        release=release,
    )


def to(recipient: Recipient, hostname: str, address: str = "") -> To:
    """A recipient as the queue has it; a name alone is one of our host. ``address``: of one behind it, who gets the
    letter apart (RFC 3461 §5.2.7.3). Errors: StoreError where that is no domain."""
    mailbox = recipient.mailbox
    own = f"{mailbox.local}@{mailbox.domain or hostname}"
    orcpt = recipient.orcpt
    if address and orcpt is None and own.isascii():
        orcpt = f"rfc822;{encode_xtext(own)}"
    domain = canonical_domain((address or own).rpartition("@")[2])
    return To(address or own, domain, ",".join(sorted(recipient.notify)), orcpt)


async def without_binary(blobs: Blobs, spool: Spool) -> Spool:
    """A letter that came with BODY=BINARYMIME, as text; the spool is used up. Errors: StoreError."""
    text = blobs.spool()

    def convert() -> None:
        for piece in textual(spool.octets()):
            text.write(piece)

    try:
        await asyncio.to_thread(convert)
    except BaseException:
        text.discard()
        raise
    finally:
        spool.discard()
    return text


def transaction_id() -> str:
    """A name for one letter's passage, in the Received line, the reply and the log. It is no secret: to ask the system
    for each would let go of the interpreter's lock, and wait for it behind every other thread."""
    return f"{random.getrandbits(64):016x}"


def received(arrival: Arrival, ident: str, recipient: str = "") -> bytes:
    """The Received field, folded, with CR LF.

    ``recipient`` is told only where it is the letter's only one: the others would learn of a Bcc (RFC 5321 §7.2).
    """
    greeting = UNQUOTABLE.sub("?", arrival.greeting[:GREETING_LENGTH]) or "unknown"
    tls = f"\r\n\t(using {arrival.cipher})" if arrival.cipher else ""
    to = f"\r\n\tfor <{recipient}>" if recipient else ""
    priority = f"\r\n\tPRIORITY {arrival.priority}" if arrival.priority else ""  # RFC 6710 §4.1
    return (
        f"Received: from {greeting} ({arrival.peer}){tls}\r\n\tby {arrival.hostname} (Posthouse) "
        f"with {arrival.protocol} id {ident}{to}{priority};\r\n\t{_date(arrival.at)}\r\n"
    ).encode()


@lru_cache(maxsize=4)  # many letters come in one second
def _date(at: int) -> str:
    return format_date(datetime.fromtimestamp(at, UTC))


def return_path(sender: str) -> bytes:
    """The Return-Path field that final delivery adds (RFC 5321 §4.4); ``sender`` is empty for a report's <>."""
    return f"Return-Path: <{sender}>\r\n".encode()


def may_have_hops(beginning: bytes, most: int) -> bool:
    """Whether it is worth a look if a letter that begins so has more `hops` than ``most``: nearly none has."""
    return beginning.lower().count(b"received") > most


def hops(header: bytes) -> int:
    """How many servers a letter has passed: the number of its Received fields (RFC 5321 §6.3)."""
    return len(HOP.findall(header))
