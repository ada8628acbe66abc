"""The page of one's mailboxes: new ones, other names, emptied and deleted ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse

from posthouse.errors import NotFound
from posthouse.store import conversation, mail, mailbox

from . import page
from .problem import Problem
from .visit import whole

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.responses import Response

    from posthouse.store.engine import Tx
    from posthouse.store.mailbox import Mailbox

    from .visit import Visit

LONGEST = 200  # characters of a name, as it is typed


async def show(visit: Visit) -> Response:
    """All of them, with what can be done to each."""
    boxes = page.in_order(await visit.read(mailbox.list_all, visit.account.id))
    return visit.render("boxes.html", boxes=boxes, box=None, changeable=changeable)


def changeable(box: Mailbox) -> bool:
    """Whether it is one that a person has made: the others are where programs look for them."""
    return box.name != "INBOX" and not box.special_use


async def make(visit: Visit) -> Response:
    """A new one; "Projects/Looms" lies below Projects. Errors: Problem, AlreadyExists, StoreError."""
    name = _name(await visit.form())
    await visit.write(mailbox.create, visit.account.id, name, subscribed=True)
    return _back()


async def rename(visit: Visit) -> Response:
    """Another name, also for those below it. Errors: Problem, NotFound, AlreadyExists, StoreError."""
    form = await visit.form()
    await visit.write(_rename, visit.account.id, form)
    return _back()


def _rename(tx: Tx, account_id: int, form: FormData) -> None:
    box = _own(tx, account_id, form)
    name = _name(form)
    if name != box.name:
        # A subscription is to a name: who renames a mailbox takes it along (RFC 9051 §6.3.6, last example).
        subscribed = [one.name for one in (box, *mailbox.below(tx, account_id, box.name)) if one.subscribed]
        for old in subscribed:
            mailbox.unsubscribe(tx, account_id, old)
        mailbox.rename(tx, account_id, box.name, name)
        for old in subscribed:
            mailbox.subscribe(tx, account_id, name + old[len(box.name) :])


async def empty(visit: Visit) -> Response:
    """Delete for good what lies in Trash or Junk. Errors: Problem, NotFound."""
    form = await visit.form()
    await visit.write(_empty, visit.account.id, form)
    return _back()


def _empty(tx: Tx, account_id: int, form: FormData) -> None:
    box = _any(tx, account_id, form)
    if box.special_use not in conversation.HIDDEN:
        raise Problem(409, "only Trash and Junk are emptied", advice="Move the letters to Trash first.")
    mail.remove(tx, box.id, mail.ALL)


async def read_all(visit: Visit) -> Response:
    """All letters in it have been read. Errors: NotFound."""
    form = await visit.form()
    await visit.write(_read_all, visit.account.id, form)
    return _back()


def _read_all(tx: Tx, account_id: int, form: FormData) -> None:
    mail.store_flags(tx, _any(tx, account_id, form).id, mail.ALL, "add", ["\\Seen"])


async def delete(visit: Visit) -> Response:
    """Away with it; its letters go to Trash. Errors: Problem, NotFound, StoreError: others lie below it."""
    form = await visit.form()
    await visit.write(_delete, visit.account.id, form)
    return _back()


def _delete(tx: Tx, account_id: int, form: FormData) -> None:
    box = _own(tx, account_id, form)
    if mailbox.has_children(tx, account_id, box.name):
        raise Problem(409, f"{box.name} has mailboxes below it", advice="Delete them first.")
    if box.exists:
        mail.move(tx, box.id, mail.ALL, mailbox.for_use(tx, account_id, "\\Trash", "Trash").id)
    mailbox.delete(tx, account_id, box.name)
    mailbox.unsubscribe(tx, account_id, box.name)


def _own(tx: Tx, account_id: int, form: FormData) -> Mailbox:
    """The mailbox of a form, which a person has made. Errors: Problem, NotFound."""
    box = _any(tx, account_id, form)
    if not changeable(box):
        raise Problem(409, f"{page.title(box)} stays as it is", advice="Mail programs look for it under this name.")
    return box


def _any(tx: Tx, account_id: int, form: FormData) -> Mailbox:
    wanted = whole(form.get("mailbox"))
    for box in mailbox.list_all(tx, account_id):
        if box.id == wanted:
            return box
    raise NotFound("there is no such mailbox", advice="It was deleted or renamed by another program of yours.")


def _name(form: FormData) -> str:
    """Errors: Problem."""
    name = "/".join(" ".join(level.split()) for level in str(form.get("name", "")).split("/"))
    if not name or len(name) > LONGEST:
        raise Problem(400, f"a mailbox has a name of 1 to {LONGEST} characters", advice="Type another one.")
    return name


def _back() -> Response:
    return RedirectResponse("/mailboxes", 303)
