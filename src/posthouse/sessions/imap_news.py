"""What a client is told without asking for it: the selected mailbox's news, and what ENABLE and NOTIFY add.

A command's own changes are no news: the command says here what it has done itself.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from posthouse.errors import StoreError
from posthouse.imap import command, response
from posthouse.imap.command import NotifyEvent
from posthouse.imap.fetch import Item
from posthouse.imap.metadata import metadata_changed
from posthouse.store import flag

from . import place
from .fetched import Answer
from .imap_list import Tree
from .imap_metadata import Annotations, annotations_from_now
from .imap_notify import Watching, affected
from .imap_select import in_order, permanent_flags
from .selected import Manner, Selected

if TYPE_CHECKING:
    from .imap import ImapSession

log = logging.getLogger("posthouse.imap")


class News:
    """One client's."""

    def __init__(self, session: ImapSession) -> None:
        self._session = session
        self.idle = False
        self.hinted = 0  # the modseq that the selected mailbox's account is said to be at
        self.echoed = 0  # the modseq of the present command's own change: its answer has told of it
        self._annotations: Annotations | None = None  # where the client enabled METADATA
        self._annotated: frozenset[int] = frozenset()  # the modseqs of the present command's own annotations
        self._own: frozenset[str] = frozenset()  # names of mailboxes that the present command changes
        self._watching: Watching | None = None  # what NOTIFY asked for, once it was used
        self._appended: list[int] = []  # UIDs in the selected mailbox that this client has filled itself

    # -- what commands say -------------------------------------------------------------------------------------------

    def begin(self, wish: command.Command) -> None:
        """A command that is run now."""
        self._own = affected(wish)

    def annotated(self, modseqs: frozenset[int]) -> None:
        """The present command has changed annotations itself."""
        self._annotated = modseqs

    def appended(self, mailbox_id: int, uids: Iterable[int]) -> None:
        """This client has put messages into a mailbox: it needs no FETCH to know them (RFC 5465 §5.2)."""
        if mailbox_id == self._session.selected_id:
            self._appended.extend(uids)

    async def watch_annotations(self) -> None:
        """From now on tell which annotations others change (RFC 5464 §4.4)."""
        if self._annotations is None:
            self._annotations = await annotations_from_now(self._session)

    async def watch(self, watching: Watching) -> None:
        """From now on tell this (NOTIFY); first what has gathered in the selected mailbox, whatever was wanted before
        (RFC 5465 §3.1)."""
        self.end()
        self._watching = None
        await self.tell(expunges=True)
        self._watching = watching
        watching.listen(self._session)

    def forget(self) -> None:
        """Nobody is logged in any more, and whoever comes has asked for nothing yet."""
        self.end()
        self._watching = None
        self._annotations = None

    def end(self) -> None:
        """The feeds of other mailboxes aren't listened to any more."""
        if self._watching is not None:
            self._watching.close()

    # -- telling -----------------------------------------------------------------------------------------------------

    @property
    def waited_for(self) -> bool:
        """Whether the client is told of the selected mailbox without having asked: it idles, or used NOTIFY."""
        return self.idle or (self._watching is not None and bool(self._watching.events))

    async def woken(self) -> None:
        """Something has changed, and the client waits for news."""
        watching = self._watching
        if self.waited_for:
            await self.tell(expunges=self.idle or (watching is not None and not watching.delayed), hinted=self.hinted)
        if watching is not None and not self._session.server.closed:
            await self._tell_others(watching)

    async def tell_all(self, *, with_uid: bool, promised: bool) -> None:
        """Everything, as a command ends. ``promised``: the mailbox's news are its result."""
        session = self._session
        if session.selecting:
            await self.tell(expunges=session.server.may_expunge, with_uid=with_uid, promised=promised)
        if session.account is not None and not session.server.closed:
            await self._tell_annotations()
            if self._watching is not None:
                await self._tell_others(self._watching)
            self._annotated, self._own = frozenset(), frozenset()

    async def tell(self, *, expunges: bool, with_uid: bool = False, promised: bool = False, hinted: int = 0) -> None:
        """The news of the selected mailbox. ``hinted``: those up to this modseq are enough."""
        session, watching = self._session, self._watching
        if not session.selecting or (watching is not None and not watching.events and not promised):
            return
        selected = session.selected_mailbox
        if selected.mailbox.account_id != session.owner.id and not await self._may_still_read(selected):
            return
        manner = Manner(
            expunges=expunges,
            # RFC 7162 §3.2.4, RFC 9051 §7.5.2, RFC 5465 §5.1
            uid=with_uid or session.condstore or session.server.rev2 or watching is not None,
            flags=watching is None or NotifyEvent.FLAG_CHANGE in watching.events,
            modseq=session.condstore,
            vanished=session.qresync or session.server.uid_only,  # RFC 9586 §3.4
            uid_only=session.server.uid_only,
            recent=not session.server.rev2,
        )
        last = selected.last_uid
        try:
            hinted = hinted if hinted > selected.modseq else 0
            lines = await selected.news(session.house, manner, silent=self.echoed, hinted=hinted)
        except StoreError as error:
            # The account was removed, or the store can't be read: what the client believes can't be kept true.
            log.warning("closed %s: %s", session.line.peer, error)
            session.server.bye("The mailbox can't be shown any longer; log in again")
            return
        for line in lines:
            session.server.untagged(line)
        new = [uid for uid in selected.uids[selected.place(last + 1) :] if uid not in self._appended]
        self._appended.clear()
        for items, uids in self._wanted(selected, new):
            await Answer(session, selected, items).send([(uid, uid) for uid in uids])
        for line in selected.additions():
            session.server.untagged(line)

    def _wanted(self, selected: Selected, new: Sequence[int]) -> Iterator[tuple[Sequence[Item], list[int]]]:
        """What NOTIFY and searches that are kept up to date want of new messages: one FETCH response for each of them,
        whoever wants it (RFC 5465 §5.2)."""
        wanted: dict[int, dict[Item, None]] = {uid: {} for uid in new}
        if self._watching is not None:
            for uid in new:
                wanted[uid].update(dict.fromkeys(self._watching.items))
        for context in selected.contexts.values():
            for uid in context.among(new):
                wanted[uid].update(dict.fromkeys(context.items))
        for items, uids in groupby(new, lambda uid: tuple(wanted[uid])):
            if items:
                yield items, list(uids)

    async def _may_still_read(self, selected: Selected) -> bool:
        """Look again at what this person may do in somebody else's mailbox (RFC 4314 §5.1.1)."""
        session = self._session
        before = selected.rights
        selected.rights = await session.house.store.read(place.rights_in, session.owner, selected.mailbox)
        if "r" in selected.rights:
            if not selected.read_only and not place.TO_FLAG.isdisjoint(before ^ selected.rights):
                known = in_order(await session.house.store.read(flag.in_use, selected.mailbox.account_id))
                session.server.untagged(permanent_flags(known, selected))  # RFC 4314 §5.1.1
            return True
        session.server.bye(f"{selected.mailbox.name} is no longer shared with you", "NOPERM")
        return False

    async def _tell_annotations(self) -> None:
        server = self._session.server
        if self._annotations is not None:
            changed = await self._annotations.changed(self._session, self._annotated)
            for name, entries in changed.items():
                server.untagged(metadata_changed(name, entries, utf8=server.utf8))

    async def _tell_others(self, watching: Watching) -> None:
        """What happened outside of the selected mailbox, to who asked for it (NOTIFY)."""
        server = self._session.server
        for line in await watching.look(self._session, self._own, self._annotated):
            server.untagged(line)
        if watching.overflows:
            watching.close()
            self._watching = Watching((), Tree.empty())
            server.untagged(response.ok("There are too many mailboxes to watch", "NOTIFICATIONOVERFLOW"))
