"""NOTIFY: what happens in mailboxes is told as it happens, without being asked for. RFC 5465.

What a person sees (all mailboxes with their counters, and the subscriptions) is read in one query whenever the store's
feed says that something has changed, and compared with what was there before. So creations, renames, new letters and
rights that come and go are found the same way, whoever caused them, in whichever process. What happens in the
selected mailbox is `selected`'s to tell; here is only said how.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from posthouse.imap import command, response
from posthouse.imap.command import EventGroup, MailboxFilter, MailboxGroup, Notify, NotifyEvent, StatusItem
from posthouse.imap.fetch import Item
from posthouse.imap.metadata import metadata_changed
from posthouse.store.acl import EVERY_RIGHT
from posthouse.store.change import Subscription
from posthouse.store.mailbox import SEPARATOR, Mailbox

from . import place
from .imap_answer import Done, Handler, No
from .imap_list import Listing, Tree, tree
from .imap_metadata import Annotations, annotations_from_now

if TYPE_CHECKING:
    from .imap import ImapSession

# Each change in an account costs who watches it a look at all of these: some ten milliseconds.
MAX_WATCHED = 2_000
MESSAGES = frozenset({NotifyEvent.MESSAGE_NEW, NotifyEvent.MESSAGE_EXPUNGE, NotifyEvent.FLAG_CHANGE})
METADATA = frozenset({NotifyEvent.MAILBOX_METADATA_CHANGE, NotifyEvent.SERVER_METADATA_CHANGE})
SELECTED = frozenset({MailboxGroup.SELECTED, MailboxGroup.SELECTED_DELAYED})
LIST = command.List("", ("*",), returns=frozenset({"SUBSCRIBED"}), extended=True)


async def notify(session: ImapSession, wish: Notify) -> Done:
    """NOTIFY SET and NOTIFY NONE (§3.1)."""
    watching = Watching(wish.groups, await session.house.store.read(tree, session.owner))
    if watching.overflows:
        raise No(f"At most {MAX_WATCHED} mailboxes are watched at a time", "NOTIFICATIONOVERFLOW")
    if any(group.events & METADATA for group in wish.groups):
        watching.annotations = await annotations_from_now(session)
    await session.news.watch(watching)
    for line in watching.beginning(session.selected_id, status=wish.status, utf8=session.server.utf8):
        session.server.untagged(line)
    return Done("NOTIFY completed")


class Watching:
    """What a client wants to be told, and what it was told last."""

    def __init__(self, groups: tuple[EventGroup, ...], seen: Tree) -> None:
        self._tree = seen
        selected = [group for group in groups if group.mailboxes.group in SELECTED]
        self._groups = [
            replace(group, mailboxes=as_kept(group.mailboxes))
            for group in groups
            if group.mailboxes.group not in SELECTED and group.events
        ]
        # How the selected mailbox is told of: nothing without a group of its own (§3.1).
        self.events = selected[0].events if selected else frozenset()
        self.items: tuple[Item, ...] = selected[0].items if selected else ()
        self.delayed = bool(selected) and selected[0].mailboxes.group is MailboxGroup.SELECTED_DELAYED
        self.annotations: Annotations | None = None
        self.stale = False  # something has changed since it was last looked at
        self._feeds: dict[int, Subscription] = {}

    @property
    def overflows(self) -> bool:
        """Whether there is more to look at than the server is willing to (§5.8)."""
        return bool(self._groups) and len(self._tree.boxes) > MAX_WATCHED

    def listen(self, session: ImapSession) -> None:
        """Hear of changes in the account, and in those that share something with it."""
        if not self._groups:
            return

        def hint(_: int) -> None:
            self.stale = True
            session.line.wake()

        owners = {session.owner.id, *(box.account_id for box in self._tree.boxes.values())}
        for account_id in owners - self._feeds.keys():
            self._feeds[account_id] = session.house.store.feed.subscribe(account_id, hint)
        for account_id in self._feeds.keys() - owners:
            self._feeds.pop(account_id).close()

    def close(self) -> None:
        """Nothing is to be heard any more."""
        for feed in self._feeds.values():
            feed.close()
        self._feeds.clear()

    async def look(self, session: ImapSession, own: frozenset[str], mine: frozenset[int]) -> list[bytes]:
        """What is to be told now, if anything has changed. ``own``, ``mine``: names and modseqs that the client itself
        has changed (§5). Where there are some, it is looked now: the store may speak of them when nobody knows whose
        they were.
        """
        if not self.stale and not own and not mine:
            return []
        self.stale = False
        utf8 = session.server.utf8
        now = await session.house.store.read(tree, session.owner)
        lines = self.news(now, session.selected_id, own, condstore=session.condstore, utf8=utf8)
        if self.annotations is not None:
            for name, entries in (await self.annotations.changed(session, mine)).items():
                if self.wants_metadata(name):
                    lines.append(metadata_changed(name, entries, utf8=utf8))
        self.listen(session)
        return lines

    def wants(self, name: str, seen: Tree | None = None) -> frozenset[NotifyEvent]:
        """The events that the client wants of a mailbox, or of the server ("")."""
        known = seen or self._tree
        wanted: frozenset[NotifyEvent] = frozenset()
        for group in self._groups:
            if means(group.mailboxes, name, known):
                wanted |= group.events
        return wanted

    def wants_metadata(self, name: str) -> bool:
        """Whether the client wants to hear of annotations beside this mailbox (§5.6), or the server's (§5.7)."""
        if not name:
            return any(NotifyEvent.SERVER_METADATA_CHANGE in group.events for group in self._groups)
        return NotifyEvent.MAILBOX_METADATA_CHANGE in self.wants(name)

    def beginning(self, selected_id: int, *, status: bool, utf8: bool) -> Iterator[bytes]:
        """What NOTIFY itself answers: what can't be watched, and the STATUS of what is, where that was asked for."""
        for name, box in self._tree.boxes.items():
            wanted = self.wants(name)
            if not wanted & MESSAGES or box.id == selected_id:
                continue
            if "r" not in self._tree.rights.get(name, EVERY_RIGHT):
                yield response.listed(["\\NoAccess"], SEPARATOR, name, utf8=utf8)
            elif status:
                items = [StatusItem.MESSAGES, StatusItem.UIDNEXT, StatusItem.UIDVALIDITY]
                if NotifyEvent.FLAG_CHANGE in wanted:
                    items.append(StatusItem.HIGHESTMODSEQ)
                yield told_status(box, items, utf8=utf8)

    def news(self, now: Tree, selected_id: int, own: frozenset[str], *, condstore: bool, utf8: bool) -> list[bytes]:
        """What is to be told of the difference. ``own``: names that the client itself has changed (§5)."""
        before, self._tree = self._tree, now
        lines = [line for name, line in self._names(before, now, utf8=utf8) if name not in own]
        known = {box.id: box for box in before.boxes.values()}  # by what a new name doesn't change
        for name, box in now.boxes.items():
            if box.id != selected_id and "r" in now.rights.get(name, EVERY_RIGHT):
                items = changed_items(known.get(box.id), box, self.wants(name), condstore=condstore)
                if items:
                    lines.append(told_status(box, items, utf8=utf8))
        return lines

    def _names(self, before: Tree, now: Tree, *, utf8: bool) -> Iterator[tuple[str, bytes]]:
        """LIST for names that came, went or changed, and for subscriptions (§5.4, §5.5)."""
        told: set[str] = set()
        listing = Listing(LIST, now)
        for name, old_name in name_changes(before, now):
            either = before if name not in now.boxes else now
            if name not in told and NotifyEvent.MAILBOX_NAME in self.wants(name, either):
                told.add(name)
                yield name, response.listed(listing.marks(name), SEPARATOR, name, utf8=utf8, old_name=old_name)
        for name in sorted(before.subscribed ^ now.subscribed):
            either = now if name in now.subscribed else before
            if name not in told and NotifyEvent.SUBSCRIPTION_CHANGE in self.wants(name, either):
                yield name, response.listed(listing.marks(name), SEPARATOR, name, utf8=utf8)


