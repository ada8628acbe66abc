"""The header fields that mail programs list, kept apart from the letter as they came: so a list opens no file.

They are packed into one run of octets, each behind a code for its name: to pick some of them is one split.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import compress

from . import header, sheaf

# What Thunderbird, Apple Mail, Outlook, K-9, mutt and web mail programs ask for when they list. At most 255.
NAMES = (
    b"date", b"subject", b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc", b"message-id", b"in-reply-to",
    b"references", b"content-type", b"content-description", b"mime-version", b"priority", b"x-priority",
    b"importance", b"newsgroups", b"list-id", b"list-post", b"list-subscribe", b"list-unsubscribe", b"lines",
    b"x-label", b"x-original-to", b"disposition-notification-to", b"mail-followup-to", b"mail-reply-to",
    b"auto-submitted", b"x-mailer", b"user-agent",
)  # fmt: skip
CODES = {name: bytes((code,)) for code, name in enumerate(NAMES, 1)}
BETWEEN = b"\0"
# Octets of a header that are looked at, and that are kept: beyond, a reader asks the letter itself.
MAX_HEADER = header.MAX_HEADER_OCTETS
MAX_PACKED = 16 * 1024


def pack(fields: header.Headers) -> bytes | None:
    """The fields that are listed of a header; None where only the letter itself can answer."""
    if len(fields.octets) > MAX_HEADER:
        return None
    found = [CODES[name] + field for name, field in fields.whole(CODES)]
    if not found:
        return b""
    packed = BETWEEN.join(found)
    whole = len(packed) <= MAX_PACKED and packed.count(BETWEEN) == len(found) - 1
    return packed if whole and packed.endswith(b"\n") else None  # only the last field may lack its line end


def picker(names: Iterable[str]) -> Callable[[bytes], bytes] | None:
    """What makes HEADER.FIELDS with these names of packed fields, as `section.header_fields` would of the header.

    None where one of the names isn't listed.
    """
    codes = {CODES.get(name.lower().encode("utf-8", "replace")) for name in names}
    if None in codes:
        return None

    def pick(packed: bytes) -> bytes:
        return b"".join([one[1:] for one in packed.split(BETWEEN) if one[:1] in codes]) + b"\r\n"

    return pick


# -- the fields of many letters in one run of octets -----------------------------------------------------------------

# Codes of what is no field: the codes of all of them, which come first; a letter's end; a letter to be asked itself.
ALL, ENDS, NOT_LISTED = b"\xff", b"\xfe", b"\xfd"
# Behind the blank line of each letter. A letter that has it in its fields, as none should, is asked itself.
MARK = b"\1"
END = b"\r\n" + MARK
UNKNOWN = b"?\r\n"


def bind(letters: Iterable[bytes | None]) -> bytes:
    """The packed fields of letters (None: what `pack` gave none of), with all their codes in front.

    So picking some of them is one step, however many letters there are.
    """
    codes = [ALL]
    fields = []
    for packed in letters:
        theirs = packed.split(BETWEEN) if packed else []
        if packed is None or any(MARK in one[1:] for one in theirs):
            codes.append(NOT_LISTED)
            fields.append(UNKNOWN + MARK)
        else:
            codes += [one[:1] for one in theirs] + [ENDS]
            fields += [one[1:] for one in theirs] + [END]
    return sheaf.bind([b"".join(codes), *fields])


def bound_picker(names: Iterable[str]) -> Callable[[bytes], list[bytes]]:
    """What `picker` picks, of all letters that were bound; for names that are listed.

    UNKNOWN stands for a letter that must be asked itself.
    """
    wanted = b"".join([CODES[name.lower().encode("ascii")] for name in names]) + ENDS + NOT_LISTED
    chosen = bytes([code in wanted for code in range(256)])

    def pick(bound: bytes) -> list[bytes]:
        parts = sheaf.untie(bound)
        return b"".join(compress(parts, parts[0].translate(chosen))).split(MARK)[:-1]

    return pick
