"""SASLprep (RFC 4013): the one form of user names and passwords that both sides can hash."""

from __future__ import annotations

import stringprep
import unicodedata

from posthouse.errors import LoginRefused

# RFC 4013 §2.3
PROHIBITED = (
    stringprep.in_table_c12,  # spaces beyond ASCII: gone by then, but for those that normalization makes
    stringprep.in_table_c21_c22,  # control characters
    stringprep.in_table_c3,  # private use
    stringprep.in_table_c4,  # non-characters
    stringprep.in_table_c5,  # surrogates
    stringprep.in_table_c6,  # inappropriate for plain text
    stringprep.in_table_c7,  # inappropriate for canonical representation
    stringprep.in_table_c8,  # change display properties
    stringprep.in_table_c9,  # tagging
)


def saslprep(text: str) -> str:
    """Prepare a user name or a password; raises `LoginRefused` for what neither can be.

    Characters that Unicode 3.2 didn't know (emoji among them) pass, as in a query (RFC 3454 §7).
    """
    if text.isascii() and text.isprintable():
        prepared = text
    else:
        # RFC 4013 §2.1, §2.2: other spaces become spaces, invisible characters nothing; then NFKC.
        mapped = ["" if stringprep.in_table_b1(c) else " " if stringprep.in_table_c12(c) else c for c in text]
        prepared = unicodedata.normalize("NFKC", "".join(mapped))
    if not prepared:
        raise LoginRefused("the user name or the password is missing")
    if any(prohibited(c) for c in prepared for prohibited in PROHIBITED) or not _one_direction(prepared):
        raise LoginRefused("the user name or the password has characters that can't be used in one (RFC 4013)")
    return prepared


def _one_direction(text: str) -> bool:
    """RFC 3454 §6: text from right to left begins and ends so, and has no letters from left to right in it."""
    if not any(map(stringprep.in_table_d1, text)):
        return True
    ends = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    return ends and not any(map(stringprep.in_table_d2, text))
