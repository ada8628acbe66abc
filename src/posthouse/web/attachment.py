"""Files that came with a letter: looked at, one by one, or all of them as a .zip.

What a stranger's file is called and says it is decides nothing: pictures and PDF are shown as what they are, text as
plain text, and everything else goes to the disk. Octets are decoded piece by piece, so a file is never whole in memory.
"""

from __future__ import annotations

import re
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from posthouse.message.filename import safe_name
from posthouse.message.stream import Decoder
from posthouse.store import conversation

from . import headers, letter, limits
from .letter import PICTURES
from .problem import Problem

if TYPE_CHECKING:
    from posthouse.message.attachment import AttachedFile
    from posthouse.store.blob import Blobs
    from posthouse.store.conversation import Letter
    from posthouse.store.engine import Tx

    from .visit import Visit

PIECE = 256 * 1024
# Kinds that a browser packs no tighter by itself: a .zip keeps them as they are.
PACKED = re.compile(r"image/(?!svg|bmp)|video/|audio/|application/(?:zip|gzip|pdf|x-7z|vnd\.openxml|x-rar)")
# A PDF is drawn by the browser's own viewer, which a sandbox would keep out; it shows it without scripts of the page's.
PDF = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"


async def download(visit: Visit) -> Response:
    """A file, to be kept."""
    found, file = await _find(visit)
    return _answer(visit, found, file, "application/octet-stream", "attachment")


async def view(visit: Visit) -> Response:
    """A file, to be looked at. Errors: Problem for what can't be."""
    found, file = await _find(visit)
    if file.type in PICTURES or file.type == "application/pdf":
        return _answer(visit, found, file, file.type, "inline")
    if file.type.startswith("text/"):
        return _answer(visit, found, file, "text/plain; charset=utf-8", "inline")
    raise Problem(415, "this file can't be shown here", advice="Save it, and open it with the program that it is for.")


async def download_all(visit: Visit) -> Response:
    """All files of a letter in a .zip."""
    found = await visit.read(conversation.letter, visit.account.id, visit.request.path_params["letter"])
    name = safe_name(f"{found.subject or 'letter'}.zip", "letter.zip")
    return StreamingResponse(
        _zipped(visit.desk.store.blobs, found),
        media_type="application/zip",
        headers={"content-disposition": disposition("attachment", name), "content-security-policy": headers.FILE},
    )


async def _find(visit: Visit) -> tuple[Letter, AttachedFile]:
    message_id, number = visit.request.path_params["letter"], visit.request.path_params["number"]
    return await visit.read(_look_for, visit.account.id, message_id, number)


def _look_for(tx: Tx, account_id: int, message_id: int, number: int) -> tuple[Letter, AttachedFile]:
    found = conversation.letter(tx, account_id, message_id)
    with letter.reading(tx.blobs, found) as message:
        files = message.attachments[: limits.FILES]
    if number >= len(files):
        raise Problem(404, "the letter has no such file")
    return found, files[number]


def _answer(visit: Visit, found: Letter, file: AttachedFile, kind: str, how: str) -> Response:
    policy = PDF if kind == "application/pdf" else headers.FILE
    return StreamingResponse(
        pieces(visit.desk.store.blobs, found, file),
        media_type=kind,
        headers={
            "content-disposition": disposition(how, file.filename),
            "content-security-policy": policy,
            "cache-control": "private, max-age=3600",
        },
    )


def pieces(blobs: Blobs, found: Letter, file: AttachedFile) -> Iterator[bytes]:
    """A file's octets, decoded. Errors: StoreError."""
    if file.in_text:
        yield file.content
        return
    decoder = Decoder(file.part.encoding)
    with blobs.open(found.blob_id, longest=PIECE) as octets:
        for at in range(file.part.body, file.part.end, PIECE):
            if decoded := decoder.write(octets[at : min(at + PIECE, file.part.end)]):
                yield decoded
    if rest := decoder.end():
        yield rest


def disposition(how: str, name: str) -> str:
    """Content-Disposition (RFC 6266) for a name that `safe_name` has passed: ASCII for old programs, then all of it."""
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", name)
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


class _Written:
    """Where `zipfile` writes to: what has come is taken away piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, octets: bytes) -> int:
        self._pieces.append(bytes(octets))
        return len(octets)

    def flush(self) -> None:
        """Nothing waits."""

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def _zipped(blobs: Blobs, found: Letter) -> Iterator[bytes]:
    written = _Written()
    with letter.reading(blobs, found) as message:
        files = message.attachments[: limits.FILES]
    date = time.gmtime(max(found.received, 315_532_800))[:6]  # a .zip knows no year before 1980
    distinct = _distinct()
    with zipfile.ZipFile(written, "w") as archive:  # type: ignore[call-overload]  # it can't seek, and needn't
        for file in files:
            member = zipfile.ZipInfo(distinct(file.filename), date)
            member.compress_type = zipfile.ZIP_STORED if PACKED.match(file.type) else zipfile.ZIP_DEFLATED
            with archive.open(member, "w") as target:
                for piece in pieces(blobs, found, file):
                    target.write(piece)
                    if taken := written.take():
                        yield taken
    yield written.take()


def _distinct() -> Callable[[str], str]:
    """Names of files, each another: the second "a.png" is "a (2).png"."""
    taken: set[str] = set()

    def name(wanted: str) -> str:
        stem, dot, suffix = wanted.rpartition(".")
        stem, end = (stem, dot + suffix) if stem else (wanted, "")
        made, number = wanted, 1
        while made.casefold() in taken:
            number += 1
            made = f"{stem} ({number}){end}"
        taken.add(made.casefold())
        return made

    return name
