"""What programs list a mailbox by, as a form: finished lines of neighbouring messages, which lack the numbers that the
client counts by, and the flags.

To fill it in is one step of C, however many messages it has. ENVELOPE and BODYSTRUCTURE are taken out of the same lines
for who asks for less.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from posthouse.imap.fetch import Attribute, Item

# Whoever asks for these is answered by forms; in the forms' order (RFC 9051 §7.5.2 leaves it to the server).
ITEMS: frozenset[Item] = frozenset(
    {
        Attribute.UID,
        Attribute.FLAGS,
        Attribute.INTERNALDATE,
        Attribute.SIZE,
        Attribute.ENVELOPE,
        Attribute.BODYSTRUCTURE,
    }
)
BEGIN = b"* %%d FETCH (UID %d %%b %b %b "
BETWEEN = b" "
END = b")\r\n"


class Listed(NamedTuple):
    """A message's entries."""

    uid: int
    received: bytes
    size: bytes
    envelope: bytes
    bodystructure: bytes


def bind(messages: Iterable[Listed | None]) -> dict[str, int | bytes]:
    """The columns of a bundle: the form, and for `entries` where ENVELOPE and BODYSTRUCTURE stand in it."""
    lines: list[bytes] = []
    envelopes: list[bytes] = []
    structures: list[bytes] = []
    for one in messages:
        if one is None:
            envelopes.append(b"0s")
            structures.append(b"0s")
            continue
        begin = BEGIN % (one.uid, one.received, one.size)
        envelope, structure = (entry.replace(b"%", b"%%") for entry in (one.envelope, one.bodystructure))
        lines.append(b"".join([begin, envelope, BETWEEN, structure, END]))
        before = len(begin) + len(envelope) + len(BETWEEN)
        envelopes.append(b"%dx%ds%dx" % (len(begin), len(envelope), len(lines[-1]) - len(begin) - len(envelope)))
        structures.append(b"%dx%ds%dx" % (before, len(structure), len(END)))
    return {
        "messages": len(lines),
        "envelopes": b"".join(envelopes),
        "structures": b"".join(structures),
        "lines": b"".join(lines),
    }


def fill(form: bytes, numbers: Sequence[int], flags: Iterable[bytes]) -> bytes:
    """The responses: the form with the numbers and the FLAGS of its messages, which must be all of them."""
    values: list[int | bytes] = [0] * (2 * len(numbers))
    values[::2] = numbers
    values[1::2] = flags
    return form % tuple(values)


def entries(places: bytes, form: bytes) -> Sequence[bytes]:
    """The ENVELOPEs or the BODYSTRUCTUREs, for each UID of the bundle; nothing where there is no message."""
    pieces = struct.unpack_from(places, form)
    return [piece.replace(b"%%", b"%") for piece in pieces] if b"%%" in form else pieces
