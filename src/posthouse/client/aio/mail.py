"""One message in a mailbox: what a list shows is there already, the rest comes when it is asked for."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from posthouse.errors import ImapRefused, NotFound
from posthouse.imap.answer import Fetched
from posthouse.imap.fetch import Attribute, BodySection, Item, Partial, Section, Text
from posthouse.imap.sequence import SequenceSet
from posthouse.message.address import Address, mailboxes, parse_addresses
from posthouse.message.attachment import AttachedFile
from posthouse.message.date import parse_date
from posthouse.message.header import Headers
from posthouse.message.stream import Decoder

from .. import imap
from ..attachment import create_new
from ..message import Addresses, Files, Message
from ..skeleton import Skeleton, body_of

if TYPE_CHECKING:
    from .mailbox import Mailbox, Messages

# What is fetched of each message that one comes by. Fields rather than ENVELOPE: servers have written illegal ones, and
# read a broken header worse than we do.
FIELDS = BodySection(Section(text=Text.FIELDS, fields=("DATE", "FROM", "TO", "CC", "SUBJECT", "MESSAGE-ID")), peek=True)
ITEMS = (Attribute.UID, Attribute.FLAGS, Attribute.INTERNALDATE, Attribute.SIZE, FIELDS)
WHOLE = BodySection(peek=True)
LISTED = FIELDS.label.upper()  # the key of what was fetched
# A message of at most so many octets is fetched whole: one round trip, and nothing depends on what the server makes of
# its structure.
SMALL = 256 * 1024
# Octets of a file that are fetched at a time.
SLICE = 1024 * 1024


class Mail:
    """A message in a mailbox. Reading it never marks it as read: ``mark`` does.

    ``uid`` names it in its mailbox. ``subject``, ``from_``, ``to``, ``cc``, ``date``, ``flags`` and ``size`` were
    fetched with the list; ``text``, ``html``, ``attachments`` and ``load`` ask the server, once.
    """

    def __init__(self, mailbox: Mailbox, fetched: Fetched) -> None:
        self._mailbox = mailbox
        self._fetched = fetched
        self._headers: Headers | None = None
        self._whole: Message | None = None
        self._light: Message | None = None
        self._files: tuple[Attachment, ...] | None = None

    @property
    def uid(self) -> int:
        """The number that names it in its mailbox."""
        return self._fetched.uid or 0

    @property
    def flags(self) -> frozenset[str]:
        """Its flags and keywords, as they were when it was fetched: ``\\Seen``, ``\\Flagged``, ``$Forwarded`` …"""
        return self._fetched.kept_flags

    @property
    def unread(self) -> bool:
        """Whether nobody has read it yet."""
        return "\\Seen" not in self.flags

    @property
    def flagged(self) -> bool:
        """Whether it is marked for attention."""
        return "\\Flagged" in self.flags

    @property
    def size(self) -> int:
        """Octets of the whole message."""
        return self._fetched.size or 0

    @property
    def arrived(self) -> datetime | None:
        """When it came into the mailbox."""
        date = self._fetched.internal_date
        return date.datetime if date else None

    @property
    def _fields(self) -> Headers:
        if self._headers is None:
            self._headers = Headers(self._fetched.sections.get(LISTED) or b"")
        return self._headers

    @property
    def subject(self) -> str:
        """The subject, or an empty text."""
        return self._fields.get("subject") or ""

    @property
    def from_(self) -> tuple[Address, ...]:
        """Who wrote it; nearly always one."""
        return self._addresses(b"from")

    @property
    def to(self) -> tuple[Address, ...]:
        """Whom it was written to."""
        return self._addresses(b"to")

    @property
    def cc(self) -> tuple[Address, ...]:
        """Who got a copy."""
        return self._addresses(b"cc")

    def _addresses(self, field: bytes) -> tuple[Address, ...]:
        return tuple(mailboxes(parse_addresses(self._fields.body(field) or b"")))

    @property
    def date(self) -> datetime | None:
        """When it was written, or else when it arrived; None if nobody can tell."""
        return parse_date(self._fields.body(b"date")) or self.arrived

    @property
    def message_id(self) -> str:
        """The Message-ID with its angle brackets, or an empty text."""
        return self._fields.get("message-id") or ""

    def __repr__(self) -> str:
        return f"<Mail {self.uid}: {self.subject!r} from {', '.join([one.display for one in self.from_]) or 'nobody'}>"

    # -- what has to be asked for ----------------------------------------------------------------------------------

    async def load(self) -> Message:
        """The whole message. `NotFound` when somebody has removed it meanwhile."""
        if self._whole is None:
            octets = await self._fetch_one(WHOLE)
            self._whole = Message.from_bytes(octets, mine=self._mailbox.mine)
        return self._whole

    @property
    async def raw(self) -> bytes:
        """The whole message, octet for octet."""
        return bytes(await self.load())

    @property
    async def text(self) -> str:
        """What it says, as plain text; made from the HTML if there is no other."""
        return (await self._readable()).text

    @property
    async def html(self) -> str | None:
        """What it says in HTML, as its sender wrote it (not made safe to show); None if it has none."""
        return (await self._readable()).html

    @property
    async def headers(self) -> Headers:
        """All header fields, in their order."""
        return (await self._readable()).headers

    @property
    async def attachments(self) -> tuple[Attachment, ...]:
        """All files that come with it, inline pictures and letters inside among them; not fetched yet."""
        await self._readable()
        assert self._files is not None
        return self._files

    async def _readable(self) -> Message:
        """The message, of a large one without its files."""
        if self._light is None:
            if self.size > SMALL and self._whole is None:
                self._light = await self._without_files()
            if self._light is None:
                self._light = await self.load()
                self._files = tuple([Attachment(self, file) for file in self._light.files])
        return self._light

    async def _without_files(self) -> Message | None:
        """The message with its files left out; None where the server's idea of its structure is no use."""
        try:
            structure = (await self._fetch((Attribute.BODYSTRUCTURE,))).structure
            if structure is None:
                return None
            skeleton = Skeleton(structure)
            headers = (await self._fetch(skeleton.headers)).sections
            texts = (await self._fetch(skeleton.texts)).sections if skeleton.texts else {}
            octets, places = skeleton.build({**headers, **texts})
        except (KeyError, ImapRefused):  # what the server says of its own message isn't so: Exchange, 163
            return None
        light = Message.from_bytes(octets, mine=self._mailbox.mine)
        self._files = tuple([Attachment(self, file, places.get(file.part.start), skeleton) for file in light.files])
        return light

    async def _fetch(self, items: Iterable[Item]) -> Fetched:
        wanted = (Attribute.UID, *items)
        uids = SequenceSet.of((self.uid,))
        found = await self._mailbox.run(lambda conversation: imap.uid_fetch(conversation, uids, wanted))
        for one in found:
            if one.uid == self.uid:
                return one
        raise NotFound(f"message {self.uid} is no longer in {self._mailbox.shown}")

    async def _fetch_one(self, item: BodySection) -> bytes:
        fetched = await self._fetch((item,))
        octets = fetched.sections.get(item.label.upper())
        if octets is None:
            raise NotFound(f"the server has nothing to show of message {self.uid}")
        return octets

    # -- what one does with it -------------------------------------------------------------------------------------

    @property
    def alone(self) -> Messages:
        """This message as a selection."""
        return self._mailbox.messages([self.uid])

    async def mark(
        self,
        *,
        read: bool | None = None,
        flagged: bool | None = None,
        answered: bool | None = None,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
    ) -> None:
        """Change its flags on the server; see `Messages.mark`."""
        await self.alone.mark(read=read, flagged=flagged, answered=answered, add=add, remove=remove)

    async def move(self, to: Mailbox | str) -> None:
        """Move it into another mailbox."""
        await self.alone.move(to)

    async def copy(self, to: Mailbox | str) -> None:
        """Copy it into another mailbox."""
        await self.alone.copy(to)

    async def delete(self, *, forever: bool = False) -> None:
        """Move it into the trash; or remove it; see `Messages.delete`."""
        await self.alone.delete(forever=forever)

    async def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it into an .eml file, and return its path."""
        return (await self.load()).save(path)

    async def reply(
        self,
        text: str | None = None,
        *,
        html: str | None = None,
        markdown: str | None = None,
        all: bool = False,
        quote: bool = True,
        files: Files = (),
    ) -> Message:
        """An answer, ready to be sent; see `Message.reply`."""
        original = await (self.load() if html is not None else self._readable())
        return original.reply(text, html=html, markdown=markdown, all=all, quote=quote, files=files)

    async def forward(
        self,
        to: Addresses,
        text: str | None = None,
        *,
        html: str | None = None,
        markdown: str | None = None,
        inline: bool | None = None,
        attached: bool = False,
        files: Files = (),
    ) -> Message:
        """The letter handed on, ready to be sent; see `Message.forward`."""
        original = await self.load()
        return original.forward(to, text, html=html, markdown=markdown, inline=inline, attached=attached, files=files)


class Attachment:
    """A file that came with a message in a mailbox, not fetched before it is asked for.

    ``filename`` is safe to create a file with, whatever its sender wrote. ``cid`` is the name by which the HTML shows
    it; ``inline`` tells that it is meant to be seen within the text.
    """

    def __init__(
        self, mail: Mail, file: AttachedFile, place: tuple[int, ...] | None = None, skeleton: Skeleton | None = None
    ) -> None:
        self._mail = mail
        self._file = file
        self._place = place  # the section to fetch; None: the octets are here already
        self.filename = file.filename
        self.type = file.type
        self.cid = file.cid
        self.inline = file.inline
        self._encoded = skeleton.leaves[place].octets if skeleton and place else 0

    @property
    def size(self) -> int:
        """Octets of the content; of a file that isn't here yet, as many as the server's count of its lines makes."""
        if self._place is None:
            return self._file.size
        # Base64 has four signs for three octets, and a line end (2) for 76 signs (RFC 2045 §6.8).
        return self._encoded * 57 // 78 if self._file.part.encoding == "base64" else self._encoded

    @property
    async def content(self) -> bytes:
        """Its octets, decoded."""
        if self._place is None:
            return self._file.content
        return b"".join([chunk async for chunk in self._chunks(self._place)])

    async def save(self, folder: str | os.PathLike[str] = ".") -> Path:
        """Write it into a new file in ``folder``, which is made if missing, and return the path.

        It is called ``filename``, or ``name (2).ext`` if that exists: no file is overwritten, and none lands
        elsewhere. Only this file is fetched, in slices.
        """
        path, file = create_new(folder, self.filename, self.type)
        try:
            with file:
                if self._place is None:
                    file.write(self._file.content)
                else:
                    async for chunk in self._chunks(self._place):
                        file.write(chunk)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    async def _chunks(self, place: tuple[int, ...]) -> AsyncIterator[bytes]:
        decoder = Decoder(self._file.part.encoding)
        offset = 0
        while True:
            item = BodySection(body_of(place).section, peek=True, partial=Partial(offset, SLICE))
            encoded = await self._mail._fetch_one(item)
            yield decoder.write(encoded)
            offset += len(encoded)
            if len(encoded) < SLICE:
                break
        yield decoder.end()

    def __repr__(self) -> str:
        return f"<Attachment {self.filename!r} {self.type}>"
