# DO NOT CHANGE! Generated from src/posthouse/client/aio/box.py by tools/unasync.py:
# change that file, then run `make format`.
# ruff: noqa: UP028, C416, RUF100 (there is no `yield from` and no `list` under asyncio)
"""An account's mail, opened: its mailboxes, over a connection that is made again when it breaks."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from posthouse.errors import ConnectionFailed, ImapRefused, MailboxRenewed
from posthouse.imap.answer import Listed
from posthouse.imap.client import Selected
from posthouse.message.address import Address
from posthouse.wire.steps import Steps

from .. import imap, imap_mailbox, slowed
from ..special import NAMES, special_mailbox
from .mailbox import Mailbox
from .protocol import ImapClient

T = TypeVar("T")


class Box:
    """The mailboxes of an account; `Account.open` makes it::

        with me.open() as box:
            for mail in box.inbox:
                print(mail.subject)

    ``box.inbox``, ``box.archive``, ``box.drafts``, ``box.junk``, ``box.sent``, ``box.trash``, and ``box["Any/Name"]``.
    A second task (or thread) waits for its turn.
    """

    def __init__(self, connect: Callable[[], ImapClient], mine: tuple[Address, ...]) -> None:
        self.connect = connect
        self.mine = mine
        self.inbox = Mailbox(self, "INBOX")
        self.archive = Mailbox(self, use="\\Archive")
        self.drafts = Mailbox(self, use="\\Drafts")
        self.junk = Mailbox(self, use="\\Junk")
        self.sent = Mailbox(self, use="\\Sent")
        self.trash = Mailbox(self, use="\\Trash")
        self._client: ImapClient | None = None
        self._validities: dict[str, int] = {}  # of each mailbox, as it was when it was first selected
        self._listed: list[Listed] | None = None
        self._odd_names: dict[str, bytes] = {}  # of all connections: what one has heard, the next need not ask
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> Mailbox:
        """The mailbox of this name, which is looked for when it is used."""
        return Mailbox(self, name)

    def mailboxes(self) -> list[Listed]:
        """All mailboxes, with their names and attributes."""
        self._listed = self.run(imap.list_mailboxes)
        return self._listed

    def special(self, use: str) -> str | None:
        r"""The name of the mailbox for a special use (``\Trash``); None if there is none."""
        found = special_mailbox(self._listed or (), use)
        if found is None:  # it may have been made since
            found = special_mailbox(self.mailboxes(), use)
        return found.name if found else None

    def name_of(self, mailbox: Mailbox | str) -> str:
        """The name of a mailbox that something is put into; a special one that is missing is made."""
        if isinstance(mailbox, str):
            return mailbox
        if mailbox.use and self.special(mailbox.use) is None:
            mailbox = self.create(NAMES[mailbox.use], mailbox.use)
        return mailbox.name()

    def create(self, name: str, use: str = "") -> Mailbox:
        """Make a mailbox; ``use`` is its special use. `ImapRefused` if there is one of that name."""
        if use:
            name = self.run(lambda talk: imap_mailbox.create_special(talk, name, use))
        else:
            self.run(lambda talk: imap_mailbox.create(talk, name))
        self._listed = None
        return Mailbox(self, name)

    def remove(self, name: str) -> None:
        """Delete a mailbox with all that is in it."""
        self.run(lambda talk: imap_mailbox.remove(talk, name))
        self._listed = None

    def rename(self, name: str, new: str) -> None:
        """Give a mailbox another name."""
        self.run(lambda talk: imap_mailbox.rename(talk, name, new))
        self._listed = None

    def run(self, operation: Callable[[imap.Conversation], Steps[T]], mailbox: str = "", *, repeat: bool = True) -> T:
        """Run an operation of `client.imap`, with ``mailbox`` selected if one is named.

        A connection that broke is made again, and the operation repeated once; not when that might do something twice
        (``repeat``). A server that is too busy for it is asked again, for less than a minute (`client.slowed`).
        `MailboxRenewed` if the mailbox's UIDs no longer mean what they meant.
        """
        with self._lock:
            pauses, began = iter(slowed.PAUSES), time.monotonic()
            broken = False
            while True:
                try:
                    return self._attempt(operation, mailbox)
                except (ConnectionFailed, ImapRefused) as error:
                    # What was refused was not done; of what was under way when a connection broke nobody knows.
                    if isinstance(error, ConnectionFailed) and not repeat:
                        raise
                    if slowed.slowed(error):
                        pause = next(pauses, None)
                        if pause is None:
                            slowed.explain(error, time.monotonic() - began)
                            raise
                        self.close()  # Exchange serves a connection no more that it has once been slow on
                        time.sleep(pause)
                    elif broken or self._client is None or isinstance(error, ImapRefused):
                        raise  # None: no connection broke, for there was none
                    else:
                        broken = True

    def select(self, mailbox: str) -> Selected:
        """Select a mailbox anew: its numbers, fresh from the server."""
        selected = self.run(lambda talk: imap.select(talk, mailbox))
        self._check(selected)
        return selected

    def _attempt(self, operation: Callable[[imap.Conversation], Steps[T]], mailbox: str) -> T:
        client = self._client
        if client is None or client.closed:
            client = self._client = self.connect()
            client.share_odd_names(self._odd_names)
        if mailbox and (client.mailbox is None or client.mailbox.name != mailbox):
            self._check(client.select(mailbox))
        return client.run(operation)

    def _check(self, selected: Selected) -> None:
        """UIDs that were told before still mean the same messages (RFC 9051 §2.3.1.1)."""
        validity = selected.uidvalidity or 0
        known = self._validities.setdefault(selected.name, validity)
        if known != validity:
            self._validities[selected.name] = validity
            raise MailboxRenewed(
                f"the server has made the mailbox {selected.name} anew: its messages have other numbers now",
                advice="Search again.",
            )

    def close(self) -> None:
        """Say goodbye to the server. The box may be used again: it connects anew."""
        if self._client is not None:
            with contextlib.suppress(ConnectionFailed):
                self._client.close()
        self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
