"""A conversation: its letters, the oldest first; those that were read are folded, but for the last."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from posthouse.store import conversation, mailbox, saved_search
from posthouse.store.conversation import Letter
from posthouse.store.mailbox import Mailbox
from posthouse.store.saved_search import SavedSearch

from . import leave, letter, limits, page
from .letter import Opened
from .mailbox import labels

if TYPE_CHECKING:
    from starlette.responses import Response

    from posthouse.store.engine import Tx

    from .visit import Visit


@dataclass(frozen=True, slots=True)
class Shown:
    """What a conversation's page shows. ``opened`` has the letters whose text stands in it, by their ids."""

    boxes: list[Mailbox]
    labels: list[str]
    searches: list[SavedSearch]
    box: Mailbox | None
    letters: list[Letter]
    opened: dict[int, Opened]


async def show(visit: Visit) -> Response:
    """The conversation that the path names, seen from the mailbox that the query names."""
    found = await visit.read(look, visit.account.id, visit.request.path_params["thread"], visit.number("in"))
    subject = found.letters[0].subject
    template = "_conversation.html" if visit.wants_part else "conversation.html"
    flags = {name for one in found.letters for name in one.flags}
    return visit.render(
        template,
        boxes=found.boxes,
        labels=found.labels,
        searches=found.searches,
        box=found.box,
        letters=found.letters,
        opened=found.opened,
        subject=subject,
        keywords=sorted(filter(page.is_label, flags)),
        leave=partial(leave.link, visit),
    )


def look(tx: Tx, account_id: int, thread_id: int, mailbox_id: int | None) -> Shown:
    """The letters, and the texts of those that are unfolded. Errors: NotFound."""
    boxes = page.in_order(mailbox.list_all(tx, account_id))
    box = next((one for one in boxes if one.id == mailbox_id), None)
    letters = conversation.letters(tx, account_id, thread_id, mailbox_id)
    unfolded = [one for one in letters if one.unread or one is letters[-1]][-limits.OPEN_LETTERS :]
    return Shown(
        boxes,
        labels(tx, account_id),
        saved_search.list_all(tx, account_id),
        box,
        letters,
        {one.message_id: letter.open_letter(tx, one) for one in unfolded},
    )


async def show_letter(visit: Visit) -> Response:
    """One letter of it, unfolded: what stands in the page of a conversation."""
    opened = await visit.read(_look_at, visit.account.id, visit.request.path_params["letter"])
    return visit.render("_letter.html", letter=opened.letter, opened=opened, leave=partial(leave.link, visit))


def _look_at(tx: Tx, account_id: int, message_id: int) -> Opened:
    return letter.open_letter(tx, conversation.letter(tx, account_id, message_id))
