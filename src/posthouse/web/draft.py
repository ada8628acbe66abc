r"""What stands in the form of a letter, as a letter in Drafts: every mail program of its writer sees the same.

A draft is never changed. What is saved is a new one with the same Message-ID, in whose place the old one goes; files
travel from the one to the other piece by piece, as they are encoded.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from posthouse.delivery import deliver
from posthouse.message import html_text, reply
from posthouse.message.address import Address, mailboxes, parse_addresses
from posthouse.message.compose import Attachment, Letter, Streamed, pieces
from posthouse.message.encode import encode_base64
from posthouse.message.reply import Original

from . import html_clean, letter, limits
from .letter import File, files

if TYPE_CHECKING:
    from posthouse.message.attachment import AttachedFile
    from posthouse.message.mime import Buffer
    from posthouse.store.blob import Blobs, Spool
    from posthouse.store.conversation import Letter as Stored
    from posthouse.store.engine import Store

# Octets of a file that are encoded at a time: whole lines of base64.
PIECE = 57 * 4096
IDENT = re.compile(r"<[!-;=?A-~]{1,300}@[!-;=?A-~]{1,255}>")
# What stands in To while it is no address yet: kept in a field of its own, so that nothing typed is lost.
TYPED = {"to": "X-Draft-To", "cc": "X-Draft-Cc", "bcc": "X-Draft-Bcc"}
FORWARDED = "X-Forwarded-Message-Id"
# Which request of a page a draft comes of: one that is asked again, because its answer got lost, is the same.
SAVING = "X-Draft-Saving"


@dataclass(frozen=True, slots=True)
class Draft:
    """A letter that is being written, as its form has it.

    ``text`` is HTML where ``rich``. ``ident`` is its Message-ID; ``answers`` and ``forwards`` those of the letters that
    it answers and forwards; ``references`` as the field has them. ``saving`` names the request that it comes of.
    """

    ident: str
    from_: str = ""
    to: str = ""
    cc: str = ""
    bcc: str = ""
    subject: str = ""
    text: str = ""
    rich: bool = False
    answers: str = ""
    references: str = ""
    forwards: str = ""
    saving: str = ""

    def addresses(self, name: str) -> list[Address]:
        """Whom a field of it names."""
        return mailboxes(parse_addresses(_one_line(getattr(self, name))))

    @property
    def recipients(self) -> list[Address]:
        """Everybody it is to."""
        return [one for name in TYPED for one in self.addresses(name)]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that has just arrived. ``cid``: it is a picture within the text."""

    name: str
    type: str
    spool: Spool
    cid: str = ""

    def streamed(self) -> Streamed:
        """It as a part. A letter is taken for a file like others: within a letter it could not be encoded."""
        kind = "application/octet-stream" if self.type.startswith(("message/", "multipart/")) else self.type
        head = Attachment(self.name, kind, b"", cid=self.cid, inline=bool(self.cid)).octets
        return Streamed(head, self._encoded, cid=self.cid)

    def _encoded(self) -> Iterator[bytes]:
        octets = self.spool.octets()
        for at in range(0, len(octets), PIECE):
            yield encode_base64(octets[at : at + PIECE])


def new_ident(hostname: str) -> str:
    """A Message-ID that nobody else has."""
    return f"<{secrets.token_urlsafe(18)}@{hostname}>"


# -- from a letter -------------------------------------------------------------------------------------------------


def read(blobs: Blobs, stored: Stored) -> tuple[Draft, tuple[File, ...]]:
    """A stored draft, whoever's program wrote it, and its files. Blocks. Errors: StoreError."""
    with letter.reading(blobs, stored) as message:
        headers = message.headers
        html = message.html
        draft = Draft(
            ident=message.message_id if IDENT.fullmatch(message.message_id) else "",
            from_=", ".join(map(str, message.from_)),
            subject=message.subject,
            text=html_clean.for_writing(html) if html is not None else message.text,
            rich=html is not None,
            answers=" ".join(message.in_reply_to),
            references=" ".join(message.references),
            forwards=headers.get(FORWARDED) or "",
            saving=headers.get(SAVING) or "",
            **{
                name: headers.get(field) or ", ".join(map(str, getattr(message, name))) for name, field in TYPED.items()
            },
        )
        return draft, files(message, html or "")


