"""Personal copies: ``{name}`` in a letter becomes what belongs to one person.

Only a name in braces is a field: ``{`` and ``}`` of a style sheet stay what they are. ``{{name}}`` is how to write
``{name}`` itself.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

from posthouse.errors import InvalidMessage

from .encode import check_value

_FIELD = re.compile(r"\{\{([^\W\d]\w*)\}\}|\{([^\W\d]\w*)\}")


class Template:
    """A text with fields, taken apart once and filled many times. ``where`` names it in errors ("Subject")."""

    __slots__ = ("_names", "_pieces", "where")

    def __init__(self, text: str, where: str) -> None:
        self.where = where
        self._pieces: list[str] = []  # text at even places, a field's name at odd ones
        literal, at = "", 0
        for found in _FIELD.finditer(text):
            literal += text[at : found.start()]
            at = found.end()
            if found[1]:
                literal += "{" + found[1] + "}"
            else:
                self._pieces += [literal, found[2]]
                literal = ""
        self._pieces.append(literal + text[at:])
        self._names = self._pieces[1::2]

    def _values(self, fields: Mapping[str, object]) -> list[str]:
        values = []
        for name in self._names:
            if name not in fields:
                known = ", ".join(sorted(fields)) or "none"
                raise InvalidMessage(
                    f"the {self.where} of the letter has a field {{{name}}}, and no value was given for it",
                    advice=f"Given were: {known}. To write {{{name}}} itself, double the braces: {{{{{name}}}}}.",
                )
            value = fields[name]
            if value is None:
                raise InvalidMessage(f"the field {{{name}}} in the {self.where} has the value None")
            values.append(str(value))
        return values

    def _join(self, values: list[str]) -> str:
        if not values:
            return self._pieces[0]
        pieces = self._pieces.copy()
        pieces[1::2] = values
        return "".join(pieces)

    def fill(self, fields: Mapping[str, object]) -> str:
        """Plain text: the values as they are. InvalidMessage if a value is missing."""
        return self._join(self._values(fields))

    def fill_html(self, fields: Mapping[str, object]) -> str:
        """HTML: the values are text, so ``<``, ``>``, ``&`` and quotes in them are escaped."""
        return self._join([html.escape(value) for value in self._values(fields)])

    def fill_header(self, fields: Mapping[str, object]) -> str:
        """A header field's value: InvalidMessage for a value with a line break or NUL."""
        values = self._values(fields)
        for name, value in zip(self._names, values, strict=True):
            check_value(f"The field {{{name}}} in the {self.where}", value)
        return self._join(values)
