"""A binary message as one of lines: what RFC 3030 lets through with BODY=BINARYMIME, for all that takes only text.

IMAP's literals, POP3 and most servers know no NUL and no line end but CR LF (RFC 3501 §4.3.1, RFC 3030 §3: who can't
hand on a binary message converts it). So a binary part becomes base64; every octet that it decodes to stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from . import mime
from .encode import encode_base64, fits_lines
from .mime import Buffer, Part

# The field with its folded lines.
ENCODING_FIELD = re.compile(rb"(?im)^content-transfer-encoding[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*")
# Octets encoded at a time: whole lines of base64.
PIECE = 57 * 4096


def textual(raw: Buffer) -> Iterator[bytes]:
    """The message in pieces, its binary parts as base64. Their headers change in Content-Transfer-Encoding alone."""
    at = 0
    for part in mime.scan(raw).walk():
        composite = bool(part.children)
        if part.encoding != "binary" and (composite or _is_text(raw, part)):
            continue
        yield bytes(raw[at : part.start])
        # RFC 2045 §6.4: what has parts has no encoding of its own.
        yield _with_encoding(bytes(raw[part.start : part.body]), b"8bit" if composite else b"base64")
        at = part.body
        if not composite:
            for start in range(part.body, part.end, PIECE):
                yield encode_base64(bytes(raw[start : min(start + PIECE, part.end)]))
            at = part.end
    yield bytes(raw[at : len(raw)])


def _is_text(raw: Buffer, part: Part) -> bool:
    """Whether a part that isn't called binary is none, as 7bit and 8bit promise (RFC 2045 §2.7, §2.8)."""
    return part.encoding not in ("7bit", "8bit") or fits_lines(bytes(raw[part.body : part.end]))


def _with_encoding(header: bytes, encoding: bytes) -> bytes:
    """A part's header, blank line and all, with this encoding instead of what it says."""
    fields = ENCODING_FIELD.sub(b"", header)
    blank = b"\r\n" if fields.endswith(b"\r\n") else b""
    fields = fields.removesuffix(blank)
    if fields and not fields.endswith(b"\n"):
        fields += b"\r\n"
    return fields + b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n"
