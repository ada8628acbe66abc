"""A letter as values, and its octets: the structure that mail programs expect, rendered directly.

::

    multipart/mixed                     if there are files
    ├── multipart/related               if the HTML shows pictures that travel along (RFC 2387)
    │   ├── multipart/alternative       if there is more than one form of the text, the richest last (RFC 2046 §5.1.4)
    │   │   ├── text/plain
    │   │   ├── text/html
    │   │   └── text/calendar           method=REQUEST (RFC 6047 §2.4)
    │   └── image/png …                 Content-ID
    └── application/pdf …               the files

What is rendered depends on the letter, its date and its Message-ID alone. An attachment is encoded once, when it is
made; all copies of a letter share those octets.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from posthouse.errors import InvalidMessage

from . import encode
from .address import Address, mailboxes, parse_addresses
from .date import format_date

# RFC 5322 §3.6.8: field-name = 1*ftext. Its length is ours: a name must leave room for a value in its line.
_FIELD_NAME = re.compile(r"[!-9;-~]{1,76}")
# type "/" subtype, both tokens (RFC 2045 §5.1), at most 127 characters each (RFC 6838 §4.2).
_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}")
_CONTENT_ID = re.compile(r"[!-;=?-~]{1,200}")  # no space, no angle bracket: it stands between such
# RFC 5546 §1.4: METHOD:REQUEST is a property of the calendar, and RFC 6047 §2.4 wants it repeated in the Content-Type.
_CALENDAR_METHOD = re.compile(r"^METHOD:([A-Za-z0-9-]+)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)

# Fields that a letter has a place for; given as mere headers they would appear twice.
_OWN_FIELDS = {
    "from": "from_", "to": "to", "cc": "cc", "bcc": "bcc", "reply-to": "reply_to", "subject": "subject",
    "date": "date", "message-id": "message_id",
}  # fmt: skip
_ADDRESS_FIELDS = frozenset(
    {"sender", "disposition-notification-to", "return-receipt-to", "mail-followup-to", "mail-reply-to", "errors-to"}
)
_MESSAGE_ID_FIELDS = frozenset({"in-reply-to", "references"})
# In these no boundary of ours can stand (RFC 2045 §6.7: neither has "=_").
ENCODED = frozenset({"base64", "quoted-printable"})


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that travels with a letter, or (with ``cid``) a picture that its HTML shows as ``cid:…`` (RFC 2392).

    ``inline`` asks the reader's program to show it within the text (RFC 2183 §2.1). ``charset`` is that of a text.
    Raises InvalidMessage for a name or a type that can't be written into a header.
    """

    filename: str
    type: str
    content: bytes = field(repr=False)
    cid: str = ""
    inline: bool = False
    charset: str = ""
    octets: bytes = field(init=False, repr=False, compare=False)  # the finished part, header and body
    encoding: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not is_media_type(self.type):
            raise InvalidMessage(
                f"{self.type[:60]!r} is no media type of an attachment", advice='A media type looks like "image/png".'
            )
        if self.cid and not is_content_id(self.cid):
            raise InvalidMessage(
                f"{self.cid[:60]!r} can't name an inline picture",
                advice='Use letters and digits, like "logo"; the HTML then shows it as <img src="cid:logo">.',
            )
        media, encoding, body = _encode_content(self.type, self.content)
        parameters = [("charset", self.charset)] if self.charset and media == self.type else []
        parameters += [("name", self.filename)] if self.filename else []
        filename = [("filename", self.filename)] if self.filename else []
        header = encode.parameter_field("Content-Type", media, parameters)
        header += b"Content-Transfer-Encoding: %b\r\n" % encoding.encode("ascii")
        if self.cid:
            header += b"Content-ID: <%b>\r\n" % self.cid.encode("ascii")
        disposition = "inline" if self.inline else "attachment"
        header += encode.parameter_field("Content-Disposition", disposition, filename)
        object.__setattr__(self, "octets", b"".join([header, b"\r\n", body]))
        object.__setattr__(self, "encoding", encoding)


@dataclass(frozen=True, slots=True)
class Streamed:
    """A file that is read while the letter is written, piece by piece: never whole in memory.

    ``head``: the header of its part, with the blank line behind it; ``body`` gives its encoded octets, anew at each
    call, with CRLF line ends. ``encoding``: "base64", or whatever the part had in the letter that it is taken from.
    """

    head: bytes
    body: Callable[[], Iterable[bytes]] = field(repr=False, compare=False)
    encoding: str = "base64"
    cid: str = ""

    def pieces(self) -> Iterator[bytes]:
        """The finished part."""
        yield self.head
        yield from self.body()


def is_media_type(text: str) -> bool:
    """Whether an attachment can have this type: "image/png"."""
    return _TYPE.fullmatch(text) is not None


def is_content_id(text: str) -> bool:
    """Whether an attachment can have this Content-ID (without angle brackets)."""
    return _CONTENT_ID.fullmatch(text) is not None


