"""A letter as readers see it, and the sections of it that FETCH asks for. RFC 9051 §6.4.5.1, RFC 3516 §4.3."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Literal

from posthouse.errors import StoreError
from posthouse.imap.encode import NIL, literal, literal8, without_nul
from posthouse.imap.fetch import BinarySection, BinarySize, BodySection, Partial, Section, Text
from posthouse.message import body, mime
from posthouse.message.section import find, find_part, header_fields
from posthouse.store.blob import Blobs
from posthouse.store.engine import Row

from .imap_answer import No

# What of the store's row is needed, in this order.
COLUMNS = ("blob", "prefix", "header_size", "size", "tree")
# A larger literal is read in pieces of this size.
PIECE = 256 * 1024
# Transfer encodings that can be undone; the others are told with a code (RFC 3516 §4.3).
KNOWN = frozenset({"7bit", "8bit", "binary", "base64", "quoted-printable"})

# What of a part is meant, in the words of `message.section`.
OF_PART: dict[Text | None, Literal["", "HEADER", "TEXT", "MIME"]] = {
    None: "",
    Text.HEADER: "HEADER",
    Text.TEXT: "TEXT",
    Text.MIME: "MIME",
}


class Letter:
    """Our own header lines (the prefix), then the octets as they came."""

    def __init__(self, row: Row, blobs: Blobs) -> None:
        self._blob, self._prefix, header_size, self._size, self._tree = row  # the size is that of prefix and octets
        self._header = len(self._prefix) + header_size  # where the text begins
        self._blobs = blobs

    def value(self, item: BodySection | BinarySection | BinarySize) -> Iterable[bytes]:
        """What FETCH answers, in pieces: one, if it isn't large. Raises `No` where a transfer encoding isn't known."""
        if isinstance(item, BodySection):
            return self._section(item)
        content = self._decoded(item.part)
        if isinstance(item, BinarySize):
            return (b"0" if content is None else b"%d" % len(content),)
        if content is None:
            return (NIL,)
        if item.partial is not None:
            content = clip(content, item.partial)
        return (literal8(content) if b"\0" in content else literal(content),)

    def _section(self, item: BodySection) -> Iterable[bytes]:
        """The value of BODY[section]<partial>: a literal, or NIL for a part that isn't there."""
        found = self.octets(item)
        if found is None:
            return (NIL,)
        size, pieces = found
        if size <= PIECE:
            return (b"{%d}\r\n%b" % (size, without_nul(b"".join(pieces))),)
        return chain((b"{%d}\r\n" % size,), map(without_nul, pieces))

    def octets(self, item: BodySection) -> tuple[int, Iterator[bytes]] | None:
        """How many octets BODY[section]<partial> has, and they, in pieces; None for a part that isn't there."""
        wanted = item.section
        if wanted.text in (Text.FIELDS, Text.FIELDS_NOT):
            header = self._header_of(wanted)
            if header is None:
                return None
            fields = header_fields(header, 0, len(header), wanted.fields, exclude=wanted.text is Text.FIELDS_NOT)
            fields = fields if item.partial is None else clip(fields, item.partial)
            return len(fields), iter((fields,))
        where = self._where(wanted)
        if where is None:
            return None
        start, end = where
        if item.partial is not None:
            start = min(start + item.partial.offset, end)
            end = min(start + item.partial.count, end)
        return end - start, self._pieces(start, end)

    def _pieces(self, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            piece = self._read(start, min(start + PIECE, end))
            if not piece:
                raise StoreError("a message file is shorter than its row says")
            yield piece
            start += len(piece)

    def _where(self, section: Section) -> tuple[int, int] | None:
        """Where a section is, in octets from the prefix's start."""
        if not section.part:
            match section.text:
                case None:
                    return 0, self._size
                case Text.HEADER:
                    return 0, self._header
                case _:
                    return self._header, self._size
        found = find(mime.unpack(self._tree), section.part, OF_PART[section.text])
        return None if found is None else (found[0] + len(self._prefix), found[1] + len(self._prefix))

    def _header_of(self, section: Section) -> bytes | None:
        where = self._where(Section(section.part, Text.HEADER))
        return None if where is None else self._read(*where)

    def _decoded(self, number: tuple[int, ...]) -> bytes | None:
        """A part with its transfer encoding undone; None if there is no such part.

        Without a number it is the whole message, header and all, which has no transfer encoding itself.
        """
        if not number:
            return self._read(0, self._size)
        part = find_part(mime.unpack(self._tree), number)
        if part is None:
            return None
        if part.encoding not in KNOWN:
            raise No(f"The transfer encoding of part {'.'.join(map(str, number))} is not known here", "UNKNOWN-CTE")
        octets = self._blobs.read(self._blob, part.body, part.end)
        return body.decode(octets, part.encoding)[0]

    def _read(self, start: int, end: int) -> bytes:
        """Octets of prefix and file as one text."""
        prefix = len(self._prefix)
        if start < prefix:
            head: bytes = self._prefix[start:end]
            return head + (self._read(prefix, end) if end > prefix else b"")
        return self._blobs.read(self._blob, start - prefix, end - prefix)


def clip(octets: bytes, partial: Partial) -> bytes:
    """The part of the octets that ``<offset.count>`` means."""
    return octets[partial.offset : partial.offset + partial.count]
