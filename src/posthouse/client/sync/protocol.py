# DO NOT CHANGE! Generated from src/posthouse/client/aio/protocol.py by tools/unasync.py:
# change that file, then run `make format`.
# ruff: noqa: UP028, C416, RUF100 (there is no `yield from` and no `list` under asyncio)
"""The protocol clients, for those who want the wire.

A client is for one task at a time; a second one waits for its turn. What the server refuses (`Refused`) leaves the
conversation intact; after any other error, and when a task is cancelled in the middle of a command, nobody knows what
the server would say next: the connection is closed, and every further call says so.
"""

from __future__ import annotations

import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self, TypeVar

from posthouse.errors import ConnectionFailed, LocalProtocolError, Refused, SmtpRefused
from posthouse.imap.answer import Fetched, Listed
from posthouse.imap.client import Selected
from posthouse.imap.fetch import Attribute, Item
from posthouse.imap.sequence import SequenceSet
from posthouse.imap.syntax import MAX_NUMBER
from posthouse.net.stream import Stream
from posthouse.smtp.envelope import Envelope
from posthouse.wire.mechanism import Secret
from posthouse.wire.sasl import Credentials
from posthouse.wire.steps import Steps

from .. import imap, imap_search, smtp
from ..ahead import Ahead
from ..drive import drive
from ..login import LoggedIn
from ..query import Q, as_query
from ..smtp import SendResult
from ..url import Protocol, Server

T = TypeVar("T")

# Seconds for a connection to come about, each of the host's addresses.
CONNECT_TIMEOUT = 30.0
# Messages whose headers are fetched at a time: few at first, so that the first lines stand there at once.
FIRST_BATCH = 50
BATCH = 1000


class _Client:
    """What the clients have in common: a stream, and one operation on it at a time."""

    def __init__(self, stream: Stream, context: ssl.SSLContext | None) -> None:
        self._stream = stream
        self._context = context
        self._lock = threading.Lock()
        self._closed = False

    def _run(self, steps: Steps[T]) -> T:
        with self._lock:
            if self._closed:
                raise ConnectionFailed("this connection is closed", advice="Connect again.")
            try:
                return drive(self._stream, steps, self._context)
            except BaseException as error:
                intact = isinstance(error, Refused | LocalProtocolError)
                if not intact or (isinstance(error, SmtpRefused) and error.code == 421):
                    self._drop()
                raise

    @property
    def closed(self) -> bool:
        """Whether the connection is over."""
        return self._closed

    def _drop(self) -> None:
        self._closed = True
        self._stream.abort()

    def _goodbye(self, steps: Steps[None]) -> None:
        """Leave politely where the conversation is intact. Nothing happens when it is over already."""
        if not self._closed:
            try:
                self._run(steps)
            finally:
                self._closed = True
                self._stream.close()

    def close(self) -> None:
        """Say goodbye and close the connection."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class SmtpClient(_Client):
    """A connection to a server that takes letters::

    with SmtpClient.connect("smtp://mail.example.org") as client:
        client.login("ada@example.org", password)
        client.send("ada@example.org", ["bob@example.org"], octets)
    """

    def __init__(self, stream: Stream, context: ssl.SSLContext | None, conversation: smtp.Conversation) -> None:
        super().__init__(stream, context)
        self._conversation = conversation

    @classmethod
    def connect(cls, server: Server | str, *, context: ssl.SSLContext | None = None, name: str = "") -> Self:
        """Connect, and begin TLS as the address says; see `Server.parse` for what an address is.

        ``context``: whom to trust, if not those whom the system trusts. ``name``: what this host calls itself, if not
        by its address. Raises `ConnectionFailed`, its kind `TlsError`, and `SmtpRefused`.
        """
        server = Server.parse(server, Protocol.SMTP) if isinstance(server, str) else server
        stream = Stream.connect(server.host, server.port, CONNECT_TIMEOUT)
        literal = stream.local_address.partition("%")[0]
        named = name or (f"[IPv6:{literal}]" if ipaddress.ip_address(literal).version == 6 else f"[{literal}]")
        conversation = smtp.Conversation(server, named, loopback=stream.loopback)
        client = cls(stream, context, conversation)
        try:
            client._run(smtp.connect(conversation))
        except BaseException:
            client._drop()
            raise
        return client

    def login(self, user: str, password: str) -> None:
        """Log in. Raises `LoginRefused`, and `TlsError` rather than to send the password in clear text."""
        self.login_with(Credentials(user, password))

    def login_with(self, secret: Secret) -> LoggedIn:
        """Log in with a password, a `Token` of OAuth 2, or as whom the client's certificate names (`Certified`).

        Tells by which mechanism.
        """
        return self._run(smtp.login(self._conversation, secret))

    def send(self, sender: str, recipients: Iterable[str], octets: bytes) -> SendResult:
        """Hand over one letter; the result names the recipients that the server accepted and refused.

        ``octets``: the letter as it is to arrive; bare line ends become CR LF. Raises `SmtpRefused` when the server
        accepts no recipient, or not the letter.
        """
        envelope = smtp.envelope_for(sender, recipients, octets)
        return (self._run(smtp.send(self._conversation, envelope, octets))).check()

    def send_many(self, letters: Iterable[tuple[str, Iterable[str], bytes]]) -> Iterator[SendResult]:
        """Hand over letters (sender, recipients, octets) one after another; yields a result for each, in order.

        With a server that allows it each letter takes one round trip; two further ones are taken from ``letters``
        meanwhile. A letter that is refused is a result like any other; `SendResult.check` raises. Who leaves the loop
        early ends the connection.
        """
        ahead = Ahead(smtp.enveloped(letters))
        try:
            while (letter := ahead.take()) is not None:
                yield self.send_ahead(*letter, ahead.next, lambda: ahead.look(2))
        finally:
            if self._conversation.under_way is not None:
                self._drop()

    def send_ahead(
        self,
        envelope: Envelope,
        octets: bytes,
        following: tuple[Envelope, bytes] | None,
        meanwhile: Callable[[], object],
    ) -> SendResult:
        """Hand over one letter, whose successor's commands leave along with its content: see `client.smtp.send`."""
        steps = smtp.send(self._conversation, envelope, octets, following=following, meanwhile=meanwhile)
        return self._run(steps)

    @property
    def in_doubt(self) -> bool:
        """Whether the connection ended while the server held a whole letter: it may have taken it, or not."""
        return self._conversation.in_doubt

    def noop(self) -> None:
        """Ask whether the connection still stands. Raises `ConnectionFailed`, or `SmtpRefused` with 421."""
        self._run(smtp.noop(self._conversation))

    def close(self) -> None:
        """Say goodbye and close the connection."""
        if self._conversation.under_way is not None:
            self._drop()
        self._goodbye(smtp.quit(self._conversation))


