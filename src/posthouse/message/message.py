"""A message as a person or a program reads it: every property is computed when it is asked for, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, TypeVar

from . import address, attachment, body, checkup, flowed, html_text, mime, structure, thread
from .address import Address
from .attachment import AttachedFile
from .date import parse_date
from .defect import Defect
from .header import Headers
from .mime import Buffer, Part
from .report import Report, read_report

_T = TypeVar("_T")


class lazy(Generic[_T]):
    """A property that is computed once. (``functools.cached_property`` takes a lock each time, up to Python 3.11.)"""

    def __init__(self, compute: Callable[[Any], _T]) -> None:
        self.compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: object, owner: type | None = None) -> _T:
        value = instance.__dict__[self.name] = self.compute(instance)
        return value


class ParsedMessage:
    """The octets of a message, read. Nothing here raises, whatever they are; ``defects`` tells what was repaired."""

    def __init__(self, raw: Buffer, tree: Part | None = None) -> None:
        """``tree``: the parts, where they are known (`mime.unpack`); then ``raw`` need only be sliced."""
        self.raw = raw
        self._tree = tree

    @lazy
    def tree(self) -> Part:
        """The parts, as offsets into ``raw``."""
        return mime.scan(self.raw) if self._tree is None else self._tree

    @property
    def headers(self) -> Headers:
        """All header fields, in their order."""
        return self.tree.fields

    @lazy
    def subject(self) -> str:
        """The subject, or an empty text."""
        return self.headers.get("subject") or ""

    @lazy
    def envelope(self) -> bytes:
        """IMAP's ENVELOPE, for the wire."""
        return structure.render_envelope(self._envelope)

    @lazy
    def bodystructure(self) -> bytes:
        """IMAP's BODYSTRUCTURE, for the wire."""
        return structure.bodystructure(self.tree)

    @lazy
    def _envelope(self) -> structure.Envelope:
        return structure.read_envelope(self.headers)

    @lazy
    def from_(self) -> tuple[Address, ...]:
        """Who wrote it; nearly always one."""
        return self._addresses(b"from")

    @lazy
    def sender(self) -> tuple[Address, ...]:
        """Who sent it for the writer, if that was somebody else (RFC 5322 §3.6.2)."""
        return self._addresses(b"sender")

    @lazy
    def to(self) -> tuple[Address, ...]:
        """Whom it was written to, members of groups included."""
        return self._addresses(b"to")

    @lazy
    def cc(self) -> tuple[Address, ...]:
        """Who got a copy."""
        return self._addresses(b"cc")

    @lazy
    def bcc(self) -> tuple[Address, ...]:
        """Who got a blind copy: in one's own drafts and sent letters."""
        return self._addresses(b"bcc")

    @lazy
    def reply_to(self) -> tuple[Address, ...]:
        """Where answers are to go, if not to ``from_``."""
        return self._addresses(b"reply-to")

    def _addresses(self, name: bytes) -> tuple[Address, ...]:
        return tuple(address.mailboxes(address.from_tokens(self._envelope.people[name].tokens)))

    @lazy
    def date(self) -> datetime | None:
        """When it was written, by its Date field; None if that says nothing certain."""
        return parse_date(self.headers.body(b"date"))

    @lazy
    def message_id(self) -> str:
        """The Message-ID with its angle brackets, or an empty text."""
        return next(iter(thread.id_field(self.headers, b"message-id")), "")

    @lazy
    def in_reply_to(self) -> tuple[str, ...]:
        """The ids of what it answers; nearly always one."""
        return thread.id_field(self.headers, b"in-reply-to")

    @lazy
    def references(self) -> tuple[str, ...]:
        """The ids of the letters of its thread before it, the oldest first."""
        return thread.id_field(self.headers, b"references")

    @lazy
    def _divided(self) -> tuple[list[Part], list[tuple[Part, bool]]]:
        return attachment.divide(self.tree)

    @lazy
    def _plain(self) -> tuple[list[str], list[AttachedFile]]:
        """The plain texts, and the files that are uuencoded in them."""
        texts = []
        files: list[AttachedFile] = []
        for part in self._divided[0]:
            if part.subtype != "html":
                octets, found = attachment.uuencoded(part, self.raw, body.text_content(part, self.raw))
                files += found
                text = body.as_text(octets, part.params.get("charset", ""))
                if part.params.get("format", "").lower() == "flowed":
                    text = flowed.unflow(text, delsp=part.params.get("delsp", "").lower() == "yes")
                texts.append(text)
        return texts, files

    @lazy
    def text(self) -> str:
        """What it says, as plain text with ``\\n`` line ends; made from the HTML if there is no other."""
        text = _joined(self._plain[0])
        if (not text or text.isspace()) and self.html:
            return html_text.to_text(self.html, links=True)
        return text

    @lazy
    def html(self) -> str | None:
        """What it says in HTML, as it came (not made safe to show); None if it came without."""
        found = [body.text(part, self.raw) for part in self._divided[0] if part.subtype == "html"]
        return _joined(found) if found else None

    @lazy
    def attachments(self) -> tuple[AttachedFile, ...]:
        """All files that came with it, inline pictures and messages inside among them."""
        files = [AttachedFile(part, self.raw, inline=inline) for part, inline in self._divided[1]]
        return (*files, *self._plain[1])

    @lazy
    def report(self) -> Report | None:
        """What it reports about another letter, if it is a bounce or a receipt."""
        return read_report(self.tree, self.raw)

    @lazy
    def defects(self) -> tuple[Defect, ...]:
        """What had to be repaired to read it, each kind once. All parts are decoded to find out."""
        return checkup.defects(self.tree, self.raw, self._envelope.people.values())

    def __repr__(self) -> str:
        return f"<ParsedMessage {self.message_id or self.subject!r}>"


def _joined(texts: list[str]) -> str:
    """Texts of several parts as one, each beginning on its own line."""
    return "".join([text if text.endswith("\n") else f"{text}\n" for text in texts[:-1] if text] + texts[-1:])
