"""Reports to the sender of a letter on what became of it: RFC 3461 to 3464, 6522.

A report has the null sender, so that nobody answers it with another, and there is none about a letter that had it
(RFC 5321 §4.5.5). It returns the letter's header; the whole letter only where the sender asked for it (RET=FULL), could
not have it delivered, and it is no large one: what comes back to a forged sender shouldn't carry anything.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from posthouse.errors import StoreError
from posthouse.message.date import format_date
from posthouse.message.encode import address_field, canonical, encode_text, fits_lines, message_id_field, text_field
from posthouse.message.header import Headers
from posthouse.message.summary import Summary
from posthouse.smtp import srs
from posthouse.smtp.dsn import ascii_only, decode_xtext, original_recipient
from posthouse.smtp.path import parse_mailbox
from posthouse.store import domain, intake, mailbox, queue, quota
from posthouse.store.address import canonical_domain
from posthouse.store.blob import Blob
from posthouse.store.engine import Store, Tx
from posthouse.store.queue import Letter, Recipient, Terms
from posthouse.wire.steps import Source

from .accept import return_path, transaction_id
from .deliver import scan
from .recipient import expand, forwarded_sender
from .security import waives_tls
from .verdict import Outcome, Verdict

log = logging.getLogger("posthouse.relay")

# Octets of a letter's header that a report returns, and of a letter (RET=FULL); of a larger one it is the header.
MAX_HEADER = 64 * 1024
MAX_LETTER = 1024 * 1024
# Characters of a server's last word that a report quotes.
MAX_TEXT = 2_000

# What a status code of RFC 3463 means to the person who wrote the letter, and what to do. The first that fits.
REASONS = (
    ("5.1.10", "That domain takes no mail at all.", "Check the part of the address behind the @."),
    ("5.1.1", "There is no such mailbox.", "Check the spelling of the address, or ask the person for the right one."),
    ("5.1.2", "There is no such domain.", "Check the spelling of the part behind the @."),
    ("5.1.", "The address is not right.", "Check its spelling."),
    ("5.2.2", "The mailbox is full.", "Tell the person in another way, or try again in some days."),
    ("5.2.3", "The letter is too large for that mailbox.", "Send it without the large attachments."),
    ("5.2.", "The mailbox takes no letters.", "Tell the person in another way."),
    ("5.3.3", "That server can't promise to deliver in time.", "Send the letter without a deadline."),
    ("5.3.4", "The letter is too large for that server.", "Send it without the large attachments."),
    ("5.4.4", "No server could be found for that domain.", "Check the spelling of the part behind the @."),
    ("5.4.7", "The time in which it was to arrive is over.", "Send it again, without a deadline or with a later one."),
    ("5.7.10", "It may travel encrypted only, and there is no such way.", "Send it without that condition."),
    ("5.7.30", "It may travel encrypted only, and the server can't promise that.", "Send it without that condition."),
    ("5.4.6", "The letter would go round in circles.", "Tell whoever runs your mail server."),
    ("5.6.", "The server can't take letters of this form.", "Send it as plain text without special characters."),
    ("5.7.", "The server refuses the letter by its rules.", "Its own words, below, may say why."),
    ("4.", "It was tried again and again, without success.", "Send it again later, or reach the person another way."),
    ("", "The server refused the letter.", "Its own words, below, may say why."),
)


# What a report's subject, and the sentence before the addresses, say of each outcome; and the one behind them.
WORDS = {
    Outcome.FAILED: (
        "Not delivered",
        "could not be delivered to:",
        "The letter was not delivered there, and it will not be tried again.",
    ),
    Outcome.DELAYED: ("Delayed", "could not be delivered yet to:", ""),
    Outcome.DELIVERED: ("Delivered", "was delivered to:", "Whether anybody has read it is not known."),
    Outcome.RELAYED: (
        "Sent on",
        "was handed over to the next mail server for:",
        "That server may not report on what happens to it; you will hear if it comes back.",
    ),
    Outcome.EXPANDED: (
        "Delivered",
        "was sent on to everybody behind:",
        "You will hear if it can't be delivered to one of them.",
    ),
}


@dataclass(frozen=True, slots=True)
class Report:
    """A report, kept on disk and ready to be placed."""

    sender: str  # of the letter: to whom the report goes
    blob: Blob
    summary: Summary
    terms: Terms  # with which it travels


def wanted(letter: Letter, recipient: Recipient, verdict: Verdict, *, now: float) -> bool:
    """Whether the sender is to hear of it: RFC 3461 §4.1; without a word, of failures and delays.

    Nobody knows whose a letter from outside really is. So of one that we sent on, unasked, its sender hears neither of
    delays, nor that the next server refused it by its rules, which is mostly spam: that would be told to the victim of
    a forgery.
    """
    asked = recipient.notify.split(",") if recipient.notify else []
    if not letter.sender or "NEVER" in asked:
        return False
    if srs.is_forwarded(letter.sender) and not asked:
        return verdict.outcome is Outcome.FAILED and not verdict.status.startswith("5.7.")
    match verdict.outcome:
        case Outcome.FAILED:
            return not asked or "FAILURE" in asked
        case Outcome.DELAYED:
            return not asked or "DELAY" in asked
        case Outcome.DELIVERED | Outcome.EXPANDED:
            return "SUCCESS" in asked
    # Relayed. RFC 3461 §5.2.2: who offers DSN reports on the rest; RFC 2852 §4.1.4: so does not who lacks DELIVERBY.
    mode, by = letter.terms.by_mode, letter.terms.deliver_by
    late = mode.startswith("N") and by is not None and now < by and "DELIVERBY" not in verdict.offered
    return mode.endswith("T") or late or ("SUCCESS" in asked and "DSN" not in verdict.offered)


async def prepare(
    store: Store,
    letter: Letter,
    octets: Source,
    people: Sequence[tuple[Recipient, Verdict]],
    *,
    hostname: str,
    now: int,
) -> Report:
    """The report about ``people`` (see `compose`), on disk. Errors: StoreError."""
    spool = store.blobs.spool()
    ident = transaction_id()
    if isinstance(octets, bytes):
        report = compose(letter, octets, people, hostname=hostname, now=now, ident=ident)
    else:  # it is read from the disk
        report = await asyncio.to_thread(compose, letter, octets, people, hostname=hostname, now=now, ident=ident)
    spool.write(report)
    summary = await scan(spool)
    # RFC 8689 §5, RFC 6710 §4.6: what protects the letter, and hastens it, does so for the report.
    terms = Terms(requiretls=letter.terms.requiretls, priority=letter.terms.priority)
    return Report(letter.sender, await store.blobs.keep(spool), summary, terms)


def compose(
    letter: Letter,
    octets: Source,
    people: Sequence[tuple[Recipient, Verdict]],
    *,
    hostname: str,
    now: int,
    ident: str,
) -> bytes:
    """The report about ``people``, who share an outcome. ``octets``: the letter with our lines, its header at least."""
    outcome = people[0][1].outcome
    header = octets[: len(letter.prefix) + letter.header_size]
    headers = Headers(header)
    subject = " ".join((headers.get("subject") or "").split())[:200]
    what = WORDS[outcome][0]
    when = format_date(datetime.fromtimestamp(now, UTC))
    boundary = f"report-{ident}"
    fields = [
        address_field("From", [("Mail delivery", f"mailer-daemon@{hostname}")]),
        b"To: <" + letter.sender.encode() + b">\r\n",
        text_field("Subject", f"{what}: {subject}" if subject else f"{what}: your letter"),
        f"Date: {when}\r\nMessage-ID: <{ident}@{hostname}>\r\n".encode(),
        _thread(headers),
        # RFC 8689 §5, §6: the report of a letter that TLS must not stop isn't stopped either.
        b"TLS-Required: No\r\n" if not letter.terms.requiretls and waives_tls(header) else b"",
        # RFC 3834 §5: programs that answer letters by themselves leave this one alone.
        b"Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n",
        f'Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="{boundary}"\r\n\r\n'.encode(),
    ]
    parts = [
        _text_part(_words(letter, people, hostname=hostname)),
        b"Content-Type: message/delivery-status\r\n\r\n" + _status(letter, people, hostname=hostname),
        _returned(letter, octets) if outcome is Outcome.FAILED else _header_part(header),
    ]
    opening = f"--{boundary}\r\n".encode()
    return b"".join([*fields, *(opening + part + b"\r\n" for part in parts), f"--{boundary}--\r\n".encode()])


def _thread(headers: Headers) -> bytes:
    """The report stands with the letter in the sender's list."""
    found = (headers.get("message-id") or "").strip()
    if len(found) > 250 or not (found.startswith("<") and found.endswith(">") and found.isascii()):
        return b""
    if not found.isprintable() or " " in found:
        return b""
    return message_id_field("In-Reply-To", [found]) + message_id_field("References", [found])


