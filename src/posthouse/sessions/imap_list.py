"""What mailboxes there are, and what is in them: LIST, LSUB, NAMESPACE, STATUS. RFC 9051 §6.3.9 to §6.3.11."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from posthouse.imap import command, response
from posthouse.imap.command import StatusItem
from posthouse.imap.pattern import Pattern
from posthouse.store import mail, mailbox, recent, search
from posthouse.store.account import Account
from posthouse.store.acl import EVERY_RIGHT
from posthouse.store.engine import Tx
from posthouse.store.mailbox import SEPARATOR, Mailbox

from . import place
from .imap_acl import tell_rights
from .imap_answer import Done, Handler
from .object_id import mailbox_id

if TYPE_CHECKING:
    from .imap import ImapSession

# Names, times patterns, from which on they are compared off the event loop: some 5 ms.
MANY = 2_000


@dataclass(frozen=True, slots=True)
class Tree:
    """All mailboxes that a person sees, and the names that they are subscribed to, at one moment.

    ``rights``: what the person may do in those of others; in their own they may do everything.
    """

    boxes: dict[str, Mailbox]
    subscribed: frozenset[str]
    rights: dict[str, frozenset[str]]

    @classmethod
    def empty(cls) -> Tree:
        """Nothing at all."""
        return cls({}, frozenset(), {})

    @property
    def names(self) -> list[str]:
        """Names of mailboxes, and then those that are only subscribed to."""
        return [*self.boxes, *sorted(self.subscribed - self.boxes.keys())]


def tree(tx: Tx, person: Account) -> Tree:
    """One's mailboxes now, and then those that others share."""
    boxes = {box.name: box for box in mailbox.list_all(tx, person.id)}
    shared = place.shared(tx, person)
    boxes |= {one.name: one.named for one in shared}
    rights = {one.name: one.rights for one in shared}
    return Tree(boxes, frozenset(mailbox.subscriptions(tx, person.id)), rights)


async def list_mailboxes(session: ImapSession, wish: command.List) -> Done:
    """LIST, with selection and return options (§6.3.9.1, §6.3.9.2), special uses (RFC 6154) and STATUS (RFC 5819)."""
    machine = session.server
    session.extended_list |= wish.extended
    if wish.patterns == ("",) and not wish.extended:
        # An empty pattern asks for the separator.
        machine.untagged(response.listed(["\\Noselect"], SEPARATOR, "", utf8=machine.utf8))
        return Done("LIST completed")
    listing = Listing(wish, await session.house.store.read(tree, session.owner))
    chosen = listing.chosen()
    if len(listing.tree.names) * len(wish.patterns) > MANY:
        chosen = iter(await asyncio.to_thread(list, chosen))
    for name, children in chosen:
        line = response.listed(listing.marks(name), SEPARATOR, name, utf8=machine.utf8, child_info=children)
        machine.untagged(line)
        box = listing.tree.boxes.get(name)
        if box is None or not listing.selected(name):
            continue  # RFC 5819 §3, RFC 8440 §4: told for the sake of its children, it has no more to say itself
        rights = listing.tree.rights.get(name, EVERY_RIGHT)
        if "MYRIGHTS" in wish.returns:
            tell_rights(session, name, rights)
        if wish.status and "r" in rights:
            await tell_status(session, box, wish.status)
    return Done("LIST completed")


class Listing:
    """One LIST: which names it means, and what is said of them."""

    def __init__(self, wish: command.List, tree: Tree) -> None:
        self.tree = tree
        self._wish = wish
        self._patterns = [Pattern(wish.reference + wanted, SEPARATOR) for wanted in wish.patterns]
        self._parents = {parent for name in tree.boxes for parent in above(name)}
        self._options = sorted(wish.selection & {"SUBSCRIBED", "SPECIAL-USE"})

    def chosen(self) -> Iterator[tuple[str, list[str]]]:
        """Names, each with the options that mailboxes below it meet: only with RECURSIVEMATCH."""
        names = self.tree.names if "SUBSCRIBED" in self._wish.selection else [*self.tree.boxes, *self._levels()]
        below: set[str] = set()
        needed: set[str] = set()
        if "RECURSIVEMATCH" in self._wish.selection:
            met = list(filter(self.selected, names))
            # RFC 5258 §3.1, Note 2, and the table in §3.5: it doesn't matter whether the pattern means them, too.
            below = {parent for name in met for parent in above(name)}
            # §3.3, 2 B: but for that alone nobody is told of those above, where they don't meet the options themselves.
            untold = {parent for name in met if not self._matches(name) for parent in above(name)}
            needed = set(filter(self._matches, untold))
        for name in [*names, *sorted(needed - set(names))]:
            if name in needed or (self.selected(name) and self._matches(name)):
                yield name, self._options if name in below else []

    def _levels(self) -> list[str]:
        """Names above mailboxes that are none themselves: what "%" at a pattern's end means too (§6.3.9)."""
        if not any(wanted.endswith("%") for wanted in self._wish.patterns):
            return []
        return sorted(self._parents - self.tree.boxes.keys())

    def _matches(self, name: str) -> bool:
        return matches_any(self._patterns, name)

    def selected(self, name: str) -> bool:
        """Whether the name meets all selection options."""
        box = self.tree.boxes.get(name)
        if "SUBSCRIBED" in self._options and name not in self.tree.subscribed:
            return False
        return "SPECIAL-USE" not in self._options or bool(box and box.special_use)

    def marks(self, name: str) -> list[str]:
        r"""What is said of a name: \Noselect, \HasChildren and the like, special use, and \Subscribed if asked for."""
        box = self.tree.boxes.get(name)
        marks = ["\\NonExistent"] if box is None else []
        if box is None and not self._wish.extended:
            marks.append("\\Noselect")  # what RFC 3501 has for it
        elif "r" not in self.tree.rights.get(name, EVERY_RIGHT):
            # RFC 5819 §2 says so for RETURN (STATUS (…)); RFC 9051 §7.3.1 for all: SELECT takes the name otherwise.
            marks.append("\\Noselect")
        marks.append("\\HasChildren" if name in self._parents else "\\HasNoChildren")
        if "SUBSCRIBED" in self._wish.selection | self._wish.returns and name in self.tree.subscribed:
            marks.append("\\Subscribed")
        return marks if box is None else [*marks, *uses(box)]


