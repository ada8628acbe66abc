"""A mailbox: the list of its conversations, the newest first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from posthouse.errors import NotFound
from posthouse.store import conversation, mailbox
from posthouse.store.conversation import Conversation, Place
from posthouse.store.mailbox import Mailbox

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
    before = read_place(visit.request.query_params.get("before", ""))
    found = await visit.read(look, visit.account.id, mailbox_id, before)
    template = "_rows.html" if visit.wants_part else "mailbox.html"
    return visit.render(template, boxes=found.boxes, box=found.box, rows=found.rows, more=found.more)


def look(tx: Tx, account_id: int, mailbox_id: int | None, before: Place | None) -> Listing:
    """What a page of a mailbox (None: the inbox) shows. Errors: NotFound."""
    boxes = page.in_order(mailbox.list_all(tx, account_id))
    box = next((one for one in boxes if one.id == mailbox_id or (mailbox_id is None and one.name == "INBOX")), None)
    if box is None:
        raise NotFound("there is no such mailbox", advice="It was deleted or renamed by another program of yours.")
    rows = conversation.page(tx, box.id, before, limits.ROWS + 1)
    more = write_place(rows[limits.ROWS - 1].place) if len(rows) > limits.ROWS else None
    return Listing(boxes, box, rows[: limits.ROWS], more)


def read_place(text: str) -> Place | None:
    """What `write_place` wrote; None for anything else."""
    match = PLACE.fullmatch(text)
    return Place(int(match[1]), int(match[2])) if match else None


def write_place(place: Place) -> str:
    """Where a row stands, for a link."""
    return f"{place.received}-{place.uid}"
