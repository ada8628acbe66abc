# DO NOT CHANGE! Generated from src/posthouse/client/aio/maildrop.py by tools/unasync.py:
# change that file, then run `make format`.
# ruff: noqa: UP028, C416, RUF100 (there is no `yield from` and no `list` under asyncio)
"""A POP3 mailbox, opened: what `Account.open` gives for a provider that has nothing better.

POP3 knows one mailbox, no flags and no search (RFC 1939): messages are listed, fetched and removed. The rest is made of
these here, or is said not to be possible (`NotSupported`).
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TypeVar

from posthouse.errors import ConnectionFailed, NotFound, NotSupported, Pop3Refused
from posthouse.files.item import Item
from posthouse.imap.answer import Fetched, Listed
from posthouse.imap.client import Selected
from posthouse.imap.fetch import BodySection
from posthouse.message.address import Address
from posthouse.message.complete import split_header
from posthouse.message.header import Headers
from posthouse.wire.steps import Steps

from .. import imap
from ..changes import Delta, Event, Found, State
from ..filter import arrived, check, meets
from ..message import Message
from ..query import Q, as_query
from .box import Box
from .mail import FIELDS, Mail
from .mailbox import BACKOFF, POLL_SECONDS, Mailbox, Messages, events
from .pop3 import Pop3Client
from .protocol import ImapClient, batch_sizes

T = TypeVar("T")

# Octets of a message's number: so many that two names don't become one, as few as a person can still copy.
NUMBER_OCTETS = 6
# RFC 2449 §8.1, RFC 3206 §4: not now, but later. Others hold the mailbox, or come back too soon.
LATER = frozenset({"IN-USE", "LOGIN-DELAY", "SYS/TEMP"})


def number_of(name: str, occurrence: int = 0) -> int:
    """The number by which a message is called: of its unique-id, the same in every session.

    A server may give copies of one message one name (RFC 1939 §7): they are counted.
    """
    told = f"{name}\0{occurrence}" if occurrence else name
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:NUMBER_OCTETS], "big") or 1


def cannot(what: str, advice: str = "") -> NotSupported:
    """POP3 can't do it."""
    return NotSupported(
        f"POP3 {what}",
        advice=advice or "Use IMAP, if the provider has it: imap=…, or --imap.",
    )


class Maildrop:
    """The messages as they were when the session began, by number (`number_of`), the oldest first.

    What is deleted is removed when the session is closed in peace. A connection that breaks is made again, and what was
    deleted on it is deleted again.
    """

    def __init__(self, connect: Callable[[], Pop3Client]) -> None:
        self._connect = connect
        self._client: Pop3Client | None = None
        self._places: dict[int, int] = {}  # in this session: what the server calls them
        self._sizes: dict[int, int] = {}  # by place
        self._doomed: set[int] = set()
        self._lock = threading.Lock()

    def _session(self) -> Pop3Client:
        """The session that stands, or a new one."""
        if self._client is None or self._client.closed:
            client = self._connect()
            try:
                self._sizes = client.sizes()
                places: dict[int, int] = {}
                for place, name in (client.unique_ids()).items():
                    occurrence = 0
                    while (number := number_of(name, occurrence)) in places:
                        occurrence += 1
                    places[number] = place
                self._places = places
                client.delete(*[places[one] for one in self._doomed if one in places])
            except BaseException:
                client.drop()
                raise
            self._client = client
        return self._client

    def _run(self, operation: Callable[[Pop3Client], T]) -> T:
        with self._lock:
            try:
                return operation(self._session())
            except ConnectionFailed:
                if self._client is None:
                    raise  # no connection broke, for there was none
                return operation(self._session())

    def uids(self) -> list[int]:
        """All of them but those that were deleted."""
        with self._lock:
            self._session()
            return [one for one in self._places if one not in self._doomed]

    def size(self, uid: int) -> int:
        """Octets of a message of this session."""
        return self._sizes.get(self._places.get(uid, 0), 0)

    def headers(self, uids: Sequence[int]) -> Mapping[int, bytes]:
        """Their headers; those that are gone are left out."""

        def fetch(client: Pop3Client) -> Mapping[int, bytes]:
            wanted = {self._places[one]: one for one in uids if one in self._places and one not in self._doomed}
            return {wanted[place]: octets for place, octets in (client.tops(list(wanted))).items()}

        return self._run(fetch)

    def whole(self, uid: int) -> bytes:
        """A message. `NotFound` if there is none."""

        def fetch(client: Pop3Client) -> bytes:
            if uid not in self._places or uid in self._doomed:
                raise NotFound(f"message {uid} is no longer in the mailbox")
            return client.retrieve(self._places[uid])

        return self._run(fetch)

    def delete(self, uids: Iterable[int]) -> None:
        """Delete them, when the session is closed."""
        gone = [one for one in uids if one not in self._doomed]

        def mark(client: Pop3Client) -> None:
            client.delete(*[self._places[one] for one in gone if one in self._places])

        self._run(mark)
        self._doomed.update(gone)

    def close(self) -> None:
        """Have removed what was deleted, and end the session. `Pop3Refused` if it was not removed."""
        with self._lock:
            if self._doomed:
                self._session()  # one that broke is made again, so that nothing stays that should go
            client, self._client = self._client, None
            if client is not None:
                client.close()
            self._doomed.clear()

    def drop(self) -> None:
        """End the session, and remove nothing."""
        if self._client is not None:
            self._client.drop()
        self._client = None
        self._doomed.clear()


