"""Text in the form in which it is compared, and in the form in which any database takes it."""

from __future__ import annotations

import re
import unicodedata

# The combining marks that Latin, Greek and Cyrillic letters have. (Those of other scripts make other letters.)
ACCENTS = re.compile("[\u0300-\u036f]+")
LIKE_SPECIAL = re.compile(r"[%_!]")


def clean(text: str) -> str:
    """The text without what a database can't hold: NUL, and halves of surrogate pairs (from undecodable octets)."""
    if text.isascii():
        return text.replace("\0", "\ufffd") if "\0" in text else text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


def fold(text: str) -> str:
    """The text for comparison: i;unicode-casemap (RFC 5051 §2), case and compatibility forms made equal.

    Where RFC 5051 maps one character to one, full case folding may give two: "ß" is found by "ss" too.
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())


def bare(folded: str) -> str:
    """A folded text without accents: "façade" is "facade", as people type it who have no ç."""
    return folded if folded.isascii() else ACCENTS.sub("", folded)


def escaped(wanted: str) -> str:
    """What LIKE finds nothing but this with; "!" is the escape character."""
    return LIKE_SPECIAL.sub(r"!\g<0>", wanted)
