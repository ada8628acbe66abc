"""What a search looks at in a letter's octets: its header fields, its text parts, its files' names; folded."""

from __future__ import annotations

from posthouse.message import mime
from posthouse.message.attachment import given_name
from posthouse.message.mime import Buffer
from posthouse.message.summary import search_text

from .fold import clean, fold


def folded_fields(prefix: bytes, octets: bytes, name: str) -> list[str]:
    """The texts of all fields of this name; `octets` are a header, or a letter."""
    values = [*mime.scan(prefix).fields.get_all(name), *mime.scan(octets).fields.get_all(name)]
    return [fold(clean(value)) for value in values]


def folded_header(prefix: bytes, octets: Buffer) -> str:
    """The whole header, a field a line, decoded; `octets` are a header, or a letter."""
    lines = [f"{name}: {value}" for part in (prefix, octets) for name, value in mime.scan(part).fields]
    return fold(clean("\n".join(lines)))


def folded_body(octets: Buffer) -> str:
    """All text parts as people read them, then the names of the files, a line each."""
    root = mime.scan(octets)
    names = [name for part in root.walk() if (name := given_name(part))]
    return fold(clean("\n".join([*search_text(octets, root), *names])))