def _words(letter: Letter, people: Sequence[tuple[Recipient, Verdict]], *, hostname: str) -> str:
    """What happened, why, and what to do, for a person."""
    outcome = people[0][1].outcome
    _, happened, last = WORDS[outcome]
    written = format_date(datetime.fromtimestamp(letter.queued, UTC))
    lines = [f"This is the mail server {hostname}.", "", f"Your letter of {written} {happened}", ""]
    for recipient, verdict in people:
        lines.append(f"    {recipient.address}")
        _, written_to = original_recipient(recipient.orcpt) if recipient.orcpt else ("", "")
        if written_to and written_to.lower() != recipient.address.lower():
            lines.append(f"    (you wrote to {written_to}, which sends its letters on)")
        if outcome is Outcome.FAILED:
            reason, todo = _reason(verdict)
            lines += [f"    {reason}", f"    What to do: {todo}"]
        said = f"{verdict.host} said" if verdict.reply else "What happened"
        lines += [f"    {said}: {verdict.text[:MAX_TEXT]}", ""]
    if last:
        lines.append(last)
    else:
        until = format_date(datetime.fromtimestamp(people[0][0].expires, UTC))
        lines += [f"It will be tried again until {until}. You need not do anything;", "if all fails, you will be told."]
    lines.append("Below, for the people who run mail servers: the details, and your letter's header.")
    return "\n".join(lines) + "\n"


