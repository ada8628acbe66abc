"""A part's body, decoded: the transfer encodings (RFC 2045 §6), then for text the character set.

Nothing here raises. What is broken is repaired as far as it goes, and said; octets that no repair explains are kept as
they are, so that nothing is lost that somebody might read.
"""

from __future__ import annotations

import binascii
import re

from . import charset
from .defect import Defect
from .mime import Buffer, Part

BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(set(range(256)) - set(BASE64))
BASE64_BLANKS = b" \t\r\n"
# What tells that a line is plain text: a sign that base64 has not, or a blank between words.
_WORDS = re.compile(rb"(?:[^\n]*?[A-Za-z0-9][.,:;!?']?[ \t]++(?=[A-Za-z0-9])){3}")
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\s]|[A-Za-z0-9][ \t]++[A-Za-z0-9]")

# RFC 2045 §6.7 (3): blanks at a line's end were added on the way. They do no harm but behind a soft line break's "=".
_QP_SOFT_BREAK = re.compile(rb"=[ \t]++(?=\r?\n)")
# "=" signs that the decoder doesn't just leave alone: it drops one of two, and all from a bare CR to the next LF.
_QP_BROKEN = re.compile(rb"=(?:[^0-9A-Fa-f\r\n]|\r[^\n]|\r\Z)")
_QP_SIGN = re.compile(rb"=(?![0-9A-Fa-f]{2}|\r?\n)")
_BARE_CR = re.compile(rb"\r(?!\n)")
_INNER_BARE_CR = re.compile(rb"\r[^\n]")  # found in two thirds of the time

_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]+)\r?\n", re.MULTILINE)
# A line: its count of octets (1 to 45) as a sign, then the octets, three in four signs; blanks at its end get lost.
_UU_LINES = re.compile(rb"(?:[!-M][ -`]++\r?(?:\n|\Z))+")
_UU_END = re.compile(rb"[ `]?\r?\n?end[ \t]*(?:\r?\n|\Z)")

# HTML Standard §13.2.3.2: a document's own charset is looked for in its first 1024 octets.
_META_OCTETS = 1024
_META_CHARSET = re.compile(rb"""<meta\b[^<>]{0,200}?\bcharset\s*=\s*["']?([A-Za-z0-9._:-]{1,64})""", re.IGNORECASE)

IDENTITY = frozenset({"7bit", "8bit", "binary", ""})
_UUENCODE = frozenset({"x-uuencode", "uuencode", "x-uue", "uue"})


def content(part: Part, raw: Buffer) -> bytes:
    """The body of ``part`` in the message ``raw``, without its transfer encoding."""
    return decode(bytes(raw[part.body : part.end]), part.encoding)[0]


def text_content(part: Part, raw: Buffer) -> bytes:
    """The same for text that becomes ``as_text``: where it is quoted-printable its line ends may be ``\\n`` already."""
    octets = bytes(raw[part.body : part.end])
    if part.encoding == "quoted-printable" and not _has_bare_cr(octets):
        octets = octets.replace(b"\r", b"")  # before the decoder: it has less to do, and can be checked by counting
    return decode(octets, part.encoding)[0]


def text(part: Part, raw: Buffer) -> str:
    """The body of a text part as text, with ``\\n`` line ends; NULs are blanks.

    HTML that comes without a charset may name one itself.
    """
    octets = text_content(part, raw)
    name = part.params.get("charset", "")
    if not name and part.subtype == "html" and (meta := _META_CHARSET.search(octets, 0, _META_OCTETS)):
        name = meta[1].decode("ascii")
    return as_text(octets, name)


def as_text(octets: bytes, name: str) -> str:
    """Octets in a charset as text, with ``\\n`` line ends; NULs are blanks."""
    if b"\0" in octets or charset.is_wide(name):
        decoded = charset.decode(octets, name).replace("\r\n", "\n").replace("\r", "\n")
        return decoded.replace("\0", " ")
    if b"\r" in octets:  # in all other encodings a CR is a CR: taking them out here takes a third of the time
        if _has_bare_cr(octets):  # seldom, and a search is quicker than a substitution of nothing
            octets = _BARE_CR.sub(b"\n", octets)
        octets = octets.replace(b"\r", b"")
    return charset.decode(octets, name)


def _has_bare_cr(octets: bytes) -> bool:
    return _INNER_BARE_CR.search(octets) is not None or octets.endswith(b"\r")


def decode(octets: bytes, encoding: str) -> tuple[bytes, Defect | None]:
    """Undo a transfer encoding (a name in lower case). An unknown one is taken for none."""
    if encoding in IDENTITY:
        return octets, None
    if encoding == "base64":
        return from_base64(octets)
    if encoding == "quoted-printable":
        return from_quoted_printable(octets)
    if encoding in _UUENCODE:
        found = find_uuencoded(octets, 0)
        return (found[2], None) if found else (octets, Defect.UUENCODE)
    return octets, Defect.ENCODING