def changed_items(
    old: Mailbox | None, new: Mailbox, wanted: frozenset[NotifyEvent], *, condstore: bool
) -> list[StatusItem]:
    """What STATUS tells of messages that came, went or changed (§5.1 to §5.3). ``old``: None for a mailbox that wasn't
    there, and may have got messages since."""
    if not wanted & MESSAGES or (old is not None and old.highestmodseq == new.highestmodseq):
        return []
    modseq = [StatusItem.HIGHESTMODSEQ] if condstore else []
    if (new.uidnext > 1) if old is None else (old.exists, old.uidnext) != (new.exists, new.uidnext):
        return [StatusItem.UIDNEXT, StatusItem.MESSAGES, *modseq]
    if old is not None and NotifyEvent.FLAG_CHANGE in wanted and (condstore or old.unseen != new.unseen):
        return [StatusItem.UIDVALIDITY, StatusItem.UNSEEN, *modseq]
    return []


def name_changes(before: Tree, now: Tree) -> Iterator[tuple[str, str | None]]:
    """Names of mailboxes that are affected, each with its old name if it was renamed (§5.4)."""
    old = {box.id: name for name, box in before.boxes.items()}
    new = {box.id: name for name, box in now.boxes.items()}
    renamed = {old[id]: new[id] for id in old.keys() & new.keys() if old[id] != new[id]}
    for old_name, name in sorted(renamed.items()):
        above, _, last = old_name.rpartition(SEPARATOR)
        # What is below a mailbox that was renamed goes with it, and needs no word of its own.
        if f"{renamed.get(above)}{SEPARATOR}{last}" != name:
            yield name, old_name
    came = {new[id] for id in new.keys() - old.keys()}
    went = {old[id] for id in old.keys() - new.keys()}
    for name in sorted(came | went):
        yield name, None
        above = name.rpartition(SEPARATOR)[0]
        if above and above in before.boxes and above in now.boxes:
            yield above, None