def newest_first(fetched: Iterable[Fetched]) -> list[Fetched]:
    """Messages in the order of their UIDs, backwards: a higher one arrived later (RFC 9051 §2.3.1.1)."""
    return sorted(fetched, key=lambda one: one.uid or 0, reverse=True)


def batch_sizes(limit: int | None) -> Iterator[int]:
    """How many messages to ask for at a time: `FIRST_BATCH`, then `BATCH`; in all no more than ``limit``."""
    size = FIRST_BATCH
    while limit is None or limit > 0:
        yield size if limit is None else min(size, limit)
        limit = None if limit is None else limit - size
        size = BATCH


def number_batches(exists: int, limit: int | None) -> Iterator[SequenceSet]:
    """The numbers of the newest messages of a mailbox, from the top."""
    for size in batch_sizes(limit):
        if exists < 1:
            return
        yield SequenceSet(((max(1, exists - size + 1), exists),))
        exists -= size


def uid_batches(uids: list[int], limit: int | None) -> Iterator[SequenceSet]:
    """The UIDs of the newest of some messages; ``uids`` are ascending."""
    end = len(uids)
    for size in batch_sizes(limit):
        if end < 1:
            return
        yield SequenceSet.of(uids[max(0, end - size) : end])
        end -= size


class ImapClient(_Client):
    """A connection to a server that keeps mailboxes::

    with ImapClient.connect("imap://mail.example.org") as client:
        client.login("ada@example.org", password)
        client.select("INBOX", read_only=True)
        for message in client.newest([Attribute.UID, Attribute.ENVELOPE]):
            print(message.envelope.subject)
    """

    def __init__(self, stream: Stream, context: ssl.SSLContext | None, conversation: imap.Conversation) -> None:
        super().__init__(stream, context)
        self._conversation = conversation

    @classmethod
    def connect(cls, server: Server | str, *, context: ssl.SSLContext | None = None) -> Self:
        """Connect, and begin TLS as the address says; see `Server.parse` for what an address is.

        ``context``: whom to trust, if not those whom the system trusts. Raises `ConnectionFailed` and its kind
        `TlsError`.
        """
        server = Server.parse(server, Protocol.IMAP) if isinstance(server, str) else server
        stream = Stream.connect(server.host, server.port, CONNECT_TIMEOUT)
        conversation = imap.Conversation(server, loopback=stream.loopback)
        client = cls(stream, context, conversation)
        try:
            client._run(imap.connect(conversation))
        except BaseException:
            client._drop()
            raise
        return client

    def login(self, user: str, password: str) -> None:
        """Log in. Raises `LoginRefused`, and `TlsError` rather than to send the password in clear text."""
        self.login_with(Credentials(user, password))

    def login_with(self, secret: Secret) -> LoggedIn:
        """Log in with a password, a `Token` of OAuth 2, or as whom the client's certificate names (`Certified`).

        Tells by which mechanism.
        """
        return self._run(imap.login(self._conversation, secret))

    def run(self, operation: Callable[[imap.Conversation], Steps[T]]) -> T:
        """Run an operation of `posthouse.client.imap` or `imap_mailbox` on this connection."""
        return self._run(operation(self._conversation))

    def share_odd_names(self, names: dict[str, bytes]) -> None:
        """Keep the names of mailboxes that the server writes oddly in ``names``, with those of other connections."""
        self._conversation.odd_names = names

    @property
    def mailbox(self) -> Selected | None:
        """The selected mailbox, as the server has told of it so far; None if there is none."""
        return self._conversation.mailbox

    def capabilities(self) -> frozenset[str]:
        """What the server can do, in upper case."""
        return self._run(imap.capability(self._conversation))

    def list_mailboxes(self, pattern: str = "*") -> list[Listed]:
        """The mailboxes whose names fit ``pattern``: ``*`` is anything, ``%`` one level."""
        return self._run(imap.list_mailboxes(self._conversation, pattern))

    def select(self, mailbox: str, *, read_only: bool = False) -> Selected:
        """Open a mailbox. Raises `ImapRefused` if there is none of that name."""
        return self._run(imap.select(self._conversation, mailbox, read_only=read_only))

    def search(self, query: Q | str) -> list[int]:
        """The UIDs of the messages that meet ``query``, ascending: a `Q`, or what `Q.parse` reads."""
        return self._run(imap_search.uid_search(self._conversation, as_query(query).key))

    def fetch(self, numbers: SequenceSet, items: Iterable[Item]) -> list[Fetched]:
        """What the server tells of the messages with these numbers."""
        return self._run(imap.fetch(self._conversation, numbers, items))

    def uid_fetch(self, uids: SequenceSet, items: Iterable[Item]) -> list[Fetched]:
        """What the server tells of the messages with these UIDs; those that are gone are left out."""
        return self._run(imap.uid_fetch(self._conversation, uids, items))

    def newest(self, items: Iterable[Item], query: Q | str = "", *, limit: int | None = None) -> Iterator[Fetched]:
        """What the server tells of each message that meets ``query``, newest first; at most ``limit``.

        Fetched in batches as they are asked for, the next one while this one is looked at. Messages that arrive or go
        meanwhile do no harm: they are left out.
        """
        items = tuple(dict.fromkeys((Attribute.UID, *items)))
        by_number = as_query(query) == Q.all
        if by_number:  # without a list of all UIDs
            exists = self._conversation.mailbox.exists if self._conversation.mailbox else 0
            sets = number_batches(exists, limit)
        else:
            sets = uid_batches(self.search(query), limit)
        operation = imap.fetch if by_number else imap.uid_fetch
        lowest = MAX_NUMBER + 1
        present = next(sets, None)
        while present is not None:
            following = next(sets, None)
            batch = self._run(operation(self._conversation, present, items, following=following))
            for one in newest_first(batch):
                # A FETCH moves no numbers (RFC 9051 §7.5.1), other commands do: what one of them lets slip from one
                # batch into the next is told once.
                if one.uid is not None and one.uid < lowest:
                    lowest = one.uid
                    yield one
            present = following

    def append(self, mailbox: str, octets: bytes, *, flags: Iterable[str] = ()) -> int | None:
        """Put a message into a mailbox; return its UID, where the server tells it. Bare line ends become CR LF.

        Raises `ImapRefused` when the server doesn't take it.
        """
        return self._run(imap.append(self._conversation, mailbox, octets, flags))

    def noop(self) -> None:
        """Ask whether the connection still stands, and hear what is new. Raises `ConnectionFailed`."""
        self._run(imap.noop(self._conversation))

    def close(self) -> None:
        """Log out and close the connection."""
        self._goodbye(imap.logout(self._conversation))
