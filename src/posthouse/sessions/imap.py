"""The IMAP conversation. The commands are in `imap_*`, one family a file; here is what they have in common."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Concatenate, ParamSpec, TypeVar

from posthouse.errors import StoreError
from posthouse.imap import command, event, response
from posthouse.imap.event import Event
from posthouse.imap.sequence import SequenceSet
from posthouse.imap.server import ImapServer, Limits
from posthouse.store.account import Account
from posthouse.store.change import Subscription
from posthouse.store.engine import Tx

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
)
from .house import House
from .imap_answer import Done, Handler, No, refusal
from .imap_append import Appending
from .imap_condstore import enables
from .imap_news import News
from .imap_progress import LONG, keep_told
from .login import Exchange, mechanisms
from .selected import Ranges, Selected
from .session import Line, Session

log = logging.getLogger("posthouse.imap")

P = ParamSpec("P")
T = TypeVar("T")

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
        self.extended_list = False  # whether it has shown that it knows extended LIST responses (RFC 5258 §3)
        self.news = News(self)
        self._selected: Selected | None = None
        self._feed: Subscription | None = None
        self._appending: Appending | None = None
        self._reading: asyncio.Future[Any] | None = None  # what may be given up when the client has gone
        self._left = False

    # -- what the pump asks (Session) ----------------------------------------------------------------------------

    def begin(self) -> None:
        self.server.greet(f"{self.house.hostname} Posthouse is ready")

    def secured(self) -> None:
        self.server.mechanisms = mechanisms(self.house, self.line)

    async def handle(self, event: Event) -> None:
        await self._ANSWERS[type(event)](self, event)

    async def woken(self) -> None:
        """Something has changed, and the client waits for news (IDLE, NOTIFY)."""
        await self.news.woken()

    def farewell(self, reason: str) -> None:
        self.server.bye(reason[0].upper() + reason[1:])

    def left(self) -> None:
        self._left = True
        if self._reading is not None:
            self._reading.cancel()

    def ended(self) -> None:
        self._leave()
        self.news.end()
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

    @property
    def taking_id(self) -> int:
        r"""The same, if what comes there is ``\Recent`` to this client and then to no other (RFC 3501 §2.3.2)."""
        takes = self._selected is not None and not self._selected.read_only and not self.server.rev2
        return self.selected_id if takes else 0

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
        """Nobody is logged in any more; TLS stays."""
        self.unselect()
        self.server.unauthenticated()
        self.news.forget()
        self._part()
        self.condstore = self.extended_list = False

    def _part(self) -> None:
        """Whoever is logged in isn't any more."""
        if self.account is not None:
            self.house.present.leave(self.account.id)
            self.account = None

    def _leave(self) -> None:
        self._selected = None
        if self._feed is not None:
            self._feed.close()
            self._feed = None

    async def read(self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """`Store.read` of what may take long, as a search does; ConnectionResetError when the client has gone."""
        if self._left:
            raise ConnectionResetError("the peer is gone")
        self._reading = reading = self.house.store.begin_read(fn, *args, **kwargs)
        try:
            return await reading
        except asyncio.CancelledError:
            if not self._left:
                raise
            raise ConnectionResetError("the peer is gone") from None
        finally:
            self._reading = None

    def ranges(self, wanted: SequenceSet, *, by_uid: bool) -> Ranges:
        """The messages that a command means, as UIDs; `No` for numbers that no message has (RFC 9051 §9)."""
        selected = self.selected_mailbox
        if not by_uid and wanted.largest > len(selected):
            raise No(f"There is no message {wanted.largest}; the mailbox has {len(selected)}", bad=True)
        if not by_uid and wanted.last and not selected.uids:
            raise No("There is no last message; the mailbox has none", bad=True)
        return selected.uid_ranges(wanted, by_uid=by_uid)

    # -- events --------------------------------------------------------------------------------------------------

    async def _command(self, event: event.Command) -> None:
        wish = event.command
        self.tag = event.tag
        if isinstance(wish, command.Idle):
            self.news.idle = True
            self.server.idling()
            await self.news.tell(expunges=True)
            return
        handler = COMMANDS.get(type(wish))
        if handler is None:
            self.server.bad("This command is not offered here")
            return
        if not self.condstore and enables(wish):
            self._begin_condstore()
        self.news.begin(wish)
        doing = handler(self, wish)
        await self._finish(
            keep_told(self, doing) if isinstance(wish, LONG) else doing,
            with_uid=bool(getattr(wish, "uid", False)),
            promised=isinstance(wish, command.Expunge | command.Move),
        )

    def _begin_condstore(self) -> None:
        """The client's first command that speaks of mod-sequences (RFC 7162 §3.1)."""
        self.condstore = True
        if self._selected is not None:
            told = self._selected.told
            self.server.untagged(response.ok("Where the mailbox is", f"HIGHESTMODSEQ {told}"))

    async def _idle_done(self, done: event.IdleDone) -> None:
        self.news.idle = False
        if done.reason:
            self.server.bad(done.reason)
        else:
            self.server.ok("IDLE completed")

    async def _search_refused(self, _: event.SearchRefused) -> None:
        if self._selected is not None:
            self._selected.saved = []

    async def _auth_response(self, response: event.AuthResponse) -> None:
        await self._finish(imap_login.respond(self, response))

    async def _append_begin(self, begin: event.AppendBegin) -> None:
        self.tag = begin.tag
        if self._appending is None:
            self._appending = Appending(self)
        try:
            await self._appending.begin(begin.append, on_its_way=begin.on_its_way)
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
            await self._finish(keep_told(self, appending.end()), promised=appending.replaces)
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
        self.news.echoed = 0
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
        await self.news.tell_all(with_uid=with_uid, promised=promised)
        if isinstance(outcome, No):
            self._refuse(outcome)
        else:
            self.server.ok(outcome.text, outcome.code)

    def _refuse(self, no: No) -> None:
        if no.bad:
            self.server.bad(str(no), no.code)
        else:
            self.server.no(str(no), no.code)

    def _hint(self, modseq: int) -> None:
        """The feed says that the account has changed."""
        if self.news.waited_for and self._selected is not None and modseq > self._selected.modseq:
            self.news.hinted = modseq
            box, told = self._selected.mailbox, self._selected.modseq
            self.house.heard.read(self.house.store, box, told, modseq, self.line.wake)

    _ANSWERS: ClassVar[dict[type, Callable[[ImapSession, Any], Awaitable[None]]]] = {
        event.Command: _command,
        event.IdleDone: _idle_done,
        event.SearchRefused: _search_refused,
        event.AuthResponse: _auth_response,
        event.AppendBegin: _append_begin,
        event.AppendChunk: _append_chunk,
        event.AppendUrl: _append_url,
        event.AppendEnd: _append_end,
        event.AppendAborted: _append_aborted,
    }
