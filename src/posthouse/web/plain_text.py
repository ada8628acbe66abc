"""The plain text of a letter as HTML of ours: quotes that can be folded, links that can be followed."""

from __future__ import annotations

import re
from itertools import groupby

from markupsafe import Markup, escape

# A URL ends before what rather ends the sentence around it. It is shown as it is, so it needs no page between.
URL = re.compile(r"\bhttps?://[^\s<>\"'\u2018-\u201f\u00ab\u00bb]+", re.IGNORECASE)
TRAILING = ".,;:!?)]}*_"
ATTRIBUTION = re.compile(
    r"\s*(?:On|Am|Le|El|Il|Op|Den|Dne|W dniu)\b.{5,200}:\s*|.{0,200}\b(?:wrote|schrieb|écrit)\b.{0,200}:\s*"
)
SIGNATURE = "-- "


def to_html(text: str) -> Markup:
    """The text, its lines as they are; quoted lines in a fold, so is a signature."""
    lines = text.replace("\r\n", "\n").rstrip().split("\n")
    signature: list[str] = []
    if SIGNATURE in lines:
        at = len(lines) - 1 - lines[::-1].index(SIGNATURE)
        lines, signature = lines[:at], lines[at + 1 :]
    blocks: list[tuple[bool, list[str]]] = [(quoted, list(run)) for quoted, run in groupby(lines, _is_quoted)]
    pieces = []
    for number, (quoted, run) in enumerate(blocks):
        if not quoted:
            if number + 1 < len(blocks) and len(run) > 1 and ATTRIBUTION.fullmatch(run[-1]):
                blocks[number + 1] = (True, [run[-1], *blocks[number + 1][1]])
                run = run[:-1]
            pieces.append(Markup('<div class="run">{}</div>').format(_linked("\n".join(run).strip("\n"))))
        elif len(run) <= 3 and number + 1 < len(blocks):  # an answer between the lines: it is read with its question
            pieces.append(
                Markup('<blockquote class="run">{}</blockquote>').format(_linked("\n".join(map(_unquoted, run))))
            )
        else:
            pieces.append(_fold("Quoted text", "\n".join(run)))
    if any(line.strip() for line in signature):
        pieces.append(_fold("Signature", "\n".join(signature)))
    return Markup("").join(pieces)


def _is_quoted(line: str) -> bool:
    return line.startswith(">") and not line.startswith(">From ")


def _unquoted(line: str) -> str:
    return line[1:].removeprefix(" ")


def _fold(name: str, text: str) -> Markup:
    return Markup(
        '<details class="quote"><summary aria-label="{}" title="{}">•••</summary><div class="run">{}</div></details>'
    ).format(name, name, _linked(text))


def _linked(text: str) -> Markup:
    """The text with its URLs as links."""
    pieces: list[Markup] = []
    at = 0
    for found in URL.finditer(text):
        url = found[0].rstrip(TRAILING)
        if url.count("(") > url.count(")") and text[found.start() + len(url) :].startswith(")"):
            url += ")"
        pieces.append(escape(text[at : found.start()]))
        pieces.append(Markup('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>').format(url, url))
        at = found.start() + len(url)
    return Markup("").join([*pieces, escape(text[at:])])
