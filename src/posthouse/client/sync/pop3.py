# DO NOT CHANGE! Generated from src/posthouse/client/aio/pop3.py by tools/unasync.py:
# change that file, then run `make format`.
# ruff: noqa: UP028, C416, RUF100 (there is no `yield from` and no `list` under asyncio)
"""The POP3 client: for the inbox of a provider that has nothing better, and for scripts that empty one."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Self

from posthouse.net.stream import Stream
from posthouse.wire.mechanism import Secret
from posthouse.wire.sasl import Credentials

from .. import pop3
from ..login import LoggedIn
from ..pop3 import Retrieved
from ..url import Protocol, Server
from .protocol import CONNECT_TIMEOUT, _Client


class Pop3Client(_Client):
    """A connection to a server that lets its inbox be fetched::

    with Pop3Client.connect("pop3://mail.example.org") as client:
        client.login("ada@example.org", password)
        for message in client.retrieve_many(client.unique_ids()):
            save(message.check())
            client.delete(message.number)

    What is deleted is removed when the connection is closed in peace; not when the block is left by an error.
    """

    def __init__(self, stream: Stream, context: ssl.SSLContext | None, conversation: pop3.Conversation) -> None:
        super().__init__(stream, context)
        self._conversation = conversation

    @classmethod
    def connect(cls, server: Server | str, *, context: ssl.SSLContext | None = None) -> Self:
        """Connect, and begin TLS as the address says; see `Server.parse` for what an address is.

        ``context``: whom to trust, if not those whom the system trusts. Raises `ConnectionFailed`, its kind
        `TlsError`, and `Pop3Refused`.
        """
        server = Server.parse(server, Protocol.POP3) if isinstance(server, str) else server
        stream = Stream.connect(server.host, server.port, CONNECT_TIMEOUT)
        conversation = pop3.Conversation(server, loopback=stream.loopback)
        client = cls(stream, context, conversation)
        try:
            client._run(pop3.connect(conversation))
        except BaseException:
            client._drop()
            raise
        return client

    def login(self, user: str, password: str) -> None:
        """Log in. Raises `LoginRefused`, `TlsError` rather than to send the password in clear text, and `Pop3Refused`
        when the password is right and the mailbox can't be opened now."""
        self.login_with(Credentials(user, password))

    def login_with(self, secret: Secret) -> LoggedIn:
        """Log in with a password, a `Token` of OAuth 2, or as whom the client's certificate names (`Certified`).

        Tells by which mechanism.
        """
        return self._run(pop3.login(self._conversation, secret))

    def capabilities(self) -> dict[str, str]:
        """What the server can do: tag in upper case to arguments."""
        return self._run(pop3.capabilities(self._conversation))

    def stat(self) -> tuple[int, int]:
        """How many messages there are, and their octets."""
        return self._run(pop3.stat(self._conversation))

    def sizes(self) -> dict[int, int]:
        """The octets of each message, by its number; numbers are those of this connection."""
        return self._run(pop3.sizes(self._conversation))

    def unique_ids(self) -> dict[int, str]:
        """The name of each message, by its number: the same on every connection, and never another message's."""
        return self._run(pop3.unique_ids(self._conversation))

    def top(self, number: int, lines: int = 0) -> bytes:
        """A message's header, and so many lines of its body. Raises `Pop3Refused`."""
        return self._run(pop3.top(self._conversation, number, lines))

    def tops(self, numbers: Sequence[int], lines: int = 0) -> dict[int, bytes]:
        """The headers of many messages, by number, and so many lines of each body; those that are gone are left out."""
        return self._run(pop3.tops(self._conversation, numbers, lines))

    def retrieve(self, number: int) -> bytes:
        """A message. Raises `Pop3Refused` if there is none of that number."""
        return (self._run(pop3.retrieve(self._conversation, number))).check()

    def retrieve_many(self, numbers: Iterable[int]) -> Iterator[Retrieved]:
        """Messages, one after another; with a server that allows it, without a round trip for each.

        A message that is refused is a result like any other; `Retrieved.check` raises. What is deleted meanwhile is
        marked when the last message has come; who leaves the loop early ends the connection, and deletes nothing.
        """
        waiting = list(numbers)
        try:
            for place, number in enumerate(waiting):
                following = waiting[place + 1 : place + pop3.MOST_AHEAD]
                yield self._run(pop3.retrieve(self._conversation, number, following))
        finally:
            if self._conversation.ahead:
                self._drop()

    def delete(self, *numbers: int) -> None:
        """Mark messages; `close` removes them. Raises `Pop3Refused`."""
        self._run(pop3.delete(self._conversation, numbers))

    def reset(self) -> None:
        """Take back what was deleted on this connection."""
        self._run(pop3.reset(self._conversation))

    def noop(self) -> None:
        """Ask whether the connection still stands. Raises `ConnectionFailed`."""
        self._run(pop3.noop(self._conversation))

    def close(self) -> None:
        """Have what was deleted removed, and close the connection. Raises `Pop3Refused` if it was not removed."""
        if self._conversation.ahead:
            self._drop()
        self._goodbye(pop3.quit(self._conversation))

    def drop(self) -> None:
        """End the connection without a goodbye: then nothing is removed (RFC 1939 §6)."""
        self._drop()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.drop()
        self.close()