class Pop3Mail(Mail):
    """A message in a POP3 mailbox: its header came with the list, and all of it comes when more is asked for."""

    def __init__(self, mailbox: Pop3Inbox, uid: int, header: bytes, size: int) -> None:
        super().__init__(mailbox, Fetched(0, uid, frozenset(), size=size, sections={FIELDS.label.upper(): header}))
        self._drop = mailbox.drop

    def _fetch_one(self, item: BodySection) -> bytes:
        return self._drop.whole(self.uid)

    def _without_files(self) -> Message | None:
        return None


class Pop3Messages(Messages):
    """Some messages of a POP3 mailbox. A search looks at headers first, and fetches a message only to look inside."""

    def __init__(self, mailbox: Pop3Inbox, query: Q, uids: Sequence[int] | None = None) -> None:
        super().__init__(mailbox, query, uids)
        check(query.key)
        self._inbox = mailbox
        self._drop = mailbox.drop

    def uids(self) -> list[int]:
        """Their numbers, the oldest message first."""
        present = self._drop.uids()
        if self._uids is None and self._query == Q.all:
            return present
        if self._uids is None:
            self._uids = [mail.uid for mail in self.newest()]
        chosen = set(self._uids)
        return [one for one in present if one in chosen]

    def newest(self, limit: int | None = None) -> Iterator[Mail]:
        """They, newest first; at most ``limit``. Headers come in batches, as they are needed."""
        key = self._query.key
        chosen = self._uids is not None or self._query == Q.all
        waiting = self.uids() if chosen else self._drop.uids()
        for size in batch_sizes(limit if chosen else None):
            batch, waiting = waiting[-size:][::-1], waiting[:-size]
            headers = self._drop.headers(batch)
            for uid in batch:
                header = headers.get(uid)
                if header is None:
                    continue
                mail = Pop3Mail(self._inbox, uid, header, self._drop.size(uid))
                met = meets(key, Headers(header), mail.size)
                if met is None:
                    whole = mail.load()
                    met = meets(key, Headers(header), mail.size, whole)
                if met:
                    limit = None if limit is None else limit - 1
                    yield mail
                    if limit == 0:
                        return
            if not waiting:
                return

    def mark(
        self,
        *,
        read: bool | None = None,
        flagged: bool | None = None,
        answered: bool | None = None,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
    ) -> None:
        """`NotSupported`: POP3 keeps no flags."""
        raise cannot("keeps no flags: a message can't be marked")

    def move(self, to: Mailbox | str) -> None:
        """`NotSupported`: there is one mailbox."""
        raise cannot("has one mailbox: there is none to move messages to")

    def copy(self, to: Mailbox | str) -> None:
        """`NotSupported`: there is one mailbox."""
        raise cannot("has one mailbox: there is none to copy messages to")

    def delete(self, *, forever: bool = False) -> None:
        """Remove them, when the box is closed: POP3 has no trash. Leaving the box by an error removes nothing."""
        self._drop.delete(self.uids())

    def _whole(self, lost: list[int]) -> Iterator[Item]:
        for uid in self.uids():
            with contextlib.suppress(NotFound):
                octets = self._drop.whole(uid)
                yield Item(octets, frozenset(), arrived(Headers(octets[: split_header(octets)])))


