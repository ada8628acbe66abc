"""A message without its files: small enough to fetch, and read by the same parser as the whole one.

A letter with a film in it is shown without fetching the film: from BODYSTRUCTURE, the header, the parts' MIME headers
and the texts a message is put together that has the same parts in the same order, the files' bodies being empty. So
what is text, what is a file and what it is called is decided by `message/` alone, as it is for a letter on disk.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

from posthouse.imap.fetch import BodySection, Section, Text
from posthouse.imap.structure import BodyStructure

# Content-… fields describe the body as it was; the skeleton's is described by itself.
_CONTENT_FIELDS = re.compile(rb"(?im)^Content-[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*(?:\r?\n|\Z)")

HEADER = BodySection(Section(text=Text.HEADER), peek=True)


class Skeleton:
    """What to fetch of a message (`headers`, then `texts`), and the message that these make (`build`)."""

    def __init__(self, structure: BodyStructure) -> None:
        self._structure = structure
        # Leaves by their section; a message inside is one: its parts are its own.
        self.leaves: dict[tuple[int, ...], BodyStructure] = {}
        self._walk(structure, ())

    def _walk(self, part: BodyStructure, section: tuple[int, ...]) -> None:
        if part.type != "multipart":
            self.leaves[section or (1,)] = part
            return
        for number, inner in enumerate(part.parts, 1):
            self._walk(inner, (*section, number))

    @property
    def headers(self) -> tuple[BodySection, ...]:
        """The header of the message, and those of its parts."""
        if self._structure.type != "multipart":
            return (HEADER,)
        return (HEADER, *[BodySection(Section(leaf, Text.MIME), peek=True) for leaf in self.leaves])

    @property
    def texts(self) -> tuple[BodySection, ...]:
        """The bodies that a reader may want to see."""
        return tuple([body_of(leaf) for leaf, part in self.leaves.items() if _is_text(part)])

    def build(self, fetched: Mapping[bytes, bytes | None]) -> tuple[bytes, dict[int, tuple[int, ...]]]:
        """The message, and for the offset at which each of its leaves begins the section that it stands for.

        ``fetched``: what the server sent, by label. `KeyError` for what it didn't send, or says isn't there (NIL).
        """
        self._octets = bytearray()
        self._offsets: dict[int, tuple[int, ...]] = {}
        self._fetched = fetched
        header = self._given(HEADER)
        if self._structure.type != "multipart":
            self._offsets[0] = (1,)
            self._octets += _closed(header) + self._body((1,))
        else:
            self._octets += _CONTENT_FIELDS.sub(b"", header).rstrip(b"\r\n") + b"\r\n"
            self._multipart(self._structure, ())
        return bytes(self._octets), self._offsets

    def _multipart(self, part: BodyStructure, section: tuple[int, ...]) -> None:
        boundary = secrets.token_hex(16).encode("ascii")  # whoever wrote the texts couldn't guess it
        subtype = part.subtype.encode("ascii", "replace")
        self._octets += b'Content-Type: multipart/%b; boundary="%b"\r\n\r\n' % (subtype, boundary)
        for number, inner in enumerate(part.parts, 1):
            self._octets += b"--%b\r\n" % boundary
            place = (*section, number)
            if inner.type == "multipart":
                self._multipart(inner, place)
            else:
                self._offsets[len(self._octets)] = place
                mime = BodySection(Section(place, Text.MIME), peek=True)
                self._octets += _closed(self._given(mime)) + self._body(place)
            self._octets += b"\r\n"
        self._octets += b"--%b--\r\n" % boundary

    def _body(self, leaf: tuple[int, ...]) -> bytes:
        if not _is_text(self.leaves[leaf]):
            return b""
        return self._given(body_of(leaf))

    def _given(self, item: BodySection) -> bytes:
        octets = self._fetched[item.label.upper()]
        if octets is None:
            raise KeyError(item.label)
        return octets


def body_of(leaf: tuple[int, ...]) -> BodySection:
    """The item for a part's body."""
    return BodySection(Section(leaf), peek=True)


def _is_text(part: BodyStructure) -> bool:
    return part.type == "text" and part.disposition != "attachment"


def _closed(header: bytes) -> bytes:
    """A header with the blank line that ends it, which some servers leave out."""
    stripped = header.rstrip(b"\r\n")
    return stripped + b"\r\n\r\n" if stripped else b"\r\n"
