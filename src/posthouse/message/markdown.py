"""Letters written in Markdown (CommonMark, with tables and strikethrough) become HTML."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

# A field of a personal copy within a link: Markdown percent-encodes the braces, which would hide the field.
_ENCODED_FIELD = re.compile(r"(%7B)?%7B([^\W\d]\w*)%7D(%7D)?")


@cache
def _renderer() -> MarkdownIt:
    from markdown_it import MarkdownIt  # imported when needed: it takes longer than all the rest of a short letter

    # Raw HTML stays text: what is written in Markdown may come from a form, and HTML has an argument of its own.
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def to_html(text: str) -> str:
    """The HTML of a letter written in Markdown. Raw HTML in it is shown as text."""
    rendered = str(_renderer().render(text))
    return _ENCODED_FIELD.sub(
        lambda found: ("{" * (1 + bool(found[1]))) + found[2] + "}" * (1 + bool(found[3])), rendered
    )
