# DO NOT CHANGE! Generated from src/posthouse/client/aio/account.py by tools/unasync.py:
# change that file, then run `make format`.
# ruff: noqa: UP028, C416, RUF100 (there is no `yield from` and no `list` under asyncio)
"""An account: where its mail is handed in and read, and how a letter is sent with it."""

from __future__ import annotations

import contextlib
import os
import ssl
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from posthouse.errors import ConfigError, ConnectionFailed, PosthouseError, SmtpRefused
from posthouse.message.address import Address

from .. import imap_mailbox
from ..discover import Sources, find_server, probe
from ..drive import call
from ..keeper import Keeper
from ..message import Addresses, Files, Message, Pictures
from ..providers import copies_by_itself
from ..receipt import Outcome, Receipt
from ..special import special_mailbox
from ..url import Protocol, Server
from .box import Box
from .mailing import Mailing
from .protocol import ImapClient, SmtpClient

# A connection that has been idle for so many seconds is asked whether it still stands: many servers hang up after a
# minute or five, and some firewalls forget it without a word.
IDLE = 10.0


class Account:
    """A mail account::

        with Account("Ada <ada@gmail.com>", password=app_password) as me:
            me.send("bob@example.org", "Tea", "At five?")

    Its servers are found by the address, unless they are named: ``smtp="smtp://mail.example.org"`` and ``imap=…`` (see
    `Server.parse`). What `posthouse login` has remembered of the account, password included, need not be said again.
    The user name is the address, unless a server's address names another. Connections are made when they are needed,
    kept for the next letter, and made again when the server has hung up.

    ``context``: whom to trust, if not those whom the system trusts. Raises `InvalidMessage` for what is no address.
    """

    def __init__(
        self,
        address: str,
        *,
        password: str = "",
        smtp: Server | str | None = None,
        imap: Server | str | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.address = Address.parse(address)
        known = None if password and smtp and imap else Keeper().find(self.address.spec)
        given = {
            Protocol.SMTP: smtp or (known.smtp if known else ""),
            Protocol.IMAP: imap or (known.imap if known else ""),
        }
        self._servers = {
            protocol: Server.parse(server, protocol) if isinstance(server, str) else server
            for protocol, server in given.items()
            if server
        }
        self._password = password
        self._context = context
        self._smtp: SmtpClient | None = None
        self._imap: ImapClient | None = None
        self._used = 0.0

    def __repr__(self) -> str:
        return f"Account({str(self.address)!r})"

    def server(self, protocol: Protocol) -> Server:
        """The account's server for a protocol: named, remembered, or found. `ConfigError` if there is none."""
        if protocol not in self._servers:
            self._servers[protocol] = call(
                find_server, self.address.spec, self.address.ascii_domain, protocol, probe, self._context, Sources()
            )
        return self._servers[protocol]

    def login(self) -> None:
        """Log in at both servers, to see that they are right and the password is.

        Raises `LoginRefused`, `ConnectionFailed` and its kind `TlsError`. `send` logs in by itself where it must.
        """
        self._submission()
        self._mailboxes()

    def send(
        self,
        to: Addresses | Message,
        subject: str = "",
        text: str | None = None,
        *,
        html: str | None = None,
        markdown: str | None = None,
        cc: Addresses = (),
        bcc: Addresses = (),
        files: Files = (),
        inline: Pictures = (),
        copy: bool = True,
    ) -> Receipt:
        """Send a letter: a `Message`, or what one is made of. ``copy`` keeps one in the account's Sent mailbox.

        Raises `InvalidMessage` before anything is sent, `SmtpRefused` when the server takes it for nobody,
        `ConnectionFailed` when the connection broke. Then nobody knows whether the letter went out, if it broke at its
        end: a second attempt might send it twice, which is why none is made.
        """
        if isinstance(to, Message):
            letter = to
        else:
            letter = Message(
                to=to, cc=cc, bcc=bcc, subject=subject, text=text, html=html, markdown=markdown, files=files,
                inline=inline, from_=self.address,
            )  # fmt: skip
        if not letter.from_:
            letter = letter.replace(from_=self.address)
        octets = letter.as_bytes(smtputf8=letter.needs_smtputf8)
        client = self._submission()
        result = client.send(self.address.spec, [one.spec for one in letter.recipients], octets)
        self._used = time.monotonic()
        kept, failed = self._keep_copy(letter) if copy else ("", "")
        return Receipt(letter.message_id, result.accepted, result.refused, result.reply, kept, failed)

    def send_many(
        self,
        letters: Iterable[Message],
        *,
        rate: str | float | None = None,
        journal: str | os.PathLike[str] | None = None,
    ) -> Iterator[Outcome]:
        """Send many letters on one connection, and yield an `Outcome` for each recipient; no copies are kept.

        ``rate``: at most so fast (``"20/s"``, ``"500/h"``). Recipients that are refused for now are tried again, twice.
        When the connection breaks, it is made anew and goes on with the letters that the server hasn't got. ``journal``
        is a file that remembers what has gone out: the same call, after a crash, sends only the rest.
        """
        sending = (letter if letter.from_ else letter.replace(from_=self.address) for letter in letters)
        return Mailing(self._sender, self.address.spec, sending, rate=rate, journal=journal).run()

    def _sender(self) -> SmtpClient:
        """A connection of its own to the server that takes letters, logged in."""
        server = self.server(Protocol.SMTP)
        client = SmtpClient.connect(server, context=self._context)
        self._log_in(client, server)
        return client

    def open(self) -> Box:
        """The account's mailboxes. The connection is made when it is needed."""
        return Box(self._reader, (self.address,))

    def _reader(self) -> ImapClient:
        """A connection of its own to the server that keeps the mail, which tells of changes as well as it can."""
        server = self.server(Protocol.IMAP)
        client = ImapClient.connect(server, context=self._context)
        self._log_in(client, server)
        client.run(imap_mailbox.enable_qresync)
        return client

    def _keep_copy(self, letter: Message) -> tuple[str, str]:
        """Put a copy into the Sent mailbox: its name, and else why there is none. The letter has gone out already."""
        if copies_by_itself((self.server(Protocol.SMTP)).host):
            return "", ""
        try:
            client = self._mailboxes()
            sent = special_mailbox(client.list_mailboxes(), "\\Sent")
            if sent is None:
                return "", "the account has no mailbox for sent letters"
            octets = letter.as_bytes(bcc=True, smtputf8=letter.needs_smtputf8)
            client.append(sent.name, octets, flags=["\\Seen"])
        except PosthouseError as error:
            return "", str(error)
        return sent.name, ""

    def _submission(self) -> SmtpClient:
        """A connection to the server that takes letters, logged in."""
        if self._smtp is not None and time.monotonic() - self._used > IDLE:
            try:
                self._smtp.noop()
            except (ConnectionFailed, SmtpRefused):
                self._smtp.close()
                self._smtp = None
        if self._smtp is None or self._smtp.closed:
            self._smtp = self._sender()
        self._used = time.monotonic()
        return self._smtp

    def _mailboxes(self) -> ImapClient:
        """A connection to the server that keeps the mail, logged in."""
        if self._imap is not None:
            with contextlib.suppress(ConnectionFailed):
                self._imap.noop()
        if self._imap is None or self._imap.closed:
            server = self.server(Protocol.IMAP)
            client = ImapClient.connect(server, context=self._context)
            self._log_in(client, server)
            self._imap = client
        return self._imap

    def _log_in(self, client: SmtpClient | ImapClient, server: Server) -> None:
        try:
            self._password = self._password or Keeper().password(self.address.spec)
            if not self._password:
                raise ConfigError(
                    f"there is no password for {self.address.spec}",
                    advice="Give it with password=…, or keep it with `posthouse login`.",
                )
            client.login(server.user or self.address.spec, self._password)
        except PosthouseError:
            client.close()
            raise

    def close(self) -> None:
        """Say goodbye to the servers. The account may be used again: it connects anew."""
        for client in (self._smtp, self._imap):
            if client is not None:
                client.close()
        self._smtp = self._imap = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
