"""What a search looks at in a letter's octets: its header fields, its text parts, its files' names; folded.

Of a letter of 50 MB only the text parts are read: where they are, is known since the delivery.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, cast

from posthouse.message import mime
from posthouse.message.attachment import given_name
from posthouse.message.summary import search_text

from .fold import clean, fold

if TYPE_CHECKING:
    from .blob import Blobs

# Octets of one text part that are looked at: some 4,000 pages. What lies behind, in a log or a table, is not found.
MAX_TEXT = 8 * 1024 * 1024


class Texts:
    """What many keys look at in one letter: each text is read, decoded and folded once, when it is first looked at."""

    def __init__(
        self, blobs: Blobs, form: Callable[[str], str], prefix: bytes, blob_id: str, header_size: int, tree: bytes
    ) -> None:
        """``form``: what is made of a folded text; `tree` is `Summary.tree`."""
        self._blobs = blobs
        self._form = form
        self._prefix = prefix
        self._blob_id = blob_id
        self._header_size = header_size
        self._tree = tree
        self._named: dict[str, list[str]] = {}

    def fields(self, name: str) -> list[str]:
        """The texts of all fields of this name. Errors: StoreError."""
        name = name.lower()
        if name not in self._named:
            values = chain.from_iterable(part.fields.get_all(name) for part in self._scanned)
            self._named[name] = [self._form(_on_one_line(fold(clean(value)))) for value in values]
        return self._named[name]

    @cached_property
    def header(self) -> str:
        """The whole header, a field a line. Errors: StoreError."""
        return self._form(folded_header(self._prefix, self._octets))

    @cached_property
    def body(self) -> str:
        """All text parts, and the names of the files. Errors: StoreError."""
        return self._form(folded_body(self._blobs, self._blob_id, self._tree))

    @cached_property
    def _scanned(self) -> tuple[mime.Part, mime.Part]:
        return mime.scan(self._prefix), mime.scan(self._octets)

    @cached_property
    def _octets(self) -> bytes:
        return self._blobs.read(self._blob_id, 0, self._header_size)


def folded_header(prefix: bytes, header: bytes) -> str:
    """The whole header, a field a line, decoded."""
    lines = [f"{name}: {value}" for part in (prefix, header) for name, value in mime.scan(part).fields]
    return "\n".join(_on_one_line(fold(clean(line))) for line in lines)


def _on_one_line(value: str) -> str:
    """An encoded word may hold a line break: it begins no field."""
    return value.replace("\n", " ")


def folded_body(blobs: Blobs, blob_id: str, tree: bytes, most: int | None = None) -> str:
    """All text parts as people read them, then the names of the files, a line each; `tree` is `Summary.tree`.

    `most`: with more characters than these no further part is looked at. Errors: StoreError.
    """
    with blobs.open(blob_id, longest=MAX_TEXT) as octets:
        raw = cast("mime.Buffer", octets)  # only slices are taken
        root = mime.unpack(tree, raw)
        names = (name for part in root.walk() if (name := given_name(part)))
        lines: list[str] = []
        size = 0
        for line in chain(search_text(raw, root), names):
            lines.append(fold(clean(line)))
            size += len(lines[-1]) + 1
            if most is not None and size > most + 1:
                break
        return "\n".join(lines)