def _reason(verdict: Verdict) -> tuple[str, str]:
    """The row of REASONS: a whole code is compared as a whole, the beginning of one as that."""
    return next(
        (reason, verdict.advice or todo)
        for status, reason, todo in REASONS
        if verdict.status == status or (status[-1:] in (".", "") and verdict.status.startswith(status))
    )


def _status(letter: Letter, people: Sequence[tuple[Recipient, Verdict]], *, hostname: str) -> bytes:
    """The fields for programs: RFC 3464 §2. Addresses beyond ASCII in the form of RFC 6533 §3."""
    arrived = format_date(datetime.fromtimestamp(letter.queued, UTC))
    terms = letter.terms
    groups = [[f"Reporting-MTA: dns; {hostname}", f"Arrival-Date: {arrived}"]]
    if terms.envid:
        groups[0].insert(0, f"Original-Envelope-Id: {decode_xtext(terms.envid)}")
    if terms.deliver_by is not None:  # RFC 2852 §5
        groups[0].append(f"Deliver-By-Date: {format_date(datetime.fromtimestamp(terms.deliver_by, UTC))}")
    if terms.hold:  # RFC 4865 §5.1.2
        groups[0].append(f"Future-Release-Request: {terms.hold}")
    for recipient, verdict in people:
        kind = "rfc822" if recipient.address.isascii() else "utf-8"
        group = [f"Original-Recipient: {_written_to(recipient.orcpt)}"] if recipient.orcpt else []
        group += [
            f"Final-Recipient: {kind}; {ascii_only(recipient.address)}",
            f"Action: {verdict.outcome.value}",
            f"Status: {verdict.status}",
        ]
        if verdict.reply:
            text = verdict.text[:MAX_TEXT].encode("ascii", "backslashreplace").decode()
            group += [f"Remote-MTA: dns; {verdict.host}", *_folded(f"Diagnostic-Code: smtp; {text}")]
        if verdict.outcome is Outcome.DELAYED:
            group.append(f"Will-Retry-Until: {format_date(datetime.fromtimestamp(recipient.expires, UTC))}")
        groups.append(group)
    return "\r\n\r\n".join("\r\n".join(group) for group in groups).encode() + b"\r\n"


