"""An account: where its mail is handed in and read, and how a letter is sent with it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import replace
from types import TracebackType
from typing import Self, TypeVar

from posthouse.errors import ConfigError, ConnectionFailed, LoginRefused, PosthouseError, SmtpRefused
from posthouse.message.address import Address
from posthouse.net.tls import client_context
from posthouse.wire.mechanism import Secret
from posthouse.wire.oauth import Token
from posthouse.wire.sasl import Credentials
from posthouse.wire.steps import Steps

from .. import imap, imap_mailbox
from ..discover import Sources, find_server, probe
from ..drive import acall, afinish
from ..grant import Grant
from ..issuer import OAuth, find_issuer
from ..keeper import Keeper
from ..message import Addresses, Files, Message, Pictures
from ..providers import copies_by_itself
from ..receipt import Outcome, Receipt
from ..special import NAMES, special_mailbox
from ..url import Protocol, Server
from .box import Box
from .maildrop import Pop3Box
from .mailing import Mailing
from .pop3 import Pop3Client
from .protocol import ImapClient, SmtpClient

C = TypeVar("C", SmtpClient, ImapClient, Pop3Client)

# A connection that has been idle for so many seconds is asked whether it still stands: many servers hang up after a
# minute or five, and some firewalls forget it without a word.
IDLE = 10.0


def _make_sent(conversation: imap.Conversation) -> Steps[str]:
    return imap_mailbox.create_special(conversation, NAMES["\\Sent"], "\\Sent")


class Account:
    """A mail account::

        async with Account("Ada <ada@gmail.com>", password=app_password) as me:
            await me.send("bob@example.org", "Tea", "At five?")

    Its servers are found by the address, unless they are named: ``smtp="smtp://mail.example.org"`` and ``imap=…`` or,
    for a provider that has nothing better, ``pop3=…`` (see `Server.parse`). What `posthouse login` has remembered of
    the account, password included, need not be said again.
    ``oauth`` logs in by OAuth 2 instead: `login` asks the person once, and what was granted is kept and renewed.
    The user name is the address, unless a server's address names another. Connections are made when they are needed,
    kept for the next letter, and made again when the server has hung up.

    ``context``: whom to trust, if not those whom the system trusts. Raises `InvalidMessage` for what is no address.
    """

    def __init__(
        self,
        address: str,
        *,
        password: str = "",
        oauth: OAuth | None = None,
        smtp: Server | str | None = None,
        imap: Server | str | None = None,
        pop3: Server | str | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.address = Address.parse(address)
        known = None if password and smtp and (imap or pop3) else Keeper().find(self.address.spec)
        given = {
            Protocol.SMTP: smtp or (known.smtp if known else ""),
            Protocol.IMAP: imap or (known.imap if known and not pop3 else ""),
            Protocol.POP3: pop3 or (known.pop3 if known and not imap else ""),
        }
        self._servers = {
            protocol: Server.parse(server, protocol) if isinstance(server, str) else server
            for protocol, server in given.items()
            if server
        }
        self._password = password
        self._oauth = oauth
        self._grant: Grant | None = None
        self._context = context
        self._smtp: SmtpClient | None = None
        self._imap: ImapClient | None = None
        self._used = 0.0
        self._connecting = asyncio.Lock()  # tasks that send at once share a connection, rather than make one each

    def __repr__(self) -> str:
        return f"Account({str(self.address)!r})"

    async def server(self, protocol: Protocol) -> Server:
        """The account's server for a protocol: named, remembered, or found. `ConfigError` if there is none."""
        if protocol not in self._servers:
            self._servers[protocol] = await acall(
                find_server, self.address.spec, self.address.ascii_domain, protocol, probe, self._context, Sources()
            )
        return self._servers[protocol]

    async def login(self, *, device: bool = False, show: Callable[[str], object] = print) -> None:
        """Find both servers and log in there, to see that they are right and the password is.

        With ``oauth`` this is where the person is asked, unless what they granted before is still good: on the
        provider's page in the browser, or, with ``device``, by a code for any device. ``show`` is handed what they have
        to see: the address, and the code. What is granted is kept (keyring, or a file that only they can read).

        Raises `LoginRefused`, `ConnectionFailed` and its kind `TlsError`. `send` logs in by itself where it must.
        """
        oauth = self._oauth
        asked = oauth is not None and not await self._still_granted(oauth)
        if oauth is not None and asked:
            await self._ask_person(oauth, device, show)
        try:
            await self._try_both()
        except LoginRefused:
            if asked or oauth is None:
                raise
            # What was granted before is no good any longer, or somebody else's.
            await self._ask_person(oauth, device, show)
            await self._try_both()

    async def _try_both(self) -> None:
        await self._submission()
        if await self.reading() is Protocol.POP3:
            await (await self._fetching()).close()
        else:
            await self._mailboxes()

    async def reading(self) -> Protocol:
        """By which protocol the mail is read: IMAP, or POP3 where that alone is named, remembered, or found."""
        if Protocol.IMAP not in self._servers and Protocol.POP3 not in self._servers:
            try:
                await self.server(Protocol.IMAP)
            except ConfigError:
                try:
                    await self.server(Protocol.POP3)
                except PosthouseError:
                    pass
                else:
                    return Protocol.POP3
                raise
        return Protocol.IMAP if Protocol.IMAP in self._servers else Protocol.POP3

    async def _still_granted(self, oauth: OAuth) -> bool:
        """Whether there is a token for the program that ``oauth`` names, or one can be had without asking anybody."""
        kept = Keeper().grant(self.address.spec)
        if kept is None or kept.oauth.client_id != oauth.client_id:
            return False
        try:
            await self._token()
        except LoginRefused:
            return False
        return True

    async def _ask_person(self, oauth: OAuth, device: bool, show: Callable[[str], object]) -> None:
        """Let the person grant us tokens, and keep them."""
        from .. import authorize

        host = (await self.server(await self.reading())).host
        context = self._context or client_context()
        issuer = await afinish(find_issuer(oauth, host, context))
        way = authorize.with_code if device else authorize.in_browser
        self._grant = await afinish(way(oauth, issuer, self.address.spec, context, show))
        Keeper().keep_grant(self.address.spec, self._grant)

    async def send(
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
        client = await self._submission()
        result = await client.send(self.address.spec, [one.spec for one in letter.recipients], octets)
        self._used = time.monotonic()
        receipt = Receipt(letter.message_id, result.accepted, result.refused, result.reply)
        return await self._with_copy(receipt, letter) if copy else receipt

    def send_many(
        self,
        letters: Iterable[Message],
        *,
        rate: str | float | None = None,
        journal: str | os.PathLike[str] | None = None,
    ) -> AsyncIterator[Outcome]:
        """Send many letters on one connection, and yield an `Outcome` for each recipient; no copies are kept.

        ``rate``: at most so fast (``"20/s"``, ``"500/h"``). Recipients that are refused for now are tried again, twice.
        When the connection breaks, it is made anew and goes on with the letters that the server hasn't got. ``journal``
        is a file that remembers what has gone out: the same call, after a crash, sends only the rest.
        """
        sending = (letter if letter.from_ else letter.replace(from_=self.address) for letter in letters)
        return Mailing(self._sender, self.address.spec, sending, rate=rate, journal=journal).run()

    async def _sender(self) -> SmtpClient:
        """A connection of its own to the server that takes letters, logged in."""
        server = await self.server(Protocol.SMTP)
        return await self._logged_in(lambda: SmtpClient.connect(server, context=self._context), server)

    def open(self) -> Box:
        """The account's mailboxes. The connection is made when it is needed.

        Where POP3 alone is named, remembered, or was found by `login`, there is one, `Box.inbox`; what POP3 can't do is
        `NotSupported`.
        """
        if Protocol.POP3 in self._servers and Protocol.IMAP not in self._servers:
            return Pop3Box(self._fetching, (self.address,))
        return Box(self._reader, (self.address,))

    async def _reader(self) -> ImapClient:
        """A connection of its own to the server that keeps the mail, which tells of changes as well as it can."""
        client = await self._keeping()
        await client.run(imap_mailbox.enable_qresync)
        return client

    async def _fetching(self) -> Pop3Client:
        """A connection of its own to the server whose mail is fetched, logged in."""
        server = await self.server(Protocol.POP3)
        return await self._logged_in(lambda: Pop3Client.connect(server, context=self._context), server)

    async def _keeping(self) -> ImapClient:
        """A connection of its own to the server that keeps the mail, logged in."""
        server = await self.server(Protocol.IMAP)
        return await self._logged_in(lambda: ImapClient.connect(server, context=self._context), server)

    async def _with_copy(self, receipt: Receipt, letter: Message) -> Receipt:
        """Put a copy into the Sent mailbox, which is made where the account has none. The letter has gone out already:
        what goes wrong now is only told."""
        if copies_by_itself((await self.server(Protocol.SMTP)).host):
            return receipt
        if Protocol.POP3 in self._servers and Protocol.IMAP not in self._servers:
            return replace(receipt, copy_failed="a POP3 server has no mailbox for sent letters")
        try:
            client = await self._mailboxes()
            sent = special_mailbox(await client.list_mailboxes(), "\\Sent")
            name = sent.name if sent else await client.run(_make_sent)
            octets = letter.as_bytes(bcc=True, smtputf8=letter.needs_smtputf8)
            await client.append(name, octets, flags=["\\Seen"])
        except PosthouseError as error:
            return replace(receipt, copy_failed=str(error))
        return replace(receipt, copy=name, copy_made=sent is None)

    async def _submission(self) -> SmtpClient:
        """A connection to the server that takes letters, logged in."""
        async with self._connecting:
            if self._smtp is not None and time.monotonic() - self._used > IDLE:
                try:
                    await self._smtp.noop()
                except (ConnectionFailed, SmtpRefused):
                    await self._smtp.close()
                    self._smtp = None
            if self._smtp is None or self._smtp.closed:
                self._smtp = await self._sender()
            self._used = time.monotonic()
            return self._smtp

    async def _mailboxes(self) -> ImapClient:
        """A connection to the server that keeps the mail, logged in."""
        async with self._connecting:
            if self._imap is not None:
                with contextlib.suppress(ConnectionFailed):
                    await self._imap.noop()
            if self._imap is None or self._imap.closed:
                self._imap = await self._keeping()
            return self._imap

    async def _logged_in(self, connect: Callable[[], Awaitable[C]], server: Server) -> C:
        """A new connection, logged in. A token that is refused is renewed, once."""
        secret = await self._secret(server)
        client = await connect()
        try:
            try:
                await self._log_in(client, server, secret)
            except LoginRefused:
                if not isinstance(secret, Token):
                    raise
                secret = Token(secret.user, await self._token(refused=secret.token))
                # Some servers hang up after a login that failed.
                await client.close()
                client = await connect()
                await self._log_in(client, server, secret)
        except PosthouseError:
            await client.close()
            raise
        return client

    async def _log_in(self, client: SmtpClient | ImapClient | Pop3Client, server: Server, secret: Secret) -> None:
        done = await client.login_with(secret)
        if done.second:
            # What was refused isn't tried again on every connection: servers count logins that fail.
            self._servers[server.protocol] = replace(server, auth=done.mechanism)

    async def _secret(self, server: Server) -> Secret:
        """What to log in with. `ConfigError` if there is nothing."""
        user = server.user or self.address.spec
        if self._password:
            return Credentials(user, self._password)
        if self._oauth is not None or self._grant is not None or Keeper().grant(self.address.spec) is not None:
            return Token(user, await self._token())
        self._password = Keeper().password(self.address.spec)
        if not self._password:
            raise ConfigError(
                f"there is no password for {self.address.spec}",
                advice="Give it with password=…, or keep it with `posthouse login`.",
            )
        return Credentials(user, self._password)

    async def _token(self, refused: str = "") -> str:
        """A token that is good for a while; another one than the ``refused``."""
        keeper = Keeper()
        grant = self._grant or keeper.grant(self.address.spec)
        if grant is None or (self._oauth is not None and grant.oauth.client_id != self._oauth.client_id):
            raise LoginRefused(
                f"{self.address.spec} has not let this program in yet",
                advice="Call login() once, or run `posthouse login`: it asks in the browser.",
            )
        from .. import tokens

        context = self._context or client_context()
        self._grant = await afinish(tokens.fresh(keeper, self.address.spec, grant, context, refused))
        return self._grant.access

    async def close(self) -> None:
        """Say goodbye to the servers. The account may be used again: it connects anew."""
        for client in (self._smtp, self._imap):
            if client is not None:
                await client.close()
        self._smtp = self._imap = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
