"""All defects of a message: what its reader had to repair, and what it found by looking at every part.

The scan says what it repaired in the tree. The rest shows only when headers and bodies are decoded, which nobody waits
for who doesn't ask.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from . import address, attachment, body, charset, encoded_word, header
from .date import parse_date
from .defect import Defect
from .mime import Buffer, Part
from .people import People

# RFC 5322 §3.6, RFC 2045 §3: fields that a header has at most once. Two that differ are how letters deceive: one
# program checks the first, another shows the last.
_ONCE = (
    b"date", b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc", b"message-id", b"in-reply-to", b"references",
    b"subject", b"mime-version", b"content-type", b"content-transfer-encoding", b"content-disposition", b"content-id",
)  # fmt: skip


def defects(root: Part, raw: Buffer, addresses: Collection[People]) -> tuple[Defect, ...]:
    """What is wrong with a message, each kind once. ``addresses`` are those of its address fields."""
    found: list[Defect] = []
    for part in root.walk():
        found += part.defects
        found += _in_header(part)
        if not part.children:
            found += _in_body(part, raw)
    if not parse_date(root.fields.body(b"date")) and root.fields.body(b"date") is not None:
        found.append(Defect.DATE)
    for people in addresses:
        if len(people.tokens) >= address.MAX_ADDRESSES:
            found.append(Defect.HEADER_TOO_LONG)
        if any(kind == address.MAILBOX and not local for kind, _, local, _ in people.tokens):
            found.append(Defect.ADDRESS)
    return tuple(dict.fromkeys(found))


def _in_header(part: Part) -> Iterator[Defect]:
    fields = part.fields
    octets = fields.octets
    if any(len(fields.bodies(name)) > 1 for name in _ONCE):
        yield Defect.REPEATED_FIELD
    if not octets.isascii() and not _is_utf8(octets):
        yield Defect.RAW_HEADER
    if b"=?" in octets and not all(map(charset.is_known, encoded_word.charsets(header.raw_text(octets)))):
        yield Defect.CHARSET
    yield from _in_lines(octets)


def _in_body(part: Part, raw: Buffer) -> Iterator[Defect]:
    encoded = bytes(raw[part.body : part.end])
    octets, broken = body.decode(encoded, part.encoding)
    if broken:
        yield broken
    if part.type == "text":
        name = part.params.get("charset", "")
        if name and not charset.is_known(name):
            yield Defect.CHARSET
        elif not charset.fits(octets, name):
            yield Defect.TEXT
    if part.encoding != "binary" and not charset.is_wide(part.params.get("charset", "")):
        yield from _in_lines(encoded)
    if attachment.is_renamed(part):
        yield Defect.FILE_NAME


def _in_lines(octets: bytes) -> Iterator[Defect]:
    """RFC 5322 §2.3: CR and LF "MUST only occur together as CRLF" (LF alone, throughout, is how files are kept);
    RFC 2045 §2.7: no NUL."""
    if b"\0" in octets:
        yield Defect.NUL
    if b"\r" in octets and not octets.count(b"\r") == octets.count(b"\n") == octets.count(b"\r\n"):
        yield Defect.LINE_ENDS


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode("utf-8")
    except UnicodeError:
        return False
    return True