def from_base64(octets: bytes) -> tuple[bytes, Defect | None]:
    """Base64 with whatever is wrong with it: no padding, padding in the middle, other signs, text behind it."""
    padding = octets.find(b"=")
    if padding < 0 or not octets[padding:].strip(b"= \t\r\n"):
        try:
            decoded = binascii.a2b_base64(octets)
        except binascii.Error:
            return _repaired_base64(octets), Defect.BASE64
        strange = octets.translate(None, BASE64 + b"=" + BASE64_BLANKS)
        return (_repaired_base64(octets), Defect.BASE64) if strange else (decoded, None)
    return _repaired_base64(octets), Defect.BASE64


def _repaired_base64(octets: bytes) -> bytes:
    """The pieces between paddings, decoded one by one. Plain text behind a padding stays: a mailing list's footer."""
    if _WORDS.match(octets.lstrip()):
        return octets  # never was base64, whatever the header says
    footer = b""
    padding = octets.find(b"=")
    if padding >= 0 and (plain := _NO_BASE64.search(octets, padding)):
        line = octets.rfind(b"\n", 0, plain.start()) + 1
        octets, footer = octets[:line], octets[line:]
    pieces = []
    for piece in filter(None, octets.split(b"=")):
        digits = piece.translate(None, _NOT_BASE64)
        if len(digits) % 4 == 1:
            digits = digits[:-1]
        pieces.append(binascii.a2b_base64(digits + b"=" * (-len(digits) % 4)))
    return b"".join(pieces) + footer


def size(octets: bytes, encoding: str) -> int:
    """How long ``decode(octets, encoding)`` is; for base64 without decoding it, if it is sound."""
    if encoding != "base64":
        return len(decode(octets, encoding)[0])
    rest = octets.translate(None, BASE64)
    whole, left = divmod(len(octets) - len(rest), 4)  # groups of four digits
    is_padded = not left or (left > 1 and left + rest.count(b"=") >= 4)
    padding = octets.find(b"=")
    if not is_padded or rest.strip(b"= \t\r\n") or (padding >= 0 and octets[padding:].strip(b"= \t\r\n")):
        return len(from_base64(octets)[0])
    return whole * 3 + max(0, left - 1)


def from_quoted_printable(octets: bytes) -> tuple[bytes, Defect | None]:
    """Quoted-printable; an "=" that means nothing stands for itself, as RFC 2045 §6.7 asks of a robust reader."""
    decoded = binascii.a2b_qp(octets)
    # Without CRs a sound "=" takes two octets with it, a broken one stays: counting is quicker than searching.
    if b"\r" not in octets and (b"=" not in decoded or len(decoded) == len(octets) - 2 * octets.count(b"=")):
        return decoded, None
    if _QP_BROKEN.search(octets) is None:
        return decoded, None
    octets = _QP_SIGN.sub(b"=3D", _QP_SOFT_BREAK.sub(b"=", octets))
    return binascii.a2b_qp(octets), Defect.QUOTED_PRINTABLE


# -- uuencode -------------------------------------------------------------------------------------------------------


def find_uuencoded(octets: bytes, at: int = 0) -> tuple[int, int, bytes, bytes] | None:
    """The next uuencoded file from ``at`` on: where it begins and ends, its content and its name.

    ``begin 644 name``, lines, ``end`` (POSIX uuencode). It ends with the first line that can't be one; without any,
    it is somebody's prose.
    """
    while begin := _UU_BEGIN.search(octets, at):
        at = begin.end()
        if lines := _UU_LINES.match(octets, at):
            size, decoded = _uu_lines(lines[0])
            if size:
                end = _UU_END.match(octets, at + size)
                return begin.start(), end.end() if end else at + size, decoded, begin[1]
            at = lines.end()
    return None


def _uu_lines(block: bytes) -> tuple[int, bytes]:
    """The octets of uuencoded lines, and how much of ``block`` they take."""
    decoded = []
    size = 0
    for line in block.splitlines(keepends=True):
        count = line[0] - 32
        signs = (count + 2) // 3 * 4
        data = line[1:].rstrip(b"\r\n")
        # Blanks at the end may be lost, one sign may be added (a checksum of some programs).
        if not signs - 4 <= len(data.rstrip(b" ")) <= signs + 1:
            break
        decoded.append(binascii.a2b_uu(line[:1] + data[: (count * 4 + 2) // 3]))  # filling would be garbage to it
        size += len(line)
    return size, b"".join(decoded)