def original(blobs: Blobs, stored: Stored) -> tuple[Original, tuple[File, ...]]:
    """A letter that is answered or forwarded, and its files. Blocks. Errors: StoreError."""
    with letter.reading(blobs, stored) as message:
        html = message.html
        found = Original(
            from_=message.from_,
            reply_to=message.reply_to,
            to=message.to,
            cc=message.cc,
            subject=message.subject,
            date=message.date,
            message_id=message.message_id,
            in_reply_to=message.in_reply_to,
            references=message.references,
            text=message.text,
            html=None if html is None else html_clean.for_writing(html),
        )
        return found, files(message, html or "")


def kept(blobs: Blobs, stored: Stored, numbers: Iterable[int]) -> list[Streamed]:
    """Files of a stored letter, by their places among them, to travel on as they are. Blocks. Errors: StoreError."""
    with letter.reading(blobs, stored) as message:
        found = message.attachments
        return [
            _file(blobs, stored, found[number], message.raw) for number in dict.fromkeys(numbers) if number < len(found)
        ]


def _file(blobs: Blobs, stored: Stored, file: AttachedFile, octets: Buffer) -> Streamed:
    if file.in_text:
        return Upload(file.filename, file.type, _spooled(blobs, file.content)).streamed()
    part = file.part
    head = bytes(octets[part.start : part.body])
    return Streamed(head, partial(_slices, blobs, stored.blob_id, part.body, part.end), part.encoding, file.cid)


def _spooled(blobs: Blobs, content: bytes) -> Spool:
    spool = blobs.spool()
    spool.write(content)
    return spool


def _slices(blobs: Blobs, blob_id: str, start: int, end: int) -> Iterator[bytes]:
    with blobs.open(blob_id, longest=PIECE) as octets:
        for at in range(start, end, PIECE):
            yield octets[at : min(at + PIECE, end)]


# -- to a letter ---------------------------------------------------------------------------------------------------


def as_draft(draft: Draft, files: Iterable[Streamed]) -> Letter:
    """The letter as it is kept in Drafts: whatever was typed is in it. Errors: InvalidMessage."""
    further = [(SAVING, draft.saving)] if draft.saving else []
    whole: dict[str, tuple[Address, ...]] = {}
    for name, field in TYPED.items():
        found = draft.addresses(name)
        whole[name] = tuple(one for one in found if one.is_complete)
        if len(whole[name]) != len(found):
            further.append((field, _one_line(getattr(draft, name))[: limits.TYPED]))
    made = replace(_letter(draft, files), headers=(*_headers(draft), *further))
    return replace(made, to=whole["to"], cc=whole["cc"], bcc=whole["bcc"])


def as_sent(draft: Draft, files: Iterable[Streamed]) -> Letter:
    """The letter as it leaves. Errors: InvalidMessage, for an address that is none too."""
    to, cc, bcc = (tuple(draft.addresses(name)) for name in TYPED)
    return replace(_letter(draft, files), to=to, cc=cc, bcc=bcc, headers=_headers(draft))


def _letter(draft: Draft, files: Iterable[Streamed]) -> Letter:
    html = html_clean.for_writing(draft.text) if draft.rich else None
    shown = reply.shown_ids(html) if html is not None else frozenset()
    return Letter(
        from_=tuple(draft.addresses("from_")),
        subject=_one_line(draft.subject)[: limits.TYPED],
        text=html_text.to_text(html, links=True) if html is not None else draft.text,
        html=html,
        # A picture that was taken out of the text again doesn't travel along.
        attachments=tuple(one for one in files if not one.cid or one.cid in shown or html is None),
    )


def _headers(draft: Draft) -> tuple[tuple[str, str], ...]:
    fields = (("In-Reply-To", draft.answers), ("References", draft.references), (FORWARDED, draft.forwards))
    return tuple((name, value) for name, value in fields if value)


def _one_line(text: str) -> str:
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text).split())


async def write(store: Store, made: Callable[[], Letter], ident: str, now: int, *, bcc: bool = False) -> deliver.Kept:
    """A letter's octets to disk. ``made`` is called on a thread. Errors: InvalidMessage, StoreFull, StoreError."""
    spool = store.blobs.spool()

    def fill() -> None:
        date = datetime.fromtimestamp(now, UTC)
        for piece in pieces(made(), date=date, message_id=ident, bcc=bcc):
            spool.write(piece)

    try:
        await asyncio.to_thread(fill)
        return await deliver.keep(store, spool, b"")
    finally:
        spool.discard()
