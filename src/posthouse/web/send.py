r"""Sending a letter, and taking it back before it has left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, RedirectResponse

from posthouse.delivery import outbox
from posthouse.store import conversation, mail, mailbox, submission

from . import draft, limits, page, save
from .problem import Problem
from .visit import whole

if TYPE_CHECKING:
    from starlette.responses import Response

    from posthouse.store.blob import Blob
    from posthouse.store.engine import Tx
    from posthouse.store.mailbox import Mailbox

    from .draft import Draft
    from .visit import Visit


async def send(visit: Visit) -> Response:
    """Send the letter: it leaves in some seconds, or at the time that is asked for; until then it can be taken back.

    Errors: Problem, and what `outbox.check` raises. Asked again after a cut line, it is not sent again.
    """
    form = await save.read(visit)
    begun, desk, account_id = form.draft, visit.desk, visit.account.id
    if (done := await visit.read(_sent_before, account_id, begun)) is not None:
        return _sent(visit, begun, done)
    sender = next(iter(begun.addresses("from_")), None)
    if sender is None:
        raise Problem(400, "the letter has no sender", advice="Choose one of your addresses.")
    people = outbox.distinct(begun.recipients)
    files = await save.files_of(visit, form)
    later = whole((await visit.form(limits.WRITTEN)).get("later"))
    release = visit.now + limits.TAKE_BACK if later is None else later
    if release > visit.now + limits.SEND_LATER or release < visit.now:
        raise Problem(400, "a letter can't leave then", advice="Choose a time within the next year.")
    letter = draft.as_sent(begun, files)
    await visit.read(outbox.check, account_id, sender, people, desk.settings.hostname)
    made: list[Blob] = []
    async with desk.store.using(made):
        sent = copy = await draft.write(desk.store, lambda: letter, begun.ident, visit.now)
        made.append(sent.blob)
        if letter.bcc:
            copy = await draft.write(desk.store, lambda: letter, begun.ident, visit.now, bcc=True)
            made.append(copy.blob)
        save.check_size(visit, copy)
        outgoing = outbox.Outgoing(
            sender, people, sent, copy, release, hostname=desk.settings.hostname, lifetime=desk.settings.carried
        )
        queued = await visit.write(_send, account_id, outgoing, begun, form.seen)
    return _sent(visit, begun, queued, release=release)


def _send(tx: Tx, account_id: int, outgoing: outbox.Outgoing, begun: Draft, seen: int | None) -> outbox.Queued:
    """Where it is; once only, also where the same request came over two lines at a time."""
    if (before := _sent_before(tx, account_id, begun)) is not None:
        return before
    save.take_out(tx, account_id, seen)
    queued = outbox.send(tx, account_id, outgoing)
    for ident, name in ((begun.answers, "\\Answered"), (begun.forwards, "$Forwarded")):
        found = submission.find_message(tx, account_id, ident, begun.subject) if ident else None
        if found is not None:
            for placed in conversation.letter(tx, account_id, found).placed:
                mail.store_flags(tx, placed.mailbox_id, [(placed.uid, placed.uid)], "add", [name])
    return queued


def _sent_before(tx: Tx, account_id: int, begun: Draft) -> outbox.Queued | None:
    """Where this letter is already, if it was sent; a draft has the same Message-ID, and doesn't count."""
    found = submission.find_message(tx, account_id, begun.ident, begun.subject)
    if found is None:
        return None
    boxes = mailbox.list_all(tx, account_id)
    stored = conversation.letter(tx, account_id, found)
    if any(save.is_draft(placed, boxes) for placed in stored.placed):
        return None
    return outbox.Queued(submission.outgoing_of(tx, found), found)


def _sent(visit: Visit, begun: Draft, queued: outbox.Queued, *, release: int | None = None) -> Response:
    people = begun.recipients
    words = f"Sent to {people[0].name or people[0].addr}" if people else "Sent"
    if len(people) > 1:
        words += f" and {len(people) - 1} more"
    if release is not None and release > visit.now + limits.TAKE_BACK:
        words = f"Leaves {page.when_exactly(release, visit.zone)}"
    if not visit.wants_part:
        return RedirectResponse("/", 303)
    facts = {"words": words, "letter": queued.message_id, "outgoing": queued.outgoing_id}
    return JSONResponse({**facts, "seconds": limits.TAKE_BACK})


async def take_back(visit: Visit) -> Response:
    """A letter that was sent becomes a draft again. Errors: NotFound, StoreError: it has left."""
    form = await visit.form()
    message_id = await visit.write(_take_back, visit.account.id, whole(form.get("outgoing")) or 0)
    if not visit.wants_part:
        return RedirectResponse(f"/write/{message_id}", 303)
    return JSONResponse({"draft": message_id})


def _take_back(tx: Tx, account_id: int, outgoing_id: int) -> int:
    message_id = submission.take_back(tx, account_id, outgoing_id)
    box = mailbox.for_use(tx, account_id, "\\Drafts", "Drafts")
    for placed in conversation.letter(tx, account_id, message_id).placed:
        moved = mail.move(tx, placed.mailbox_id, [(placed.uid, placed.uid)], box.id)
        for uid in moved.target:
            mail.store_flags(tx, box.id, [(uid, uid)], "add", ["\\Draft", "\\Seen"])
    return message_id


async def show_waiting(visit: Visit) -> Response:
    """The letters that leave later."""
    boxes, waiting = await visit.read(_look_at_waiting, visit.account.id)
    return visit.render("waiting.html", boxes=boxes, box=None, waiting=waiting)


def _look_at_waiting(tx: Tx, account_id: int) -> tuple[list[Mailbox], list[submission.Pending]]:
    return page.in_order(mailbox.list_all(tx, account_id)), submission.pending(tx, account_id)
