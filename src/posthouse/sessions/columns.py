"""What of FETCH's items stands ready in a column of the store, and how it is written: label and value."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from posthouse.imap.date import internal_date
from posthouse.imap.encode import string
from posthouse.imap.fetch import Attribute, BodySection, Item, Preview, Text
from posthouse.message import listed, sheaf

from . import listing


class Column(NamedTuple):
    """``entry`` makes of the column's value what is answered; that of "flagset" is the caller's to make.

    ``entries`` takes apart what is ``bundled`` of it, columns of a bundle, into what ``entry`` makes of the values.
    """

    name: str
    entry: Callable[[Any], bytes]
    bundled: tuple[str, ...] = ()
    entries: Callable[..., Sequence[bytes]] = sheaf.untie
    form: bytes = b"%b"  # how an entry stands in a response
    measured: bool = False  # whether the form has the entry's length before it


def _date(attribute: Attribute) -> Callable[[int], bytes]:
    label = attribute.label + b" "
    return lambda moment: label + internal_date(moment, 0)


def _form(attribute: Attribute, form: bytes = b"%b") -> Callable[[Any], bytes]:
    return (attribute.label + b" " + form).__mod__


FLAGS = Column("flagset", _form(Attribute.FLAGS, b"(%b)"))  # of the line, instead of the value
SIMPLE: dict[Item, Column] = {
    Attribute.FLAGS: FLAGS,
    Attribute.INTERNALDATE: Column("received", _date(Attribute.INTERNALDATE), ("received",)),
    Attribute.SIZE: Column("size", _form(Attribute.SIZE, b"%d"), ("size",)),
    Attribute.ENVELOPE: Column("envelope", _form(Attribute.ENVELOPE), ("envelopes", "lines"), listing.entries),
    Attribute.BODY: Column("body", _form(Attribute.BODY)),
    Attribute.BODYSTRUCTURE: Column(
        "bodystructure", _form(Attribute.BODYSTRUCTURE), ("structures", "lines"), listing.entries
    ),
    Attribute.MODSEQ: Column("modseq", _form(Attribute.MODSEQ, b"(%d)")),
    Attribute.SAVEDATE: Column("saved", _date(Attribute.SAVEDATE)),
    Attribute.EMAILID: Column("message_id", _form(Attribute.EMAILID, b"(M%d)")),  # as `object_id` has it
    Attribute.THREADID: Column("thread", _form(Attribute.THREADID, b"(T%d)")),
}


@functools.lru_cache(maxsize=1_000)
def recent(entry: bytes) -> bytes:
    r"""FLAGS with ``\Recent`` before the others (RFC 3501 §2.3.2)."""
    return entry.replace(b"(", b"(\\Recent ", 1).replace(b" )", b")", 1)


def column_for(item: Item) -> Column | None:
    """The column that an item is answered from, if it is."""
    if isinstance(item, Preview):  # made at delivery, so always at hand (RFC 8970 §3.1, LAZY)
        return Column("preview", lambda text: item.label + b" " + string(text.encode("utf-8")))
    return SIMPLE.get(item)


def listed_column(item: Item) -> Column | None:
    """HEADER.FIELDS with names that mail programs list stands in a column, too.

    None there, and `listed.UNKNOWN` among the entries, where the letter has to be asked.
    """
    if not isinstance(item, BodySection) or item.partial is not None:
        return None
    section = item.section
    if section.part or section.text is not Text.FIELDS:
        return None
    pick = listed.picker(section.fields)
    if pick is None:
        return None
    pick_all = listed.bound_picker(section.fields)
    form = item.label.replace(b"%", b"%%") + b" {%d}\r\n%b"
    return Column("listed", pick, ("listed",), pick_all, form, measured=True)


def column_or_listed(item: Item) -> Column | None:
    """Either."""
    return column_for(item) or listed_column(item)
