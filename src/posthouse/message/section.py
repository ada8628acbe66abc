"""BODY[section]: which slice of the raw message it is (RFC 9051 §6.4.5.1).

    section-spec = section-msgtext / (section-part ["." section-text])
    section-part = nz-number *("." nz-number)
    section-text = "HEADER" / "TEXT" / "HEADER.FIELDS" … / "MIME"

Numbers count the children of a multipart. "Every message has at least one part number. Messages that do not use
MIME, and MIME messages that are not multipart … only have a part 1", its body. A message/rfc822 part is followed by
the numbers of the message inside.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from . import header
from .mime import Buffer, Part

Text = Literal["", "HEADER", "TEXT", "MIME"]


def find(part: Part, section: tuple[int, ...], text: Text = "") -> tuple[int, int] | None:
    """The offsets of a section of the message ``part``; None if it has no such section.

    HEADER includes the blank line that ends it. HEADER and TEXT of a part are those of the message in it, so they
    exist for the whole message and for message/rfc822 parts; MIME is the header of a part itself.
    """
    if not section:
        return None if text == "MIME" else _slice(part, text)
    found = find_part(part, section)
    if found is None:
        return None
    if text == "MIME":
        return found.start, found.body
    if text:
        nested = found.type == "message" and found.children
        return _slice(found.children[0], text) if nested else None
    return found.body, found.end


def find_part(part: Part, section: tuple[int, ...]) -> Part | None:
    """The part that the numbers of a section name in the message ``part``; None if there is none.

    Part 1 of a message that is no multipart is the message itself: its body, its Content-Type.
    """
    holder = part  # the message whose parts the next number counts
    found = part
    for level, number in enumerate(section):
        if level and found.type == "message" and found.children:
            holder = found.children[0]
        elif level:
            if found.type != "multipart":
                return None
            holder = found
        if holder.type == "multipart":
            if not 1 <= number <= len(holder.children):
                return None
            found = holder.children[number - 1]
        elif number == 1:
            found = holder
        else:
            return None
    return found


def _slice(message: Part, text: Text) -> tuple[int, int]:
    if text == "HEADER":
        return message.start, message.body
    if text == "TEXT":
        return message.body, message.end
    return message.start, message.end


def header_fields(raw: Buffer, start: int, end: int, names: Iterable[str], exclude: bool = False) -> bytes:
    """HEADER.FIELDS of the header between two offsets (as ``find`` gives them), or HEADER.FIELDS.NOT.

    The fields stand as they came, in their order, each with its line end; the blank line ends them always
    (RFC 9051 §6.4.5.1: "the delimiting blank line … is always included").
    """
    wanted = {name.lower().encode("utf-8", "replace") for name in names}
    kept = [
        field[0] for field in header.split_fields(bytes(raw[start:end])) if (field[1].lower() in wanted) is not exclude
    ]
    if kept and not kept[-1].endswith(b"\n"):
        kept.append(b"\r\n")
    kept.append(b"\r\n")
    return b"".join(kept)
