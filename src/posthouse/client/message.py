"""`Message`: a letter, made from its parts or read from octets; one class for both."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from posthouse.errors import InvalidMessage
from posthouse.message import encode, html_text, reply
from posthouse.message import markdown as markdown_letter
from posthouse.message.address import Address, mailboxes, parse_addresses
from posthouse.message.attachment import AttachedFile
from posthouse.message.complete import complete, split_header, without_bcc
from posthouse.message.compose import Attachment as Enclosure
from posthouse.message.compose import Letter, compose
from posthouse.message.date import format_date
from posthouse.message.defect import Defect
from posthouse.message.filename import safe_name
from posthouse.message.fill import Template
from posthouse.message.header import Headers
from posthouse.message.message import ParsedMessage
from posthouse.message.mime import Buffer
from posthouse.message.reply import Original
from posthouse.message.report import Report
from posthouse.wire.line_ends import BARE

from .attachment import Attachment, FileSource, carry, enclose

Addresses = str | Address | Iterable[str | Address]
Files = FileSource | Iterable[FileSource]
Pictures = Mapping[str, FileSource] | Iterable[FileSource]

# msg-id = [CFWS] "<" id-left "@" id-right ">" [CFWS]     RFC 5322 §3.6.4; the length leaves room for the field's name
_MESSAGE_ID = re.compile(r"<[!-;=?A-~]{1,400}@[!-;=?A-~]{1,400}>")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Message:
    """A letter.

    Made from its parts, it is complete from the beginning: files are read, Date and Message-ID are set, the text is
    made from the HTML where it is missing. It never changes; `fill`, `replace`, `reply` and `forward` make new ones.

    Addresses are ``"ann@x.org"``, ``"Ann <ann@x.org>"``, an `Address`, or any number of these. ``files`` and
    ``inline`` take paths, ``(name, octets)`` and open files; the HTML shows the picture ``inline={"logo": "logo.png"}``
    as ``<img src="cid:logo">``. ``markdown`` becomes both text and HTML. ``calendar`` is an invitation in iCalendar
    format. ``date`` and ``message_id`` are now and a random one, if not given. ``headers`` are further fields.

    Raises `InvalidMessage` for everything that can't be in a letter: a bad address, a missing file, a line break in a
    header.

    `parse` gives the same class for a letter that came. Whatever is read from it (``subject``, ``text``,
    ``attachments`` …) is computed when asked for, and is what every other program reads, too.
    """

    __slots__ = ("_date", "_ident", "_letter", "_mine", "_parsed", "_raw", "_templates")

    def __init__(
        self,
        *,
        to: Addresses = (),
        cc: Addresses = (),
        bcc: Addresses = (),
        subject: str = "",
        text: str | None = None,
        html: str | None = None,
        markdown: str | None = None,
        files: Files = (),
        inline: Pictures = (),
        from_: Addresses = (),
        reply_to: Addresses = (),
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        calendar: str | None = None,
        date: datetime | None = None,
        message_id: str = "",
    ) -> None:
        text, html = _written(text, html, markdown)
        letter = Letter(
            from_=read_addresses(from_, "From"),
            to=read_addresses(to, "To"),
            cc=read_addresses(cc, "Cc"),
            bcc=read_addresses(bcc, "Bcc"),
            reply_to=read_addresses(reply_to, "Reply-To"),
            subject=subject,
            text=text,
            html=html,
            calendar=calendar,
            attachments=(*_pictures(inline), *[enclose(one) for one in _several(files)]),
            headers=tuple(headers.items() if isinstance(headers, Mapping) else headers),
        )
        self._set(letter, None, date, message_id)

    def _set(
        self, letter: Letter | None, raw: Buffer | None, date: datetime | None = None, message_id: str = ""
    ) -> None:
        if message_id and not _MESSAGE_ID.fullmatch(message_id):
            raise InvalidMessage(
                f"{message_id[:80]!r} is no Message-ID", advice='It looks like "<anything-unique@example.org>".'
            )
        self._letter = letter
        self._raw = raw
        if date is not None and date.year < 1900:  # RFC 5322 §3.3
            raise InvalidMessage(f"no letter can be of the year {date.year}", advice="Dates begin with 1900.")
        # A time without a zone is one of this computer's. A letter that was read gets one only if it lacks it.
        self._date = date.astimezone() if date is not None and date.tzinfo is None else date
        if letter is not None:
            self._when()
        self._ident = message_id
        self._mine: tuple[Address, ...] = ()
        self._parsed: ParsedMessage | None = None
        self._templates: tuple[Template, ...] | None = None

    @classmethod
    def _of(cls, letter: Letter, date: datetime | None = None, message_id: str = "") -> Message:
        made = Message.__new__(Message)
        made._set(letter, None, date, message_id)
        return made

    @classmethod
    def from_bytes(cls, raw: Buffer, *, mine: Addresses = ()) -> Message:
        """The letter that the octets are. ``mine`` are the addresses of whoever got it: answers don't go to them."""
        read = cls.__new__(cls)
        read._set(None, raw)
        read._mine = read_addresses(mine, "mine")
        return read

    # -- reading ----------------------------------------------------------------------------------------------------

    @property
    def _read(self) -> ParsedMessage:
        if self._parsed is None:
            self._parsed = ParsedMessage(self._render(bcc=True) if self._raw is None else self._raw)
        return self._parsed

    @property
    def _source(self) -> Letter | ParsedMessage:
        """Where its subject and addresses stand: what was just written needn't be read for them."""
        return self._letter or self._read

    @property
    def subject(self) -> str:
        """The subject, or an empty text."""
        return self._source.subject

    @property
    def from_(self) -> tuple[Address, ...]:
        """Who wrote it; nearly always one."""
        return self._source.from_

    @property
    def to(self) -> tuple[Address, ...]:
        """Whom it was written to."""
        return self._source.to

    @property
    def cc(self) -> tuple[Address, ...]:
        """Who gets a copy."""
        return self._source.cc

    @property
    def bcc(self) -> tuple[Address, ...]:
        """Who gets a copy without the others knowing."""
        return self._source.bcc

    @property
    def reply_to(self) -> tuple[Address, ...]:
        """Where answers are to go, if not to ``from_``."""
        return self._source.reply_to

    @property
    def date(self) -> datetime | None:
        """When it was written; None if its Date field says nothing certain."""
        return self._read.date

    @property
    def message_id(self) -> str:
        """The Message-ID with its angle brackets; empty for a letter that came without."""
        return self._own_id() if self._raw is None else self._read.message_id

    @property
    def in_reply_to(self) -> tuple[str, ...]:
        """The ids of what it answers; nearly always one."""
        return self._read.in_reply_to

    @property
    def references(self) -> tuple[str, ...]:
        """The ids of the letters of its thread before it, the oldest first."""
        return self._read.references

    @property
    def text(self) -> str:
        """What it says, as plain text with ``\\n`` line ends; made from the HTML if there is no other."""
        return self._read.text

    @property
    def html(self) -> str | None:
        """What it says in HTML, as its sender wrote it (not made safe to show); None if it has none."""
        return self._read.html

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """All files that come with it, inline pictures and letters inside among them."""
        return tuple([Attachment(file) for file in self._read.attachments])

    @property
    def files(self) -> tuple[AttachedFile, ...]:
        """The same as `message.attachment` knows them, with their places in the octets."""
        return self._read.attachments

    @property
    def headers(self) -> Headers:
        """All header fields, in their order."""
        return self._read.headers

    @property
    def report(self) -> Report | None:
        """What it reports about another letter, if it is a bounce or a receipt (RFC 3464, RFC 8098)."""
        return self._read.report

    @property
    def defects(self) -> tuple[Defect, ...]:
        """What had to be repaired to read it."""
        return self._read.defects

    def __repr__(self) -> str:
        return f"<Message {self.subject!r} from {', '.join([one.display for one in self.from_]) or 'nobody'}>"

    # -- sending ----------------------------------------------------------------------------------------------------

    @property
    def recipients(self) -> tuple[Address, ...]:
        """Everybody in To, Cc and Bcc, each once: whom a server is told to deliver it to."""
        everyone = (*self.to, *self.cc, *self.bcc)
        return tuple({address.spec: address for address in everyone if address.is_complete}.values())

    @property
    def needs_smtputf8(self) -> bool:
        """Whether an address can't be written in ASCII, so that only servers with SMTPUTF8 can carry the letter."""
        everyone = (*self.from_, *self.to, *self.cc, *self.bcc, *self.reply_to)
        return any(address.needs_smtputf8 for address in everyone)

    @property
    def needs_8bitmime(self) -> bool:
        """Whether it is 8-bit and can't be encoded, so that only servers with 8BITMIME can carry it."""
        return self._letter.needs_8bitmime if self._letter else not bytes(self._read.raw).isascii()

    @property
    def digest(self) -> str:
        """What it says and to whom, in 32 hexadecimal digits: the same whenever, and as whatever number, it is sent."""
        if self._letter is None:
            octets = bytes(self._read.raw)
        else:
            octets = compose(self._letter, date=_EPOCH, message_id="<0@localhost>", bcc=True)
        return hashlib.blake2b(octets, digest_size=16).hexdigest()

    def as_bytes(self, *, bcc: bool = False, eight_bit: bool = False, smtputf8: bool = False) -> bytes:
        """The letter as octets with CRLF line ends, ready to be sent.

        ``bcc`` keeps the Bcc field, for a copy or a draft of one's own. ``eight_bit`` leaves text unencoded for
        servers with 8BITMIME, ``smtputf8`` headers, too. Raises InvalidMessage if nobody is named who writes it.

        A letter that was read is not rendered anew: Date and Message-ID are added where they are missing, and nothing
        else is touched.
        """
        if self._raw is not None:
            raw = bytes(self._raw)
            if not raw.count(b"\r") == raw.count(b"\n") == raw.count(b"\r\n"):  # much quicker than to look for one
                raw = BARE.sub(b"\r\n", raw)
            return self._completed(raw, bcc)
        if self._letter is None or not self._letter.from_:
            raise InvalidMessage("the letter doesn't say who it is from", advice='Give from_="you@example.org".')
        return self._render(bcc=bcc, eight_bit=eight_bit, raw=smtputf8)

    def _completed(self, raw: bytes, bcc: bool) -> bytes:
        end = split_header(raw)
        date = format_date(self._when())
        return complete(raw[:end], date=date, message_id=self._own_id(), bcc=bcc) + raw[end:]

    def _render(self, *, bcc: bool = False, eight_bit: bool = False, raw: bool = False) -> bytes:
        letter, date, ident = self._composed(), self._when(), self._own_id()
        return compose(letter, date=date, message_id=ident, bcc=bcc, eight_bit=eight_bit, raw=raw)

    def _composed(self) -> Letter:
        if self._letter is None:
            raise InvalidMessage("a letter that was read can't be changed", advice="Answer it, or forward it.")
        return self._letter

    def _when(self) -> datetime:
        """The date that was given, or the moment when this was first asked for."""
        if self._date is None:
            self._date = datetime.now().astimezone()
        return self._date

    def _own_id(self) -> str:
        """The Message-ID that was given, or a random one in the domain of the sender."""
        if not self._ident:
            domain = self.from_[0].ascii_domain if self.from_ else ""
            self._ident = f"<{secrets.token_hex(16)}@{domain or 'localhost'}>"
        return self._ident

    def __bytes__(self) -> bytes:
        """What `as_bytes` gives; of a letter that was read, exactly the octets that were."""
        return self.as_bytes() if self._raw is None else bytes(self._raw)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the letter, with its Bcc, into an .eml file, and return its path."""
        target = Path(path).expanduser()
        target.write_bytes(self.as_bytes(bcc=True) if self._raw is None else bytes(self._raw))
        return target

    # -- new letters from this one ----------------------------------------------------------------------------------

    def replace(
        self,
        *,
        from_: Addresses | None = None,
        to: Addresses | None = None,
        cc: Addresses | None = None,
        bcc: Addresses | None = None,
        reply_to: Addresses | None = None,
        subject: str | None = None,
    ) -> Message:
        """The same letter (with its date and Message-ID) with some of its header changed."""
        letter = self._composed()
        changed = replace(
            letter,
            from_=_given_or(from_, letter.from_, "From"),
            to=_given_or(to, letter.to, "To"),
            cc=_given_or(cc, letter.cc, "Cc"),
            bcc=_given_or(bcc, letter.bcc, "Bcc"),
            reply_to=_given_or(reply_to, letter.reply_to, "Reply-To"),
            subject=letter.subject if subject is None else subject,
        )
        return self._of(changed, self._date, self._ident)

    def fill(
        self,
        *,
        to: Addresses | None = None,
        cc: Addresses | None = None,
        bcc: Addresses | None = None,
        files: Files = (),
        **fields: object,
    ) -> Message:
        """A personal copy: ``{name}`` in subject, text, HTML and headers becomes the value of the field ``name``.

        In HTML values are escaped; a value that would break a header is refused. Recipients and further ``files`` may
        be given for this copy. It has a Message-ID of its own. Attachments are shared by all copies, encoded once.
        Raises InvalidMessage if the letter has a field for which nothing is given.
        """
        letter = self._composed()
        if self._templates is None:
            self._templates = (
                Template(letter.subject, "subject"),
                Template(letter.text or "", "text"),
                Template(letter.html or "", "HTML"),
                *[Template(value, f"header {name}") for name, value in letter.headers],
            )
        subject, text, html, *headers = self._templates
        filled = replace(
            letter,
            to=_given_or(to, letter.to, "To"),
            cc=_given_or(cc, letter.cc, "Cc"),
            bcc=_given_or(bcc, letter.bcc, "Bcc"),
            subject=subject.fill_header(fields),
            text=None if letter.text is None else text.fill(fields),
            html=None if letter.html is None else html.fill_html(fields),
            headers=tuple(
                [(name, value.fill_header(fields)) for (name, _), value in zip(letter.headers, headers, strict=True)]
            ),
            attachments=(*letter.attachments, *[enclose(one) for one in _several(files)]),
        )
        return self._of(filled)

    def reply(
        self,
        text: str | None = None,
        *,
        html: str | None = None,
        markdown: str | None = None,
        all: bool = False,
        quote: bool = True,
        files: Files = (),
        from_: Addresses = (),
        mine: Addresses = (),
    ) -> Message:
        """An answer, to who wrote this letter (or to whom they ask for); with ``all`` to everybody who got it.

        ``from_`` is who answers: without it, the one of my addresses that got the letter. ``mine`` are these, besides
        the ones that the letter came with; they are left out of the recipients. ``quote`` puts the letter below.
        Raises InvalidMessage if there is nobody to answer.
        """
        original = self._original()
        writer = read_addresses(from_, "From")
        me = (*writer, *read_addresses(mine, "mine"), *self._mine)
        to, cc = reply.recipients(original, me, everyone=all)
        if not (to or cc):
            raise InvalidMessage("there is nobody to answer: the letter names no address of its writer")
        if not writer and (addressed := reply.addressed_as(original, me)):
            writer = (addressed,)
        text, html = _written(text, html, markdown)
        pictures: list[Enclosure] = []
        if quote:
            text = _below(text, reply.quoted_text(original))
            if html is not None:
                html += reply.quoted_html(original)
                pictures = [file for file in self._carried() if file.cid]
        letter = Letter(
            from_=writer,
            to=to,
            cc=cc,
            subject=reply.reply_subject(original.subject),
            text=text,
            html=html,
            attachments=(*pictures, *[enclose(one) for one in _several(files)]),
            headers=reply.thread_headers(original),
        )
        return self._of(letter)

    def forward(
        self,
        to: Addresses = (),
        text: str | None = None,
        *,
        html: str | None = None,
        markdown: str | None = None,
        inline: bool | None = None,
        attached: bool = False,
        files: Files = (),
        from_: Addresses = (),
    ) -> Message:
        """This letter, handed on: ``inline``, below ``text`` with all its files, or ``attached``, octet for octet.

        Inline is what it is unless told otherwise.
        """
        if attached and inline:
            raise InvalidMessage("a letter is forwarded inline or attached, not both")
        attached = attached or inline is False
        original = self._original()
        text, html = _written(text, html, markdown)
        if attached:
            name = safe_name(f"{original.subject or 'message'}.eml")
            raw = bytes(self._read.raw)
            end = split_header(raw)
            carried = [Enclosure(name, "message/rfc822", without_bcc(raw[:end]) + raw[end:])]
        else:
            carried = self._carried()
            if original.html is not None or html is not None:
                intro = html if html is not None else reply.text_as_html(text) if text else ""
                html = reply.forwarded_html(original, intro)
            text = _below(text, reply.forwarded_text(original))
        writer = read_addresses(from_, "From")
        if not writer and (addressed := reply.addressed_as(original, self._mine)):
            writer = (addressed,)
        letter = Letter(
            from_=writer,
            to=read_addresses(to, "To"),
            subject=reply.forward_subject(original.subject),
            text=text,
            html=html,
            attachments=(*carried, *[enclose(one) for one in _several(files)]),
        )
        return self._of(letter)

    def _original(self) -> Original:
        """What answers and forwarded letters need to know of this one."""
        read = self._read
        return Original(
            from_=read.from_, reply_to=read.reply_to, to=read.to, cc=read.cc, subject=read.subject, date=read.date,
            message_id=read.message_id, in_reply_to=read.in_reply_to, references=read.references, text=read.text,
            html=read.html,
        )  # fmt: skip

    def _carried(self) -> list[Enclosure]:
        """Its files for another letter; those that its HTML shows keep the name by which it does."""
        shown = reply.shown_ids(self.html or "")
        return [carry(file, shown=file.cid in shown) for file in self._read.attachments]


def parse(raw: Buffer, *, mine: Addresses = ()) -> Message:
    """Read a letter: any octets at all, without ever raising. ``mine`` are the addresses of whoever got it."""
    return Message.from_bytes(raw, mine=mine)


def _written(text: str | None, html: str | None, markdown: str | None) -> tuple[str | None, str | None]:
    """Text and HTML of what somebody wrote in any of three forms."""
    if markdown is not None:
        if html is not None:
            raise InvalidMessage("a letter is written in HTML or in Markdown, not in both")
        html = markdown_letter.to_html(markdown)
        text = markdown if text is None else text
    if html is not None and text is None:
        text = html_text.to_text(html, links=True)
    return text, html


def _below(text: str | None, quoted: str) -> str:
    return f"{text.rstrip()}\n\n{quoted}" if text else quoted


def read_addresses(given: Addresses, where: str) -> tuple[Address, ...]:
    """The addresses that a person or a program gave: one or many, as texts or values. InvalidMessage for a bad one."""
    if isinstance(given, Address):
        return (given,)
    if isinstance(given, str):
        return _addresses_in(given, where) if given.strip() else ()
    return tuple([address for one in given for address in read_addresses(one, where)])


def _addresses_in(text: str, where: str) -> tuple[Address, ...]:
    """One address, or several with commas between."""
    encode.check_value(where, text)
    try:
        return (Address.parse(text),)
    except InvalidMessage:
        several = mailboxes(parse_addresses(text))
        if len(several) < 2 or not all(address.is_complete for address in several):
            raise
        return tuple(several)


def _given_or(given: Addresses | None, present: tuple[Address, ...], where: str) -> tuple[Address, ...]:
    return present if given is None else read_addresses(given, where)


def _several(files: Files) -> list[FileSource]:
    """``files`` as a list, also if it is a single one; a pair of a name and octets is one."""
    if isinstance(files, str | os.PathLike | Enclosure) or hasattr(files, "read"):
        return [files]  # type: ignore[list-item]
    if isinstance(files, tuple) and len(files) == 2 and isinstance(files[0], str) and isinstance(files[1], bytes):
        return [(files[0], files[1])]
    return list(files)


def _pictures(inline: Pictures) -> list[Enclosure]:
    """The pictures that travel with the HTML; one without a name of its own is called after its file."""
    if isinstance(inline, Mapping):
        return [enclose(source, cid=cid, inline=True) for cid, source in inline.items()]
    return [enclose(source, inline=True) for source in _several(inline)]
