"""Fields with parameters, Content-Type and Content-Disposition, as they arrive.

    content     = "Content-Type" ":" type "/" subtype *(";" parameter)              RFC 2045 §5.1
    disposition = "Content-Disposition" ":" disposition-type *(";" parameter)       RFC 2183 §2
    parameter   = attribute "=" value;   value = token / quoted-string
    attribute may end in "*" (charset'language'%-octets), "*0", "*0*" (sections)    RFC 2231 §3, §4

Read wider: blanks round "=", values with blanks though not quoted, quotes that never close, sections in any order or
with gaps, backslashes that are meant (``C:\\dir\\file``), a missing semicolon behind the type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import unquote_to_bytes

from . import charset

NONE: Mapping[str, str] = MappingProxyType({})

# Parameters of one field that are read; a real one has up to a dozen, RFC 2231 sections of a long name included.
MAX_PARAMETERS = 1_000

# The look-behind keeps a search that fails from starting anew inside a name: linear time.
_PARAMETER = re.compile(
    r"""(?<![^\s;"])([^\s=;"]++)\s*+=\s*+(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)(?:"|\\?\Z)|([^;]*+))""", re.DOTALL
)
_HEAD = re.compile(r"\s*+([^;\s(]*+)\s*+(?:\([^)]*+\)\s*+)*")
_ESCAPED = re.compile(r"""\\(["\\])""")
_SECTION = re.compile(r"([^*]+)(?:\*(\d{1,4}))?(\*?)")
# An unquoted value ends at a blank or a comment, but for names of files, where both are meant.
_TOKEN_END = re.compile(r"[\s(]")


def parse(value: str) -> tuple[str, Mapping[str, str]]:
    """The leading value in lower case ("text/plain", "attachment") and the parameters, names in lower case.

    ``value`` is a field body by ``header.raw_text``. RFC 2231 is decoded; encoded words, which have no place in
    parameters but often stand there, are left to the caller. The first of two parameters with one name counts.
    """
    head = _HEAD.match(value)
    assert head is not None  # every part of it may be empty
    kind = head[1].lower()
    rest = value[head.end() :]
    if not rest or rest.isspace():
        return kind, NONE
    found: dict[str, str] = {}
    extended: dict[str, list[tuple[int, bool, str]]] = {}
    for number, match in enumerate(_PARAMETER.finditer(rest)):
        if number >= MAX_PARAMETERS:
            break
        name, quoted, bare = match.groups()
        name = name.lower()
        if quoted is not None:
            text = _ESCAPED.sub(r"\1", quoted) if "\\" in quoted else quoted
        else:
            text = bare.rstrip()
            if not name.startswith(("filename", "name")) and (end := _TOKEN_END.search(text)):
                text = text[: end.start()]
        if "*" in name and (section := _SECTION.fullmatch(name)):
            extended.setdefault(section[1], []).append((int(section[2] or 0), bool(section[3]), text))
        else:
            found.setdefault(name, text)
    for name, sections in extended.items():
        found[name] = _joined(sections)
    return kind, MappingProxyType(found)


def _joined(sections: list[tuple[int, bool, str]]) -> str:
    """The value of an extended parameter from its sections: (number, has %-octets, text)."""
    sections.sort(key=lambda section: section[0])
    name = ""
    octets = []
    for at, (_, encoded, text) in enumerate(sections):
        if at == 0 and encoded and text.count("'") >= 2:
            name, _, text = text.split("'", 2)  # charset'language'text
        raw = text.encode("utf-8", "replace")
        octets.append(unquote_to_bytes(raw) if encoded else raw)
    text = charset.decode(b"".join(octets), name)
    return text if text.isprintable() else "".join([" " if char < " " or char == "\x7f" else char for char in text])
