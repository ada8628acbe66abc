"""What of FETCH's items stands ready in a column of the store, and how it is written: label and value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from posthouse.imap.date import internal_date
from posthouse.imap.encode import string
from posthouse.imap.fetch import Attribute, BodySection, Item, Preview, Text
from posthouse.message import listed

# Between two entries in a bundle's column; the listed fields stand as `listed.bind` has them.
BETWEEN = b"\0\0"
UNKNOWN = b""  # for an entry that the letter has to be asked for


def _entries(column: bytes) -> list[bytes]:
    return column.split(BETWEEN)


class Column(NamedTuple):
    """``entry`` makes of the column's value what is answered; that of "flagset" is the caller's to make.

    ``entries`` takes a bundle's column apart, into what is answered.
    """

    name: str
    entry: Callable[[Any], bytes]
    entries: Callable[[bytes], list[bytes]] = _entries


def _date(attribute: Attribute) -> Callable[[int], bytes]:
    label = attribute.label + b" "
    return lambda moment: label + internal_date(moment, 0)


def _form(attribute: Attribute, form: bytes = b"%b") -> Callable[[Any], bytes]:
    return (attribute.label + b" " + form).__mod__


FLAGS = Column("flagset", _form(Attribute.FLAGS, b"(%b)"))  # of the line, instead of the value
SIMPLE: dict[Item, Column] = {
    Attribute.FLAGS: FLAGS,
    Attribute.INTERNALDATE: Column("received", _date(Attribute.INTERNALDATE)),
    Attribute.SIZE: Column("size", _form(Attribute.SIZE, b"%d")),
    Attribute.ENVELOPE: Column("envelope", _form(Attribute.ENVELOPE)),
    Attribute.BODY: Column("body", _form(Attribute.BODY)),
    Attribute.BODYSTRUCTURE: Column("bodystructure", _form(Attribute.BODYSTRUCTURE)),
    Attribute.MODSEQ: Column("modseq", _form(Attribute.MODSEQ, b"(%d)")),
    Attribute.SAVEDATE: Column("saved", _date(Attribute.SAVEDATE)),
    Attribute.EMAILID: Column("message_id", _form(Attribute.EMAILID, b"(M%d)")),  # as `object_id` has it
    Attribute.THREADID: Column("thread", _form(Attribute.THREADID, b"(T%d)")),
}


def column_for(item: Item) -> Column | None:
    """The column that an item is answered from, if it is."""
    if isinstance(item, Preview):  # made at delivery, so always at hand (RFC 8970 §3.1, LAZY)
        return Column("preview", lambda text: item.label + b" " + string(text.encode("utf-8")))
    return SIMPLE.get(item)


def listed_column(item: Item) -> Column | None:
    """HEADER.FIELDS with names that mail programs list stands in a column, too: None there, where it doesn't."""
    if not isinstance(item, BodySection) or item.partial is not None:
        return None
    section = item.section
    if section.part or section.text is not Text.FIELDS:
        return None
    pick = listed.picker(section.fields)
    if pick is None:
        return None
    pick_all = listed.bound_picker(section.fields)
    form = item.label + b" {%d}\r\n%b"
    with_end = form + b"\r\n"

    def entry(packed: bytes) -> bytes:
        fields = pick(packed)
        return form % (len(fields), fields)

    def entries(bound: bytes) -> list[bytes]:
        picked = pick_all(bound)
        made = [with_end % (len(fields) + 2, fields) for fields in picked]
        if listed.UNKNOWN in picked:
            made = [UNKNOWN if fields == listed.UNKNOWN else one for fields, one in zip(picked, made, strict=True)]
        return made

    return Column("listed", entry, entries)


def column_or_listed(item: Item) -> Column | None:
    """Either."""
    return column_for(item) or listed_column(item)
