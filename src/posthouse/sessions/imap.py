"""The IMAP conversation. The commands are in `imap_*`, one family a file; here is what they have in common."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, ClassVar

from posthouse.errors import StoreError
from posthouse.imap import command, event, response
from posthouse.imap.command import NotifyEvent
from posthouse.imap.event import Event
from posthouse.imap.metadata import metadata_changed
from posthouse.imap.sequence import SequenceSet
from posthouse.imap.server import ImapServer, Limits
from posthouse.store.account import Account
from posthouse.store.change import Subscription

from . import (
    imap_acl,
    imap_context,
    imap_fetch,
    imap_list,
    imap_login,
    imap_mailbox,
    imap_metadata,
    imap_multisearch,
    imap_notify,
    imap_quota,
    imap_search,
    imap_select,
    imap_sort,
    imap_store,
    imap_urlauth,
    place,
)
from .fetched import Answer
from .house import House
from .imap_answer import Done, Handler, No, refusal
from .imap_append import Appending
from .imap_condstore import enables
from .imap_list import Tree
from .imap_notify import Watching
from .login import Exchange, mechanisms
from .selected import Manner, Ranges, Selected
from .session import Line, Session

log = logging.getLogger("posthouse.imap")

# RFC 9051 §5.4: the inactivity timer of a session that is logged in is at least 30 minutes; IDLE counts as inactivity
# (RFC 2177), and programs renew it every 29 minutes.
PATIENCE = 31 * 60.0
# Nobody needs longer to log in.
PATIENCE_BEFORE_LOGIN = 120.0

COMMANDS: dict[type, Handler] = {
    **imap_login.COMMANDS,
    **imap_mailbox.COMMANDS,
    **imap_list.COMMANDS,
    **imap_quota.COMMANDS,
    **imap_acl.COMMANDS,
    **imap_metadata.COMMANDS,
    **imap_notify.COMMANDS,
    **imap_urlauth.COMMANDS,
    **imap_select.COMMANDS,
    **imap_fetch.COMMANDS,
    **imap_search.COMMANDS,
    **imap_context.COMMANDS,
    **imap_multisearch.COMMANDS,
    **imap_sort.COMMANDS,
    **imap_store.COMMANDS,
}


class ImapSession(Session[Event]):
    """One IMAP connection."""

    protocol: ClassVar[str] = "IMAP"

    def __init__(self, house: House, line: Line, *, tls: bool) -> None:
        self.house = house
        self.server = ImapServer(
            limits=Limits(append=house.message_size, bad=house.errors_per_connection),
            tls_available=house.tls_available,
            tls=tls,
            mechanisms=mechanisms(house, line),
            login_allowed="always" if house.clear_text_on_loopback and line.peer.loopback else "after tls",
        )
        super().__init__(self.server, line)
        self.account: Account | None = None
        self.exchange: Exchange | None = None
        self.tag = ""  # of the present command
        self.condstore = False  # whether the client wants to hear of mod-sequences (RFC 7162 §3.1)
        self.echoed = 0  # the modseq of the present command's own change: its answer has told of it
        self._selected: Selected | None = None
        self._feed: Subscription | None = None
        self._idle = False
        self._appending: Appending | None = None
        self._annotations: imap_metadata.Annotations | None = None  # where the client enabled METADATA
        self._annotated: frozenset[int] = frozenset()  # the modseqs of the present command's own annotations
        self._own: frozenset[str] = frozenset()  # names of mailboxes that the present command changes
        self._watching: Watching | None = None  # what NOTIFY asked for, once it was used
        self._appended: list[int] = []  # UIDs in the selected mailbox that this client has filled itself

    # -- what the pump asks (Session) ----------------------------------------------------------------------------

    def begin(self) -> None:
        self.server.greet(f"{self.house.hostname} Posthouse is ready")

    def secured(self) -> None:
        self.server.mechanisms = mechanisms(self.house, self.line)

    async def handle(self, event: Event) -> None:
        await self._ANSWERS[type(event)](self, event)

    async def woken(self) -> None:
        """Something has changed, and the client waits for news (IDLE, NOTIFY)."""
        watching = self._watching
        if self._idle or (watching is not None and watching.events):
            await self._tell_news(expunges=self._idle or (watching is not None and not watching.delayed))
        if watching is not None and not self.server.closed:
            await self._tell_others(watching)

    def farewell(self, reason: str) -> None:
        self.server.bye(reason[0].upper() + reason[1:])

    def ended(self) -> None:
        self._leave()
        self._watch_nothing()
        self._drop_append(None)
        self._part()

    @property
    def in_progress(self) -> bool:
        return self._appending is not None

    @property
    def patience(self) -> float:
        return PATIENCE if self.account is not None else PATIENCE_BEFORE_LOGIN

    # -- what the commands use -----------------------------------------------------------------------------------

    @property
    def owner(self) -> Account:
        """Who is logged in. The machine lets no command through that needs one before there is one."""
        assert self.account is not None
        return self.account

    @property
    def qresync(self) -> bool:
        """Whether the client enabled QRESYNC (RFC 7162 §3.2.3)."""
        return "QRESYNC" in self.server.enabled_capabilities

    @property
    def selecting(self) -> bool:
        """Whether a mailbox is selected."""
        return self._selected is not None

    @property
    def selected_mailbox(self) -> Selected:
        """The selected mailbox. The machine lets no command through that needs one before there is one."""
        assert self._selected is not None
        return self._selected

    @property
    def selected_id(self) -> int:
        """The id of the selected mailbox; 0, which none has, where none is."""
        return self._selected.mailbox.id if self._selected is not None else 0

    def select(self, selected: Selected) -> None:
        """A mailbox is selected: from now on its news are told."""
        self._selected = selected
        self._feed = self.house.store.feed.subscribe(selected.mailbox.account_id, self._hint)
        self.server.selected(read_only=selected.read_only)

    def unselect(self) -> None:
        """No mailbox is selected."""
        self._leave()
        self.server.unselected()

    def forget_login(self) -> None:
        """Nobody is logged in any more; TLS and compression stay."""
        self.unselect()
        self.server.unauthenticated()
        self._watch_nothing()
        self._watching = None
        self._part()
        self.condstore = False
        self._annotations = None

    def _part(self) -> None:
        """Whoever is logged in isn't any more."""
        if self.account is not None:
            self.house.present.leave(self.account.id)
            self.account = None

    async def watch_annotations(self) -> None:
        """From now on tell which annotations others change (RFC 5464 §4.4)."""
        if self._annotations is None:
            self._annotations = await imap_metadata.annotations_from_now(self)

    def annotated(self, modseqs: frozenset[int]) -> None:
        """The present command has changed annotations itself."""
        self._annotated = modseqs

    async def watch(self, watching: Watching) -> None:
        """From now on tell this (NOTIFY); first what has gathered in the selected mailbox (RFC 5465 §3.1)."""
        await self._tell_news(expunges=True)
        self._watch_nothing()
        self._watching = watching
        watching.listen(self)

    def _watch_nothing(self) -> None:
        if self._watching is not None:
            self._watching.close()

    def appended(self, mailbox_id: int, uids: Iterable[int]) -> None:
        """This client has put messages into a mailbox: it needs no FETCH to know them (RFC 5465 §5.2)."""
        if mailbox_id == self.selected_id:
            self._appended.extend(uids)

    def _leave(self) -> None:
        self._selected = None
        if self._feed is not None:
            self._feed.close()
            self._feed = None

    def ranges(self, wanted: SequenceSet, *, by_uid: bool) -> Ranges:
        """The messages that a command means, as UIDs; `No` for numbers that no message has (RFC 9051 §9)."""
        selected = self.selected_mailbox
        if not by_uid and wanted.largest > len(selected):
            raise No(f"There is no message {wanted.largest}; the mailbox has {len(selected)}", bad=True)
        return selected.uid_ranges(wanted, by_uid=by_uid)

    # -- events --------------------------------------------------------------------------------------------------

    async def _command(self, event: event.Command) -> None:
        wish = event.command
        self.tag = event.tag
        if isinstance(wish, command.Idle):
            self._idle = True
            self.server.idling()
            await self._tell_news(expunges=True)
            return
        handler = COMMANDS.get(type(wish))
        if handler is None:
            self.server.bad("This command is not offered here")
            return
        if not self.condstore and enables(wish):
            self._begin_condstore()
        self._own = imap_notify.affected(wish)
        await self._finish(
            handler(self, wish),
            with_uid=bool(getattr(wish, "uid", False)),
            promised=isinstance(wish, command.Expunge | command.Move),
        )

    def _begin_condstore(self) -> None:
        """The client's first command that speaks of mod-sequences (RFC 7162 §3.1)."""
        self.condstore = True
        if self._selected is not None:
            told = self._selected.told
            self.server.untagged(response.ok("Where the mailbox is", f"HIGHESTMODSEQ {told}"))

    async def _idle_done(self, _: event.IdleDone) -> None:
        self._idle = False
        self.server.ok("IDLE completed")

    async def _auth_response(self, response: event.AuthResponse) -> None:
        await self._finish(imap_login.respond(self, response))

    async def _append_begin(self, begin: event.AppendBegin) -> None:
        if self._appending is None:
            self._appending = Appending(self)
        try:
            await self._appending.begin(begin.append)
        except No as no:
            self._drop_append(no)
        except StoreError as error:
            self._drop_append(refusal(error))
        else:
            self.server.accept_literal()

    async def _append_chunk(self, chunk: event.AppendChunk) -> None:
        assert self._appending is not None
        try:
            self._appending.write(chunk.data)
        except No as no:
            self._drop_append(no)

    async def _append_url(self, part: event.AppendUrl) -> None:
        assert self._appending is not None
        try:
            await self._appending.add(part.url)
        except No as no:
            self._drop_append(no)
        except StoreError as error:
            self._drop_append(refusal(error))

    async def _append_end(self, _: event.AppendEnd) -> None:
        appending, self._appending = self._appending, None
        assert appending is not None
        try:
            await self._finish(appending.end(), promised=appending.replaces)
        finally:
            appending.discard()

    async def _append_aborted(self, _: event.AppendAborted) -> None:
        self._drop_append(None)

    def _drop_append(self, no: No | None) -> None:
        """Forget an APPEND; ``no`` answers it, where it isn't answered already."""
        if self._appending is not None:
            self._appending.discard()
            self._appending = None
        if no is not None:
            self._refuse(no)

    async def _finish(self, doing: Awaitable[Done | None], *, with_uid: bool = False, promised: bool = False) -> None:
        """Run a command; tell the mailbox's news; and then how the command ended.

        ``promised``: the news are its result, also for a client that wants no others.
        """
        self.echoed = 0
        outcome: Done | No | None
        try:
            outcome = await doing
        except No as no:
            outcome = no
        except StoreError as error:
            if error.__cause__ is not None:
                log.error("the store refused: %s (%s)", error, error.__cause__)
            outcome = refusal(error)
        if outcome is None:
            return
        if self._selected is not None:
            await self._tell_news(expunges=self.server.may_expunge, with_uid=with_uid, promised=promised)
        if self.account is not None and not self.server.closed:
            await self._tell_annotations()
            if self._watching is not None:
                await self._tell_others(self._watching)
            self._annotated, self._own = frozenset(), frozenset()
        if isinstance(outcome, No):
            self._refuse(outcome)
        else:
            self.server.ok(outcome.text, outcome.code)

    def _refuse(self, no: No) -> None:
        if no.bad:
            self.server.bad(str(no), no.code)
        else:
            self.server.no(str(no), no.code)

    async def _tell_annotations(self) -> None:
        if self._annotations is not None:
            changed = await self._annotations.changed(self, self._annotated)
            for name, entries in changed.items():
                self.server.untagged(metadata_changed(name, entries, utf8=self.server.utf8))

    async def _tell_others(self, watching: Watching) -> None:
        """What happened outside of the selected mailbox, to who asked for it (NOTIFY)."""
        for line in await watching.look(self, self._own, self._annotated):
            self.server.untagged(line)
        if watching.overflows:
            watching.close()
            self._watching = Watching((), Tree.empty(), condstore=False)
            self.server.untagged(response.ok("There are too many mailboxes to watch", "NOTIFICATIONOVERFLOW"))

    async def _tell_news(self, *, expunges: bool, with_uid: bool = False, promised: bool = False) -> None:
        watching = self._watching
        if self._selected is None or (watching is not None and not watching.events and not promised):
            return
        if self._selected.mailbox.account_id != self.owner.id and not await self._may_still_read(self._selected):
            return
        manner = Manner(
            expunges=expunges,
            # RFC 7162 §3.2.4, RFC 9051 §7.5.2, RFC 5465 §5.1
            uid=with_uid or self.condstore or self.server.rev2 or watching is not None,
            flags=watching is None or NotifyEvent.FLAG_CHANGE in watching.events,
            modseq=self.condstore,
            vanished=self.qresync,
        )
        last = self._selected.last_uid
        try:
            lines = await self._selected.news(self.house.store, manner, silent=self.echoed)
        except StoreError as error:
            # The account was removed, or the store can't be read: what the client believes can't be kept true.
            log.warning("closed %s: %s", self.line.peer, error)
            self.server.bye("The mailbox can't be shown any longer; log in again")
            return
        for line in lines:
            self.server.untagged(line)
        if watching is not None and watching.items:
            new = [uid for uid in self._selected.uids[self._selected.place(last + 1) :] if uid not in self._appended]
            await Answer(self, self._selected, watching.items).send([(uid, uid) for uid in new])
        self._appended.clear()

    async def _may_still_read(self, selected: Selected) -> bool:
        """Look again at what this person may do in somebody else's mailbox (RFC 4314 §5.1.1)."""
        selected.rights = await self.house.store.read(place.rights_in, self.owner, selected.mailbox)
        if "r" in selected.rights:
            return True
        self.server.bye(f"{selected.mailbox.name} is no longer shared with you", "NOPERM")
        return False

    def _hint(self, modseq: int) -> None:
        """The feed says that the account has changed."""
        waits = self._idle or (self._watching is not None and self._watching.events)
        if waits and self._selected is not None and modseq > self._selected.modseq:
            self.line.wake()

    _ANSWERS: ClassVar[dict[type, Callable[[ImapSession, Any], Awaitable[None]]]] = {
        event.Command: _command,
        event.IdleDone: _idle_done,
        event.AuthResponse: _auth_response,
        event.AppendBegin: _append_begin,
        event.AppendChunk: _append_chunk,
        event.AppendUrl: _append_url,
        event.AppendEnd: _append_end,
        event.AppendAborted: _append_aborted,
    }
