"""Encoded words (RFC 2047) in what arrives become text; how they are written is the business of ``encode``.

    encoded-word = "=?" charset "?" encoding "?" encoded-text "?="            RFC 2047 §2
    charset may be followed by "*" and a language                             RFC 2231 §5

Wider than the grammar, because letters are: blanks and question marks inside encoded-text, any length, words inside
quoted strings or glued to other text.
"""

from __future__ import annotations

import binascii
import re

from . import charset

# A "?" that doesn't end the word is let through, if it doesn't begin another one. The number is bounded, so that a
# header full of beginnings without an end is read in linear time.
_WORD = re.compile(r"=\?([^?\s]{1,64})\?([bBqQ])\?([^?]*(?:(?<!=)\?(?!=)[^?]*){0,8})\?=")
_Q_SIGN = re.compile(rb"=(?![0-9A-Fa-f]{2})")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


def decode(text: str) -> str:
    """``text`` with its encoded words decoded; what isn't one stays as it is. Never raises.

    White space between two encoded words goes (RFC 2047 §6.2). The octets of neighbours with the same charset are put
    together before they are decoded: a character may be split over two words, although §5 forbids it.
    """
    if "=?" not in text:
        return text
    pieces: list[str] = []
    run: list[bytes] = []
    run_charset = ""
    end = 0
    for word in _WORD.finditer(text):
        name, encoding, encoded = word.groups()
        between = text[end : word.start()]
        if run and between.strip(" \t\r\n"):
            pieces.append(charset.decode(b"".join(run), run_charset))
            pieces.append(between)
            run = []
        elif run and name.lower() != run_charset:
            pieces.append(charset.decode(b"".join(run), run_charset))
            run = []
        elif not run:
            pieces.append(between)
        run.append(_decode_b(encoded) if encoding in "bB" else _decode_q(encoded))
        run_charset = name.lower()
        end = word.end()
    if run:
        pieces.append(charset.decode(b"".join(run), run_charset))
    pieces.append(text[end:])
    return "".join(pieces)


def charsets(text: str) -> list[str]:
    """The names of the character sets of all encoded words in ``text``."""
    return [word[1].partition("*")[0] for word in _WORD.finditer(text)]


def _decode_q(text: str) -> bytes:
    octets = text.encode("utf-8", "replace")
    if "==" in text or text.endswith("="):  # the decoder would drop one of them
        octets = _Q_SIGN.sub(b"=3D", octets)
    return binascii.a2b_qp(octets, header=True)


def _decode_b(text: str) -> bytes:
    """Base64, whatever is wrong with its padding; a last digit that makes no octet is dropped."""
    digits = _NOT_BASE64.sub(b"", text.encode("ascii", "ignore"))
    if len(digits) % 4 == 1:
        digits = digits[:-1]
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))
