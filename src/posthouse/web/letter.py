"""One letter: what it says, its HTML in a frame of its own, its header, its source."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from markupsafe import Markup
from starlette.responses import Response

from posthouse.message import mime
from posthouse.message.message import ParsedMessage
from posthouse.store import conversation
from posthouse.store.conversation import Letter

from . import headers, html_clean, leave, limits, page, plain_text

if TYPE_CHECKING:
    from posthouse.message.attachment import AttachedFile
    from posthouse.message.mime import Buffer
    from posthouse.store.blob import Blobs
    from posthouse.store.engine import Tx

    from .visit import Visit

# Octets that one slice of a letter's file has at most: a text part or a picture, not the film beside it.
SLICE = 32 * 1024 * 1024
UNSUBSCRIBE = re.compile(r"<\s*((?:https?|mailto):[^<>\s]{1,2000})\s*>", re.IGNORECASE)
PICTURES = {"image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp", "image/bmp", "image/avif"}


@dataclass(frozen=True, slots=True)
class File:
    """A file that came with a letter. ``number``: its place among them, by which it is asked for."""

    number: int
    name: str
    type: str
    size: int  # octets, of a large one nearly
    inside: bool  # its HTML shows it
    cid: str  # its Content-ID without angle brackets; empty: none

    @property
    def picture(self) -> bool:
        """Whether browsers draw it, and run nothing in it."""
        return self.type in PICTURES

    @property
    def viewed(self) -> bool:
        """Whether it can be looked at here."""
        return self.picture or self.type == "application/pdf" or self.type.startswith("text/")


@dataclass(frozen=True, slots=True)
class Opened:
    """A letter with its text. ``text`` is None where it came in HTML, which is shown in a frame. ``unsubscribe``: where
    one leaves the list that it came from; empty: it names no place."""

    letter: Letter
    text: Markup | None
    cut: bool
    files: tuple[File, ...]
    unsubscribe: str


def open_letter(tx: Tx, letter: Letter) -> Opened:
    """Read what a page shows of a letter: its text parts, and the names of its files. Errors: StoreError."""
    with reading(tx.blobs, letter) as message:
        html = message.html
        text = message.text if html is None else ""
        shown = plain_text.to_html(text[: limits.TEXT]) if html is None else None
        unsubscribe = _unsubscribe(message.headers.get("List-Unsubscribe") or "")
        return Opened(letter, shown, len(text) > limits.TEXT, files(message, html or ""), unsubscribe)


def _unsubscribe(field: str) -> str:
    """The place that a list names (RFC 2369 §3.2): a page rather than a letter."""
    found = UNSUBSCRIBE.findall(field[: limits.TYPED])
    return next((url for url in found if url.lower().startswith("http")), found[0] if found else "")


@contextmanager
def reading(blobs: Blobs, letter: Letter) -> Iterator[ParsedMessage]:
    """The letter in its file, of which only slices are read: where its parts are, is known since it came."""
    with blobs.open(letter.blob_id, longest=SLICE) as octets:
        raw = cast("Buffer", octets)
        yield ParsedMessage(raw, mime.unpack(letter.tree, raw))


def files(message: ParsedMessage, html: str) -> tuple[File, ...]:
    """The files that came with a letter; ``html``: what shows some of them."""
    return tuple(
        File(number, file.filename, file.type, _size(file), bool(file.cid) and f"cid:{file.cid}" in html, file.cid)
        for number, file in enumerate(message.attachments[: limits.FILES])
    )


def _size(file: AttachedFile) -> int:
    """About how large a file is, without reading it: three octets for four digits, in lines of 76 and their ends."""
    if file.in_text:
        return file.size
    octets = file.part.end - file.part.body
    return octets * 3 * 76 // (4 * 78) if file.part.encoding == "base64" else octets


# -- the frame -----------------------------------------------------------------------------------------------------


async def show_html(visit: Visit) -> Response:
    """The document of a letter's frame."""
    remote_pictures = visit.request.query_params.get("pictures") == "yes"
    source, pictures = await visit.read(_read_html, visit.account.id, visit.request.path_params["letter"])
    cleaned = await asyncio.to_thread(
        html_clean.clean,
        source,
        link=lambda url: leave.link(visit, url),
        picture=lambda cid: pictures.get(cid, ""),
        remote_pictures=remote_pictures,
    )
    blocked = 0 if remote_pictures else cleaned.remote
    response = page.response("frame.html", 200, {"html": cleaned.html, "blocked": blocked, "script": headers.MEASURE})
    response.headers["content-security-policy"] = headers.frame(remote_pictures=remote_pictures)
    return response


def _read_html(tx: Tx, account_id: int, message_id: int) -> tuple[str, dict[str, str]]:
    """A letter's HTML, and the pictures that it brings along, by their Content-IDs. Errors: NotFound, StoreError."""
    letter = conversation.letter(tx, account_id, message_id)
    with reading(tx.blobs, letter) as message:
        html = (message.html or "")[: limits.HTML]
        return html, _pictures(message, html)


def _pictures(message: ParsedMessage, html: str) -> dict[str, str]:
    found: dict[str, str] = {}
    room = limits.INLINE_PICTURES
    for file in message.attachments:
        if (
            file.cid
            and f"cid:{file.cid}" in html
            and file.cid not in found
            and file.type in PICTURES
            and file.size <= room
        ):
            content = file.content
            room -= len(content)
            found[file.cid] = f"data:{file.type};base64,{base64.b64encode(content).decode()}"
    return found


# -- header and source ---------------------------------------------------------------------------------------------


async def show_source(visit: Visit) -> Response:
    """The octets of a letter as text, header lines of ours in front."""
    octets = await visit.read(_read_source, visit.account.id, visit.request.path_params["letter"], whole=True)
    return _text(octets)


async def show_headers(visit: Visit) -> Response:
    """The header of a letter as text."""
    octets = await visit.read(_read_source, visit.account.id, visit.request.path_params["letter"], whole=False)
    return _text(octets)


def _read_source(tx: Tx, account_id: int, message_id: int, *, whole: bool) -> bytes:
    letter = conversation.letter(tx, account_id, message_id)
    end = letter.size - len(letter.prefix) if whole else letter.header_size
    return letter.prefix + tx.blobs.read(letter.blob_id, 0, end)


def _text(octets: bytes) -> Response:
    return Response(
        octets.decode("utf-8", "replace"),
        media_type="text/plain",
        headers={"content-security-policy": headers.FILE, "content-disposition": "inline"},
    )
