# DO NOT CHANGE! Generated from src/posthouse/client/aio/mailbox.py by tools/unasync.py:
# change that file, then run `make format`.
# ruff: noqa: UP028, C416, RUF100 (there is no `yield from` and no `list` under asyncio)
"""A mailbox, and selections of its messages: what is done with them is done on the server, in few commands."""

from __future__ import annotations

import functools
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from posthouse.errors import ConnectionFailed, ImapRefused, NotFound, RemoteProtocolError
from posthouse.files.item import Item
from posthouse.files.target import Format, added_target, new_target
from posthouse.files.tree import read
from posthouse.imap.answer import Fetched
from posthouse.imap.client import Selected
from posthouse.imap.fetch import Attribute
from posthouse.imap.fetch import Item as FetchItem
from posthouse.imap.sequence import STAR, SequenceSet
from posthouse.message.address import Address
from posthouse.message.header import Headers
from posthouse.wire.steps import Steps

from .. import imap, imap_careful, imap_mailbox, imap_search, slowed
from ..changes import Delta, Event, Found, State, compare
from ..message import Message
from ..query import Q, as_query
from .mail import ITEMS, WHOLE, Mail
from .protocol import ImapClient, newest_first, number_batches, uid_batches

if TYPE_CHECKING:
    from .box import Box

T = TypeVar("T")

# RFC 2177 §3: a client ends IDLE at least every 29 minutes; routers forget silent connections earlier than that.
IDLE_SECONDS = 10 * 60.0
# How often a server without IDLE is asked.
POLL_SECONDS = 60.0
# How often a server may break the rules of IDLE before it is asked every minute instead.
MAX_IDLE_FAULTS = 3
# Seconds between attempts to reach a server again, the last one repeated.
BACKOFF = (1.0, 5.0, 15.0, 60.0)
# For export: messages whose sizes are asked for at a time, and octets of the messages fetched at a time.
SIZES = 1000
EXPORT_OCTETS = 4 * 1024 * 1024


