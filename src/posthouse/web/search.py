"""Search: conversations with a letter for which a query is true, in all mailboxes, the newest first."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from weakref import WeakValueDictionary

from starlette.responses import JSONResponse, RedirectResponse, Response

from posthouse.errors import ConfigError, sentence
from posthouse.store import conversation, mailbox, saved_search, search
from posthouse.store.conversation import Conversation, Place
from posthouse.store.mailbox import Mailbox
from posthouse.store.saved_search import SavedSearch

from . import limits, page, query
from .mailbox import labels, read_place, write_place
from .visit import whole

if TYPE_CHECKING:
    from datetime import tzinfo

    from posthouse.store.engine import Tx

    from .visit import Visit

# Filters that a page offers, by their words; those of one line exclude each other.
FILTERS = (
    ("Unread", "is:unread"),
    ("Starred", "is:starred"),
    ("With a file", "has:attachment"),
    ("In the inbox", "in:inbox"),
    ("Sent", "in:sent"),
    ("Anywhere, with Trash and Junk", "in:anywhere"),
)


_turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()


@dataclass(frozen=True, slots=True)
class Found:
    """What a page of a search shows. ``words``: why nothing could be looked for."""

    boxes: list[Mailbox]
    labels: list[str]
    searches: list[SavedSearch]
    rows: list[Conversation]
    more: str | None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """A word that a query has or could have, and where a click leads: to the query with, or without it."""

    name: str
    on: bool
    path: str


async def show(visit: Visit) -> Response:
    """What the query in the path finds."""
    parameters = visit.request.query_params
    text = parameters.get("q", "")[: saved_search.MAX_QUERY]
    before, until = read_place(parameters.get("before", "")), read_place(parameters.get("until", ""))
    # One after the other: who types asks faster than a large mailbox answers, and what was given up is passed over.
    async with _turns.setdefault(visit.account.id, asyncio.Lock()):
        if await visit.request.is_disconnected():
            return Response(status_code=400)
        found = await visit.read(look, visit.account.id, text, visit.zone, before, until)
    kept = next((one for one in found.searches if one.query == text.strip()), None)
    template = {"": "search.html", "list": "_found.html"}.get(visit.request.headers.get("x-part", ""), "_rows.html")
    return visit.render(
        template,
        boxes=found.boxes,
        labels=found.labels,
        searches=found.searches,
        box=None,
        rows=found.rows,
        before=write_place(before) if before else "",
        more=found.more,
        query=urlencode({"q": text}) + "&",
        q=text,
        kept=kept,
        filters=filters(text),
        words=found.words,
    )


def look(
    tx: Tx, account_id: int, text: str, zone: tzinfo, before: Place | None = None, until: Place | None = None
) -> Found:
    """What a page of a search shows."""
    boxes = page.in_order(mailbox.list_all(tx, account_id))
    shell = boxes, labels(tx, account_id), saved_search.list_all(tx, account_id)
    try:
        rows = _find(tx, boxes, text, zone)
    except ConfigError as error:
        return Found(*shell, [], None, f"{sentence(error)}. {error.advice}".strip())
    rows = [row for row in rows if (before is None or row[1] < before) and (until is None or row[1] >= until)]
    more = write_place(rows[limits.ROWS - 1][1]) if len(rows) > limits.ROWS and until is None else None
    return Found(*shell, conversation.rows(tx, rows[: limits.FRESH_ROWS if until else limits.ROWS]), more)


def _find(tx: Tx, boxes: list[Mailbox], text: str, zone: tzinfo) -> list[tuple[int, Place, int, int]]:
    """Each conversation that has a match once, at its newest one. Errors: ConfigError."""
    keys = [(box, query.key_for(text, box, zone)) for box in boxes]
    matches: list[tuple[int, Place, int, int]] = []
    for box, key in keys:
        if key != query.NOTHING:
            uids = search.search(tx, box.id, key, accents=False)
            matches += conversation.newest(tx, box.id, uids, limits.FOUND)
    matches.sort(key=lambda match: match[1], reverse=True)
    first: dict[int, tuple[int, Place, int, int]] = {}
    for match in matches[: limits.FOUND]:
        first.setdefault(match[2], match)
    return list(first.values())


def filters(text: str) -> list[Filter]:
    """What a page offers to narrow a search down."""
    terms = re.findall(r'[^\s"]*"[^"]*"|\S+', text)
    made = []
    for name, word in FILTERS:
        on = word in terms
        with_it = [term for term in terms if term != word and not (word.startswith("in:") and term.startswith("in:"))]
        changed = " ".join([term for term in terms if term != word] if on else [*with_it, word])
        made.append(Filter(name, on, f"/search?{urlencode({'q': changed})}"))
    return made


async def keep(visit: Visit) -> Response:
    """Keep a search."""
    form = await visit.form()
    text = str(form.get("q", ""))
    await visit.write(saved_search.keep, visit.account.id, text, str(form.get("name", "")))
    return _done(visit, f"/search?{urlencode({'q': text})}")


async def forget(visit: Visit) -> Response:
    """Keep it no longer."""
    form = await visit.form()
    await visit.write(saved_search.forget, visit.account.id, whole(form.get("id")) or 0)
    return _done(visit, f"/search?{urlencode({'q': str(form.get('q', ''))})}")


def _done(visit: Visit, path: str) -> Response:
    return JSONResponse({"path": path}) if visit.wants_part else RedirectResponse(path, 303)
