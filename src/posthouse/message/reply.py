"""Answers and forwarded letters: who gets them, what their subject is, what they quote."""

from __future__ import annotations

import html as html_escapes
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from .address import Address
from .date import format_date

# RFC 5322 sets no limit to References; every answer adds one. The first is the thread, the last are the way to here.
MAX_REFERENCES = 50

# "Re:" in the languages of common mail programs, with a counter as some write it ("Re[2]:", "Re(2):", "Re^2:").
_COUNTER = r"(?:\s*(?:\[\d+\]|\(\d+\)|\^\d+))?\s*[:：]"
# The tag that a mailing list puts in front of subjects may stand before it ("[list] Re: …").
_TAGS = r"\s*+(?:\[[^\[\]]{1,80}+\]\s*+)*"
_REPLY = re.compile(
    _TAGS
    + r"(?:re|aw|antw|antwort|sv|vs|r|res|rv|ref|rif|odp|ynt|atb|vá|на|ответ|отв|σχετ|απ|hb"
    + r"|回复|回覆|答复|답장|返信|תשובה|رد)"
    + _COUNTER,
    re.IGNORECASE,
)
_FORWARD = re.compile(
    _TAGS
    + r"(?:fwd?|wg|tr|rv|i|enc|vb|doorst|vl|pd|ilt|i̇lt|továbbítás|fs|пересл|пер|πρθ|转发|轉寄|전달|転送|הועבר)"
    + _COUNTER,
    re.IGNORECASE,
)
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,900}>")  # one that can be written again: ASCII, and short enough for a line
_BODY_TAG = re.compile(r"<body\b[^<>]*+>", re.IGNORECASE)
_BODY_END = re.compile(r"</body\b", re.IGNORECASE)
_HEAD_TAG = re.compile(r"<head\b[^<>]*+>", re.IGNORECASE)
_HEAD_END = re.compile(r"</head\b[^<>]*+>", re.IGNORECASE)
_FRAME = re.compile(r"<!doctype\b[^<>]*+>|</?html\b[^<>]*+>", re.IGNORECASE)
_CONTENT_ID = re.compile(r"""\bcid:([^\s"'<>)]+)""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Original:
    """What a letter that is answered or forwarded says. Message ids have their angle brackets."""

    from_: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    subject: str = ""
    date: datetime | None = None
    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    text: str = ""
    html: str | None = None


# -- recipients -----------------------------------------------------------------------------------------------------


def recipients(
    original: Original, me: Collection[Address] = (), *, everyone: bool = False
) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    """To and Cc of an answer from ``me`` (all my addresses): RFC 5322 §3.6.3.

    Reply-To stands for From where it is given, also where a mailing list set it. ``everyone`` adds To and Cc of the
    original; I am left out, unless nobody else is there. Who answers a letter of their own writes to its recipients.
    Mail-Followup-To is ignored: it never became a standard, and lets a stranger choose the recipients.
    """
    mine = {_key(address) for address in me}
    authors = original.reply_to or original.from_
    to_others = _distinct(original.to, mine)
    if original.from_ and all(_key(address) in mine for address in original.from_) and to_others:
        return to_others, _distinct(original.cc, mine | _keys(to_others)) if everyone else ()
    to = _distinct(authors, mine) or _distinct(authors, set())
    if not everyone:
        return to, ()
    cc = _distinct((*original.to, *original.cc), mine | _keys(to))
    return to, cc


def addressed_as(original: Original, me: Collection[Address]) -> Address | None:
    """Which of my addresses the letter was sent to: the one to answer from."""
    mine = {_key(address): address for address in me}
    for address in (*original.to, *original.cc):
        if _key(address) in mine:
            return mine[_key(address)]
    return None


def _key(address: Address) -> str:
    # Local parts are in theory case-sensitive (RFC 5321 §2.4); nobody has two that differ in nothing else.
    return address.spec.lower()


def _keys(addresses: Iterable[Address]) -> set[str]:
    return {_key(address) for address in addresses}


def _distinct(addresses: Iterable[Address], left_out: set[str]) -> tuple[Address, ...]:
    """Those that a letter can be sent to, each once, without some."""
    seen = set(left_out)
    result = []
    for address in addresses:
        if address.is_complete and _key(address) not in seen:
            seen.add(_key(address))
            result.append(address)
    return tuple(result)


# -- headers --------------------------------------------------------------------------------------------------------


def reply_subject(subject: str) -> str:
    """``Re: subject``; unchanged if it begins with a word for that, in any common language (RFC 5322 §3.6.5)."""
    return subject if _REPLY.match(subject) else f"Re: {subject}".rstrip()


def forward_subject(subject: str) -> str:
    """``Fwd: subject``; unchanged if it begins with a word for that, in any common language."""
    return subject if _FORWARD.match(subject) else f"Fwd: {subject}".rstrip()


def thread_headers(original: Original) -> tuple[tuple[str, str], ...]:
    """In-Reply-To and References of an answer (RFC 5322 §3.6.4); none if the original has no usable Message-ID."""
    if not _MESSAGE_ID.fullmatch(original.message_id):
        return ()
    # "If the parent message does not contain a "References:" field but does have an "In-Reply-To:" field containing a
    # single message identifier", that one comes first.
    earlier = original.references or (original.in_reply_to if len(original.in_reply_to) == 1 else ())
    references = list(dict.fromkeys([*filter(_MESSAGE_ID.fullmatch, earlier), original.message_id]))
    if len(references) > MAX_REFERENCES:
        references = [references[0], *references[1 - MAX_REFERENCES :]]
    return ("In-Reply-To", original.message_id), ("References", " ".join(references))


# -- quoting --------------------------------------------------------------------------------------------------------


def attribution(original: Original) -> str:
    """The line above a quoted text."""
    who = original.from_[0].display if original.from_ else ""
    when = f"On {format_date(original.date)}, " if original.date else ""
    return f"{when}{who or 'somebody'} wrote:"


def quoted_text(original: Original) -> str:
    """The text, each line with ">" before it (RFC 3676 §4.5), under its attribution; without its signature (§4.3)."""
    lines = original.text.replace("\r\n", "\n").rstrip("\n").split("\n")
    if "-- " in lines:
        lines = lines[: lines.index("-- ")]
    while lines and not lines[-1].strip():
        lines.pop()
    quoted = [f">{line}" if line.startswith(">") else f"> {line}".rstrip() for line in lines]
    return "\n".join([attribution(original), *quoted, ""])


def quoted_html(original: Original) -> str:
    """The same as HTML: the original's own, or its text."""
    inner = body_of(original.html) if original.html is not None else text_as_html(original.text)
    style = "margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex"
    return (
        f"<p>{html_escapes.escape(attribution(original))}</p>\n"
        f'<blockquote type="cite" style="{style}">{inner}</blockquote>\n'
    )


def forwarded_text(original: Original) -> str:
    """The text of a forwarded letter under what its header said."""
    head = [f"{name}: {value}" for name, value in _summary(original)]
    return "\n".join(["---------- Forwarded message ----------", *head, "", original.text.replace("\r\n", "\n")])


def forwarded_html(original: Original, intro: str) -> str:
    """The original's HTML, its styles kept, with ``intro`` (HTML) and what its header said put in front."""
    head = "<br>\n".join(f"<b>{name}:</b> {html_escapes.escape(value)}" for name, value in _summary(original))
    front = f"{intro}<p>---------- Forwarded message ----------<br>\n{head}</p>\n"
    html = original.html if original.html is not None else text_as_html(original.text)
    tag = _BODY_TAG.search(html)
    at = tag.end() if tag else 0
    if not tag and (head_end := _HEAD_END.search(html)):
        at = head_end.end()
    return html[:at] + front + html[at:]


def _summary(original: Original) -> list[tuple[str, str]]:
    rows = [
        ("From", _display(original.from_)),
        ("Date", format_date(original.date) if original.date else ""),
        ("Subject", original.subject),
        ("To", _display(original.to)),
        ("Cc", _display(original.cc)),
    ]
    return [(name, value) for name, value in rows if value]


def _display(addresses: Iterable[Address]) -> str:
    return ", ".join([address.display for address in addresses])


def text_as_html(text: str) -> str:
    """Plain text as HTML that looks the same."""
    escaped = html_escapes.escape(text.replace("\r\n", "\n").rstrip("\n"), quote=False)
    return f'<div style="white-space:pre-wrap">{escaped}</div>\n'


def body_of(html: str) -> str:
    """What stands within the body of an HTML document; of a fragment, all but the head."""
    if tag := _BODY_TAG.search(html):
        end = _BODY_END.search(html, tag.end())
        return html[tag.end() : end.start() if end else len(html)]
    if (head := _HEAD_TAG.search(html)) and (end := _HEAD_END.search(html, head.end())):
        html = html[: head.start()] + html[end.end() :]
    return _FRAME.sub("", html)


def shown_ids(html: str) -> frozenset[str]:
    """The Content-IDs of the pictures that an HTML text shows (RFC 2392)."""
    return frozenset(_CONTENT_ID.findall(html))
