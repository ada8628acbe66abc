"""HTML of a letter, made safe to show: what stands in the frame that `headers.FRAME` guards.

nh3 (Ammonia) parses it as browsers do and writes down what is allowed. Links lead to a page of ours that shows where
they go (`leave`), pictures of the letter itself stand in it as data, and pictures from elsewhere are left out until the
reader asks for them, because loading one tells its owner who reads what, when and where.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import nh3

TAGS = {
    "a", "abbr", "address", "article", "aside", "b", "big", "blockquote", "br", "caption", "center", "cite",
    "code", "col", "colgroup", "dd", "del", "details", "dfn", "div", "dl", "dt", "em", "figcaption", "figure",
    "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "img", "ins", "kbd", "li",
    "main", "mark", "nav", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp", "section", "small", "span",
    "strike", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr",
    "tt", "u", "ul", "var", "wbr",
}  # fmt: skip
EVERYWHERE = {
    "align", "aria-hidden", "aria-label", "bgcolor", "border", "cellpadding", "cellspacing", "class", "color",
    "colspan", "dir", "face", "height", "lang", "noshade", "nowrap", "role", "rowspan", "size", "style",
    "title", "valign", "width",
}  # fmt: skip
ATTRIBUTES = {
    "*": EVERYWHERE,
    "a": {"href"},
    "img": {"alt", "src", "hspace", "vspace"},
    "ol": {"start", "type", "reversed"},
    "li": {"value", "type"},
    "col": {"span"},
    "colgroup": {"span"},
    "blockquote": {"type"},
    "details": {"open"},
}
LINKED = {"http", "https", "mailto", "tel"}
SCHEMES = LINKED | {"cid", "data"}
# A picture as data: kinds that a browser draws and never runs. SVG isn't among them, though an <img> runs none either.
DATA_PICTURE = re.compile(r"data:image/(?:png|jpe?g|gif|webp|bmp|avif)[;,]", re.IGNORECASE)
# What loads something, or runs: url(), @import, image-set(), expression() and -moz-binding of old browsers. The frame's
# policy stops all of it a second time. A backslash could spell any of them.
LOADING = re.compile(
    r"url\s*\(|@import|@font-face|@namespace|image-set|cross-fade|src\s*\(|expression|binding|behaviou?r|javascript:|\\|<",
    re.IGNORECASE,
)
STYLE_SHEET = re.compile(r"<style\b[^<>]*+>([^<]*+)</style", re.IGNORECASE)
COMMENT = re.compile(r"/\*(?:[^*]|\*(?!/))*+(?:\*/)?")
RULE = re.compile(r"[^;{}]*(?:[;{}]|\Z)")


@dataclass(slots=True)
class Cleaned:
    """HTML that is safe in its frame. ``remote``: pictures from elsewhere that it has, shown or left out."""

    html: str
    remote: int = 0


def clean(source: str, *, link: Callable[[str], str], picture: Callable[[str], str], remote_pictures: bool) -> Cleaned:
    """``link``: where a link to a URL leads instead; ``picture``: a ``data:`` URL for a Content-ID, or empty."""
    cleaned = Cleaned("")

    def attribute(tag: str, name: str, value: str) -> str | None:
        if name == "style":
            return _style(value) or None
        if name == "href":
            return link(value.strip()) if value.strip().partition(":")[0].lower() in LINKED else None
        if name == "src":
            return _source(value.strip(), picture, cleaned, remote_pictures)
        return value

    # A style sheet is no markup, so nh3 has no say in it: what is found of any is put in front.
    sheets = [_sheet(sheet) for sheet in STYLE_SHEET.findall(source)]
    cleaned.html = nh3.clean(
        source,
        tags=TAGS,
        clean_content_tags={"script", "style", "title", "template", "noscript", "svg", "math", "object", "iframe"},
        attributes=ATTRIBUTES,
        attribute_filter=attribute,
        strip_comments=True,
        link_rel="noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        url_schemes=SCHEMES,
    )
    if sheets:
        cleaned.html = f"<style>{''.join(sheets)}</style>{cleaned.html}"
    return cleaned


def for_writing(source: str) -> str:
    """HTML that somebody writes or quotes: as `clean`, but links lead where they lead, and pictures stay what they are.
    It is shown in the editor's frame, whose policy loads nothing, and then it travels."""
    return clean(source, link=lambda url: url, picture=lambda cid: f"cid:{cid}", remote_pictures=True).html


def _sheet(text: str) -> str:
    """A style sheet without what loads: a declaration that does is left out, the others stay."""
    rules = RULE.findall(COMMENT.sub("", text))
    return "".join(["".join(c for c in rule if c in ";{}") if LOADING.search(rule) else rule for rule in rules])


def _style(value: str) -> str:
    """The declarations of an element that load nothing."""
    return ";".join([one for one in value.split(";") if not LOADING.search(one)])


def _source(value: str, picture: Callable[[str], str], cleaned: Cleaned, remote_pictures: bool) -> str | None:
    scheme = value.partition(":")[0].lower()
    if scheme == "cid":
        return picture(value[4:]) or None
    if scheme == "data":
        return value if DATA_PICTURE.match(value) else None
    if scheme in ("http", "https"):
        cleaned.remote += 1
        return value if remote_pictures else None
    return None