class Messages:
    """Some messages of a mailbox: those that a search found, or those with given UIDs.

    The server is asked when they are first needed, once. Iterating gives them newest first, in batches.
    """

    def __init__(self, mailbox: Mailbox, query: Q, uids: Sequence[int] | None = None) -> None:
        self._mailbox = mailbox
        self._query = query
        self._uids = None if uids is None else sorted(uids)

    def uids(self) -> list[int]:
        """Their UIDs, ascending."""
        if self._uids is None:
            key = self._query.key
            self._uids = self._mailbox.run(lambda talk: imap_search.uid_search(talk, key, fresh=True))
        return self._uids

    def count(self) -> int:
        """How many they are."""
        return len(self.uids())

    def first(self) -> Mail | None:
        """The newest of them; None if there are none."""
        for mail in self.newest(1):
            return mail
        return None

    def __iter__(self) -> Iterator[Mail]:
        return self.newest()

    def newest(self, limit: int | None = None) -> Iterator[Mail]:
        """They, newest first; at most ``limit``. Memory holds a batch, however many there are."""
        if self._uids is None and self._query == Q.all:  # by their numbers, without a list of all UIDs
            batches = self._by_number(limit)
        else:
            batches = self._by_uid(limit)
        lowest = STAR
        for batch in batches:
            for one in newest_first(batch):
                # Numbers move when messages go: what slips from one batch into the next is told once.
                if one.uid is not None and one.uid < lowest:
                    lowest = one.uid
                    yield Mail(self._mailbox, one)

    def _by_number(self, limit: int | None) -> Iterator[list[Fetched]]:
        exists = (self._mailbox.examine()).exists
        for batch in self._batches(number_batches(exists, limit), by_uid=False):
            yield batch

    def _by_uid(self, limit: int | None) -> Iterator[list[Fetched]]:
        for batch in self._batches(uid_batches(self.uids(), limit), by_uid=True):
            yield batch

    def _batches(self, sets: Iterable[SequenceSet], *, by_uid: bool) -> Iterator[list[Fetched]]:
        operation = imap.uid_fetch if by_uid else imap.fetch
        waiting = iter(sets)
        present = next(waiting, None)
        while present is not None:
            following = next(waiting, None)
            try:
                batch = self._mailbox.run(functools.partial(_listing, operation, present, following))
            except ImapRefused as error:
                if not imap_careful.is_over_some(error):
                    raise
                batch, _ = self._what_can_be(present, ITEMS, by_uid=by_uid)
            yield batch
            present = following

    def _what_can_be(
        self, numbers: SequenceSet, items: tuple[FetchItem, ...], *, by_uid: bool
    ) -> tuple[list[Fetched], list[int]]:
        fetch = imap_careful.fetch_what_can_be
        return self._mailbox.run(lambda talk: fetch(talk, numbers, items, by_uid=by_uid))

    def mark(
        self,
        *,
        read: bool | None = None,
        flagged: bool | None = None,
        answered: bool | None = None,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
    ) -> None:
        """Change their flags on the server. ``add`` and ``remove`` are keywords (``$Forwarded``, ``work``)."""
        wanted = {"\\Seen": read, "\\Flagged": flagged, "\\Answered": answered}
        adding = [*[flag for flag, on in wanted.items() if on], *add]
        taking = [*[flag for flag, on in wanted.items() if on is False], *remove]
        self._each(lambda conversation, uids: imap_mailbox.change_flags(conversation, uids, add=adding, take=taking))

    def move(self, to: Mailbox | str) -> None:
        """Move them into another mailbox, which is made if it is one of the usual ones (``box.archive``)."""
        name = self._mailbox.box.name_of(to)
        self._each(lambda conversation, uids: imap_mailbox.move(conversation, uids, name))

    def copy(self, to: Mailbox | str) -> None:
        """Copy them into another mailbox."""
        name = self._mailbox.box.name_of(to)
        self._each(lambda conversation, uids: imap_mailbox.copy(conversation, uids, name), repeat=False)

    def delete(self, *, forever: bool = False) -> None:
        """Move them into the account's trash. ``forever``, without a trash or within it: remove them.

        Only these messages are removed, whatever else is marked as deleted. A server that can't do that (no UIDPLUS)
        keeps them, marked as deleted.
        """
        trash = None if forever else self._mailbox.box.special("\\Trash")
        if trash is None or trash == self._mailbox.name():
            self._each(lambda conversation, uids: imap_mailbox.delete(conversation, uids))
        else:
            self._each(lambda conversation, uids: imap_mailbox.move(conversation, uids, trash))

    def _each(self, operation: Callable[[imap.Conversation, SequenceSet], Steps[T]], *, repeat: bool = True) -> None:
        uids = self.uids()
        if uids:
            wanted = SequenceSet.of(uids)
            self._mailbox.run(lambda conversation: operation(conversation, wanted), repeat=repeat)

    def export(
        self,
        path: str | os.PathLike[str],
        *,
        add: bool = False,
        form: Format | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> int:
        """Write them into new mail files, and return how many they are.

        What ``path`` ends with tells the format: ``.mbox``, ``.zip`` (of .eml files), else a Maildir. It is there when
        all of it is. `MailFileError` if something is there already; with ``add`` what is there stays, and only messages
        that it doesn't have are fetched, counted and added. ``progress`` is told how many of how many are written.
        When the server refuses to give some of them, `ImapRefused` names them, and all others are written.
        """
        target = Path(path)
        adding = add and there_is(target)
        wanted = self._missing(target) if adding else self
        total = wanted.count() if progress else 0
        count = 0
        lost: list[int] = []
        with (added_target if adding else new_target)(target, form or Format.of(target), alone=True) as writer:
            for item in wanted._whole(lost):
                writer.add(item)
                count += 1
                if progress:
                    progress(count, total)
        if lost:
            some = ", ".join(map(str, lost[:10])) + (", …" if len(lost) > 10 else "")
            raise ImapRefused(
                f"the server does not give message {some} of {self._mailbox.shown}",
                advice=f"All others ({count}) are in {target}. Ask the provider about these.",
            )
        return count

    def _missing(self, target: Path) -> Messages:
        """Those that the mail files don't have: by Message-ID, or else by size and the time of arrival."""
        there = Counter(map(identity_of, read(target)))
        missing = []
        for mail in self:
            ident = identity(mail.message_id, mail.size, mail.arrived)
            if there[ident]:
                there[ident] -= 1
            else:
                missing.append(mail.uid)
        return self._mailbox.messages(missing)

    def _whole(self, lost: list[int]) -> Iterator[Item]:
        """The messages themselves, oldest first, as many at a time as memory is meant to hold.

        The UIDs of those that the server refuses to give are added to ``lost``.
        """
        uids = self.uids()
        for start in range(0, len(uids), SIZES):
            sizes = self._fetch(uids[start : start + SIZES], (Attribute.UID, Attribute.SIZE), lost)
            for batch in by_octets(sizes):
                items = (Attribute.UID, Attribute.FLAGS, Attribute.INTERNALDATE, WHOLE)
                for one in sorted(self._fetch(batch, items, lost), key=uid_of):
                    octets = one.sections.get(WHOLE.label.upper())
                    if octets is not None:
                        date = one.internal_date
                        yield Item(octets, one.kept_flags, date.datetime if date else None)

    def _fetch(self, uids: Sequence[int], items: tuple[FetchItem, ...], lost: list[int]) -> list[Fetched]:
        wanted = SequenceSet.of(uids)
        try:
            return self._mailbox.run(lambda conversation: imap.uid_fetch(conversation, wanted, items))
        except ImapRefused as error:
            if not imap_careful.is_over_some(error):
                raise
            told, missing = self._what_can_be(wanted, items, by_uid=True)
            lost += missing
            return told


def _listing(
    operation: Callable[..., Steps[list[Fetched]]],
    wanted: SequenceSet,
    following: SequenceSet | None,
    conversation: imap.Conversation,
) -> Steps[list[Fetched]]:
    return operation(conversation, wanted, ITEMS, following=following)


def identity(message_id: str | None, octets: int, arrived: datetime | None) -> tuple[object, ...]:
    """What tells a message from others, in a mailbox and in a file; files know the time to the second."""
    return (message_id,) if message_id else (octets, arrived and int(arrived.timestamp()))


def identity_of(item: Item) -> tuple[object, ...]:
    """The same of a message in a file."""
    message_id = Headers(item.header()).get("message-id")
    return identity(message_id, 0 if message_id else sum(map(len, item.chunks())), item.date)


def there_is(target: Path) -> bool:
    """Whether there is a file or a folder of this name."""
    return target.exists()


def uid_of(one: Fetched) -> int:
    """Its UID, which the server was asked for."""
    return one.uid or 0


def by_octets(sizes: Iterable[Fetched]) -> Iterable[list[int]]:
    """UIDs in batches of about `EXPORT_OCTETS`; a larger message stands alone."""
    batch: list[int] = []
    octets = 0
    for one in sorted(sizes, key=uid_of):
        if batch and octets + (one.size or 0) > EXPORT_OCTETS:
            yield batch
            batch, octets = [], 0
        batch.append(uid_of(one))
        octets += one.size or 0
    if batch:
        yield batch


class Mailbox:
    """One mailbox of an open account. Iterating gives its messages, newest first."""

    def __init__(self, box: Box, name: str = "", use: str = "") -> None:
        self.box = box
        self._name = name
        self.use = use  # its special use, by which its name is found

    @property
    def mine(self) -> tuple[Address, ...]:
        """The addresses of whom it belongs to: answers don't go to them."""
        return self.box.mine

    @property
    def shown(self) -> str:
        """What it is called in a sentence."""
        return self._name or self.use.removeprefix("\\")

    def name(self) -> str:
        """Its name on the server. `NotFound` for a special one (``box.trash``) that the account doesn't have."""
        if not self._name:
            found = self.box.special(self.use)
            if found is None:
                raise NotFound(f"the account has no mailbox for {self.shown}")
            self._name = found
        return self._name

    def run(self, operation: Callable[[imap.Conversation], Steps[T]], *, repeat: bool = True) -> T:
        """Run an operation of `client.imap` with this mailbox selected; see `Box.run`."""
        return self.box.run(operation, self.name(), repeat=repeat)

    def refresh(self) -> None:
        """Let the server show what has come: a session sees a mailbox as it was at its last command."""
        self.run(imap.noop)

    def examine(self) -> Selected:
        """The mailbox's numbers, fresh from the server."""
        return self.box.select(self.name())

    def messages(self, uids: Sequence[int]) -> Messages:
        """The messages with these UIDs."""
        return Messages(self, Q.all, uids)

    def search(self, query: Q | str = "") -> Messages:
        """The messages that meet ``query``: a `Q`, or what people type (``"is:unread from:bob"``)."""
        return Messages(self, as_query(query))

    def __iter__(self) -> Iterator[Mail]:
        return self.newest()

    def newest(self, limit: int | None = None) -> Iterator[Mail]:
        """Its messages, newest first; at most ``limit``."""
        return Messages(self, Q.all).newest(limit)

    def get(self, uid: int) -> Mail:
        """The message with this UID. `NotFound` if there is none."""
        self.refresh()
        for mail in self.messages([uid]):
            return mail
        raise NotFound(f"there is no message {uid} in {self.shown}", advice="`posthouse list` shows the numbers.")

    def count(self) -> int:
        """How many messages it has."""
        selected = self.examine()
        return selected.exists

    def append(self, message: Message | bytes, *, flags: Iterable[str] = ()) -> int | None:
        """Put a message into it; its UID, where the server tells it."""
        octets = message.as_bytes(bcc=True) if isinstance(message, Message) else message
        name = self.box.name_of(self)
        return self.box.run(lambda talk: imap.append(talk, name, octets, flags), repeat=False)

    def export(
        self,
        path: str | os.PathLike[str],
        *,
        add: bool = False,
        form: Format | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> int:
        """Write all its messages into mail files; see `Messages.export`."""
        return self.search().export(path, add=add, form=form, progress=progress)

    # -- changes -----------------------------------------------------------------------------------------------------

    def changes(self, since: State | str | None = None) -> Delta[Messages]:
        """What happened since ``since``, the ``state`` of the last call: new messages, changed flags, vanished UIDs.

        Without ``since`` all messages are new. ``str(delta.state)`` is a line of text for a file. How it is found out
        depends on the server (QRESYNC, CONDSTORE, else by comparison); the answer doesn't. When the server has made
        the mailbox anew (UIDVALIDITY), everything is: ``delta.reset`` is true.
        """
        name = self.name()
        old = State.parse(since) if isinstance(since, str) else since
        found = self.box.run(lambda talk: compare(talk, name, old))
        return Delta(self.messages(found.new), found.changed, found.vanished, found.state, found.reset)

    def watch(self, *, since: State | str | None = None, quiet: float | None = None) -> Iterator[Event[Mail]]:
        """Events as they happen: ``event.kind`` is "new", "changed" or "gone".

        A connection of its own waits (IDLE, or asks every minute), and is made again when it breaks; what happened
        meanwhile is told then, once. ``since``: begin with what happened since that state (`Event.state`). ``quiet``:
        end after so many seconds without an event.
        """
        name = self.name()
        state = State.parse(since) if isinstance(since, str) else since
        if state is None:
            state = (self.box.run(lambda talk: compare(talk, name, None))).state
        watcher = Watcher(self.box.connect, name, state)
        try:
            while True:
                found = watcher.wait(quiet)
                if found is None:
                    return
                self.refresh()
                new = [mail for mail in self.messages(found.new)] if found.new else []
                for event in events(found, new[::-1], state):
                    yield event
                state = found.state
        finally:
            watcher.close()


def events(found: Found, new: Sequence[Mail], before: State) -> list[Event[Mail]]:
    """What was found as events; only the last one's state is beyond all of them."""
    told: list[Event[Mail]] = [Event("gone", uid, None, frozenset(), before) for uid in found.vanished]
    told += [Event("changed", uid, None, flags, before) for uid, flags in found.changed.items()]
    told += [Event("new", mail.uid, mail, mail.flags, before) for mail in new]
    return [*told[:-1], *[replace(last, state=found.state) for last in told[-1:]]]


class Watcher:
    """A connection that waits for what happens in a mailbox; when it breaks, another one goes on where it was."""

    def __init__(self, connect: Callable[[], ImapClient], mailbox: str, state: State) -> None:
        self._connect = connect
        self._mailbox = mailbox
        self._state = state
        self._client: ImapClient | None = None
        self._failures = 0
        self._idles = True  # as far as we know
        self._idle_faults = 0

    def wait(self, quiet: float | None) -> Found | None:
        """What happened; None when nothing did for ``quiet`` seconds.

        A server that can't be reached is tried again and again; but with such a limit, `ConnectionFailed` is its end.
        """
        until = None if quiet is None else time.monotonic() + quiet
        while True:
            try:
                if self._client is None or self._client.closed:
                    self._client = self._connect()
                found = self._client.run(lambda talk: compare(talk, self._mailbox, self._state))
                self._failures = 0
                self._state = found.state
                if not found.quiet:
                    return found
                left = IDLE_SECONDS if until is None else min(IDLE_SECONDS, until - time.monotonic())
                if left <= 0:
                    return None
                self._rest(self._client, left)
            except (ConnectionFailed, ImapRefused, RemoteProtocolError) as error:
                if isinstance(error, ImapRefused) and not slowed.slowed(error):
                    raise
                # Some servers say at the end of an IDLE what nobody has asked for. With what comes time and again to
                # ordinary commands there is nothing to be done.
                if isinstance(error, RemoteProtocolError) and self._failures >= len(BACKOFF):
                    raise
                pause = BACKOFF[min(self._failures, len(BACKOFF) - 1)]
                if until is not None and time.monotonic() + pause > until:
                    raise
                self._failures += 1
                time.sleep(pause)

    def _rest(self, client: ImapClient, seconds: float) -> None:
        """Until the server has news, or for so long."""
        capabilities = client.capabilities()
        if self._idles and capabilities & {"IDLE", "IMAP4REV2"}:
            try:
                client.run(lambda talk: imap_mailbox.idle(talk, seconds))
                return
            except ImapRefused as error:  # Courier offers it, also where what it takes for that isn't installed
                if slowed.slowed(error):
                    raise
                self._idles = False
            except RemoteProtocolError:
                self._idle_faults += 1
                self._idles = self._idle_faults < MAX_IDLE_FAULTS
                raise
        while seconds > 0:
            time.sleep(min(seconds, POLL_SECONDS))
            seconds -= POLL_SECONDS
            if client.run(imap_mailbox.poll):
                return

    def close(self) -> None:
        """The connection is needed no longer."""
        if self._client is not None:
            self._client.close()
