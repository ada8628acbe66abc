"""ESEARCH: one search in several mailboxes. RFC 7377."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from posthouse.errors import NotFound
from posthouse.imap import command, encode
from posthouse.imap import search as asked
from posthouse.imap.command import MailboxFilter, MailboxGroup
from posthouse.imap.syntax import MAX_NUMBER
from posthouse.store import mail
from posthouse.store.account import Account
from posthouse.store.acl import EVERY_RIGHT
from posthouse.store.engine import Tx
from posthouse.store.mailbox import Mailbox

from . import place
from .imap_answer import Done, Handler, No
from .imap_list import tree
from .imap_notify import as_kept, means
from .imap_search import Found, answer, found, keep_up_to_date, look_for, result, tells
from .selected import Selected

if TYPE_CHECKING:
    from .imap import ImapSession

# Mailboxes in one search (§2.4).
MAX_MAILBOXES = 1_000
HERE = (MailboxFilter(MailboxGroup.SELECTED),)


async def find_everywhere(session: ImapSession, wish: command.MultiSearch) -> Done:
    """ESEARCH. A mailbox in which nothing is found is not told of (§2.1)."""
    options = wish.options
    filters = wish.mailboxes or HERE
    here = any(one.group is MailboxGroup.SELECTED for one in filters)
    if (here or options.update) and not session.selecting:
        raise No("No mailbox is selected", bad=True)
    if options.save and any(one.group is not MailboxGroup.SELECTED for one in filters):
        raise No("SAVE is for the selected mailbox alone", bad=True)  # §2.2
    boxes = await session.house.store.read(look_up, session.owner, filters)
    if len(boxes) > MAX_MAILBOXES:
        raise No(f"At most {MAX_MAILBOXES} mailboxes are searched at once", "LIMIT")
    selected_id = session.selected_mailbox.mailbox.id if session.selecting else 0
    done = Done("ESEARCH completed")
    if here or (options.update and any(box.id == selected_id for box in boxes)):
        done = await find_here(session, wish)
    for box in boxes:
        if box.id != selected_id:
            recent = not session.server.rev2
            looked = await session.read(look_in, box, wish.key, recent=recent)
            tell(session, wish, box, looked, looked.uids)
        elif not here and not options.update:
            looked = await found(session, None, look_for, session.selected_mailbox, wish.key)
            tell(session, wish, box, looked, looked.uids)
        await session.line.flush()
    return done


async def find_here(session: ImapSession, wish: command.MultiSearch) -> Done:
    """The same in the selected mailbox; what is found may be saved, and kept up to date."""
    same = command.Search(True, wish.key, wish.options)
    selected = session.selected_mailbox
    looked = await found(session, wish.options, look_for, selected, wish.key)
    where = encode.mailbox(selected.mailbox.name, utf8=session.server.utf8), selected.mailbox.uidvalidity
    if looked.uids:
        answer(session, same, wish.options, looked, where)
    elif wish.options.save:
        selected.saved = []
    # §2.1: "each ESEARCH response" names the mailbox, also those that come later.
    return await keep_up_to_date(session, same, wish.options, looked, mailbox=where)


def tell(session: ImapSession, wish: command.MultiSearch, box: Mailbox, looked: Found, uids: Sequence[int]) -> None:
    """The ESEARCH response for one mailbox, if anything is in it."""
    if uids and tells(wish.options):
        where = encode.mailbox(box.name, utf8=session.server.utf8), box.uidvalidity
        line = result(session.tag, wish.options, looked, lambda some: some, uid=True, mailbox=where)
        session.server.untagged(line)


def look_up(tx: Tx, person: Account, filters: tuple[MailboxFilter, ...]) -> list[Mailbox]:
    """The mailboxes that filters mean and that the person may read (§2.2), each once, but for the selected one."""
    boxes = {box.id: box for box in _meant(tx, person, filters)}
    return list(boxes.values())


def _meant(tx: Tx, person: Account, filters: tuple[MailboxFilter, ...]) -> Iterator[Mailbox]:
    if all(one.group is MailboxGroup.SELECTED for one in filters):
        return
    seen = tree(tx, person)
    for one in map(as_kept, filters):
        if one.group is MailboxGroup.MAILBOXES:  # named: that it is listed isn't needed
            for name in one.names:
                there = place.find(tx, person, name)
                if there is not None and "r" in there.rights:
                    yield there.named
            continue
        for name, box in seen.boxes.items():
            if means(one, name, seen) and "r" in seen.rights.get(name, EVERY_RIGHT):
                yield box


def look_in(tx: Tx, box: Mailbox, key: asked.Key, *, recent: bool) -> Found:
    r"""What is found in a mailbox that isn't selected. Message numbers are what they would be if it were, and so is
    ``\Recent``, if the client hears of it."""
    numbered = any(isinstance(inner, asked.Numbers | asked.Uids) for inner in asked.walk(key))
    try:
        selected = Selected(box, mail.uids(tx, box.id) if numbered else (), read_only=True)
        if recent:
            selected.add_recent([(box.recent_from, MAX_NUMBER)])
        return look_for(tx, selected, key)
    except NotFound:  # somebody has just deleted it
        return Found([], {})


COMMANDS: dict[type, Handler] = {command.MultiSearch: find_everywhere}
