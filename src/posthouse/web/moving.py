"""Mail into an account from files of other programs, and out of it: what `posthouse import` and `export` do.

Both take long, so their answers are lines of JSON that tell how far it is; the last one tells how it ended. Who goes
away ends it; done again, what came in before is passed over.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.background import BackgroundTask
from starlette.responses import FileResponse, StreamingResponse

from posthouse.errors import NotFound, PosthouseError, sentence
from posthouse.message.filename import safe_name
from posthouse.store import mailbox, transfer

from . import attachment, headers, limits
from .problem import Problem

if TYPE_CHECKING:
    from starlette.responses import Response

    from .visit import Visit

MADE = re.compile(r"posthouse-(\d{1,18})-([0-9a-f]{32})\.(zip|mbox)")


async def take_in(visit: Visit) -> Response:
    """A file as the request's content; the query names it and the mailbox that it goes into. Errors: Problem."""
    query = visit.request.query_params
    folder = tempfile.TemporaryDirectory(prefix="posthouse-import-")
    try:
        path = Path(folder.name) / safe_name(query.get("name", "")[:1_000], "mail.mbox")
        with path.open("wb") as file:
            async for chunk in visit.file(limits.IMPORT):
                await asyncio.to_thread(file.write, chunk)
    except BaseException:
        folder.cleanup()
        raise
    into = query.get("into", "")[:1_000]
    done = BackgroundTask(folder.cleanup)
    return StreamingResponse(_take_in(visit, path, into), media_type="application/x-ndjson", background=done)


def _take_in(visit: Visit, path: Path, into: str) -> Iterator[bytes]:
    done = transfer.Progress()
    try:
        for done in transfer.import_file(visit.desk.store, visit.account.id, path, into=into):
            yield _line({"new": done.new, "known": done.known})
    except PosthouseError as error:
        yield _line({"new": done.new, "known": done.known, "problem": f"{sentence(error)}.", "advice": error.advice})
        return
    yield _line({"new": done.new, "known": done.known, "done": True})


async def give_out(visit: Visit) -> Response:
    """All mail as a .zip, or with the number of a mailbox that one as an mbox; then where to fetch it from."""
    text = str((await visit.form()).get("mailbox", ""))
    name = None
    if text:
        boxes = await visit.read(mailbox.list_all, visit.account.id)
        name = next((one.name for one in boxes if str(one.id) == text), None)
        if name is None:
            raise NotFound("there is no such mailbox")
    return StreamingResponse(_give_out(visit, name), media_type="application/x-ndjson")


def _give_out(visit: Visit, name: str | None) -> Iterator[bytes]:
    _forget_old()
    suffix = "mbox" if name is not None else "zip"
    made = f"posthouse-{visit.account.id}-{secrets.token_hex(16)}.{suffix}"
    count = 0
    try:
        names = () if name is None else (name,)
        for count in transfer.export_file(visit.desk.store, visit.account.id, _folder() / made, names):
            if count % EVERY == 0:
                yield _line({"messages": count})
    except PosthouseError as error:
        yield _line({"messages": count, "problem": f"{sentence(error)}.", "advice": error.advice})
        return
    yield _line({"messages": count, "done": f"/account/export/{made}"})


EVERY = 100  # messages between two lines


async def download(visit: Visit) -> Response:
    """What was exported, once. Errors: Problem."""
    made = MADE.fullmatch(visit.request.path_params["name"])
    path = _folder() / made[0] if made else None
    if made is None or path is None or made[1] != str(visit.account.id) or not path.is_file():
        raise Problem(404, "there is no such export", advice="Exports are kept for an hour, and fetched once.")
    name = f"{visit.account.address}.{made[3]}"
    return FileResponse(
        path,
        media_type="application/octet-stream",
        headers={
            "content-disposition": attachment.disposition("attachment", name),
            "content-security-policy": headers.FILE,
        },
        background=BackgroundTask(path.unlink, missing_ok=True),
    )


def _folder() -> Path:
    """Where exports wait to be fetched: nobody else on this machine can read them."""
    folder = Path(tempfile.gettempdir()) / f"posthouse-exports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o077:
        raise Problem(500, "the folder for exports belongs to somebody else", advice=f"Remove {folder}.")
    return folder


def _forget_old() -> None:
    for path in _folder().iterdir():
        if time.time() - path.stat().st_mtime > limits.EXPORT_SECONDS:
            path.unlink(missing_ok=True)


def _line(facts: dict[str, object]) -> bytes:
    return json.dumps(facts).encode() + b"\n"
