"""FETCH responses as lists of messages have them, nearly always: read from the buffer in one go.

`parse` reads everything, item by item, and takes ten times as long. What is read here comes out the same there;
what isn't written plainly, or isn't all there yet, is left to it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from posthouse.wire.reader import Reader

from .answer import Fetched
from .date import read_date_time
from .parse import section_label
from .syntax import SYSTEM_FLAGS, Cursor, Malformed

# A mailbox has few combinations of flags.
MAX_COMBINATIONS = 1024

PLAIN = re.compile(
    rb"\* ([0-9]{1,9}) FETCH \((?:(?:"
    rb"UID ([0-9]{1,9})"
    rb"|FLAGS \(([!#-'*-z|-~ ]{0,400})\)"
    rb"|INTERNALDATE (\"[^\"\r\n]{26}\")"
    rb"|RFC822\.SIZE ([0-9]{1,9})"
    rb"|MODSEQ \(([0-9]{1,18})\)"
    rb")(?: |(?=\))))*"
    rb"(?:BODY(\[[A-Za-z0-9. ()_-]{0,400}\]) \{([0-9]{1,9})\}\r\n|\)\r\n)"
)
END = b")\r\n"


def read_listed(reader: Reader, most: int) -> Fetched | None:
    """The response that waits at the beginning of the buffer; None if it has to be read by `parse`.

    ``most``: octets of a section.
    """
    found = reader.match(PLAIN)
    if found is None:
        return None
    number, uid, flags, date, size, modseq, section, octets = found.groups()
    whole = found[0]
    if whole.count(b"FLAGS (") > 1 or whole.count(b"INTERNALDATE") > 1:  # only the last one was looked at
        return None
    end = found.end()
    sections: dict[bytes, bytes | None] = {}
    try:
        if section is not None:
            start, end = end, end + int(octets)
            if end - start > most or reader.peek(end, end + len(END)) != END:
                return None
            sections[section_label("BODY", section)] = reader.peek(start, end)
            end += len(END)
        told = Fetched(
            int(number),
            None if uid is None else int(uid),
            None if flags is None else _flags(flags),
            None if date is None else read_date_time(Cursor(date)),
            None if size is None else int(size),
            modseq=None if modseq is None else int(modseq),
            sections=sections,
        )
    except Malformed:
        return None
    reader.skip(end)
    return told


@lru_cache(maxsize=MAX_COMBINATIONS)
def _flags(octets: bytes) -> frozenset[str]:
    flags = octets.decode("ascii").split()
    if any(flag.upper() == "NIL" for flag in flags):
        raise Malformed("NIL is no flag")
    return frozenset(SYSTEM_FLAGS.get(flag.lower(), flag) for flag in flags)