def _encode_content(media: str, content: bytes) -> tuple[str, str, bytes]:
    """The media type to name, the transfer encoding and the encoded octets of an attachment's content.

    Base64 keeps every octet, whatever is done to line ends on the way. But a message within a message may not be
    encoded (RFC 2046 §5.2.1: "No encoding other than '7bit', '8bit', or 'binary' is permitted"); one that isn't fit
    for either travels as an opaque file, which mail programs open by its name.
    """
    if media.lower().startswith("message/"):
        lines = re.sub(rb"(?<!\r)\n", b"\r\n", content)
        if encode.fits_lines(lines):
            return media, "8bit" if encode.is_8bit(lines) else "7bit", lines
    if media.lower().startswith(("message/", "multipart/")):
        media = "application/octet-stream"
    return media, "base64", encode.encode_base64(content)


@dataclass(frozen=True, slots=True)
class Letter:
    """What a letter says, and to whom. ``text``, ``html`` and ``calendar`` are forms of one text, each may be missing.

    ``headers`` are further fields. Raises InvalidMessage for anything that can't be in a letter.
    """

    from_: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    subject: str = ""
    text: str | None = None
    html: str | None = None
    calendar: str | None = None
    attachments: tuple[Attachment | Streamed, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        encode.check_value("Subject", self.subject)
        for address in self.addresses:
            if not address.is_complete:
                raise InvalidMessage(f"{address.display!r} is not a complete mail address")
        for name, value in self.headers:
            check_header(name, value)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Everybody it names."""
        return self.from_ + self.to + self.cc + self.bcc + self.reply_to

    @property
    def needs_smtputf8(self) -> bool:
        """Whether an address can't be written in ASCII: only servers with SMTPUTF8 (RFC 6531) can carry the letter."""
        return any(address.needs_smtputf8 for address in self.addresses)

    @property
    def needs_8bitmime(self) -> bool:
        """Whether a letter within the letter is 8-bit: it may not be encoded, so servers need 8BITMIME (RFC 6152)."""
        return any(attachment.encoding == "8bit" for attachment in self.attachments)


def check_header(name: str, value: str) -> None:
    """Raise InvalidMessage if ``name`` and ``value`` can't be a further header field of a letter."""
    if not _FIELD_NAME.fullmatch(name):
        raise InvalidMessage(
            f"{name[:60]!r} is no name of a header field",
            advice='Field names are made of ASCII letters, digits and hyphens, like "X-Campaign".',
        )
    lower = name.lower()
    if lower in _OWN_FIELDS:
        raise InvalidMessage(
            f"{name} is not among the further headers of a letter", advice=f"Give it as {_OWN_FIELDS[lower]}=."
        )
    if lower == "mime-version" or lower.startswith("content-"):
        raise InvalidMessage(f"{name} is set by what the letter contains", advice="Leave it out of the headers.")
    encode.check_value(name, value)
    if lower in _ADDRESS_FIELDS and not all(address.is_complete for address in mailboxes(parse_addresses(value))):
        raise InvalidMessage(f"{value[:60]!r} is no mail address for {name}")


# -- rendering ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Part:
    """A finished part: its octets in pieces, and what an enclosing multipart must know of it."""

    pieces: list[bytes | Streamed]
    eight_bit: bool

    def octets(self) -> Iterator[bytes]:
        """What stands in it, in pieces."""
        for piece in self.pieces:
            if isinstance(piece, bytes):
                yield piece
            else:
                yield from piece.pieces()


def compose(
    letter: Letter, *, date: datetime, message_id: str, bcc: bool = False, eight_bit: bool = False, raw: bool = False
) -> bytes:
    """The octets of a letter, as `pieces` gives them."""
    return b"".join(pieces(letter, date=date, message_id=message_id, bcc=bcc, eight_bit=eight_bit, raw=raw))


def pieces(
    letter: Letter, *, date: datetime, message_id: str, bcc: bool = False, eight_bit: bool = False, raw: bool = False
) -> Iterator[bytes]:
    """The octets of a letter in pieces, with CRLF line ends: 7-bit as far as its addresses allow.

    ``message_id`` comes with its angle brackets. ``bcc`` writes the Bcc field, for the sender's own copy and drafts.
    ``eight_bit`` sends text as it is (for servers with 8BITMIME), ``raw`` leaves UTF-8 in the header (SMTPUTF8).
    """
    verbatim = [b"".join(_file(one).octets()) for one in letter.attachments if one.encoding not in ENCODED]
    alternatives: list[tuple[str, _Part]] = []
    for media, header, text in _texts(letter):
        encoding, octets = encode.encode_text(encode.canonical(text), eight_bit=eight_bit)
        cte = b"Content-Transfer-Encoding: %b\r\n\r\n" % encoding.encode("ascii")
        alternatives.append((media, _Part([header, cte, octets], encoding == "8bit")))
        if encoding in ("7bit", "8bit"):
            verbatim.append(octets)
    body = _structure(letter, alternatives, _boundary_token(message_id, verbatim))
    yield _header(letter, date=date, message_id=message_id, bcc=bcc, raw=raw)
    yield b"MIME-Version: 1.0\r\n"
    yield from body.octets()


def _texts(letter: Letter) -> Iterator[tuple[str, bytes, str]]:
    """The forms of the text, in the order of an alternative: media type, Content-Type field, text."""
    nothing = letter.html is None and letter.calendar is None and not letter.attachments
    if letter.text is not None or nothing:
        yield "text/plain", b'Content-Type: text/plain; charset="utf-8"\r\n', letter.text or ""
    if letter.html is not None:
        yield "text/html", b'Content-Type: text/html; charset="utf-8"\r\n', letter.html
    if letter.calendar is not None:
        method = _CALENDAR_METHOD.search(letter.calendar)
        parameters = [("charset", "utf-8"), *([("method", method[1].upper())] if method else [])]
        yield "text/calendar", encode.parameter_field("Content-Type", "text/calendar", parameters), letter.calendar


def _structure(letter: Letter, alternatives: list[tuple[str, _Part]], token: bytes) -> _Part:
    """Put the parts together as the picture at the top of this file shows."""
    shown = [one for one in letter.attachments if one.cid and letter.html is not None]
    files = [one for one in letter.attachments if not (one.cid and letter.html is not None)]
    forms = [part for _, part in alternatives]
    root_type = alternatives[0][0] if alternatives else ""
    if len(forms) > 1:
        forms, root_type = [_multipart(b"alternative", forms, b"a" + token)], "multipart/alternative"
    if shown:
        # RFC 2387 §3.1: "The type parameter must be specified": the type of the root, its first part.
        parameter = f'; type="{root_type}"'.encode("ascii")
        forms = [_multipart(b"related", [*forms, *map(_file, shown)], b"r" + token, parameter)]
    if files:
        return _multipart(b"mixed", [*forms, *map(_file, files)], b"m" + token)
    return forms[0]


def _file(attachment: Attachment | Streamed) -> _Part:
    octets = attachment.octets if isinstance(attachment, Attachment) else attachment
    return _Part([octets], attachment.encoding == "8bit")


def _multipart(subtype: bytes, parts: list[_Part], token: bytes, parameters: bytes = b"") -> _Part:
    boundary = b"=_" + token
    eight_bit = any(part.eight_bit for part in parts)
    pieces: list[bytes | Streamed] = [
        b'Content-Type: multipart/%b%b;\r\n boundary="%b"\r\n' % (subtype, parameters, boundary)
    ]
    if eight_bit:  # RFC 2045 §6.4: a multipart that contains 8-bit parts has to say so itself
        pieces.append(b"Content-Transfer-Encoding: 8bit\r\n")
    for part in parts:
        pieces += [b"\r\n--%b\r\n" % boundary, *part.pieces]
    pieces.append(b"\r\n--%b--\r\n" % boundary)
    return _Part(pieces, eight_bit)


def _boundary_token(message_id: str, verbatim: list[bytes]) -> bytes:
    """What all boundaries of a letter end with: derived from its Message-ID, and not within any of its parts.

    Boundaries begin with "=_", which can't be in base64 or quoted-printable (RFC 2045 §6.7), so only parts that
    aren't encoded are looked through.
    """
    token, attempt = b"", 0
    while not token or any(token in octets for octets in verbatim):
        seed = f"{attempt} {message_id}".encode("utf-8", "replace")
        token = b"_" + hashlib.sha256(seed).hexdigest()[:24].encode("ascii")
        attempt += 1
    return token


def _header(letter: Letter, *, date: datetime, message_id: str, bcc: bool, raw: bool) -> bytes:
    fields = []
    lists = {"From": letter.from_, "To": letter.to, "Cc": letter.cc, "Reply-To": letter.reply_to}
    for name, addresses in lists.items():
        if addresses:
            fields.append(_addresses(name, addresses, raw))
    if not (letter.to or letter.cc):
        # RFC 5322 asks for no recipient field, but RFC 822 §C.3.4 did, and filters of today still miss it.
        fields.append(b"To: undisclosed-recipients:;\r\n")
    if bcc and letter.bcc:
        fields.append(_addresses("Bcc", letter.bcc, raw))
    if letter.subject:
        fields.append(encode.text_field("Subject", letter.subject, raw=raw))
    fields.append(f"Date: {format_date(date)}\r\n".encode("ascii"))
    fields.append(encode.message_id_field("Message-ID", [message_id]))
    names = {name.lower() for name, _ in letter.headers}
    if len(letter.from_) > 1 and "sender" not in names:  # RFC 5322 §3.6.2: several authors need one sender
        fields.append(_addresses("Sender", letter.from_[:1], raw))
    fields += [_further_field(name, value, raw) for name, value in letter.headers]
    return b"".join(fields)


def _addresses(name: str, addresses: Iterable[Address], raw: bool) -> bytes:
    return encode.address_field(name, [(address.name, address.spec) for address in addresses], raw=raw)


def _further_field(name: str, value: str, raw: bool) -> bytes:
    lower = name.lower()
    if lower in _ADDRESS_FIELDS:
        return _addresses(name, mailboxes(parse_addresses(value)), raw)
    if lower in _MESSAGE_ID_FIELDS:
        return encode.message_id_field(name, value.split())
    return encode.text_field(name, value, raw=raw)
