"""Reports about letters, read: delivery status (RFC 3464) and disposition notifications (RFC 8098).

multipart/report; report-type=…                                              RFC 6522 §3
├── what happened, for people
├── message/delivery-status or message/disposition-notification: fields, for programs
└── the letter it is about, or its header

delivery-status-content = per-message-fields 1*( CRLF per-recipient-fields )  RFC 3464 §2.1
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from . import body, thread
from .header import Headers
from .mime import Buffer, Part

# Recipients of one report that are read; what comes behind is still in the letter.
MAX_RECIPIENTS = 1_000

_BLANK_LINES = re.compile(rb"(?:\r?\n[ \t]*(?=\r?\n))+\r?\n")
# EmbeddedUnicodeChar = %x5C.78 "{" HEXPOINT "}"     RFC 6533 §3
_EMBEDDED = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of the letter for one recipient.

    ``action`` is "failed", "delayed", "delivered", "relayed" or "expanded" (RFC 3464 §2.3.3) in a delivery status,
    "displayed", "deleted" or the like (RFC 8098 §3.2.6) in a disposition notification; ``status`` the code of RFC 3463
    ("5.1.1"), ``diagnostic`` what the other server said. Each may be empty: all is as the report tells it.
    """

    recipient: str
    action: str
    status: str = ""
    diagnostic: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """``about`` is the Message-ID of the letter in question, or empty."""

    about: str
    fates: tuple[Fate, ...]

    @property
    def has_failed(self) -> bool:
        """Whether somebody won't get the letter."""
        return any(fate.action == "failed" for fate in self.fates)


def read_report(root: Part, raw: Buffer) -> Report | None:
    """The report that a message is, or None if it is none. Never raises."""
    if root.media_type != "multipart/report":
        return None
    for part in root.children:
        if part.type == "message" and part.subtype in ("delivery-status", "global-delivery-status"):
            return Report(_about(root, raw), _delivery(body.content(part, raw)))
        if part.type == "message" and part.subtype in (
            "disposition-notification", "global-disposition-notification",
        ):  # fmt: skip
            fields = Headers(body.content(part, raw).strip())
            about = thread.id_field(fields, b"original-message-id")
            disposition = fields.get("Disposition", "") or ""
            # disposition-mode ";" disposition-type *("/" disposition-modifier)     RFC 8098 §3.2.6
            action = disposition.rpartition(";")[2].partition("/")[0].strip().lower()
            return Report(about[0] if about else _about(root, raw), (Fate(_recipient(fields), action),))
    return None


def _delivery(octets: bytes) -> tuple[Fate, ...]:
    fates = []
    for group in _BLANK_LINES.split(octets.strip())[: MAX_RECIPIENTS + 1]:
        fields = Headers(group)
        if recipient := _recipient(fields):
            fates.append(
                Fate(
                    recipient,
                    _word(fields, "Action").lower(),
                    _word(fields, "Status"),
                    _typed(fields.get("Diagnostic-Code")),
                )
            )
    return tuple(fates)


def _word(fields: Headers, name: str) -> str:
    """The first word of a field: comments may follow (RFC 3464 §2.1.1)."""
    return next(iter((fields.get(name) or "").partition("(")[0].split()), "")


def _recipient(fields: Headers) -> str:
    """The address that the sender wrote, or else the one it became."""
    return _typed(fields.get("Original-Recipient")) or _typed(fields.get("Final-Recipient"))


def _typed(value: str | None) -> str:
    """What stands behind the type: ``rfc822; ann@example.org``, ``smtp; 550 no such user`` (RFC 3464 §2.1.2).

    An address of the type utf-8 may be written in ASCII: ``j\\x{FC}rgen@example.org`` (RFC 6533).
    """
    kind, found, rest = (value or "").partition(";")
    if kind.strip().lower() == "utf-8":
        rest = _EMBEDDED.sub(_character, rest)
    return (rest if found else kind).strip()


def _character(code: re.Match[str]) -> str:
    number = int(code[1], 16)
    return chr(number) if number <= 0x10FFFF and chr(number).isprintable() else code[0]


def _about(root: Part, raw: Buffer) -> str:
    """The Message-ID of the letter that came back, whole or as its header."""
    for part in root.children:
        fields = None
        if part.children:
            fields = part.children[0].fields
        elif part.media_type in ("text/rfc822-headers", "message/rfc822", "message/global-headers"):
            fields = Headers(body.content(part, raw))
        if fields and (ids := thread.id_field(fields, b"message-id")):
            return ids[0]
    return ""
