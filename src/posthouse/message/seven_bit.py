"""A letter for a server that takes nothing but ASCII: RFC 6152 §3, and its header where that has UTF-8 (RFC 6532).

Parts with octets above 127 become quoted-printable or base64, every octet of what they decode to stays; header fields
become encoded words (RFC 2047) and parameters (RFC 2231). All other octets stay as they came.

What somebody has signed (multipart/signed) is left alone: rather no letter than one whose signature is broken. DKIM's
signatures break; who signs should have sent ASCII (RFC 6376 §5.3), and the letter arrives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from posthouse.errors import InvalidMessage

from . import mime, parameter
from .address import mailboxes, parse_addresses
from .encode import address_field, encode_base64, encode_text, parameter_field, text_field
from .header import decode_text, raw_text, split_fields
from .mime import Buffer, Part

# Octets encoded at a time: whole lines of base64. A larger text becomes base64 too.
PIECE = 57 * 4096
ADDRESSES = frozenset(
    {
        b"from",
        b"sender",
        b"reply-to",
        b"to",
        b"cc",
        b"bcc",
        b"resent-from",
        b"resent-sender",
        b"resent-to",
        b"resent-cc",
    }
)
PARAMETERS = frozenset({b"content-type", b"content-disposition"})
# Of these the words are for programs: what isn't ASCII in them is a mistake, and encoded words would be none there.
EXACT = frozenset(
    {b"received", b"return-path", b"message-id", b"in-reply-to", b"references", b"date", b"mime-version",
     b"content-transfer-encoding", b"content-id", b"dkim-signature", b"arc-seal", b"arc-message-signature",
     b"authentication-results", b"delivered-to"}
)  # fmt: skip
ENCODING = b"content-transfer-encoding"
NOT_ASCII = re.compile(rb"[\x80-\xff]+")


def seven_bit(raw: Buffer, *, bodies: bool = True) -> Iterator[bytes]:
    """The message in pieces, all of it ASCII; without ``bodies``, the headers alone are.

    `InvalidMessage` where it can't be: an address that only UTF-8 can write, or a signature that would break.
    """
    root = mime.scan(raw)
    at = 0
    for part in root.walk():
        yield _between(bytes(raw[at : part.start]), bodies)
        high = bodies and not _is_ascii(raw, part)
        if high and part.media_type == "multipart/signed":
            raise InvalidMessage("the letter is signed, and not all of it is ASCII: converting it would break that")
        encoding, pieces = _encoded(raw, part) if high else (b"", None)
        yield _header(bytes(raw[part.start : part.body]), encoding, whole=part is root)
        at = part.body
        if pieces is not None:
            yield from pieces
            at = part.end
    yield _between(bytes(raw[at : len(raw)]), bodies)


def _encoded(raw: Buffer, part: Part) -> tuple[bytes, Iterator[bytes] | None]:
    """How a part with other octets is encoded, and its body where that changes."""
    if part.children:  # RFC 2045 §6.4: what has parts has no encoding of its own
        return b"7bit" if part.encoding in ("8bit", "binary") else b"", None
    if part.encoding in ("base64", "quoted-printable"):  # a mistake: it says that it is ASCII
        return b"", (NOT_ASCII.sub(b"?", piece) for piece in _pieces(raw, part))
    if part.type == "text" and part.size <= PIECE:
        name, octets = encode_text(bytes(raw[part.body : part.end]))
        return name.encode(), iter((octets,))
    return b"base64", map(encode_base64, _pieces(raw, part))


def _pieces(raw: Buffer, part: Part) -> Iterator[bytes]:
    for start in range(part.body, part.end, PIECE):
        yield bytes(raw[start : min(start + PIECE, part.end)])


def _is_ascii(raw: Buffer, part: Part) -> bool:
    return all(map(bytes.isascii, _pieces(raw, part)))


def _between(octets: bytes, bodies: bool) -> bytes:
    """What nobody reads: the lines around parts."""
    return NOT_ASCII.sub(b"?", octets) if bodies else octets


def _header(header: bytes, encoding: bytes, *, whole: bool) -> bytes:
    """A part's header, blank line and all, with ``encoding`` instead of what it says, if one is given."""
    if not encoding and header.isascii():
        return header
    pieces, end = [], 0
    names = set()
    for field in split_fields(header):
        name = field[1].lower()
        names.add(name)
        pieces.append(header[end : field.start()])
        end = field.end()
        if name == ENCODING and encoding:
            continue
        pieces.append(
            field[0] if field[0].isascii() else _field(NOT_ASCII.sub(b"?", field[1]).decode(), name, field[2])
        )
    if encoding:
        if end and header[end - 1 : end] != b"\n":
            pieces.append(b"\r\n")
        pieces.append(b"Content-Transfer-Encoding: " + encoding + b"\r\n")
        if whole and b"mime-version" not in names:
            pieces.append(b"MIME-Version: 1.0\r\n")
            # RFC 1428 §3: nobody knows which characters they are. Mostly it is UTF-8, and readers try that first.
            pieces += [b"Content-Type: text/plain; charset=utf-8\r\n"] * (b"content-type" not in names)
    return b"".join([*pieces, NOT_ASCII.sub(b"?", header[end:]) or b"\r\n"])


def _field(name: str, lower: bytes, body: bytes) -> bytes:
    """A field whose octets are not ASCII, in words that are."""
    if lower in ADDRESSES:
        found = mailboxes(parse_addresses(decode_text(body)))
        if other := next((one.addr for one in found if not one.spec.isascii()), None):
            raise InvalidMessage(f"the address {other} can only be written in UTF-8, which the server doesn't take")
        return address_field(name, [(one.name, one.spec) for one in found])
    if lower in PARAMETERS:
        value, parameters = parameter.parse(raw_text(body))
        return parameter_field(name, NOT_ASCII.sub(b"?", value.encode()).decode(), parameters.items())
    if lower in EXACT:
        return name.encode() + b":" + NOT_ASCII.sub(b"?", body)
    return text_field(name, decode_text(body))