def _written_to(orcpt: str) -> str:
    """RFC 3461 §6.3 (d): what the xtext stands for. Addresses in UTF-8 stay as they are escaped: RFC 6533 §3."""
    kind, address = original_recipient(orcpt)
    return ascii_only(orcpt) if kind.lower() == "utf-8" else f"{kind};{address}"


def _folded(field: str) -> list[str]:
    """A long field in lines of some 70 characters, broken at blanks; a word without any in pieces (RFC 5322 §2.1.1)."""
    lines = [""]
    for word in field.split():
        pieces = [word[at : at + 900] for at in range(0, len(word), 900)]
        for piece in pieces:
            if lines[-1] and len(lines[-1]) + len(piece) > 70:
                lines.append("\t" + piece)
            else:
                lines[-1] += (" " if lines[-1] else "") + piece
    return lines


def _text_part(text: str) -> bytes:
    encoding, octets = encode_text(canonical(text))
    return f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + octets


def _header_part(header: bytes) -> bytes:
    """The letter's header (RFC 6522 §4), in whole lines."""
    if len(header) > MAX_HEADER:
        header = header[: header.rfind(b"\n", 0, MAX_HEADER) + 1]
    encoding, octets = encode_text(header)
    return f"Content-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + octets


def _returned(letter: Letter, source: Source) -> bytes:
    """What comes back with a letter that wasn't delivered: RFC 3461 §4.3. RFC 8689 §5: not the whole of it where it may
    not travel in clear text."""
    whole = letter.terms.ret == "FULL" and not letter.terms.requiretls
    octets = source[:] if whole and len(source) <= MAX_LETTER else b""
    if not octets or not fits_lines(octets):
        return _header_part(source[: len(letter.prefix) + letter.header_size])
    kind = "message/rfc822"
    if not octets[: len(letter.prefix) + letter.header_size].isascii():
        kind = "message/global"  # RFC 6532 §3.7
    encoding = "7bit" if octets.isascii() else "8bit"
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + octets


def place(tx: Tx, report: Report) -> None:
    """Into the sender's inbox where that is here, else into the queue. What can't be placed is dropped (§4.5.5).

    What we forwarded in our name is reported to whom it is from.
    """
    prefix = return_path("")
    sender = parse_mailbox(report.sender)
    sender = forwarded_sender(tx, sender) or sender if domain.is_local(tx, sender.domain) else sender
    accounts, elsewhere = expand(tx, str(sender))
    boxes = [mailbox.find(tx, one, "INBOX") for one in accounts]
    size = len(prefix) + report.blob.size
    targets = [intake.Target(box.id) for box in boxes if box and quota.get(tx, box.account_id).has_room(size)]
    if targets:
        intake.append(tx, report.blob, report.summary, targets, received=tx.now, prefix=prefix)
    if not accounts and not elsewhere and not domain.is_local(tx, sender.domain):
        elsewhere = (str(sender),)
    if not targets and not elsewhere:
        log.warning("a report to <%s> was dropped: the mailbox is full, or gone", sender)
        return
    try:
        to = [queue.To(one, canonical_domain(one.rpartition("@")[2])) for one in elsewhere]
    except StoreError as error:
        log.warning("a report to <%s> was dropped: %s", sender, error)
        return
    if to:
        queue.add(tx, report.blob, report.summary.header_size, queue.Onward(b"", "", to, report.terms))