async def list_subscribed(session: ImapSession, wish: command.Lsub) -> Done:
    """LSUB (RFC 3501 §6.3.9): "foo" for the sake of a subscribed "foo/bar" that "%" doesn't reach."""
    machine = session.server
    known = await session.house.store.read(tree, session.owner)
    wanted = [Pattern(wish.reference + wish.pattern, SEPARATOR)]
    marks: dict[str, list[str]] = {}
    for name in known.names:
        if name in known.subscribed and matches_any(wanted, name):
            box = known.boxes.get(name)
            marks[name] = ["\\Noselect"] if box is None else uses(box)
    for name in known.subscribed:
        if name not in marks:
            for parent in above(name):
                if matches_any(wanted, parent):
                    marks.setdefault(parent, ["\\Noselect"])
    for name in sorted(marks, key=lambda name: (name != "INBOX", name)):
        machine.untagged(response.lsub(marks[name], SEPARATOR, name, utf8=machine.utf8))
    return Done("LSUB completed")


def matches_any(patterns: Iterable[Pattern], name: str) -> bool:
    """Whether one of the patterns means the name."""
    _, inner = place.split(name)
    return any(wanted.matches(name, len(name) - len(inner)) for wanted in patterns)


def above(name: str) -> Iterator[str]:
    """The names of the mailboxes above one."""
    while SEPARATOR in name:
        name = name.rpartition(SEPARATOR)[0]
        yield name


def uses(box: Mailbox) -> list[str]:
    """A mailbox's special use (RFC 6154), where it has one."""
    return [box.special_use] if box.special_use else []


async def namespace(session: ImapSession, _: command.Namespace) -> Done:
    others = [(place.OTHERS + SEPARATOR, SEPARATOR)]
    session.server.untagged(response.namespaces([("", SEPARATOR)], others, utf8=session.server.utf8))
    return Done("NAMESPACE completed")


async def status(session: ImapSession, wish: command.Status) -> Done:
    where = await session.house.store.read(place.need, session.owner, wish.mailbox, "r")
    await tell_status(session, where.named, wish.items)
    return Done("STATUS completed")


async def tell_status(session: ImapSession, box: Mailbox, items: Collection[StatusItem]) -> None:
    """The STATUS response for a mailbox: columns of its row, nearly all of them."""
    known: dict[StatusItem, int | str | None] = {
        StatusItem.MESSAGES: box.exists,
        StatusItem.RECENT: 0,  # to who enabled IMAP4rev2
        StatusItem.UIDNEXT: box.uidnext,
        StatusItem.UIDVALIDITY: box.uidvalidity,
        StatusItem.UNSEEN: box.unseen,
        StatusItem.DELETED: box.deleted,
        StatusItem.SIZE: box.size,
        StatusItem.HIGHESTMODSEQ: box.highestmodseq,
        StatusItem.APPENDLIMIT: session.house.message_size,
        StatusItem.MAILBOXID: mailbox_id(box.id),
    }
    if StatusItem.RECENT in items and not session.server.rev2:
        here = session.selected_mailbox.recent if box.id == session.selected_id else []
        known[StatusItem.RECENT] = await session.house.store.read(recent.count, box, here)
    if StatusItem.DELETED_STORAGE in items:
        known[StatusItem.DELETED_STORAGE] = await session.house.store.read(deleted_storage, box)
    told = {item: known[item] for item in items}
    session.server.untagged(response.status(box.name, told, utf8=session.server.utf8))


def deleted_storage(tx: Tx, box: Mailbox) -> int:
    """How many octets an EXPUNGE would free (RFC 9208 §5.1)."""
    if not box.deleted:
        return 0
    uids = search.search(tx, box.id, search.HasFlag("\\Deleted"))
    sizes = mail.fetch(tx, box.id, [(uid, uid) for uid in uids], ("size",))
    return sum(size for _, size in sizes)


COMMANDS: dict[type, Handler] = {
    command.List: list_mailboxes,
    command.Lsub: list_subscribed,
    command.Namespace: namespace,
    command.Status: status,
}
