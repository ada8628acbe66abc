"""News for a page that is open: server-sent events from the change feed.

An event says what the mailboxes count now and what has come; the page asks for its rows itself. Its id is the account's
modseq: a browser that was cut off says it again, and is told what it missed, also by a server that has just started.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from posthouse.store import change, conversation, mailbox, web_login

from . import limits, page
from .problem import Problem
from .visit import whole

if TYPE_CHECKING:
    from posthouse.store.engine import Tx

    from .visit import Visit

# Pages that wait, by account; a browser keeps one for each of its windows.
_waiting: Counter[int] = Counter()


async def show(visit: Visit) -> Response:
    """The stream of events."""
    if _waiting[visit.account.id] >= limits.WAITING_PAGES:
        raise Problem(503, "too many windows wait for new mail", advice="Close some.")
    since = whole(visit.request.headers.get("last-event-id", ""))
    return StreamingResponse(_events(visit, since), media_type="text/event-stream", headers={"x-accel-buffering": "no"})


async def _events(visit: Visit, since: int | None) -> AsyncIterator[str]:
    desk = visit.desk
    news = asyncio.Event()
    subscription = desk.store.feed.subscribe(visit.account.id, lambda _: news.set())
    _waiting[visit.account.id] += 1
    try:
        told = await visit.read(change.modseq_of, visit.account.id)
        yield f"retry: {limits.RETRY_MILLISECONDS}\nid: {told}\ndata:\n\n"
        if since is not None and since != told:
            told = since
            news.set()
        loop = asyncio.get_running_loop()
        end = loop.time() + limits.STREAM_SECONDS
        while not desk.stopping.is_set() and loop.time() < end:
            if not await _wait(news, desk.stopping):
                if await visit.read(web_login.get, visit.login.id, desk.settings.lifetime) is None:
                    yield "event: end\ndata: \n\n"
                    return
                yield ": still here\n\n"
                continue
            if not news.is_set():
                return
            news.clear()
            told, facts = await visit.read(_facts, visit.account.id, told)
            yield f"id: {told}\nevent: change\ndata: {json.dumps(facts)}\n\n"
    finally:
        subscription.close()
        _waiting[visit.account.id] -= 1
        if not _waiting[visit.account.id]:
            del _waiting[visit.account.id]


async def _wait(news: asyncio.Event, stopping: asyncio.Event) -> bool:
    """Until one of them is set, or for the time between two signs of life; whether one is."""
    tasks = [asyncio.ensure_future(one.wait()) for one in (news, stopping)]
    try:
        done, _ = await asyncio.wait(tasks, timeout=limits.SIGN_OF_LIFE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)
    finally:
        for task in tasks:
            task.cancel()


def _facts(tx: Tx, account_id: int, since: int) -> tuple[int, dict[str, object]]:
    """The modseq now, and what a page needs to know of what came after `since`."""
    boxes = mailbox.list_all(tx, account_id)
    inbox = next(box.id for box in boxes if box.name == "INBOX")
    counts = {str(box.id): page.count(box) for box in boxes}
    now = change.modseq_of(tx, account_id)
    if not 0 <= now - since <= limits.MISSED:
        return now, {"counts": counts, "fresh": []}
    found = change.changes(tx, account_id, since, inbox)
    unread = [one for one in found.new if b"\\Seen" not in one.flags.split()]
    fresh = []
    for one in unread[-limits.NOTIFIED :]:
        letter = conversation.letter(tx, account_id, one.message_id)
        fresh.append(
            {
                "from": page.name_of(letter.from_) or "Somebody",
                "subject": letter.subject or letter.preview,
                "path": f"/conversation/{letter.thread_id}?in={inbox}",
            }
        )
    return found.modseq, {"counts": counts, "fresh": fresh}
