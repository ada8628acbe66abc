"""Transfer encodings (RFC 2045 §6) undone piece by piece, for files that are larger than memory should be.

The result is what `body.decode` makes of the whole: sound octets pass through at once; where something is wrong with
them, the rest is kept until its end and repaired as a whole.
"""

from __future__ import annotations

import binascii

from . import body

_NOT_DIGITS = bytes(set(range(256)) - set(body.BASE64))


class Decoder:
    """Undoes one part's transfer encoding (a name in lower case): ``write`` the pieces, then ``end``."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._kept = b""
        self._whole = encoding not in body.IDENTITY and encoding not in ("base64", "quoted-printable")

    def write(self, octets: bytes) -> bytes:
        """The next octets, decoded as far as they can be."""
        if self._encoding in body.IDENTITY:
            return octets
        self._kept += octets
        if self._whole:
            return b""
        return self._base64() if self._encoding == "base64" else self._quoted_printable()

    def end(self) -> bytes:
        """What is left."""
        rest, self._kept = self._kept, b""
        return body.decode(rest, self._encoding)[0] if rest else b""

    def _base64(self) -> bytes:
        """All groups of four digits; at a sign that is none, padding too, what follows waits for the end."""
        if self._kept.translate(None, body.BASE64 + body.BASE64_BLANKS):
            self._whole = True
            return b""
        digits = self._kept.translate(None, _NOT_DIGITS)
        whole = len(digits) // 4 * 4
        self._kept = digits[whole:]
        return binascii.a2b_base64(digits[:whole])

    def _quoted_printable(self) -> bytes:
        """All lines: an escape never crosses a line's end."""
        end = self._kept.rfind(b"\n") + 1
        lines, self._kept = self._kept[:end], self._kept[end:]
        return body.from_quoted_printable(lines)[0] if lines else b""
