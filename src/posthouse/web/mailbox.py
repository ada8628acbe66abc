"""A mailbox: the list of its conversations, the newest first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from posthouse.errors import NotFound
from posthouse.store import conversation, flag, mailbox, saved_search
from posthouse.store.conversation import Conversation, Place
from posthouse.store.mailbox import Mailbox
from posthouse.store.saved_search import SavedSearch

from . import limits, page

if TYPE_CHECKING:
    from starlette.responses import Response

    from posthouse.store.engine import Tx

    from .visit import Visit

PLACE = re.compile(r"(-?\d{1,18})-(\d{1,18})")


@dataclass(frozen=True, slots=True)
class Listing:
    """A part of a mailbox's list. ``more``: where the next part begins; None: this is the end."""

    boxes: list[Mailbox]
    labels: list[str]
    searches: list[SavedSearch]
    box: Mailbox
    rows: list[Conversation]
    more: str | None


async def home(visit: Visit) -> Response:
    """The inbox."""
    return await _show(visit, None)


async def show(visit: Visit) -> Response:
    """The mailbox that the path names."""
    return await _show(visit, visit.request.path_params["mailbox"])


async def _show(visit: Visit, mailbox_id: int | None) -> Response:
    query = visit.request.query_params
    before = read_place(query.get("before", ""))
    found = await visit.read(look, visit.account.id, mailbox_id, before, read_place(query.get("until", "")))
    return visit.render(
        "_rows.html" if visit.wants_part else "mailbox.html",
        boxes=found.boxes,
        labels=found.labels,
        searches=found.searches,
        box=found.box,
        rows=found.rows,
        before=write_place(before) if before else "",
        more=found.more,
        query="",
    )


def look(tx: Tx, account_id: int, mailbox_id: int | None, before: Place | None, until: Place | None = None) -> Listing:
    """What a page of a mailbox (None: the inbox) shows. Errors: NotFound."""
    boxes = page.in_order(mailbox.list_all(tx, account_id))
    box = next((one for one in boxes if one.id == mailbox_id or (mailbox_id is None and one.name == "INBOX")), None)
    if box is None:
        raise NotFound("there is no such mailbox", advice="It was deleted or renamed by another program of yours.")
    most = limits.FRESH_ROWS if until else limits.ROWS
    rows = conversation.page(tx, box.id, before, most + 1, until)
    more = write_place(rows[most - 1].place) if len(rows) > most else None
    return Listing(boxes, labels(tx, account_id), saved_search.list_all(tx, account_id), box, rows[:most], more)


def labels(tx: Tx, account_id: int) -> list[str]:
    """The keywords that people gave to letters of the account."""
    return sorted((one for one in flag.in_use(tx, account_id) if page.is_label(one)), key=str.lower)


def read_place(text: str) -> Place | None:
    """What `write_place` wrote; None for anything else."""
    match = PLACE.fullmatch(text)
    return Place(int(match[1]), int(match[2])) if match else None


def write_place(place: Place) -> str:
    """Where a row stands, for a link."""
    return f"{place.received}-{place.uid}"
