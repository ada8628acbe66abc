r"""What is typed into a letter's page, kept in Drafts, and the files that are added to it.

The draft that counts is the one in Drafts. A page names the one it has seen; when that isn't there any more, because
another window or program has written it too, what this page has becomes a draft of its own.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.responses import JSONResponse, RedirectResponse

from posthouse.errors import NotFound
from posthouse.message.compose import is_media_type
from posthouse.message.filename import safe_name
from posthouse.store import conversation, intake, mail, mailbox, submission

from . import draft, limits, page
from .draft import Draft, Upload
from .problem import Problem
from .visit import whole

if TYPE_CHECKING:
    from starlette.responses import Response

    from posthouse.delivery.deliver import Kept
    from posthouse.message.compose import Streamed
    from posthouse.store.conversation import Letter as Stored
    from posthouse.store.engine import Tx
    from posthouse.store.mailbox import Mailbox

    from .visit import Visit


# The fields of a draft that the form calls the same.
NAMES = ("to", "cc", "bcc", "subject", "text", "references", "forwards", "saving")
ELSEWHERE = "This draft was changed, sent or deleted elsewhere. What stands here is kept as a draft of its own."


@dataclass(frozen=True, slots=True)
class Form:
    """What a page of a letter sends. ``seen``: the draft that it knows; ``source`` and ``numbers``: the letter, and
    the places of the files in it, that travel along."""

    draft: Draft
    seen: int | None
    source: int | None
    numbers: list[int]


async def save(visit: Visit) -> Response:
    """Keep what was typed as a draft. Errors: Problem, OverQuota, StoreFull."""
    form = await read(visit)
    return await _saved(visit, form, [])


async def _saved(visit: Visit, form: Form, uploads: list[Upload]) -> Response:
    store = visit.desk.store
    current = await visit.read(current_draft, visit.account.id, form.seen) if form.seen is not None else None
    begun = form.draft
    if current is None and (same := await _saved_before(visit, begun)) is not None:
        return await _kept(visit, begun, same)
    if form.seen is not None and current is None:
        begun = replace(begun, ident=draft.new_ident(visit.desk.settings.hostname))
    files = await files_of(visit, form)
    files += [one.streamed() for one in uploads]
    copy = await draft.write(store, lambda: draft.as_draft(begun, files), begun.ident, visit.now, bcc=True)
    async with store.using([copy.blob]):
        check_size(visit, copy)
        message_id = await visit.write(_place, visit.account.id, copy, None if current is None else current.message_id)
    lost = form.seen is not None and current is None
    return await _kept(visit, begun, message_id, ELSEWHERE if lost else "")


async def _kept(visit: Visit, begun: Draft, message_id: int, note: str = "") -> Response:
    """What the page has to know of the draft that it has now."""
    stored = await visit.read(conversation.letter, visit.account.id, message_id)
    _, found = await asyncio.to_thread(draft.read, visit.desk.store.blobs, stored)
    time = datetime.fromtimestamp(visit.now, visit.zone)
    return JSONResponse(
        {
            "draft": message_id,
            "ident": begun.ident,
            "files": [asdict(one) for one in found],
            "saved": f"{time:%H:%M}",
            "note": note,
        }
    )


async def _saved_before(visit: Visit, begun: Draft) -> int | None:
    """The draft that the same request made before: its answer got lost, and the page asks again."""
    found = await visit.read(_look_for, visit.account.id, begun)
    if found is None or not begun.saving:
        return None
    there, _ = await asyncio.to_thread(draft.read, visit.desk.store.blobs, found)
    return found.message_id if there.saving == begun.saving else None


def _look_for(tx: Tx, account_id: int, begun: Draft) -> Stored | None:
    found = submission.find_message(tx, account_id, begun.ident, begun.subject)
    return None if found is None else current_draft(tx, account_id, found)


def _place(tx: Tx, account_id: int, copy: Kept, old: int | None) -> int:
    """The new draft, in the place of the old one."""
    box = mailbox.for_use(tx, account_id, "\\Drafts", "Drafts")
    take_out(tx, account_id, old)
    target = intake.Target(box.id, frozenset({"\\Draft", "\\Seen"}))
    return intake.append(tx, copy.blob, copy.summary, [target], received=tx.now)[0].message_id


def take_out(tx: Tx, account_id: int, old: int | None) -> None:
    """Take a draft out of Drafts."""
    found = current_draft(tx, account_id, old) if old is not None else None
    if found is not None:
        boxes = mailbox.list_all(tx, account_id)
        for placed in found.placed:
            if is_draft(placed, boxes):
                mail.remove(tx, placed.mailbox_id, [(placed.uid, placed.uid)])


def current_draft(tx: Tx, account_id: int, message_id: int) -> Stored | None:
    """The draft with this id, if it still is one."""
    try:
        found = conversation.letter(tx, account_id, message_id)
    except NotFound:
        return None
    boxes = mailbox.list_all(tx, account_id)
    return found if any(is_draft(placed, boxes) for placed in found.placed) else None


async def discard(visit: Visit) -> Response:
    """Forget a draft: it goes to Trash."""
    form = await read(visit)
    if form.seen is not None:
        await visit.write(_throw_away, visit.account.id, form.seen)
    return JSONResponse({"back": "/"}) if visit.wants_part else RedirectResponse("/", 303)


def _throw_away(tx: Tx, account_id: int, message_id: int) -> None:
    found = current_draft(tx, account_id, message_id)
    trash = mailbox.for_use(tx, account_id, "\\Trash", "Trash")
    boxes = mailbox.list_all(tx, account_id)
    for placed in found.placed if found else ():
        if is_draft(placed, boxes):
            mail.move(tx, placed.mailbox_id, [(placed.uid, placed.uid)], trash.id)


async def read(visit: Visit) -> Form:
    """Errors: Problem."""
    form = await visit.form(limits.WRITTEN)
    seen, source = whole(form.get("draft")), whole(form.get("source"))
    own = {name: str(form.get(name, "")) for name in NAMES}
    ident = str(form.get("ident", ""))
    return Form(
        Draft(
            ident if draft.IDENT.fullmatch(ident) else draft.new_ident(visit.desk.settings.hostname),
            str(form.get("from", "")),
            rich=form.get("rich") == "1",
            answers=str(form.get("answers", "")),
            **own,
        ),
        seen,
        source,
        [one for one in map(whole, str(form.get("keep", "")).split(",")) if one is not None][: limits.FILES],
    )


async def files_of(visit: Visit, form: Form) -> list[Streamed]:
    """The files that travel along. Errors: NotFound, StoreError."""
    if form.source is None or not form.numbers:
        return []
    stored = await visit.read(conversation.letter, visit.account.id, form.source)
    return await asyncio.to_thread(draft.kept, visit.desk.store.blobs, stored, form.numbers)


def check_size(visit: Visit, copy: Kept) -> None:
    most = visit.desk.settings.message_size
    if copy.blob.size > most:
        raise Problem(
            413,
            f"the letter is larger than {page.size(most)} with its files",
            advice="Take a file out, or send several letters. Files grow by a third on their way.",
        )


def is_draft(placed: conversation.Placed, boxes: list[Mailbox]) -> bool:
    use = next((one.special_use for one in boxes if one.id == placed.mailbox_id), "")
    return use == "\\Drafts" or (not use and "\\Draft" in placed.flags)


# -- files ---------------------------------------------------------------------------------------------------------


async def upload(visit: Visit) -> Response:
    """A file for a draft, as the request's content; the query names it, and the request, which comes again where its
    answer got lost. Errors: Problem, StoreFull."""
    request, query = visit.request, visit.request.query_params
    most = visit.desk.settings.files_size
    same = Draft(query.get("ident", ""), subject=query.get("subject", ""), saving=query.get("saving", ""))
    stored = await visit.read(current_draft, visit.account.id, request.path_params["letter"])
    if stored is None:
        async for _ in visit.file(most):
            """Whoever still sends doesn't hear the answer."""
        if (before := await _saved_before(visit, same)) is not None:
            return await _kept(visit, same, before)
        raise Problem(409, "this draft was changed elsewhere", advice="Add the file again.")
    kind = query.get("type", "").partition(";")[0].strip().lower()
    cid = draft.new_ident(visit.desk.settings.hostname)[1:-1] if query.get("inline") == "1" else ""
    spool = visit.desk.store.blobs.spool()
    try:
        async for chunk in visit.file(most):
            await spool.take(chunk)
        name = safe_name(unquote(query.get("name", ""))[:1_000], "file")
        file = Upload(name, kind if is_media_type(kind) else "application/octet-stream", spool, cid)
        begun, files = await asyncio.to_thread(draft.read, visit.desk.store.blobs, stored)
        begun = replace(begun, saving=same.saving)
        form = Form(begun, stored.message_id, stored.message_id, list(range(len(files))))
        if not begun.ident:
            form = replace(form, draft=replace(begun, ident=draft.new_ident(visit.desk.settings.hostname)))
        if cid:  # it stays although the stored text doesn't show it yet
            shown = f'<img src="cid:{cid}">' if begun.rich else ""
            form = replace(form, draft=replace(form.draft, text=begun.text + shown))
        return await _saved(visit, form, [file])
    finally:
        spool.discard()
