"""HTML as text that a person can read: for a letter without a plain text, for search and for previews.

A reader of tags and character references, not of documents: it keeps no tree, because trees are what hostile HTML
grows out of bounds (ten thousand open ``div`` take the parser we tried quadratic time). Every pattern matches to its
end, closed or not, so nothing is read twice: time is linear whatever the input.
"""

from __future__ import annotations

import html
import re

# A quoted attribute value may hold ">", but no more text than this: a quote that never closes must not swallow the
# letter. What begins like a tag and has no name (``<!doctype``, ``<?xml``) is one to skip.
_TAG = re.compile(
    r"""<(?: (/?[a-zA-Z][^\s/<>]*+) ((?:[^<>"']++|"[^"]{0,4096}+"|'[^']{0,4096}+'|["'])*+) >?
           | [!?/][^<>]*+>? )""",
    re.VERBOSE,
)
# Comments, and elements whose content is no text of the letter.
_HIDDEN = re.compile(r"<(?:(!--)|(script|style|title|template)(?![a-zA-Z0-9-]))", re.IGNORECASE)
_HIDDEN_END = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style", "title", "template")}
_PRE = re.compile(r"<pre(?![a-zA-Z0-9-])[^<>]*+>?", re.IGNORECASE)
_PRE_END = re.compile(r"</pre(?![a-zA-Z0-9-])[^<>]*+>?", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}(?![0-9])|#[xX][0-9a-fA-F]{1,6}(?![0-9a-fA-F])|[a-zA-Z][a-zA-Z0-9]{1,31});?")
_ATTRIBUTE = re.compile(r"""(?<![^\s"'/])(href|alt)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""", re.IGNORECASE)
_BLANKS = re.compile(r" {2,}")
# A vertical tab, which no running text has left, marks where a line begins or ends; two of them are still one line's
# end and the next one's beginning. A line feed is a line break.
_LINE_BLANKS = re.compile(r" ?[\n\v][ \n\v]*+")

# What a tag becomes; all others become nothing.
_LINES = (
    "div", "tr", "li", "dl", "dt", "dd", "address", "article", "aside", "section", "header", "footer", "nav", "main",
    "center", "form", "fieldset", "figure", "figcaption", "caption", "option",
)  # fmt: skip
_PARAGRAPHS = ("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "table", "hr")
_BECOMES = {
    **{mark + name: "\v" for name in _LINES for mark in ("", "/")},
    **{mark + name: "\n\n" for name in _PARAGRAPHS for mark in ("", "/")},
    "br": "\n", "br/": "\n", "hr/": "\n\n", "li": "\v- ", "td": " ", "th": " ",
}  # fmt: skip


def to_text(source: str, *, links: bool = False, limit: int | None = None) -> str:
    """The text of an HTML document or fragment, with ``\\n`` between lines and a blank line between paragraphs.

    ``links`` adds the target behind each link whose text doesn't show it: ``here <https://example.org>``. ``limit``
    is how many characters are enough: a long document isn't read to its end for them. Never raises.
    """
    visible = _visible(source)
    if limit is not None and len(visible) > 20 * limit:
        beginning = _readable(visible[: 20 * limit], links)
        if len(beginning) >= limit:
            return beginning
    return _readable(visible, links)


def unescape(text: str) -> str:
    """``text`` with its character references replaced.

    ``html.unescape`` alone would raise for a number of some thousand digits.
    """
    if "&" not in text:
        return text
    return _REFERENCE.sub(lambda reference: html.unescape(reference[0]), text)


def _visible(source: str) -> str:
    """``source`` without comments, scripts and the like."""
    kept = []
    at = 0
    comments_end = True
    while hidden := _HIDDEN.search(source, at):
        kept.append(source[at : hidden.start()])
        at = hidden.end()
        if hidden[1]:
            end_at = source.find("-->", at) if comments_end else -1
            comments_end = end_at >= 0  # one that never ends hides nothing: better too much text than too little
            at = end_at + 3 if comments_end else at
        else:
            end = _HIDDEN_END[hidden[2].lower()].search(source, at)
            if end is None:
                return "".join(kept)  # as browsers do: all that follows belongs to it
            at = end.start()
    return "".join([*kept, source[at:]]) if kept else source


def _readable(source: str, links: bool) -> str:
    pieces = []
    at = 0
    while pre := _PRE.search(source, at):
        end = _PRE_END.search(source, pre.end())
        pieces.append(_running(source[at : pre.start()], links))
        pieces.append(_preformatted(source[pre.end() : end.start() if end else len(source)]))
        at = end.end() if end else len(source)
    if not pieces:
        return _running(source, links)
    pieces.append(_running(source[at:], links))
    return "\n\n".join([piece for piece in pieces if piece])


def _preformatted(source: str) -> str:
    return unescape(_TAG.sub("", source.replace("\r\n", "\n"))).strip("\n")


def _running(source: str, links: bool) -> str:
    text = _TAG.sub(_Replacer(links), " ".join(source.split()))
    text = unescape(text).replace("\u00a0", " ")
    text = _LINE_BLANKS.sub(_breaks, text)
    return _BLANKS.sub(" ", text).strip()


def _breaks(blank: re.Match[str]) -> str:
    """Ends of lines and the blanks among them as one line's end or as a blank line.

    A break on a line of its own (``<div><br></div>``) is how many programs write a blank line.
    """
    marks = blank[0].replace(" ", "")
    return "\n\n" if marks.count("\n") > 1 or "\v\n" in marks else "\n"


class _Replacer:
    """What stands in the text for each tag."""

    __slots__ = ("begin", "links", "target")

    def __init__(self, links: bool) -> None:
        self.links = links
        self.target = ""  # of the link that is open
        self.begin = 0  # where its text begins

    def __call__(self, tag: re.Match[str]) -> str:
        name = tag[1]
        if not name:
            return ""
        name = name.lower()
        if name in _BECOMES:
            return _BECOMES[name]
        if name == "img":
            return _attribute(tag[2], "alt").strip().replace("&", "&amp;")
        if self.links and name in ("a", "/a"):
            return self._link(tag, name)
        return ""

    def _link(self, tag: re.Match[str], name: str) -> str:
        target, self.target = self.target, ""
        if name == "a":
            href = _attribute(tag[2], "href").strip()
            self.target = href if href.startswith(("http://", "https://", "mailto:")) else ""
            self.begin = tag.end()
        if not target:
            return ""
        shown = unescape(tag.string[self.begin : tag.start()]) if name == "/a" else ""
        return "" if target.removeprefix("mailto:") in shown else f" &lt;{target.replace('&', '&amp;')}&gt;"


def _attribute(attributes: str, name: str) -> str:
    for found in _ATTRIBUTE.finditer(attributes):
        if found[1].lower() == name:
            return unescape(found[2] or found[3] or found[4] or "")
    return ""