def as_kept(mailboxes: MailboxFilter) -> MailboxFilter:
    """The filter with names as they are kept: in all commands the same name means the same (RFC 9051 §5.1)."""
    return replace(mailboxes, names=tuple(map(place.known_as, mailboxes.names)))


def means(mailboxes: MailboxFilter, name: str, seen: Tree) -> bool:
    """Whether a filter (`as_kept`) means the mailbox (§6)."""
    match mailboxes.group:
        # §6.3: where letters may go is for the rules of delivery to say, so "inboxes" are all of one's own.
        case MailboxGroup.PERSONAL | MailboxGroup.INBOXES:
            return bool(name) and name.partition(SEPARATOR)[0] != place.OTHERS
        case MailboxGroup.SUBSCRIBED:
            return name in seen.subscribed
        case MailboxGroup.SUBTREE:
            return any(name == one or name.startswith(one + SEPARATOR) for one in mailboxes.names)
        case MailboxGroup.SUBTREE_ONE:
            return name in mailboxes.names or name.rpartition(SEPARATOR)[0] in mailboxes.names
        case MailboxGroup.MAILBOXES:
            return name in mailboxes.names
    return False


def told_status(box: Mailbox, items: list[StatusItem], *, utf8: bool) -> bytes:
    """The STATUS response, of counters that stand in the mailbox's row."""
    known: dict[StatusItem, int | str | None] = {
        StatusItem.MESSAGES: box.exists,
        StatusItem.UIDNEXT: box.uidnext,
        StatusItem.UIDVALIDITY: box.uidvalidity,
        StatusItem.UNSEEN: box.unseen,
        StatusItem.HIGHESTMODSEQ: box.highestmodseq,
    }
    return response.status(box.name, {item: known[item] for item in items}, utf8=utf8)


def affected(wish: object) -> frozenset[str]:
    """The names that a client's own command changes: it isn't told of these (§5)."""
    match wish:
        case command.Create() | command.Delete() | command.Subscribe() | command.Unsubscribe():
            name = place.known_as(wish.mailbox.removesuffix(SEPARATOR))
            return frozenset({name, name.rpartition(SEPARATOR)[0]})
        case command.Rename():
            names = place.known_as(wish.mailbox), place.known_as(wish.to)
            return frozenset({*names, *(one.rpartition(SEPARATOR)[0] for one in names)})
    return frozenset()


COMMANDS: dict[type, Handler] = {Notify: notify}
