"""All that the store keeps of a message beside its octets, made in one scan at delivery."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from . import attachment, body, header, html_text, listed, mime, structure, thread
from .date import parse_date
from .mime import Buffer, Part
from .order import Order, order

# RFC 8970 §3.1: a preview "MUST NOT exceed 256 characters"; clients show about that.
PREVIEW_LENGTH = 200
# Octets of a text part that the preview is looked for in: first in few, nearly always enough. HTML begins with style
# sheets.
_PREVIEW_OCTETS = {"html": (64 * 1024,)}
_PREVIEW_PLAIN_OCTETS = (1024, 8 * 1024)
# Characters that a header column keeps: a list of ten thousand recipients is cut.
MAX_COLUMN = 100_000
# A message encoded inside a message (against the rules), inside … is searched so deep.
_MAX_UNPACKED = 5

_QUOTED_LINE = re.compile(r"(?m)^>[^\n]*\n?")
# Invisible characters, which advertisements put into rows to fill the preview.
_FILLER = re.compile("[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\ufeff]+")
_LONE_JOINERS = re.compile("(?<= )[\u200c\u200d]+|[\u200c\u200d]+(?= |\\Z)")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]+")


class Summary(NamedTuple):
    """What lists, searches and IMAP clients ask for. Texts are decoded and on one line; ids have angle brackets.

    ``listed``: see `listed.pack`.
    """

    envelope: bytes
    body: bytes
    bodystructure: bytes
    tree: bytes
    header_size: int
    subject: str
    base_subject: str
    from_: str
    to: str
    cc: str
    bcc: str
    reply_to: str
    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    date: int | None
    zone: int
    preview: str
    has_attachment: bool
    order: Order
    listed: bytes | None


def summarize(raw: Buffer) -> Summary:
    """Read a message once. Never raises.

    ``header_size`` counts the octets up to the body, the blank line included. ``date`` is the Date field in seconds
    since 1970 UTC, or None; ``zone``: by how many seconds its clock is ahead of UTC. ``tree`` is for ``mime.unpack``.
    """
    root = mime.scan(raw)
    fields = root.fields
    envelope = structure.read_envelope(fields)
    people = envelope.people
    short, long = structure.structures(root)
    subject = header.decode_words(envelope.subject or "")[:MAX_COLUMN]
    sent = parse_date(envelope.date)
    texts, files = attachment.divide(root)
    ids = thread.ids(envelope.message_id)
    base, is_reply = thread.base_subject(subject)
    return Summary(
        envelope=structure.render_envelope(envelope),
        body=short,
        bodystructure=long,
        tree=mime.pack(root),
        header_size=root.body,
        subject=subject,
        base_subject=base,
        from_=people[b"from"].shown[:MAX_COLUMN],
        to=people[b"to"].shown[:MAX_COLUMN],
        cc=people[b"cc"].shown[:MAX_COLUMN],
        bcc=people[b"bcc"].shown[:MAX_COLUMN],
        reply_to=people[b"reply-to"].shown[:MAX_COLUMN],
        message_id=ids[0] if ids else "",
        in_reply_to=thread.ids(envelope.in_reply_to),
        references=thread.id_field(fields, b"references"),
        date=None if sent is None else int(sent.timestamp()),
        zone=zone_of(sent),
        preview=preview(texts, raw),
        has_attachment=any(not inline for _, inline in files),
        order=order(base, is_reply, people[b"from"].place, people[b"to"].place, people[b"cc"].place),
        listed=listed.pack(fields),
    )


def zone_of(moment: datetime | None) -> int:
    """By how many seconds its clock is ahead of UTC; 0 where there is none."""
    offset = None if moment is None else moment.utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def preview(texts: list[Part], raw: Buffer) -> str:
    """The beginning of the first text that has any, on one line; quoted lines only if there is nothing else."""
    for part in texts:
        for enough in _PREVIEW_OCTETS.get(part.subtype, _PREVIEW_PLAIN_OCTETS):
            text = _beginning(part, raw, enough)
            # More than enough that needs nothing but its blanks put right: what comes behind it changes nothing.
            if ">" not in text:
                start = _on_one_line(text[: 2 * PREVIEW_LENGTH])
                if len(start) > PREVIEW_LENGTH and start.isprintable():
                    return start[:PREVIEW_LENGTH].rstrip()
            if part.end - part.body <= enough:
                break
        if part.subtype != "html" and ">" in text:
            own = _QUOTED_LINE.sub("", text)
            text = text if not own or own.isspace() else own
        if shown := _shortened(text):
            return shown
    return ""


def _shortened(text: str) -> str:
    """What people see of the beginning of a text, on one line."""
    # The beginning is enough, unless it is blank for the most part; so many words are more characters than are wanted,
    # with the blanks between them.
    start = _on_one_line(text[: 6 * PREVIEW_LENGTH])
    if len(start) < 4 * PREVIEW_LENGTH:
        start = " ".join(text.split(None, 2 * PREVIEW_LENGTH)[: 2 * PREVIEW_LENGTH])
    shown = start[: 4 * PREVIEW_LENGTH]
    if not shown.isprintable():
        shown = _LONE_JOINERS.sub("", _FILLER.sub("", _CONTROL.sub(" ", shown)))
        shown = " ".join(shown.split())
    return shown[:PREVIEW_LENGTH].rstrip()


def _on_one_line(text: str) -> str:
    """``" ".join(text.split())``, which takes five times as long where lines of words are all there is."""
    line = text.replace("\n", " ").replace("  ", " ")
    # The only blank that is printable is the space.
    return line.strip(" ") if line.isprintable() and "  " not in line else " ".join(text.split())


def _beginning(part: Part, raw: Buffer, enough: int) -> str:
    """A text part, or its beginning from so many octets, as people read it."""
    octets = bytes(raw[part.body : min(part.end, part.body + enough)])
    octets, _ = body.decode(octets, part.encoding)
    if part.end - part.body > enough:
        octets = _whole(octets)
    text = body.as_text(octets, part.params.get("charset", ""))
    return html_text.to_text(text, limit=2 * PREVIEW_LENGTH) if part.subtype == "html" else text


def _whole(octets: bytes) -> bytes:
    """The beginning of a text without half a character at its end, if it is UTF-8."""
    if octets.isascii():
        return octets
    for cut in range(4):
        whole = octets[: len(octets) - cut]
        with contextlib.suppress(UnicodeDecodeError):
            whole.decode("utf-8")
            return whole
    return octets


def search_text(raw: Buffer, part: Part) -> Iterator[str]:
    """The text of all text parts below ``part``, one after the other: plain text as it is, HTML as people read it.

    Files that are text, messages inside and the header of those are among it; what no person reads isn't.
    """
    yield from _search_text(raw, part, _MAX_UNPACKED)


def _search_text(raw: Buffer, root: Part, depth: int) -> Iterator[str]:
    for part in root.walk():
        if part.type == "text":
            text = body.text(part, raw)
            yield html_text.to_text(text) if part.subtype == "html" else text
        elif part.type == "message" and part.subtype in ("rfc822", "global"):
            if part.children:
                yield _header_text(part.children[0])
            elif depth and part.encoding in ("base64", "quoted-printable"):
                inner = body.content(part, raw)
                tree = mime.scan(inner)
                yield _header_text(tree)
                yield from _search_text(inner, tree, depth - 1)
        elif part.type == "message":  # a delivery status and the like: fields for people and programs
            yield body.text(part, raw)


def _header_text(message: Part) -> str:
    """The fields of a message inside that people search."""
    return "\n".join([value for name in ("subject", "from", "to", "cc") for value in message.fields.get_all(name)])
