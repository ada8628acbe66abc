"""What has come for an address, as a test sees it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from posthouse.client.message import Message, parse
from posthouse.errors import AlreadyExists
from posthouse.smtp.path import Mailbox
from posthouse.store import account, domain, transfer
from posthouse.store.engine import Store, Tx
from posthouse.wire.scram import Keys

if TYPE_CHECKING:
    from .server import MailServer

# A hash that no password fits: an inbox that was only written to can't be logged in to.
NO_PASSWORD = "!"  # noqa: S105


def make_room(tx: Tx, mailbox: Mailbox) -> None:
    """See to it that an address has an inbox."""
    if mailbox.domain and not account.resolve(tx, str(mailbox)):
        open_account(tx, str(mailbox), NO_PASSWORD)


def open_account(tx: Tx, address: str, password_hash: str, keys: Mapping[str, Keys] | None = None) -> None:
    """An account with this password, whether it was there or not; its domain is ours. ``keys``: for SCRAM."""
    place = address.rpartition("@")[2]
    if not domain.is_local(tx, place):
        domain.add(tx, place)
    try:
        account.add(tx, address, password_hash, keys or {})
    except AlreadyExists:
        account.set_password(tx, address, password_hash, keys or {})


class Arrivals:
    """Wakes the tests that wait for a letter."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._count = 0

    def tell(self) -> None:
        """A letter may have come."""
        with self._condition:
            self._count += 1
            self._condition.notify_all()

    @property
    def count(self) -> int:
        """How many times there was something to tell."""
        return self._count

    def wait_for_more(self, than: int, seconds: float) -> bool:
        """Wait until there was more to tell; False when the time is over."""
        with self._condition:
            return self._condition.wait_for(lambda: self._count > than, seconds)


class Inbox:
    """The letters for one address, the oldest first. Iterating and ``len`` look at what is there now."""

    def __init__(self, server: MailServer, address: str) -> None:
        self._server = server
        self.address = address

    @property
    def letters(self) -> list[Message]:
        """What has come so far."""
        return letters_of(self._server.store, self.address)

    def wait(self, count: int = 1, timeout: float = 5.0) -> list[Message]:
        """The letters, as soon as there are ``count`` of them.

        An AssertionError when there aren't after ``timeout`` seconds; it tells what did come, and for whom.
        """
        until = time.monotonic() + timeout
        while True:
            seen = self._server.arrivals.count
            letters = self.letters
            if len(letters) >= count:
                return letters
            if not self._server.arrivals.wait_for_more(seen, max(0.0, until - time.monotonic())):
                raise AssertionError(self._server.describe(self.address, count, timeout))

    def __iter__(self) -> Iterator[Message]:
        return iter(self.letters)

    def __len__(self) -> int:
        return len(self.letters)

    def __repr__(self) -> str:
        return f"<Inbox {self.address}: {len(self)} letters>"


def letters_of(store: Store, address: str) -> list[Message]:
    """The letters in an account's inbox; none where nobody has written yet."""
    ids = store.look(account.resolve, address)
    return [parse(b"".join(item.chunks())) for one in ids[:1] for item in transfer.export_mail(store, one, ["INBOX"])]