class Pop3Inbox(Mailbox):
    """The mailbox. A session sees it as it was when it began; `changes` and `watch` begin another one."""

    def __init__(self, box: Pop3Box, drop: Maildrop) -> None:
        super().__init__(box, "INBOX")
        self.drop = drop

    def run(self, operation: Callable[[imap.Conversation], Steps[T]], *, repeat: bool = True) -> T:
        """`NotSupported`: these are operations of IMAP."""
        return self.box.run(operation)

    def refresh(self) -> None:
        """See what has come: in a new session."""
        self.drop.close()

    def messages(self, uids: Sequence[int]) -> Messages:
        """The messages with these numbers."""
        return Pop3Messages(self, Q.all, uids)

    def search(self, query: Q | str = "") -> Messages:
        """The messages that meet ``query``; looked for on this computer."""
        return Pop3Messages(self, as_query(query))

    def newest(self, limit: int | None = None) -> Iterator[Mail]:
        """Its messages, newest first; at most ``limit``."""
        return Pop3Messages(self, Q.all).newest(limit)

    def get(self, uid: int) -> Mail:
        """The message with this number. `NotFound` if there is none."""
        for mail in self.messages([uid]):
            return mail
        raise NotFound(f"there is no message {uid} in INBOX", advice="`posthouse list` shows the numbers.")

    def count(self) -> int:
        """How many messages it has."""
        return len(self.drop.uids())

    def append(self, message: Message | bytes, *, flags: Iterable[str] = ()) -> int | None:
        """`NotSupported`: POP3 takes no messages."""
        raise cannot("takes no messages")

    def changes(self, since: State | str | None = None) -> Delta[Messages]:
        """What happened since ``since``: new messages, and the numbers of those that are gone. Without it all are new.

        In a new session: what was deleted in this one is removed.
        """
        found = self._compare(State.parse(since) if isinstance(since, str) else since)
        return Delta(self.messages(found.new), found.changed, found.vanished, found.state)

    def _compare(self, known: State | None) -> Found:
        self.refresh()
        present = self.drop.uids()
        before = known.names if known is not None else frozenset()
        state = State(0, 0, names=frozenset(present))
        return Found([one for one in present if one not in before], {}, sorted(before - state.names), state)

    def watch(self, *, since: State | str | None = None, quiet: float | None = None) -> Iterator[Event[Mail]]:
        """Events as they are found: "new" and "gone". POP3 tells nothing by itself: it is asked every minute.

        The mailbox is locked for nobody between two questions, so what was deleted meanwhile is removed. ``since`` and
        ``quiet`` as for IMAP.
        """
        state = State.parse(since) if isinstance(since, str) else since
        if state is None:
            state = (self._compare(None)).state
        until = None if quiet is None else time.monotonic() + quiet
        failures = 0
        while True:
            try:
                found = self._compare(state)
                new = [mail for mail in self.messages(found.new)] if found.new else []
                failures = 0
            except (ConnectionFailed, Pop3Refused) as error:
                pause = BACKOFF[min(failures, len(BACKOFF) - 1)]
                if isinstance(error, Pop3Refused) and error.code not in LATER:
                    raise
                if until is not None and time.monotonic() + pause > until:
                    raise
                failures += 1
                time.sleep(pause)
                continue
            if not found.quiet:
                for event in events(found, new[::-1], state):
                    yield event
                state = found.state
                until = None if quiet is None else time.monotonic() + quiet
            self.drop.close()
            left = POLL_SECONDS if until is None else min(POLL_SECONDS, until - time.monotonic())
            if left <= 0:
                return
            time.sleep(left)


class Pop3Box(Box):
    """The one mailbox of an account that is read by POP3. `inbox` is as with IMAP; the others aren't there.

    What is deleted is removed when the block is left in peace, and not when it is left by an error (RFC 1939 §6).
    """

    def __init__(self, connect: Callable[[], Pop3Client], mine: tuple[Address, ...]) -> None:
        super().__init__(_no_imap, mine)
        self._drop = Maildrop(connect)
        self.inbox = Pop3Inbox(self, self._drop)

    def __getitem__(self, name: str) -> Mailbox:
        """The mailbox of this name: there is INBOX. `NotSupported` for any other."""
        if name.upper() != "INBOX":
            raise cannot(f"has one mailbox, INBOX: there is no {name}")
        return self.inbox

    def mailboxes(self) -> list[Listed]:
        """The one that there is."""
        return [Listed("INBOX", b"INBOX", "", frozenset())]

    def special(self, use: str) -> str | None:
        """`NotSupported`: there is one mailbox."""
        name = use.removeprefix("\\")
        raise cannot(f"has one mailbox, INBOX: there is none for {name}")

    def name_of(self, mailbox: Mailbox | str) -> str:
        """`NotSupported`: nothing can be put into a mailbox."""
        raise cannot("takes no messages")

    def create(self, name: str, use: str = "") -> Mailbox:
        """`NotSupported`."""
        raise cannot("has one mailbox: no other can be made")

    def remove(self, name: str) -> None:
        """`NotSupported`."""
        raise cannot("has one mailbox, which can't be removed")

    def rename(self, name: str, new: str) -> None:
        """`NotSupported`."""
        raise cannot("has one mailbox, which can't be renamed")

    def run(self, operation: Callable[[imap.Conversation], Steps[T]], mailbox: str = "", *, repeat: bool = True) -> T:
        """`NotSupported`: these are operations of IMAP."""
        raise cannot("doesn't know this")

    def select(self, mailbox: str) -> Selected:
        """`NotSupported`: these are numbers of IMAP."""
        raise cannot("doesn't know this")

    def close(self) -> None:
        """Have removed what was deleted, and say goodbye. `Pop3Refused` if it was not removed."""
        self._drop.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._drop.drop()
        self.close()


def _no_imap() -> ImapClient:
    raise cannot("doesn't know this")
