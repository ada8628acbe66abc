"""What strangers wrote, as a terminal may show it."""

from __future__ import annotations

import re

# Control characters are commands to a terminal: escape sequences could rewrite the screen. U+202A to U+202E and U+2066
# to U+2069 turn round what follows: "exe.jpg" may be a program. U+2028 and U+2029 end a line; half a surrogate pair
# can't be written at all. Whatever else isn't printable in Python's eyes has its use: the spaces of Japanese and
# French, the joiners of Persian and of emoji.
_COMMANDS = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
IN_TEXT = re.compile(f"[{_COMMANDS}]")
IN_LINE = re.compile(rf"[\t\n{_COMMANDS}]")


def plain(text: str) -> str:
    """A text, with its lines."""
    return IN_TEXT.sub("\N{REPLACEMENT CHARACTER}", text)


def plain_line(text: str) -> str:
    """A name or a subject: on one line, and without what a program would take for a column's end."""
    return IN_LINE.sub("\N{REPLACEMENT CHARACTER}", text)
